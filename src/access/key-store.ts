import type { Db, Sql } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { createApiKey } from './api-key.ts';

/** An API key as its owner sees it. */
export interface ApiKey {
  readonly id: string;
  readonly accountId: number;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** From when it is refused, epoch milliseconds; null: it does not end by itself. */
  readonly expiresAt: number | null;
}

/** A key that was just made, with the text that is shown this once. */
export interface CreatedKey {
  readonly apiKey: ApiKey;
  readonly secret: string;
}

/** What the functions here need. */
export interface KeyDeps {
  readonly db: Db;
  readonly clock: Clock;
}

/** Keys of one account that work at the same time; more are a leak nobody notices. */
export const liveKeysMax = 20;
const columns = 'id, account_id AS "accountId", name, created_at AS "createdAt", expires_at AS "expiresAt"';
const isLive = '(expires_at IS NULL OR expires_at > $2)';

/** Makes a key for an account. Throws BAD_USER_INPUT for a bad name, LIMIT_EXCEEDED where the account has enough. */
export async function recordApiKey(
  { db, clock }: KeyDeps,
  accountId: number,
  key: { readonly name: string; readonly expiresAt: number | null },
): Promise<CreatedKey> {
  const now = clock.now();
  if (key.name.trim() === '' || key.name.length > 100)
    throw new AppError('BAD_USER_INPUT', 'The name of an API key has 1 to 100 characters.');
  if (key.expiresAt !== null && key.expiresAt <= now)
    throw new AppError('BAD_USER_INPUT', 'expiresAt must lie in the future; leave it out for a key that stays.');
  return db.transaction(async (tx) => {
    await lockAccount(tx, accountId);
    return insertKey(tx, { ...key, accountId, now, liveMax: liveKeysMax });
  });
}

/** How much longer a key works beside its successor, in seconds: where nothing is said, and at most. */
export const graceSecondsDefault = 86_400;
const graceSecondsMax = 7 * 86_400;

/**
 * Makes a successor of a live key with its name and end; the old one works for `graceSeconds` more, so that both are good
 * while clients change over. Throws BAD_USER_INPUT where the account (null: any) has no such live key or the time is out
 * of bounds, LIMIT_EXCEEDED where too many are being replaced at once.
 */
export async function rotateApiKey(
  { db, clock }: KeyDeps,
  accountId: number | null,
  id: string,
  graceSeconds: number,
): Promise<CreatedKey> {
  if (!(graceSeconds >= 0 && graceSeconds <= graceSecondsMax))
    throw new AppError('BAD_USER_INPUT', `An old API key works for 0 to ${graceSecondsMax} seconds more.`);
  const now = clock.now();
  return db.transaction(async (tx) => {
    const ofKey = 'SELECT account_id FROM api_key WHERE id = $1';
    await tx.query(`SELECT 1 FROM account WHERE id = (${ofKey}) FOR UPDATE`, [id]); // as lockAccount does
    const [old] = await tx.query<ApiKey>(
      `SELECT ${columns} FROM api_key WHERE ($1::int IS NULL OR account_id = $1) AND ${isLive} AND id = $3`,
      [accountId, new Date(now), id],
    );
    if (!old) throw noSuchKey();
    const created = await insertKey(tx, { ...old, now, liveMax: liveKeysMax * 2 });
    await tx.execute('UPDATE api_key SET expires_at = least(expires_at, $2) WHERE id = $1', [
      id,
      new Date(now + graceSeconds * 1_000),
    ]);
    return created;
  });
}

/** Who comes second counts the keys of who came first. */
async function lockAccount(tx: Sql, accountId: number): Promise<void> {
  await tx.query('SELECT 1 FROM account WHERE id = $1 FOR UPDATE', [accountId]);
}

interface KeyToMake {
  readonly accountId: number;
  readonly name: string;
  readonly expiresAt: number | null;
  readonly now: number;
  readonly liveMax: number;
}

async function insertKey(tx: Sql, { accountId, name, expiresAt, now, liveMax }: KeyToMake): Promise<CreatedKey> {
  const { id, hash, text } = createApiKey();
  const [apiKey] = await tx.query<ApiKey>(
    `INSERT INTO api_key (id, account_id, name, hash, created_at, expires_at)
     SELECT $3, $1, $4, $5, $2, $6 WHERE (SELECT count(*) FROM api_key WHERE account_id = $1 AND ${isLive}) < $7
     RETURNING ${columns}`,
    [accountId, new Date(now), id, name, hash, expiresAt === null ? null : new Date(expiresAt), liveMax],
  );
  if (!apiKey) throw tooManyKeys(liveMax);
  return { apiKey, secret: text };
}

/** Ends a key now. Throws BAD_USER_INPUT where the account (null: any) has no such live key. */
export async function revokeApiKey({ db, clock }: KeyDeps, accountId: number | null, id: string): Promise<ApiKey> {
  const [apiKey] = await db.query<ApiKey>(
    `UPDATE api_key SET expires_at = $2 WHERE id = $3 AND ($1::int IS NULL OR account_id = $1) AND ${isLive} RETURNING ${columns}`,
    [accountId, new Date(clock.now()), id],
  );
  if (!apiKey) throw noSuchKey();
  return apiKey;
}

/** The keys of an account that work now, newest first; at most twice {@link liveKeysMax}. */
export function listApiKeys({ db, clock }: KeyDeps, accountId: number): Promise<ApiKey[]> {
  return db.query<ApiKey>(
    `SELECT ${columns} FROM api_key WHERE account_id = $1 AND ${isLive} ORDER BY created_at DESC, id`,
    [accountId, new Date(clock.now())],
  );
}

/** A key and whose it is, for the operator. */
export interface ListedKey extends ApiKey {
  readonly accountName: string | null;
  readonly plan: string;
}

/** Every key there ever was, by account, newest first. */
export function listAllApiKeys({ db }: Pick<KeyDeps, 'db'>): Promise<ListedKey[]> {
  return db.query<ListedKey>(
    `SELECT k.id, k.account_id AS "accountId", k.name, k.created_at AS "createdAt", k.expires_at AS "expiresAt",
       a.name AS "accountName", a.plan
     FROM api_key k JOIN account a ON a.id = k.account_id ORDER BY k.account_id, k.created_at DESC, k.id`,
  );
}

/** A key as it is checked: its hash, its end, and whom it makes its bearer. */
export interface KeyGrant {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly expiresAt: number | null;
  readonly accountId: number;
  readonly plan: string;
}

/** The keys with these public ids, in any order; one statement. */
export function listKeyGrants({ db }: Pick<KeyDeps, 'db'>, ids: readonly string[]): Promise<KeyGrant[]> {
  return db.query<KeyGrant>(
    `SELECT k.id, k.hash, k.expires_at AS "expiresAt", a.id AS "accountId", a.plan
     FROM api_key k JOIN account a ON a.id = k.account_id WHERE k.id = ANY ($1)`,
    [ids],
  );
}

function noSuchKey(): AppError {
  return new AppError('BAD_USER_INPUT', 'There is no such API key; its id is the part between tg_ and the next _.');
}

function tooManyKeys(limit: number): AppError {
  return new AppError('LIMIT_EXCEEDED', `An account has at most ${limit} live API keys; revoke one first.`, {
    extensions: { name: 'apiKeys', limit },
  });
}
