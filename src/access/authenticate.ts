import DataLoader from 'dataloader';
import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { inKeyOrder } from '../lib/loader.ts';
import type { Authenticate, Viewer } from '../lib/viewer.ts';
import { hashOf, hasHash, looksLikeApiKey, readApiKeyId } from './api-key.ts';
import { type KeyGrant, listKeyGrants } from './key-store.ts';

/**
 * Who shows what. What was found good is remembered for {@link rememberMs}, by its hash: so that a client's requests do
 * not each ask the database, and that a key revoked on any node is refused on every node that soon. Look-ups of one turn
 * of the event loop are one statement, since open sockets are looked at again all together.
 */
export interface AuthenticateDeps {
  readonly db: Db;
  readonly clock: Clock;
}

/** How long a credential that was good is taken for good; the promise is 5 s from revocation to refusal. */
const rememberMs = 3_000;
const rememberedMax = 20_000;

/** Whom a credential makes its bearer, and until when at most; null end: it does not end by itself. */
interface Grant {
  readonly viewer: Viewer;
  readonly expiresAt: number | null;
}

/** Makes the one judge of credentials of a process. */
export function createAuthenticator(deps: AuthenticateDeps): Authenticate {
  const { clock } = deps;
  const remembered = new Map<string, { readonly viewer: Viewer; readonly untilMs: number }>();
  const keys = new DataLoader<string, KeyGrant | null>(
    async (ids) => inKeyOrder(ids, await listKeyGrants(deps, ids), ({ id }) => id),
    { cache: false, maxBatchSize: 500 },
  );
  const find = async (text: string): Promise<Grant | null> => (looksLikeApiKey(text) ? findByKey(keys, text) : null);
  return async (credential) => {
    if (credential === null) return null;
    const name = hashOf(credential.text).toString('base64');
    const known = remembered.get(name);
    if (known && known.untilMs > clock.now()) return known.viewer;
    remembered.delete(name);
    const grant = await find(credential.text);
    if (grant === null || (grant.expiresAt !== null && grant.expiresAt <= clock.now()))
      return credential.kind === 'COOKIE' ? null : refuse(credential.text);
    const untilMs = Math.min(clock.now() + rememberMs, grant.expiresAt ?? Number.POSITIVE_INFINITY);
    if (remembered.size >= rememberedMax) remembered.clear(); // all come back with their next request
    remembered.set(name, { viewer: grant.viewer, untilMs });
    return grant.viewer;
  };
}

async function findByKey(keys: DataLoader<string, KeyGrant | null>, text: string): Promise<Grant | null> {
  const id = readApiKeyId(text);
  const key = id === null ? null : await keys.load(id);
  if (key === null || !hasHash(text, key.hash)) return null;
  return { viewer: { accountId: key.accountId, plan: key.plan, via: 'KEY' }, expiresAt: key.expiresAt };
}

/** A page cannot remove a cookie that has ended, so that one makes anonymous; whatever else is shown was meant. */
function refuse(text: string): never {
  const what = looksLikeApiKey(text) ? 'API key' : 'token';
  throw new AppError('UNAUTHENTICATED', `The ${what} is not, or no longer, valid; send another one, or none.`);
}
