import type { Sql } from '../db/client.ts';
import type { OwnWalletKey } from './store.ts';

/** Messages that wait for a signature; each statement names the account. */

/** What is to be signed. */
export interface WalletChallenge {
  readonly message: string;
  /** Epoch ms. */
  readonly expiresAt: number;
}

/** Keeps a message for a wallet of the account, in place of an earlier one. */
export async function recordChallenge(
  db: Sql,
  { accountId, id }: OwnWalletKey,
  { message, expiresAt }: WalletChallenge,
): Promise<void> {
  await db.execute(
    `INSERT INTO wallet_challenge (wallet_id, message, expires_at)
     SELECT id, $3, $4 FROM wallet WHERE id = $2 AND account_id = $1
     ON CONFLICT (wallet_id) DO UPDATE SET message = EXCLUDED.message, expires_at = EXCLUDED.expires_at`,
    [accountId, id, message, new Date(expiresAt)],
  );
}

/** Takes the message of a wallet of the account away, so that it counts once; null where there is none that is still good. */
export async function takeChallenge(db: Sql, { accountId, id }: OwnWalletKey, nowMs: number): Promise<string | null> {
  const [row] = await db.query<{ message: string; isGood: boolean }>(
    `DELETE FROM wallet_challenge c USING wallet w WHERE w.id = c.wallet_id AND w.id = $2 AND w.account_id = $1
     RETURNING c.message, c.expires_at > $3 AS "isGood"`,
    [accountId, id, new Date(nowMs)],
  );
  return row?.isGood ? row.message : null;
}

/** Writes that a wallet of the account is its own. */
export async function recordVerified(db: Sql, { accountId, id }: OwnWalletKey, nowMs: number): Promise<void> {
  await db.execute(`UPDATE wallet SET verified_at = $3 WHERE id = $2 AND account_id = $1 AND kind = 'CHAIN'`, [
    accountId,
    id,
    new Date(nowMs),
  ]);
}
