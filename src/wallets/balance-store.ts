import type { Sql } from '../db/client.ts';
import { defineLoader, groupInKeyOrder } from '../lib/loader.ts';
import type { Asset } from './asset.ts';
import { assetColumns, assetJoins, assetParams } from './asset-store.ts';

/** What wallets hold, as the chains themselves state it. */

/** A balance of a wallet, at the block the wallet's `balanceBlock` names; zero where all of it has left. */
export interface WalletBalance extends Asset {
  readonly walletId: number;
  /** In the asset's smallest unit: a whole number of up to 78 digits. */
  readonly amountRaw: string;
}

/** Balances of wallets, by wallet and asset, in one statement. Whose wallets they are is for the caller to know. */
export function listBalances({ db }: { readonly db: Sql }, walletIds: readonly number[]): Promise<WalletBalance[]> {
  return db.query<WalletBalance>(
    `SELECT w.id AS "walletId", ${assetColumns}, b.amount AS "amountRaw"
     FROM wallet w
     JOIN chain_address c ON c.chain_id = w.chain_id AND c.address = w.address
     JOIN chain_balance b ON b.address_id = c.id
     JOIN chain_asset a ON a.id = b.asset_id
     ${assetJoins(2)}
     WHERE w.id = ANY ($1::int[]) ORDER BY w.id, a.id`,
    [walletIds, ...assetParams],
  );
}

/** The balances of a wallet by its id, by asset. */
export const balancesByWallet = defineLoader(async (ctx: { readonly db: Sql }, walletIds: readonly number[]) =>
  groupInKeyOrder(walletIds, await listBalances(ctx, walletIds), ({ walletId }) => walletId),
);

/** What the ledger of an asset in a wallet comes to. */
interface LedgerSum {
  readonly walletId: number;
  readonly assetId: number;
  readonly amountRaw: string;
}

/** Names a wallet's asset. */
export interface WalletAssetKey {
  readonly walletId: number;
  readonly assetId: number;
}

const keyText = ({ walletId, assetId }: WalletAssetKey): string => `${walletId} ${assetId}`;

/** All that came in less all that went out of an asset in a wallet by its ledger, as raw text; may be below zero. */
export const ledgerSum = defineLoader(async ({ db }: { readonly db: Sql }, keys: readonly WalletAssetKey[]) => {
  const rows = await db.query<LedgerSum>(
    `SELECT w.id AS "walletId", t.asset_id AS "assetId",
       sum(CASE t.direction WHEN 'IN' THEN t.amount WHEN 'OUT' THEN -t.amount ELSE 0 END) AS "amountRaw"
     FROM unnest($1::int[], $2::int[]) AS u(wallet_id, asset_id)
     JOIN wallet w ON w.id = u.wallet_id
     JOIN chain_address c ON c.chain_id = w.chain_id AND c.address = w.address
     JOIN chain_transfer t ON t.asset_id = u.asset_id AND t.address_id = c.id
     GROUP BY w.id, t.asset_id`,
    [keys.map(({ walletId }) => walletId), keys.map(({ assetId }) => assetId)],
  );
  const sums = new Map(rows.map((row) => [keyText(row), row.amountRaw]));
  return keys.map((key) => sums.get(keyText(key)) ?? '0');
}, keyText);
