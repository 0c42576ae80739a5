import { createAuthenticator } from '../../src/access/authenticate.ts';
import { recordApiKey } from '../../src/access/key-store.ts';
import type { Db } from '../../src/db/client.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Authenticate, Viewer } from '../../src/lib/viewer.ts';

/** Somebody with an account and an API key. */
export interface Somebody {
  readonly viewer: Viewer;
  readonly accountId: number;
  readonly keyId: string;
  /** The text of the key. */
  readonly secret: string;
}

/** Makes an account with a key. */
export async function seedSomebody(db: Db, clock: Clock, name: string): Promise<Somebody> {
  const [row] = await db.query<{ id: number }>('INSERT INTO account (name) VALUES ($1) RETURNING id', [name]);
  const accountId = row?.id ?? 0;
  const { apiKey, secret } = await recordApiKey({ db, clock }, accountId, { name: `${name}'s`, expiresAt: null });
  return { viewer: { accountId, plan: 'FREE', via: 'KEY' }, accountId, keyId: apiKey.id, secret };
}

/** Signs the sessions of tests. */
export const testSecret = new TextEncoder().encode('a secret for tests, long enough.');

/** Judges keys and sessions; tokens of no issuer. */
export function createTestAuthenticator(db: Db, clock: Clock): Authenticate {
  return createAuthenticator({ db, clock, secret: testSecret, identityProvider: null });
}
