import type { Db, Sql } from '../db/client.ts';
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

/**
 * The account that an operator calls by this name, made where there is none; with `plan` it has that plan from now on.
 * Throws BAD_USER_INPUT where the plan is no name of one.
 */
export async function upsertNamedAccount({ db }: { db: Db }, name: string, plan: string | null): Promise<number> {
  if (name.trim() === '') throw new AppError('BAD_USER_INPUT', 'The name of an account must not be empty.');
  if (plan !== null && !/^[A-Z][A-Z0-9_]{0,29}$/.test(plan))
    throw new AppError('BAD_USER_INPUT', `The plan ${plan} is no name of a plan: capital letters, such as FREE.`);
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO account (name, plan) VALUES ($1, coalesce($2, 'FREE'))
     ON CONFLICT (name) DO UPDATE SET plan = coalesce($2, account.plan) RETURNING id`,
    [name, plan],
  );
  if (!row) throw new Error('an upsert gives a row');
  return row.id;
}

/** The id of the account that an operator calls by this name, or that has this id. Throws BAD_USER_INPUT where there is none. */
export async function findAccountId({ db }: { db: Db }, nameOrId: string): Promise<number> {
  const [row] = await db.query<{ id: number }>(
    'SELECT id FROM account WHERE name = $1 OR id::text = $1 ORDER BY name IS NOT DISTINCT FROM $1 DESC LIMIT 1',
    [nameOrId],
  );
  if (!row) throw new AppError('BAD_USER_INPUT', `There is no account with the name or id ${nameOrId}.`);
  return row.id;
}

/** The account behind an identity, made at its first sight; who comes at the same moment gets the same one. */
export async function upsertIdentity(
  tx: Sql,
  kind: 'ETHEREUM' | 'OIDC',
  issuer: string,
  subject: string,
): Promise<{ accountId: number; plan: string }> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [JSON.stringify([kind, issuer, subject])]);
  const [known] = await tx.query<{ accountId: number; plan: string }>(
    `SELECT a.id AS "accountId", a.plan FROM account_identity i JOIN account a ON a.id = i.account_id
     WHERE i.kind = $1 AND i.issuer = $2 AND i.subject = $3`,
    [kind, issuer, subject],
  );
  if (known) return known;
  const [made] = await tx.query<{ accountId: number; plan: string }>(
    `WITH made AS (INSERT INTO account DEFAULT VALUES RETURNING id, plan),
     named AS (INSERT INTO account_identity (account_id, kind, issuer, subject) SELECT id, $1, $2, $3 FROM made)
     SELECT id AS "accountId", plan FROM made`,
    [kind, issuer, subject],
  );
  if (!made) throw new Error('an account that was made is there');
  return made;
}
