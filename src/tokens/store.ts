import type { Db, Sql } from '../db/client.ts';
import { defineLoader, groupInKeyOrder, inKeyOrder } from '../lib/loader.ts';
import type { Narrative, Token, TokenContract } from './token.ts';

/** Loaders of tokens, contracts and narratives: one statement for all look-ups of a tick. Lists are in list-store.ts. */

/** What a loader needs: the GraphQL context, or any `{ db }`. */
export interface Deps {
  readonly db: Db;
}

/** The columns of a {@link Token} in a statement whose token table is called `t`. */
export const tokenColumns = `t.id, t.slug, t.symbol, t.name, t.market_cap_rank AS "marketCapRank", t.logo_url AS "logoUrl",
  t.circulating_supply AS "circulatingSupply", t.max_supply AS "maxSupply", t.listed_at AS "listedAt"`;

/** A token by id; null where there is none. */
export const tokenById = defineLoader<Deps, number, Token | null>(async ({ db }, ids) => {
  const rows = await db.query<Token>(`SELECT ${tokenColumns} FROM token t WHERE t.id = ANY($1::int[])`, [ids]);
  return inKeyOrder(ids, rows, ({ id }) => id);
});

/** A token by its slug, spelled exactly; null where there is none. */
export const tokenBySlug = defineLoader<Deps, string, Token | null>(async ({ db }, slugs) => {
  const rows = await db.query<Token>(`SELECT ${tokenColumns} FROM token t WHERE t.slug = ANY($1::text[])`, [slugs]);
  return inKeyOrder(slugs, rows, ({ slug }) => slug);
});

const contractColumns = `c.token_id AS "tokenId", c.network, n.name AS "networkName", n.chain_id AS "chainId", c.address, c.decimals`;

/** The contracts of a token by its id: EVM chains by chain id, then other networks by slug. */
export const contractsByToken = defineLoader<Deps, number, TokenContract[]>(async ({ db }, tokenIds) => {
  const rows = await db.query<TokenContract>(
    `SELECT ${contractColumns} FROM token_contract c JOIN network n ON n.slug = c.network
     WHERE c.token_id = ANY($1::int[]) ORDER BY c.token_id, n.chain_id NULLS LAST, c.network, c.address`,
    [tokenIds],
  );
  return groupInKeyOrder(tokenIds, rows, ({ tokenId }) => tokenId);
});

/** The narratives of a token by its id, by name. */
export const narrativesByToken = defineLoader<Deps, number, Narrative[]>(async ({ db }, tokenIds) => {
  const rows = await db.query<Narrative & { tokenId: number }>(
    `SELECT tn.token_id AS "tokenId", n.slug, n.name, n.description
     FROM token_narrative tn JOIN narrative n ON n.slug = tn.narrative
     WHERE tn.token_id = ANY($1::int[]) ORDER BY tn.token_id, n.name`,
    [tokenIds],
  );
  return groupInKeyOrder(tokenIds, rows, ({ tokenId }) => tokenId);
});

/** The narratives of every token that has any, by slug. */
export async function listNarrativesOf(db: Sql): Promise<Map<number, string[]>> {
  const rows = await db.query<{ tokenId: number; narratives: string[] }>(
    `SELECT token_id AS "tokenId", array_agg(narrative ORDER BY narrative) AS narratives FROM token_narrative GROUP BY token_id`,
  );
  return new Map(rows.map(({ tokenId, narratives }) => [tokenId, narratives]));
}

/** A contract on an EVM chain; the address in its EIP-55 spelling. */
export interface ContractKey {
  readonly chainId: number;
  readonly address: string;
}

const contractKeyText = ({ chainId, address }: ContractKey): string => `${chainId} ${address}`;

/** The token of a contract; null where none is known. */
export const tokenByContract = defineLoader<Deps, ContractKey, Token | null>(async ({ db }, keys) => {
  const rows = await db.query<Token & { chainId: number; address: string }>(
    `SELECT u.chain_id AS "chainId", u.address, ${tokenColumns}
     FROM unnest($1::int[], $2::text[]) AS u(chain_id, address)
     JOIN network n ON n.chain_id = u.chain_id
     JOIN token_contract c ON c.network = n.slug AND c.address = u.address
     JOIN token t ON t.id = c.token_id`,
    [keys.map(({ chainId }) => chainId), keys.map(({ address }) => address)],
  );
  return inKeyOrder(keys.map(contractKeyText), rows, contractKeyText);
}, contractKeyText);

/** Every narrative, by name. */
export function listNarratives({ db }: Deps): Promise<Narrative[]> {
  return db.prisma.narrative.findMany({ orderBy: { name: 'asc' } });
}

/** Whether no token is known yet. */
export async function isRegistryEmpty({ db }: Deps): Promise<boolean> {
  return (await db.prisma.token.findFirst({ select: { id: true } })) === null;
}

/** Tokens with one of these symbols (any letter case) or slugs: best rank first, unranked last, then by slug. */
export function findTokensNamed({ db }: Deps, symbols: readonly string[], slugs: readonly string[]): Promise<Token[]> {
  return db.query<Token>(
    `SELECT ${tokenColumns} FROM token t
     WHERE lower(t.symbol) IN (SELECT lower(s) FROM unnest($1::text[]) s) OR t.slug = ANY($2::text[])
     ORDER BY t.market_cap_rank NULLS LAST, t.slug`,
    [symbols, slugs],
  );
}

/**
 * The key of the order MARKET_CAP, for a statement with token `t` and its quote `q` (or nulls): the known market cap
 * in USD; else 1 / (rank + 1), which is below any real market cap and keeps the ranks' order; else 0.
 */
export const marketCapKeySql = 'COALESCE(q.market_cap_usd, 1.0 / (t.market_cap_rank + 1), 0)';

/** Writes the MARKET_CAP keys of tokens whose rank or market cap changed, making their token_stat rows; rows written. */
export async function recordMarketCapKeys(sql: Sql, tokenIds: readonly number[]): Promise<number> {
  if (tokenIds.length === 0) return 0;
  return sql.execute(
    `INSERT INTO token_stat AS s (token_id, market_cap_key)
     SELECT t.id, ${marketCapKeySql} FROM token t LEFT JOIN quote q ON q.token_id = t.id WHERE t.id = ANY($1::int[])
     ON CONFLICT (token_id) DO UPDATE SET market_cap_key = EXCLUDED.market_cap_key
     WHERE s.market_cap_key <> EXCLUDED.market_cap_key`,
    [tokenIds],
  );
}
