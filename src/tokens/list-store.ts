import type { Sql } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { parseDecimal } from '../lib/decimal.ts';
import type { Key } from '../lib/cursor.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';
import { type PageSlice, readPagesByOwner, wholePart } from '../lib/page-slice.ts';
import { type Deps, tokenColumns } from './store.ts';
import type { Token, TokenFilter, TokenOrder } from './token.ts';

/**
 * Lists of tokens. A page is one statement that walks an index of token_stat (or of the name) from a key; its text
 * depends only on the order and on which conditions are asked for, so the database sees few texts.
 */

/** A row of a list: the token and the value it is ordered by, numerics as exact text. */
export interface ListedToken extends Token {
  readonly sortKey: string | number;
}

/** The key of a row for cursors. */
export function tokenKey({ sortKey, id }: ListedToken): Key {
  return [sortKey, id];
}

interface OrderColumns {
  readonly key: string;
  readonly id: string;
  readonly type: 'numeric' | 'float8' | 'text';
}

const orderColumns: Record<TokenOrder['field'], OrderColumns> = {
  MARKET_CAP: { key: 's.market_cap_key', id: 's.token_id', type: 'numeric' },
  VOLUME_24H: { key: 's.volume_key', id: 's.token_id', type: 'numeric' },
  CHANGE_24H: { key: 's.change_key', id: 's.token_id', type: 'float8' },
  TRADER_GRADE: { key: 's.trader_key', id: 's.token_id', type: 'float8' },
  INVESTOR_GRADE: { key: 's.investor_key', id: 's.token_id', type: 'float8' },
  NAME: { key: 'lower(t.name)', id: 't.id', type: 'text' },
};

const int4Max = 2_147_483_647;

/** A statement being written: `bind` adds a parameter and returns its place. */
interface Draft {
  readonly where: string[];
  readonly params: unknown[];
  bind(value: unknown): string;
}

function createDraft(): Draft {
  const params: unknown[] = [];
  return { where: [], params, bind: (value) => `$${params.push(value)}` };
}

/** `%` and `_` of a search text stand for themselves. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/** Conditions of a filter by name. Values that stand for "not known" in token_stat never match a minimum. */
const conditions: { readonly [Name in keyof TokenFilter]-?: (place: string) => string } = {
  slugs: (place) => `t.slug = ANY(${place}::text[])`,
  symbols: (place) => `lower(t.symbol) IN (SELECT lower(x) FROM unnest(${place}::text[]) x)`,
  narratives: (place) =>
    `EXISTS (SELECT FROM token_narrative tn WHERE tn.token_id = t.id AND tn.narrative = ANY(${place}::text[]))`,
  chainIds: (place) => `EXISTS (SELECT FROM token_contract c JOIN network n ON n.slug = c.network
    WHERE c.token_id = t.id AND n.chain_id = ANY(${place}::int[]))`,
  hasQuote: (place) => `EXISTS (SELECT FROM quote q WHERE q.token_id = t.id) = ${place}::boolean`,
  minMarketCapUsd: (place) => `s.market_cap_key >= GREATEST(${place}::numeric, 1)`,
  minVolume24hUsd: (place) => `s.volume_key >= ${place}::numeric AND s.volume_key > 0`,
  minTraderGrade: (place) => `s.trader_key >= GREATEST(${place}::float8, 0)`,
  minInvestorGrade: (place) => `s.investor_key >= GREATEST(${place}::float8, 0)`,
  search: (place) =>
    `(lower(t.name) LIKE lower(${place}) OR lower(t.symbol) LIKE lower(${place}) OR t.slug LIKE lower(${place}))`,
};

function addFilter(draft: Draft, filter: TokenFilter): void {
  for (const [name, conditionOf] of Object.entries(conditions)) {
    const value = filter[name as keyof TokenFilter];
    if (value === null || value === undefined) continue;
    draft.where.push(conditionOf(draft.bind(name === 'search' ? `%${escapeLike(String(value))}%` : value)));
  }
}

function addBound(draft: Draft, columns: OrderColumns, comparison: '<' | '>', key: Key | null): void {
  const id = wholePart(key, 1);
  if (key === null || id === null) return;
  const [value] = key;
  const isRight = {
    numeric: typeof value === 'string' && parseDecimal(value) !== null,
    float8: typeof value === 'number',
    text: typeof value === 'string' && !value.includes('\0'),
  }[columns.type];
  if (!isRight || id < 0 || id > int4Max)
    throw new AppError('BAD_CURSOR', 'The cursor does not belong to this list in this order; start again without it.');
  const place = `${draft.bind(value)}::${columns.type}`;
  draft.where.push(`(${columns.key}, ${columns.id}) ${comparison} (${place}, ${draft.bind(id)}::int)`);
}

/** The rest of a statement that reads one slice in an order; the conditions so far are in the draft. */
function sliceSql(draft: Draft, order: TokenOrder, slice: PageSlice): string {
  const columns = orderColumns[order.field];
  const isAscending = order.direction === 'ASC';
  addBound(draft, columns, isAscending ? '>' : '<', slice.after);
  addBound(draft, columns, isAscending ? '<' : '>', slice.before);
  const way = isAscending !== slice.isBackward ? 'ASC' : 'DESC';
  const where = draft.where.length === 0 ? '' : `WHERE ${draft.where.join(' AND ')}`;
  return `${where} ORDER BY ${columns.key} ${way}, ${columns.id} ${way} LIMIT ${draft.bind(slice.take + 1)}`;
}

/**
 * Up to `take + 1` tokens of a slice, in the order's direction, reversed when backward. Tokens whose key is not known
 * count as smallest. BAD_CURSOR where a key cannot be one of this order.
 */
export function listTokens(
  { db }: Deps,
  filter: TokenFilter,
  order: TokenOrder,
  slice: PageSlice,
): Promise<ListedToken[]> {
  const draft = createDraft();
  addFilter(draft, filter);
  const rest = sliceSql(draft, order, slice);
  return db.query<ListedToken>(
    `SELECT ${tokenColumns}, ${orderColumns[order.field].key} AS "sortKey"
     FROM token_stat s JOIN token t ON t.id = s.token_id ${rest}`,
    draft.params,
  );
}

/** A token of a live list. */
export interface ScreenedToken extends ListedToken {
  /** Differs when its grades or the values of its quote do; a newer observation of the same values is the same. */
  readonly stamp: string;
}

/** The first tokens of a list, as {@link listTokens}, at most `first`. */
export function listScreened(
  { db }: { readonly db: Sql },
  filter: TokenFilter,
  order: TokenOrder,
  first: number,
): Promise<ScreenedToken[]> {
  const draft = createDraft();
  addFilter(draft, filter);
  const rest = sliceSql(draft, order, { take: first - 1, isBackward: false, after: null, before: null });
  const shown = 's.trader_key, s.investor_key, q.price_usd, q.change_pct_24h, q.market_cap_usd, q.volume_24h_usd';
  return db.query<ScreenedToken>(
    `SELECT ${tokenColumns}, ${orderColumns[order.field].key} AS "sortKey", ROW(${shown})::text AS stamp
     FROM token_stat s JOIN token t ON t.id = s.token_id LEFT JOIN quote q ON q.token_id = t.id ${rest}`,
    draft.params,
  );
}

/** How many tokens a filter matches. */
export async function countTokens({ db }: Deps, filter: TokenFilter): Promise<number> {
  const draft = createDraft();
  addFilter(draft, filter);
  const where = draft.where.length === 0 ? '' : `WHERE ${draft.where.join(' AND ')}`;
  const [row] = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM token_stat s JOIN token t ON t.id = s.token_id ${where}`,
    draft.params,
  );
  return row?.count ?? 0;
}

/** A slice of a narrative's tokens, largest market cap first. */
export interface NarrativeSlice {
  readonly narrative: string;
  readonly slice: PageSlice;
}

/** The order of a narrative's tokens. */
export const narrativeOrder: TokenOrder = { field: 'MARKET_CAP', direction: 'DESC' };

const sliceName = ({ slice }: NarrativeSlice): string => JSON.stringify(slice);

/** Slices of narratives' tokens, as {@link listTokens}; narratives that ask for the same slice share a statement. */
export const tokensByNarrative = defineLoader<Deps, NarrativeSlice, ListedToken[]>(
  (deps, keys) => {
    const slugs = [...new Set(keys.map(({ narrative }) => narrative))];
    return readPagesByOwner<NarrativeSlice, ListedToken & { narrative: string }>(
      keys,
      { nameOf: sliceName, ownerOf: ({ narrative }) => slugs.indexOf(narrative) },
      (alike) => listNarrativeTokens(deps, alike),
    );
  },
  (key) => `${key.narrative} ${sliceName(key)}`,
);

function listNarrativeTokens(
  { db }: Deps,
  alike: readonly [NarrativeSlice, ...NarrativeSlice[]],
): Promise<(ListedToken & { narrative: string })[]> {
  const draft = createDraft();
  const slugs = draft.bind(alike.map(({ narrative }) => narrative));
  draft.where.push('tn.narrative = u.slug');
  const rest = sliceSql(draft, narrativeOrder, alike[0].slice);
  return db.query(
    `SELECT u.slug AS narrative, p.* FROM unnest(${slugs}::text[]) WITH ORDINALITY AS u(slug, n) CROSS JOIN LATERAL (
       SELECT ${tokenColumns}, ${orderColumns[narrativeOrder.field].key} AS "sortKey"
       FROM token_narrative tn JOIN token_stat s ON s.token_id = tn.token_id JOIN token t ON t.id = s.token_id ${rest}
     ) p`,
    draft.params,
  );
}

/** How many tokens a narrative has, by its slug. */
export const tokenCountByNarrative = defineLoader<Deps, string, number>(async ({ db }, slugs) => {
  const rows = await db.query<{ narrative: string; count: number }>(
    'SELECT narrative, count(*) AS count FROM token_narrative WHERE narrative = ANY($1::text[]) GROUP BY narrative',
    [slugs],
  );
  return inKeyOrder(slugs, rows, ({ narrative }) => narrative).map((row) => row?.count ?? 0);
});
