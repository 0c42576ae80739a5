import DataLoader from 'dataloader';
import { decodeJwt } from 'jose';
import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { inKeyOrder } from '../lib/loader.ts';
import type { Authenticate, Viewer } from '../lib/viewer.ts';
import type { IdentityProvider } from '../sources/identity-provider.ts';
import { hashOf, hasHash, looksLikeApiKey, readApiKeyId } from './api-key.ts';
import { type KeyGrant, listKeyGrants } from './key-store.ts';
import { readSessionId, sessionIssuer } from './session.ts';
import { listSessionGrants, type SessionGrant } from './session-store.ts';
import { upsertIdentity } from './store.ts';

/**
 * Who shows what: an API key, the token of a session, a token of the configured OIDC issuer. What was found good is
 * remembered for {@link rememberMs}, by its hash: so that a client's requests do not each ask the database, and that a
 * key revoked on any node is refused on every node that soon. Look-ups of one turn of the event loop are one statement,
 * since open sockets are looked at again all together.
 */
export interface AuthenticateDeps {
  readonly db: Db;
  readonly clock: Clock;
  /** Signs sessions. */
  readonly secret: Uint8Array;
  /** Null: tokens of no issuer are taken. */
  readonly identityProvider: IdentityProvider | null;
}

/** How long a credential that was good is taken for good; the promise is 5 s from revocation to refusal. */
const rememberMs = 3_000;
const rememberedMax = 20_000;

/** Whom a credential makes its bearer, and until when at most; null: it does not end by itself. */
interface Grant {
  readonly viewer: Viewer;
  readonly expiresAt: number | null;
}

/** Makes the one judge of credentials of a process. */
export function createAuthenticator(deps: AuthenticateDeps): Authenticate {
  const { clock } = deps;
  const find = createGrantFinder(deps);
  const remembered = new Map<string, { readonly viewer: Viewer; readonly untilMs: number }>();
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

function createGrantFinder(deps: AuthenticateDeps): (text: string) => Promise<Grant | null> {
  const options = { cache: false, maxBatchSize: 500 };
  const keys = new DataLoader<string, KeyGrant | null>(
    async (ids) => inKeyOrder(ids, await listKeyGrants(deps, ids), ({ id }) => id),
    options,
  );
  const sessions = new DataLoader<string, SessionGrant | null>(
    async (names) => inKeyOrder(names, await listSessionGrants(deps, names), ({ name }) => name),
    options,
  );
  return async (text) => {
    if (looksLikeApiKey(text)) return findByKey(keys, text);
    const issuer = issuerOf(text);
    if (issuer === sessionIssuer) return findBySession(deps, sessions, text);
    return issuer !== null && issuer === deps.identityProvider?.issuer
      ? findByIdentity(deps, deps.identityProvider, text)
      : null;
  };
}

async function findByKey(keys: DataLoader<string, KeyGrant | null>, text: string): Promise<Grant | null> {
  const id = readApiKeyId(text);
  const key = id === null ? null : await keys.load(id);
  if (key === null || !hasHash(text, key.hash)) return null;
  return { viewer: { accountId: key.accountId, plan: key.plan, via: 'KEY' }, expiresAt: key.expiresAt };
}

async function findBySession(
  { secret, clock }: AuthenticateDeps,
  sessions: DataLoader<string, SessionGrant | null>,
  text: string,
): Promise<Grant | null> {
  const id = await readSessionId(secret, text, clock.now());
  const session = id === null ? null : await sessions.load(hashOf(id).toString('hex'));
  if (session === null) return null;
  const { accountId, plan, name, expiresAt } = session;
  return { viewer: { accountId, plan, via: 'SESSION', session: name }, expiresAt };
}

async function findByIdentity(
  { db, clock }: AuthenticateDeps,
  { issuer, verify }: IdentityProvider,
  text: string,
): Promise<Grant | null> {
  const identity = await verify(text, clock.now());
  if (identity === null) return null;
  const { accountId, plan } = await db.transaction((tx) => upsertIdentity(tx, 'OIDC', issuer, identity.subject));
  return { viewer: { accountId, plan, via: 'OIDC' }, expiresAt: identity.expiresAt };
}

/** Who a token says it is from, before anything of it is believed; null where it is no token. */
function issuerOf(text: string): string | null {
  try {
    return decodeJwt(text).iss ?? null;
  } catch {
    return null; // not a JWT
  }
}

/** A page cannot remove a cookie that has ended, so that one makes anonymous; whatever else is shown was meant. */
function refuse(text: string): never {
  const what = looksLikeApiKey(text) ? 'API key' : 'token';
  throw new AppError('UNAUTHENTICATED', `The ${what} is not, or no longer, valid; send another one, or none.`);
}
