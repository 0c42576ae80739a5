import type { Sql } from '../db/client.ts';
import { candidateSlugs, type ImportPlan, type Known, type KnownContract, type KnownToken } from './import-plan.ts';
import { recordMarketCapKeys } from './store.ts';
import type { Network, TokenList } from './token-list.ts';

/** Reads what an import needs to know and writes what it planned, in sets, within the caller's transaction. */

/** Two imports never plan at once: the second sees what the first wrote. Any number would do. */
const registryLock = 5_201_315;
const rowsMax = 2000;

/** Holds off other imports until the transaction ends, and reads what the list touches. */
export async function readKnown(tx: Sql, list: TokenList): Promise<Known> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [registryLock]);
  const networks = await tx.query<Network>('SELECT slug, name, chain_id AS "chainId", caip2 FROM network');
  const slugByChain = new Map(networks.map(({ slug, chainId }) => [chainId, slug]));
  const listed = list.tokens.flatMap(({ contracts }) => contracts);
  const tokens = await tx.query<KnownToken & { id: number }>(
    `SELECT id, slug, symbol, name, market_cap_rank AS "marketCapRank", logo_url AS "logoUrl" FROM token
     WHERE slug = ANY($1::text[])
       OR id IN (SELECT c.token_id FROM unnest($2::text[], $3::text[]) AS u(network, address)
                 JOIN token_contract c ON c.network = u.network AND c.address = u.address)
       OR (lower(symbol), lower(name)) IN (SELECT lower(u.symbol), lower(u.name) FROM unnest($4::text[], $5::text[]) AS u(symbol, name))
     ORDER BY id`,
    [
      list.tokens.flatMap(candidateSlugs),
      listed.map(({ network }) => (typeof network === 'string' ? network : (slugByChain.get(network) ?? ''))),
      listed.map(({ address }) => address),
      list.tokens.map(({ symbol }) => symbol),
      list.tokens.map(({ name }) => name),
    ],
  );
  const contracts = await tx.query<KnownContract>(
    `SELECT t.slug, c.network, c.address, c.decimals FROM token_contract c JOIN token t ON t.id = c.token_id
     WHERE c.token_id = ANY($1::int[])`,
    [tokens.map(({ id }) => id)],
  );
  return { networks, tokens: tokens.map(withoutId), contracts };
}

function withoutId({ slug, symbol, name, marketCapRank, logoUrl }: KnownToken): KnownToken {
  return { slug, symbol, name, marketCapRank, logoUrl };
}

/** Writes a plan; what it does not name is not touched. */
export async function writePlan(tx: Sql, plan: ImportPlan): Promise<void> {
  await inBatches(plan.networks, (rows) =>
    tx.execute(
      `INSERT INTO network (slug, name, chain_id, caip2)
       SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[])`,
      columnsOf(rows, 'slug', 'name', 'chainId', 'caip2'),
    ),
  );
  await inBatches(plan.newTokens, (rows) => insertTokens(tx, rows));
  await inBatches(plan.changedTokens, (rows) => updateTokens(tx, rows));
  await inBatches(plan.newContracts, (rows) =>
    tx.execute(
      `INSERT INTO token_contract (token_id, network, address, decimals)
       SELECT t.id, u.network, u.address, u.decimals
       FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[]) AS u(slug, network, address, decimals)
       JOIN token t ON t.slug = u.slug`,
      columnsOf(rows, 'slug', 'network', 'address', 'decimals'),
    ),
  );
  await inBatches(plan.filledContracts, (rows) =>
    tx.execute(
      `UPDATE token_contract c SET decimals = u.decimals
       FROM unnest($1::text[], $2::text[], $3::smallint[]) AS u(network, address, decimals)
       WHERE c.network = u.network AND c.address = u.address`,
      columnsOf(rows, 'network', 'address', 'decimals'),
    ),
  );
}

/** Writes a list's narratives and their members, and leaves members that others added. Slugs of no token are passed over. */
export async function writeNarratives(tx: Sql, narratives: TokenList['narratives']): Promise<void> {
  if (narratives.length === 0) return;
  await tx.execute(
    `INSERT INTO narrative AS n (slug, name, description) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
     ON CONFLICT (slug) DO UPDATE SET name = EXCLUDED.name, description = EXCLUDED.description
     WHERE (n.name, n.description) IS DISTINCT FROM (EXCLUDED.name, EXCLUDED.description)`,
    columnsOf(narratives, 'slug', 'name', 'description'),
  );
  const members = narratives.flatMap(({ slug, tokens }) => tokens.map((token) => ({ slug, token })));
  await inBatches(members, (rows) =>
    tx.execute(
      `INSERT INTO token_narrative (token_id, narrative)
       SELECT t.id, u.slug FROM unnest($1::text[], $2::text[]) AS u(slug, token) JOIN token t ON t.slug = u.token
       ON CONFLICT DO NOTHING`,
      columnsOf(rows, 'slug', 'token'),
    ),
  );
}

const tokenFields = ['slug', 'symbol', 'name', 'marketCapRank', 'logoUrl'] as const;
const tokenSets = '$1::text[], $2::text[], $3::text[], $4::int[], $5::text[]';

async function insertTokens(tx: Sql, rows: readonly KnownToken[]): Promise<void> {
  const made = await tx.query<{ id: number }>(
    `INSERT INTO token (slug, symbol, name, market_cap_rank, logo_url) SELECT * FROM unnest(${tokenSets}) RETURNING id`,
    columnsOf(rows, ...tokenFields),
  );
  await recordMarketCapKeys(
    tx,
    made.map(({ id }) => id),
  );
}

async function updateTokens(tx: Sql, rows: readonly KnownToken[]): Promise<void> {
  const changed = await tx.query<{ id: number }>(
    `UPDATE token t SET symbol = u.symbol, name = u.name, market_cap_rank = u.rank, logo_url = u.logo
     FROM unnest(${tokenSets}) AS u(slug, symbol, name, rank, logo) WHERE t.slug = u.slug RETURNING t.id`,
    columnsOf(rows, ...tokenFields),
  );
  await recordMarketCapKeys(
    tx,
    changed.map(({ id }) => id),
  );
}

/** Rows as one array a column, as unnest wants them. */
function columnsOf<Row>(rows: readonly Row[], ...fields: readonly (keyof Row)[]): Row[keyof Row][][] {
  return fields.map((field) => rows.map((row) => row[field]));
}

async function inBatches<Row>(rows: readonly Row[], write: (batch: readonly Row[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsMax) await write(rows.slice(start, start + rowsMax));
}
