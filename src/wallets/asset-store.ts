import type { Sql } from '../db/client.ts';
import { nativeCoins } from '../tokens/native-coin.ts';
import { nativeContract, nativeDecimals } from './native-coin.ts';

/** Assets of chains: which there are, what they say of themselves, and which token of the registry each is. */

/** Columns of an Asset, in a statement with {@link assetJoins}. */
export const assetColumns = `a.id AS "assetId", a.chain_id AS "chainId", NULLIF(a.contract, '${nativeContract}') AS contract,
  COALESCE(a.symbol, nt.symbol) AS symbol, COALESCE(a.name, nt.name) AS name,
  CASE WHEN a.contract = '${nativeContract}' THEN ${nativeDecimals} ELSE COALESCE(a.decimals, tc.decimals) END AS decimals,
  COALESCE(tc.token_id, nt.id) AS "tokenId",
  (tc.token_id IS NULL AND a.contract <> '${nativeContract}'
    AND EXISTS (SELECT 1 FROM token i WHERE lower(i.symbol) = lower(a.symbol))) AS "hasListedSymbol"`;

/** Joins to `chain_asset a` what tells which token an asset is; `first` is the place of {@link assetParams}' first. */
export function assetJoins(first: number): string {
  return `LEFT JOIN network n ON n.chain_id = a.chain_id
  LEFT JOIN token_contract tc ON tc.network = n.slug AND tc.address = a.contract
  LEFT JOIN unnest($${first}::int[], $${first + 1}::text[]) AS coin(chain_id, slug)
    ON coin.chain_id = a.chain_id AND a.contract = '${nativeContract}'
  LEFT JOIN token nt ON nt.slug = coin.slug`;
}

/** The parameters of {@link assetJoins}. */
export const assetParams: readonly unknown[] = [nativeCoins.chainIds, nativeCoins.slugs];

/** Ids of the assets of a chain by contract (EIP-55, or the native one), made where they are new, in the caller's transaction. */
export async function upsertAssets(
  tx: Sql,
  chainId: number,
  contracts: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const sorted = [...new Set(contracts)].toSorted(); // in one order, so that two workers never wait for each other
  await tx.execute(
    `INSERT INTO chain_asset (chain_id, contract) SELECT $1, u.contract FROM unnest($2::text[]) AS u(contract)
     ON CONFLICT (chain_id, contract) DO NOTHING`,
    [chainId, sorted],
  );
  const rows = await tx.query<{ id: number; contract: string }>(
    'SELECT id, contract FROM chain_asset WHERE chain_id = $1 AND contract = ANY ($2::text[])',
    [chainId, sorted],
  );
  return new Map(rows.map(({ id, contract }) => [contract, id]));
}

/** What a contract says of itself; null where it says nothing usable. */
export interface AssetDescription {
  readonly assetId: number;
  readonly symbol: string | null;
  readonly name: string | null;
  readonly decimals: number | null;
}

/** Contracts that an address has met and that nobody asked yet what they are. */
export function listUndescribedAssets(db: Sql, addressId: number): Promise<{ assetId: number; contract: string }[]> {
  return db.query(
    `SELECT a.id AS "assetId", a.contract FROM chain_asset a
     WHERE a.described_at IS NULL AND a.contract <> $2
       AND (a.id IN (SELECT t.asset_id FROM chain_transfer t WHERE t.address_id = $1)
         OR a.id IN (SELECT b.asset_id FROM chain_balance b WHERE b.address_id = $1))
     ORDER BY a.id`,
    [addressId, nativeContract],
  );
}

/** Writes what contracts said of themselves, once for all. */
export async function recordDescriptions(
  tx: Sql,
  descriptions: readonly AssetDescription[],
  nowMs: number,
): Promise<void> {
  await tx.execute(
    `UPDATE chain_asset a SET symbol = u.symbol, name = u.name, decimals = u.decimals, described_at = $5
     FROM unnest($1::int[], $2::text[], $3::text[], $4::int[]) AS u(id, symbol, name, decimals) WHERE a.id = u.id`,
    [
      descriptions.map(({ assetId }) => assetId),
      descriptions.map(({ symbol }) => symbol),
      descriptions.map(({ name }) => name),
      descriptions.map(({ decimals }) => decimals),
      new Date(nowMs),
    ],
  );
}
