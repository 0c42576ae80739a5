import type { Db } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';

/** Somebody, known by identities. */
export interface Account {
  readonly id: number;
  /** Null where they never gave one. */
  readonly name: string | null;
  readonly plan: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** Accounts by id, one statement a batch; null where there is none. */
const accountById = defineLoader(async ({ db }: { db: Db }, ids: readonly number[]) => {
  const accounts = await db.query<Account>(
    'SELECT id, name, plan, created_at AS "createdAt" FROM account WHERE id = ANY ($1::int[])',
    [ids],
  );
  return inKeyOrder(ids, accounts, ({ id }) => id);
});

/** The account of somebody who is signed in. Throws UNAUTHENTICATED where it was deleted meanwhile. */
export async function loadOwnAccount(ctx: { db: Db }, id: number): Promise<Account> {
  const account = await accountById(ctx).load(id);
  if (account === null) throw new AppError('UNAUTHENTICATED', 'The account is gone; sign in again.');
  return account;
}
