import type { Db, Sql } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import type { Key } from '../lib/cursor.ts';
import { defineLoader, groupInKeyOrder } from '../lib/loader.ts';
import type { PageSlice } from '../lib/page-slice.ts';
import { nativeCoins, networkCoins } from '../tokens/native-coin.ts';
import type { AppList } from './app-list.ts';
import type { WalletApp, WalletAppFilter, WalletAppNetwork } from './wallet-app.ts';

/** Wallet apps and the networks they support. */

/** What a statement needs: the GraphQL context, or any `{ db }`. */
export interface Deps {
  readonly db: Db;
}

const appColumns = `a.slug, a.name, a.url, a.custody, a.is_hardware AS "isHardware", a.is_open_source AS "isOpenSource",
  a.has_multisig AS "hasMultisig", a.has_dapps AS "hasDapps", a.has_staking AS "hasStaking", a.sources,
  (EXTRACT(EPOCH FROM a.checked_on) * 1000)::float8 AS "checkedOn"`;

/** The condition of a filter, whose parameters are the first of the statement. */
const matching = `($1::text IS NULL OR a.custody = $1) AND ($2::boolean IS NULL OR a.is_hardware = $2)
  AND ($3::boolean IS NULL OR a.is_open_source = $3) AND ($4::boolean IS NULL OR a.has_multisig = $4)
  AND ($5::boolean IS NULL OR a.has_dapps = $5) AND ($6::boolean IS NULL OR a.has_staking = $6)
  AND ($7::text[] IS NULL OR EXISTS (SELECT FROM wallet_app_network w WHERE w.app = a.slug AND w.network = ANY($7)))
  AND ($8::int[] IS NULL OR EXISTS (SELECT FROM wallet_app_network w JOIN network n ON n.slug = w.network
    WHERE w.app = a.slug AND n.chain_id = ANY($8)))`;

function filterParams(filter: WalletAppFilter): unknown[] {
  const { custody, isHardware, isOpenSource, hasMultisig, hasDapps, hasStaking, networks, chainIds } = filter;
  return [custody, isHardware, isOpenSource, hasMultisig, hasDapps, hasStaking, networks, chainIds].map(
    (value) => value ?? null,
  );
}

/** The slug of a cursor; null without one. Throws BAD_CURSOR where it cannot be one. */
function slugPart(key: Key | null): string | null {
  if (key === null) return null;
  const [slug] = key;
  if (typeof slug !== 'string' || slug.includes('\0'))
    throw new AppError('BAD_CURSOR', 'The cursor does not belong to this list; start again without it.');
  return slug;
}

/** Up to `take + 1` apps of a slice by slug, reversed when backward. */
export async function listWalletApps({ db }: Deps, filter: WalletAppFilter, slice: PageSlice): Promise<WalletApp[]> {
  return db.query<WalletApp>(
    `SELECT ${appColumns} FROM wallet_app a
     WHERE ${matching} AND ($9::text IS NULL OR a.slug > $9) AND ($10::text IS NULL OR a.slug < $10)
     ORDER BY a.slug ${slice.isBackward ? 'DESC' : 'ASC'} LIMIT $11`,
    [...filterParams(filter), slugPart(slice.after), slugPart(slice.before), slice.take + 1],
  );
}

/** How many apps a filter matches. */
export async function countWalletApps({ db }: Deps, filter: WalletAppFilter): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    `SELECT count(*) AS count FROM wallet_app a WHERE ${matching}`,
    filterParams(filter),
  );
  return row?.count ?? 0;
}

/** The networks of an app by its slug: EVM chains by chain id, then other networks by slug. */
export const networksByApp = defineLoader<Deps, string, WalletAppNetwork[]>(async ({ db }, apps) => {
  const rows = await db.query<WalletAppNetwork & { app: string }>(
    `SELECT w.app, n.slug, n.name, n.chain_id AS "chainId" FROM wallet_app_network w JOIN network n ON n.slug = w.network
     WHERE w.app = ANY($1::text[]) ORDER BY w.app, n.chain_id NULLS LAST, n.slug`,
    [apps],
  );
  return groupInKeyOrder(apps, rows, ({ app }) => app);
});

/** The apps for a token by its id: those that support a network where it has a contract or is the chain's own coin; by slug. */
export const appsByToken = defineLoader<Deps, number, WalletApp[]>(async ({ db }, tokenIds) => {
  const rows = await db.query<WalletApp & { tokenId: number }>(
    `WITH coin AS (
       SELECT n.slug AS network, c.slug FROM unnest($2::int[], $3::text[]) AS c(chain_id, slug)
       JOIN network n ON n.chain_id = c.chain_id
       UNION ALL SELECT * FROM unnest($4::text[], $5::text[])
     ), place AS (
       SELECT c.token_id, c.network FROM token_contract c WHERE c.token_id = ANY($1::int[])
       UNION SELECT t.id, coin.network FROM token t JOIN coin ON coin.slug = t.slug WHERE t.id = ANY($1::int[])
     )
     SELECT f.token_id AS "tokenId", ${appColumns}
     FROM (SELECT DISTINCT place.token_id, w.app FROM place JOIN wallet_app_network w ON w.network = place.network) f
     JOIN wallet_app a ON a.slug = f.app ORDER BY f.token_id, a.slug`,
    [tokenIds, nativeCoins.chainIds, nativeCoins.slugs, networkCoins.networks, networkCoins.slugs],
  );
  return groupInKeyOrder(tokenIds, rows, ({ tokenId }) => tokenId);
});

/** The version of the list that is loaded; 0 before the first. */
export async function findListVersion(db: Sql): Promise<number> {
  const [row] = await db.query<{ version: number }>('SELECT COALESCE(max(list_version), 0) AS version FROM wallet_app');
  return row?.version ?? 0;
}

/** Waits for whoever writes the list, and keeps others from it until the caller's transaction ends; readers go on. */
export async function lockAppList(tx: Sql): Promise<void> {
  await tx.execute('LOCK TABLE wallet_app IN SHARE ROW EXCLUSIVE MODE');
}

/** Makes the apps those of a list, in the caller's transaction. A network that the registry does not know is left out. */
export async function recordAppList(tx: Sql, { version, apps }: AppList): Promise<void> {
  const rows = apps.map(({ sources, checkedOn, networks, ...app }) => ({
    ...app,
    sources,
    networks,
    checkedOn: new Date(checkedOn).toISOString().slice(0, 10),
  }));
  await tx.execute('DELETE FROM wallet_app');
  await tx.execute(
    `INSERT INTO wallet_app (slug, name, url, custody, is_hardware, is_open_source, has_multisig, has_dapps, has_staking,
       sources, checked_on, list_version)
     SELECT x.slug, x.name, x.url, x.custody, x."isHardware", x."isOpenSource", x."hasMultisig", x."hasDapps",
       x."hasStaking", x.sources, x."checkedOn", $2::int
     FROM jsonb_to_recordset($1::jsonb) AS x(slug text, name text, url text, custody text, "isHardware" boolean,
       "isOpenSource" boolean, "hasMultisig" boolean, "hasDapps" boolean, "hasStaking" boolean, sources jsonb,
       "checkedOn" date)`,
    [JSON.stringify(rows), version],
  );
  const places = apps.flatMap(({ slug, networks }) => networks.map((network) => [slug, network] as const));
  await tx.execute(
    `INSERT INTO wallet_app_network (app, network)
     SELECT p.app, p.network FROM unnest($1::text[], $2::text[]) AS p(app, network) JOIN network n ON n.slug = p.network`,
    [places.map(([app]) => app), places.map(([, network]) => network)],
  );
}
