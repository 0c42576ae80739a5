import type { Sql } from '../db/client.ts';
import { defineLoader } from '../lib/loader.ts';
import { type PageSlice, readPagesByOwner, wholePart } from '../lib/page-slice.ts';
import { isWithdrawnSql, signalColumns, type SignalRow } from './store.ts';
import type { SignalDirection } from './strategy.ts';

/**
 * Lists of signals, newest first: of everything, of some tokens, of each of many tokens. Superseded ones are left out,
 * withdrawn ones unless asked for.
 */

/** Which signals a list holds; null: any. Lists of any length the caller allows. */
export interface SignalConditions {
  readonly directions: readonly SignalDirection[] | null;
  /** Names of strategies, any version. */
  readonly strategies: readonly string[] | null;
  /** Epoch ms of `issuedAt`, inclusive and exclusive. */
  readonly from: number | null;
  readonly to: number | null;
  /** Tokens that are in at least one of these, by slug. */
  readonly narratives: readonly string[] | null;
  /** Tokens whose newest Trader Grade by the current model is at least this, 0..100. */
  readonly traderGradeMin: number | null;
  /** Those that were withdrawn, instead of those that stand. */
  readonly isWithdrawn: boolean;
}

/**
 * A page of signals of some tokens (null: of all), newest first (reversed when backward), up to `take + 1`. Cursors hold
 * `[issuedAt, id]`. `isPerToken` reads the page of every token, by token, instead of one page of them all together.
 */
async function readSignalPage(
  db: Sql,
  of: { readonly tokenIds: readonly number[] | null; readonly isPerToken: boolean },
  conditions: SignalConditions,
  page: PageSlice,
): Promise<SignalRow[]> {
  const params: unknown[] = [];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const direction = page.isBackward ? 'ASC' : 'DESC';
  const order = `s.issued_at ${direction}, s.id ${direction}`;
  const limit = `LIMIT ${param(page.take + 1)}`;
  const where = [...conditionsSql(conditions, param), ...keysetSql(page, param)].join(' AND ');
  // Strategies are joined to the page, not to what it is cut from: a join there would cost the order of the index.
  const select = (from: string): string =>
    `SELECT ${signalColumns} FROM ${from} JOIN strategy st ON st.id = s.strategy_id`;
  if (of.tokenIds === null) {
    const newest = `(SELECT * FROM signal s WHERE ${where} ORDER BY ${order} ${limit}) s`;
    return db.query(`${select(newest)} ORDER BY ${order}`, params);
  }
  // The newest of each token by its index, then the newest of those: no token is walked further than a page.
  const newest = `unnest(${param(of.tokenIds)}::int[]) AS q(token_id) CROSS JOIN LATERAL (
    SELECT * FROM signal s WHERE s.token_id = q.token_id AND ${where} ORDER BY ${order} ${limit}
  ) s`;
  return db.query(`${select(newest)} ORDER BY ${of.isPerToken ? `s.token_id, ${order}` : `${order} ${limit}`}`, params);
}

/** One index look-up a row. As NOT EXISTS the planner may turn it into a join with the whole table. */
const notSuperseded = '(SELECT c.id FROM signal c WHERE c.supersedes = s.id LIMIT 1) IS NULL';

function conditionsSql(conditions: SignalConditions, param: (value: unknown) => string): string[] {
  const { directions, strategies, from, to, narratives, traderGradeMin, isWithdrawn } = conditions;
  const all = [notSuperseded, isWithdrawn ? isWithdrawnSql : `NOT ${isWithdrawnSql}`];
  // Equality lets one direction be walked in the order of its index; ANY would be sorted.
  if (directions?.length === 1) all.push(`s.direction = ${param(directions[0])}::text::"SignalDirection"`);
  else if (directions) all.push(`s.direction = ANY(${param(directions)}::text[]::"SignalDirection"[])`);
  if (strategies)
    all.push(
      `s.strategy_id = ANY(ARRAY(SELECT v.id FROM strategy v WHERE v.name = ANY(${param(strategies)}::text[])))`,
    );
  if (from !== null) all.push(`s.issued_at >= ${param(new Date(from))}`);
  if (to !== null) all.push(`s.issued_at < ${param(new Date(to))}`);
  if (narratives) all.push(`EXISTS (${narrativeSql('s.token_id', param(narratives))})`);
  if (traderGradeMin !== null) all.push(`EXISTS (${traderGradeSql('s.token_id', param(traderGradeMin))})`);
  return all;
}

const narrativeSql = (tokenId: string, narratives: string): string =>
  `SELECT 1 FROM token_narrative tn WHERE tn.token_id = ${tokenId} AND tn.narrative = ANY(${narratives}::text[])`;

const traderGradeSql = (tokenId: string, gradeMin: string): string =>
  `SELECT 1 FROM token_stat ts WHERE ts.token_id = ${tokenId} AND ts.trader_key >= ${gradeMin}::float8 AND ts.trader_key >= 0`;

/** The list runs down, so `after` is the upper bound and `before` the lower. Throws BAD_CURSOR. */
function keysetSql({ after, before }: PageSlice, param: (value: unknown) => string): string[] {
  const bound = (sign: '<' | '>', key: PageSlice['after']): string[] => {
    const [issuedAt, id] = [wholePart(key, 0), wholePart(key, 1)];
    if (issuedAt === null || id === null) return [];
    return [`(s.issued_at, s.id) ${sign} (${param(new Date(issuedAt))}::timestamptz, ${param(id)}::bigint)`];
  };
  return [...bound('<', after), ...bound('>', before)];
}

/** A page of the signals of these tokens (null: of all) together, newest first; see {@link readSignalPage}. */
export function listSignals(
  db: Sql,
  tokenIds: readonly number[] | null,
  conditions: SignalConditions,
  page: PageSlice,
): Promise<SignalRow[]> {
  return readSignalPage(db, { tokenIds, isPerToken: false }, conditions, page);
}

/** Which page of a token's signals is asked for. */
export interface SignalPageKey {
  readonly tokenId: number;
  readonly conditions: SignalConditions;
  readonly page: PageSlice;
}

const pageName = ({ conditions: c, page: p }: SignalPageKey): string =>
  JSON.stringify([
    [c.directions, c.strategies, c.from, c.to, c.narratives, c.traderGradeMin, c.isWithdrawn],
    [p.take, p.isBackward, p.after, p.before],
  ]);

/** A page of a token's signals, newest first; tokens asked for the same page share one statement. Throws BAD_CURSOR. */
export const signalPage = defineLoader<{ readonly db: Sql }, SignalPageKey, SignalRow[]>(
  ({ db }, keys) =>
    readPagesByOwner<SignalPageKey, SignalRow>(keys, { nameOf: pageName, ownerOf: ({ tokenId }) => tokenId }, (alike) =>
      readSignalPage(
        db,
        { tokenIds: alike.map(({ tokenId }) => tokenId), isPerToken: true },
        alike[0].conditions,
        alike[0].page,
      ),
    ),
  (key) => `${key.tokenId} ${pageName(key)}`,
);

/** Which of these tokens meet the conditions on tokens, for filters of streams. One statement; none without conditions. */
export async function findMatchingTokens(
  db: Sql,
  tokenIds: readonly number[],
  { narratives, traderGradeMin }: Pick<SignalConditions, 'narratives' | 'traderGradeMin'>,
): Promise<ReadonlySet<number>> {
  if ((narratives === null && traderGradeMin === null) || tokenIds.length === 0) return new Set(tokenIds);
  const params: unknown[] = [tokenIds];
  const param = (value: unknown): string => `$${params.push(value)}`;
  const where = [
    ...(narratives ? [`EXISTS (${narrativeSql('q.id', param(narratives))})`] : []),
    ...(traderGradeMin === null ? [] : [`EXISTS (${traderGradeSql('q.id', param(traderGradeMin))})`]),
  ];
  const rows = await db.query<{ id: number }>(
    `SELECT q.id FROM unnest($1::int[]) AS q(id) WHERE ${where.join(' AND ')}`,
    params,
  );
  return new Set(rows.map(({ id }) => id));
}
