import type { Sql } from '../db/client.ts';
import { defineLoader } from '../lib/loader.ts';
import { type PageSlice, readPagesByOwner, wholePart } from '../lib/page-slice.ts';
import type { Asset } from './asset.ts';
import { assetColumns, assetJoins, assetParams } from './asset-store.ts';

/** What moved in and out of wallets, as the chains tell. */

/** A fee that the address paid, the coin that a transaction carried, or a transfer that a contract told in a log. */
export type TransferKind = 'FEE' | 'NATIVE' | 'TOKEN';

/**
 * One movement of one asset into or out of a wallet. A fee is a movement of its own: outwards, of the chain's coin, paid
 * by whoever sent the transaction whether or not it succeeded. So the sum of a wallet's lines is its balance, but for what
 * no node tells without tracing (coin moved by contracts inside of a transaction, block rewards).
 */
export interface WalletTransfer extends Asset {
  readonly walletId: number;
  readonly blockNumber: number;
  readonly blockHash: string;
  /** Epoch ms. */
  readonly blockTime: number;
  readonly transactionHash: string;
  readonly transactionIndex: number;
  /** Order within the transaction: 0 the fee, 1 the coin, then logs. The same in every wallet that the movement touches. */
  readonly position: number;
  readonly kind: TransferKind;
  /** SELF: from the address to itself, which moves nothing. */
  readonly direction: 'IN' | 'OUT' | 'SELF';
  /** In lower case. */
  readonly from: string;
  /** In lower case; null for a fee. */
  readonly to: string | null;
  /** In the asset's smallest unit: a whole number of up to 78 digits, not negative. */
  readonly amountRaw: string;
}

const transferColumns = `${assetColumns}, t.block_number AS "blockNumber", t.block_hash AS "blockHash",
  t.block_time AS "blockTime", t.transaction_hash AS "transactionHash", t.transaction_index AS "transactionIndex",
  t.position, t.kind, t.direction, t.from_address AS "from", t.to_address AS "to", t.amount AS "amountRaw"`;

/**
 * Every transfer of wallets, in one statement: by wallet, in the order of its chain. Whose wallets they are is for the
 * caller to know.
 */
export function listTransfers({ db }: { readonly db: Sql }, walletIds: readonly number[]): Promise<WalletTransfer[]> {
  return db.query<WalletTransfer>(
    `SELECT w.id AS "walletId", ${transferColumns}
     FROM wallet w
     JOIN chain_address c ON c.chain_id = w.chain_id AND c.address = w.address
     JOIN chain_transfer t ON t.address_id = c.id
     JOIN chain_asset a ON a.id = t.asset_id
     ${assetJoins(2)}
     WHERE w.id = ANY ($1::int[])
     ORDER BY w.id, t.block_number, t.transaction_index, t.position`,
    [walletIds, ...assetParams],
  );
}

/** Which page of a wallet's transfers is asked for. */
export interface TransferPageKey {
  readonly walletId: number;
  readonly page: PageSlice;
}

const pageName = ({ page }: TransferPageKey): string =>
  JSON.stringify([page.take, page.isBackward, page.after, page.before]);

/** The key of a transfer in its list, for cursors. */
export function transferKey({ blockNumber, transactionIndex, position }: WalletTransfer): readonly number[] {
  return [blockNumber, transactionIndex, position];
}

/** A page of a wallet's transfers, newest first; wallets asked for the same page share one statement. Throws BAD_CURSOR. */
export const transferPage = defineLoader<{ readonly db: Sql }, TransferPageKey, WalletTransfer[]>(
  ({ db }, keys) =>
    readPagesByOwner<TransferPageKey, WalletTransfer>(
      keys,
      { nameOf: pageName, ownerOf: ({ walletId }) => walletId },
      ([first, ...rest]) =>
        readTransferPages(
          db,
          [first, ...rest].map(({ walletId }) => walletId),
          first.page,
        ),
    ),
  (key) => `${key.walletId} ${pageName(key)}`,
);

const place = '(t.block_number, t.transaction_index, t.position)';

/** The same page of each of these wallets, newest first (reversed when backward), up to `take + 1` each. */
function readTransferPages(db: Sql, walletIds: readonly number[], page: PageSlice): Promise<WalletTransfer[]> {
  const params: unknown[] = [walletIds, ...assetParams, page.take + 1];
  const bound = (sign: '<' | '>', key: PageSlice['after']): string => {
    if (key === null) return '';
    const parts = [0, 1, 2].map((index) => `$${params.push(wholePart(key, index))}`);
    return ` AND ${place} ${sign} (${parts[0]}::bigint, ${parts[1]}::bigint, ${parts[2]}::bigint)`;
  };
  const where = `t.address_id = c.id${bound('<', page.after)}${bound('>', page.before)}`;
  const way = page.isBackward ? 'ASC' : 'DESC';
  const order = `t.block_number ${way}, t.transaction_index ${way}, t.position ${way}`;
  return db.query<WalletTransfer>(
    `SELECT w.id AS "walletId", ${transferColumns}
     FROM wallet w
     JOIN chain_address c ON c.chain_id = w.chain_id AND c.address = w.address
     CROSS JOIN LATERAL (SELECT * FROM chain_transfer t WHERE ${where} ORDER BY ${order} LIMIT $4) t
     JOIN chain_asset a ON a.id = t.asset_id
     ${assetJoins(2)}
     WHERE w.id = ANY ($1::int[]) ORDER BY w.id, ${order}`,
    params,
  );
}
