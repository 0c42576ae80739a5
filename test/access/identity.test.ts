import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createAuthenticator } from '../../src/access/authenticate.ts';
import { createIdentityProvider } from '../../src/sources/identity-provider.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { testSecret } from './accounts.ts';

const { privateKey, publicKey } = await generateKeyPair('ES256');
const stranger = await generateKeyPair('ES256');
const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
let requests = 0;
const server = createServer((request, response) => {
  requests += 1;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/jwks` }));
});
await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
after(() => void server.close());
const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const db = await createTestDb({ after });
const clock = createTestClock(Date.UTC(2026, 10, 28));
const provider = (jwksUrl: string | null) => createIdentityProvider({ issuer, audience: 'tokengraph', jwksUrl });
const authenticate = createAuthenticator({ db, clock, secret: testSecret, identityProvider: provider(null) });

interface Claims {
  sub?: string | undefined;
  iss?: string;
  aud?: string;
  expMs?: number | null;
}

async function tokenOf(claims: Claims, key: CryptoKey | Uint8Array = privateKey, alg = 'ES256'): Promise<string> {
  const { sub = 'ada', iss = issuer, aud = 'tokengraph', expMs = clock.now() + 3_600_000 } = claims;
  const token = new SignJWT('sub' in claims && claims.sub === undefined ? {} : { sub });
  token
    .setProtectedHeader({ alg, kid: 'one' })
    .setIssuer(iss)
    .setAudience(aud)
    .setIssuedAt(clock.now() / 1000);
  if (expMs !== null) token.setExpirationTime(expMs / 1000);
  return token.sign(key);
}

const shown = (text: string) => authenticate({ kind: 'TOKEN', text });

test('a token of the issuer is an account, made at first sight and the same ever after', async () => {
  const viewers = [];
  for (const token of [await tokenOf({}), await tokenOf({ expMs: clock.now() + 60_000 })])
    viewers.push(await shown(token));
  assert.equal(viewers[0]?.via, 'OIDC');
  assert.equal(viewers[0]?.accountId, viewers[1]?.accountId);
  assert.notEqual((await shown(await tokenOf({ sub: 'bea' })))?.accountId, viewers[0]?.accountId);
  assert.equal(requests, 2, 'the description and the keys are asked for once');
});

test('ten at once at first sight are one account', async () => {
  const token = await tokenOf({ sub: 'cid' });
  const viewers = await Promise.all(Array.from({ length: 10 }, () => shown(token)));
  assert.equal(new Set(viewers.map((viewer) => viewer?.accountId)).size, 1);
});

const bad: [what: string, make: () => Promise<string>][] = [
  ['by another issuer', () => tokenOf({ iss: 'https://evil.example' })],
  ['for another audience', () => tokenOf({ aud: 'somebody else' })],
  ['that has expired', () => tokenOf({ expMs: clock.now() - 60_000 })],
  ['that never expires', () => tokenOf({ expMs: null })],
  ['of nobody', () => tokenOf({ sub: undefined })],
  ['by another key', () => tokenOf({}, stranger.privateKey)],
  ['by a symmetric algorithm with the public key', async () => tokenOf({}, Buffer.from(JSON.stringify(jwk)), 'HS256')],
  ['that says it is ours', () => tokenOf({ iss: 'tokengraph' })],
  ['without a signature', async () => `${(await tokenOf({})).split('.').slice(0, 2).join('.')}.`],
];
for (const [what, make] of bad)
  test(`a token ${what} is refused`, async () => {
    await assert.rejects(shown(await make()), { code: 'UNAUTHENTICATED' });
  });

test('without a configured issuer its tokens are refused', async () => {
  const closed = createAuthenticator({ db, clock, secret: testSecret, identityProvider: null });
  await assert.rejects(closed({ kind: 'TOKEN', text: await tokenOf({}) }), { code: 'UNAUTHENTICATED' });
});

test('an issuer that does not answer is told as such', async () => {
  const identityProvider = provider('http://127.0.0.1:1/jwks');
  const away = createAuthenticator({ db, clock, secret: testSecret, identityProvider });
  await assert.rejects(away({ kind: 'TOKEN', text: await tokenOf({}) }), { code: 'SERVICE_UNAVAILABLE' });
});
