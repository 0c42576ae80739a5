import type { Db, Sql } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { limitExceeded } from '../lib/limits.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';
import { type PageSlice, wholePart } from '../lib/page-slice.ts';
import type { Wallet } from './wallet.ts';

/** Wallets of accounts. Every statement names the account: what is not its own is not there. */

/** Wallets that one account may have. */
export const walletsMax = 100;

const columns = `w.id, w.account_id AS "accountId", w.kind, w.chain_id AS "chainId", w.address, w.label,
  w.verified_at AS "verifiedAt", w.created_at AS "createdAt", c.id AS "addressId", c.first_block AS "firstBlock",
  c.native_from AS "nativeFrom", c.cursor_block AS "cursorBlock", c.target_block AS "targetBlock",
  c.head_block AS "headBlock", c.balance_block AS "balanceBlock", c.synced_at AS "syncedAt", c.due_at AS "dueAt",
  c.lease_ends_at AS "leaseEndsAt", c.error`;
const tables = 'wallet w LEFT JOIN chain_address c ON c.chain_id = w.chain_id AND c.address = w.address';

/** The wallets of an account by id, all of them or those of these ids that are its own; one statement. */
export function listWallets(
  { db }: { readonly db: Sql },
  accountId: number,
  ids: readonly number[] | null = null,
): Promise<Wallet[]> {
  return db.query<Wallet>(
    `SELECT ${columns} FROM ${tables}
     WHERE w.account_id = $1 AND ($2::int[] IS NULL OR w.id = ANY ($2::int[])) ORDER BY w.id`,
    [accountId, ids],
  );
}

/** A page of an account's wallets by id, oldest first (reversed when backward), up to `take + 1`. Throws BAD_CURSOR. */
export function listWalletPage({ db }: { readonly db: Sql }, accountId: number, page: PageSlice): Promise<Wallet[]> {
  return db.query<Wallet>(
    `SELECT ${columns} FROM ${tables}
     WHERE w.account_id = $1 AND w.id > COALESCE($2::bigint, 0) AND ($3::bigint IS NULL OR w.id < $3::bigint)
     ORDER BY w.id ${page.isBackward ? 'DESC' : 'ASC'} LIMIT $4`,
    [accountId, wholePart(page.after, 0), wholePart(page.before, 0), page.take + 1],
  );
}

/** Names a wallet together with who asks for it. */
export interface OwnWalletKey {
  readonly accountId: number;
  readonly id: number;
}

/** A wallet of the account that asks; null where it has none of that id. */
export const ownWallet = defineLoader<{ readonly db: Sql }, OwnWalletKey, Wallet | null>(
  async (ctx, keys) => {
    const [first] = keys; // one context has one viewer
    if (first === undefined) return [];
    const ids = keys.map(({ id }) => id);
    return inKeyOrder(ids, await listWallets(ctx, first.accountId, ids), ({ id }) => id);
  },
  ({ accountId, id }) => `${accountId} ${id}`,
);

/** A wallet on a chain, to be added. */
export interface NewWallet {
  readonly chainId: number;
  /** In any spelling. */
  readonly address: string;
  readonly label: string | null;
}

/**
 * Adds a wallet to an account; its id. Throws BAD_USER_INPUT where the chain is not known or the account has this wallet
 * already, LIMIT_EXCEEDED where it has as many as it may.
 */
export function addWallet(db: Db, accountId: number, { chainId, address, label }: NewWallet): Promise<number> {
  return db.transaction(async (tx) => {
    await tx.query('SELECT id FROM account WHERE id = $1 FOR UPDATE', [accountId]); // one at a time, so that all count
    const [facts] = await tx.query<{ isKnown: boolean; wallets: number }>(
      `SELECT EXISTS (SELECT 1 FROM network WHERE chain_id = $2) AS "isKnown",
         (SELECT count(*)::int FROM wallet WHERE account_id = $1) AS wallets`,
      [accountId, chainId],
    );
    if (!facts?.isKnown)
      throw new AppError(
        'BAD_USER_INPUT',
        `No chain with the id ${chainId} is known; see the chain ids of tokens' contracts.`,
      );
    if (facts.wallets >= walletsMax)
      throw limitExceeded({
        name: 'wallets',
        limit: walletsMax,
        value: facts.wallets + 1,
        field: '',
        sentence: `An account may have ${walletsMax} wallets; remove one first.`,
      });
    const [row] = await tx.query<{ id: number }>(
      `INSERT INTO wallet (account_id, kind, chain_id, address, label) VALUES ($1, 'CHAIN', $2, lower($3), $4)
       ON CONFLICT (account_id, chain_id, address) DO NOTHING RETURNING id`,
      [accountId, chainId, address, label],
    );
    if (row === undefined) throw new AppError('BAD_USER_INPUT', 'You have this address on this chain already.');
    return row.id;
  });
}

/** Gives a wallet of the account another label, or none; whether there is such a wallet. */
export async function setLabel(db: Sql, { accountId, id }: OwnWalletKey, label: string | null): Promise<boolean> {
  return (
    (await db.execute('UPDATE wallet SET label = $3 WHERE id = $2 AND account_id = $1', [accountId, id, label])) > 0
  );
}

/** Removes a wallet of the account with what hangs on it; whether there was such a wallet. */
export async function removeWallet(db: Sql, { accountId, id }: OwnWalletKey): Promise<boolean> {
  return (await db.execute('DELETE FROM wallet WHERE id = $2 AND account_id = $1', [accountId, id])) > 0;
}
