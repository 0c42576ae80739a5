import { randomBytes } from 'node:crypto';
import type { Db, Sql } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { SignIn } from '../lib/sign-in.ts';
import { hashOf } from './api-key.ts';
import { createSessionId, sessionMs, signSession } from './session.ts';
import { assertSiweMessage, nonceMs, parseSiweMessage } from './siwe.ts';
import { upsertIdentity } from './store.ts';

/** What the functions here need. */
export interface SessionDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly signIn: SignIn;
}

/** A nonce to be signed, and until when (epoch ms). */
export interface SiweNonce {
  readonly nonce: string;
  readonly expiresAt: number;
}

/** Nonces that wait to be used, at most: anybody may ask for them. */
export const liveNoncesMax = 20_000;

/**
 * Gives out a nonce of 128 random bits. Those nobody used in time go; where too many wait, the oldest go, so that who asks
 * for many shortens their life but keeps nobody out.
 */
export async function recordNonce({ db, clock }: Pick<SessionDeps, 'db' | 'clock'>): Promise<SiweNonce> {
  const nonce = randomBytes(16).toString('hex');
  const expiresAt = clock.now() + nonceMs;
  await db.execute(
    `WITH gone AS (
       DELETE FROM siwe_nonce WHERE expires_at <=
         greatest($3, (SELECT expires_at FROM siwe_nonce ORDER BY expires_at DESC OFFSET $4 LIMIT 1))
     )
     INSERT INTO siwe_nonce (nonce, expires_at) VALUES ($1, $2)`,
    [nonce, new Date(expiresAt), new Date(clock.now()), liveNoncesMax - 1],
  );
  return { nonce, expiresAt };
}

/** Somebody who just signed in. Times are epoch milliseconds. */
export interface SignedIn {
  readonly accountId: number;
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Signs in who signed a message: makes their account where they are new, and a session. The nonce goes in the same
 * transaction, and who cannot take it gets nothing: of any number of replays one makes a session. It is looked at before
 * the signature is, so that what cannot succeed asks no node of a chain, and taken after, so that a wrong signature does
 * not use it up. Throws BAD_USER_INPUT where the message or the signature is not good, or the nonce is unknown, used or
 * too old.
 */
export async function signInWithEthereum(deps: SessionDeps, text: string, signature: string): Promise<SignedIn> {
  const { db, clock, signIn } = deps;
  const message = parseSiweMessage(text);
  assertSiweMessage(message, signIn, clock.now());
  const { address, chainId, nonce } = message;
  const [known] = await db.query(`SELECT 1 FROM siwe_nonce WHERE ${isGoodNonce}`, [nonce, new Date(clock.now())]);
  if (!known) throw noSuchNonce();
  if (!(await signIn.verifySignature({ address, text, signature, chainId })))
    throw new AppError('BAD_USER_INPUT', 'The signature is not one of the address in the message.');
  const now = clock.now();
  const id = createSessionId();
  const expiresAt = now + sessionMs;
  const accountId = await db.transaction(async (tx) => {
    await takeNonce(tx, nonce, now);
    const account = await upsertIdentity(tx, 'ETHEREUM', 'eip155', address.toLowerCase());
    await tx.execute(
      `WITH gone AS (DELETE FROM session WHERE expires_at <= $3)
       INSERT INTO session (hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)`,
      [hashOf(id), account.accountId, new Date(now), new Date(expiresAt)],
    );
    return account.accountId;
  });
  return { accountId, token: await signSession(signIn.secret, id, now, expiresAt), expiresAt };
}

const isGoodNonce = 'nonce = $1 AND expires_at > $2';

async function takeNonce(tx: Sql, nonce: string, nowMs: number): Promise<void> {
  const taken = await tx.execute(`DELETE FROM siwe_nonce WHERE ${isGoodNonce}`, [nonce, new Date(nowMs)]);
  if (taken === 0) throw noSuchNonce();
}

function noSuchNonce(): AppError {
  return new AppError('BAD_USER_INPUT', 'The nonce is unknown, used already, or too old; ask for a new one.');
}

/** Ends a session by the hash of its id; whether there was one. */
export async function endSession({ db }: Pick<SessionDeps, 'db'>, hash: Uint8Array): Promise<boolean> {
  return (await db.execute('DELETE FROM session WHERE hash = $1', [hash])) > 0;
}

/** A session as it is checked: by the hash of its id in hexadecimal digits. */
export interface SessionGrant {
  readonly name: string;
  readonly accountId: number;
  readonly plan: string;
  readonly expiresAt: number;
}

/** The sessions with these hashes, in any order; one statement. */
export function listSessionGrants({ db }: Pick<SessionDeps, 'db'>, names: readonly string[]): Promise<SessionGrant[]> {
  return db.query<SessionGrant>(
    `SELECT encode(s.hash, 'hex') AS name, a.id AS "accountId", a.plan, s.expires_at AS "expiresAt"
     FROM session s JOIN account a ON a.id = s.account_id WHERE s.hash = ANY ($1::bytea[])`,
    [names.map((name) => Buffer.from(name, 'hex'))],
  );
}

/** The secret that signs sessions where none is configured: made once, kept in the database for every process. */
export async function loadOwnSecret(db: Sql): Promise<Uint8Array> {
  await db.execute(`INSERT INTO secret (name, value) VALUES ('session', $1) ON CONFLICT (name) DO NOTHING`, [
    randomBytes(32),
  ]);
  const [row] = await db.query<{ value: Uint8Array }>(`SELECT value FROM secret WHERE name = 'session'`);
  if (!row) throw new Error('a secret that was made is there');
  return row.value;
}
