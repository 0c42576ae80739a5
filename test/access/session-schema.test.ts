import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { signSession } from '../../src/access/session.ts';
import { liveNoncesMax, loadOwnSecret } from '../../src/access/session-store.ts';
import type { SignIn } from '../../src/lib/sign-in.ts';
import { createSchema } from '../../src/schema.ts';
import { createSignatureVerifier } from '../../src/sources/signature.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { createTestAuthenticator, testSecret } from './accounts.ts';
import { fullMessage, type MessageParts, textOf, wallet } from './siwe-message.ts';

const schema = createSchema();
const db = await createTestDb({ after });
const clock = createTestClock(Date.UTC(2026, 10, 28, 12));
const publicOrigin = 'https://api.example';
const verifySignature = createSignatureVerifier({});
/** How many signatures were looked at. */
let looks = 0;
const signIn: SignIn = {
  publicOrigin,
  chainIds: [1],
  secret: testSecret,
  verifySignature: (signed) => {
    looks += 1;
    return verifySignature(signed);
  },
};
const api = createTestApi(
  { after: (run) => after(run as () => void) },
  {
    schema,
    db,
    clock,
    access: { authenticate: createTestAuthenticator(db, clock), publicOrigin },
    context: ({ setSessionCookie }) => ({ signIn, setSessionCookie }),
  },
);

type Result = { kind: string; token?: string | null; expiresAt?: string; account?: { id: string }; message?: string };
const signInMutation = `mutation ($message: String!, $signature: String!, $useCookie: Boolean! = false) {
  signInWithEthereum(message: $message, signature: $signature, useCookie: $useCookie) {
    kind: __typename ... on SignedIn { token expiresAt account { id } } ... on Refusal { code message }
  }
}`;

async function takeNonce(): Promise<string> {
  const { data } = await api.query<{ siweNonce: { nonce: string; expiresAt: string } }>(
    'mutation { siweNonce { nonce expiresAt } }',
  );
  assert.equal(Date.parse(data?.siweNonce.expiresAt ?? ''), clock.now() + 600_000);
  return data?.siweNonce.nonce ?? '';
}

/** A message that is good now, with a fresh nonce unless given, and its signature. */
async function signed(parts: Partial<MessageParts> = {}): Promise<{ message: string; signature: string }> {
  const nonce = parts.nonce ?? (await takeNonce());
  const issuedAt = new Date(clock.now()).toISOString();
  const message = textOf({ ...fullMessage, issuedAt, expirationTime: null, notBefore: null, ...parts, nonce });
  return { message, signature: await wallet.signMessage({ message }) };
}

async function send(variables: Record<string, unknown>): Promise<Result & { cookie: string | null }> {
  const { data, errors, headers } = await api.query<{ signInWithEthereum: Result }>(signInMutation, variables);
  assert.equal(errors, undefined);
  return { ...(data?.signInWithEthereum as Result), cookie: headers.get('set-cookie') };
}

async function whoIs(headers: Record<string, string>): Promise<string | null | undefined> {
  const { data, errors } = await api.query<{ viewer: { account: { id: string } } | null }>(
    '{ viewer { account { id } } }',
    {},
    { headers },
  );
  return errors?.[0]?.extensions.code ?? data?.viewer?.account.id ?? null;
}

test('nonces are 32 letters and digits, and no two are alike', async () => {
  const nonces = [];
  for (let i = 0; i < 20; i += 1) nonces.push(await takeNonce());
  for (const nonce of nonces) assert.match(nonce, /^[0-9a-f]{32}$/);
  assert.equal(new Set(nonces).size, nonces.length);
});

test('who signs the message is signed in for 24 hours, with one account however often', async () => {
  const first = await send(await signed());
  assert.equal(first.kind, 'SignedIn');
  assert.equal(Date.parse(first.expiresAt ?? ''), clock.now() + 24 * 3_600_000);
  assert.equal(first.cookie, null);
  assert.equal(await whoIs({ authorization: `Bearer ${first.token}` }), first.account?.id);
  const second = await send(await signed());
  assert.equal(second.account?.id, first.account?.id);
  assert.notEqual(second.token, first.token);
});

test('50 replays of one message at once make exactly one session', async () => {
  const [before] = await db.query<{ n: number }>('SELECT count(*)::int AS n FROM session');
  const variables = await signed();
  const results = await Promise.all(
    Array.from({ length: 50 }, () => api.query<{ s: Result }>(signInMutation, variables)),
  );
  const kinds = results.map(({ data }) => Object.values(data ?? {})[0]?.kind);
  assert.equal(kinds.filter((kind) => kind === 'SignedIn').length, 1);
  const [now] = await db.query<{ n: number }>('SELECT count(*)::int AS n FROM session');
  assert.equal((now?.n ?? 0) - (before?.n ?? 0), 1);
});

test('a nonce of ours is needed, once, within ten minutes; without one the signature is not looked at', async () => {
  const refused = async (variables: object): Promise<void> => {
    const looksBefore = looks;
    const result = await send(variables as Record<string, unknown>);
    assert.deepEqual([result.kind, /nonce/.test(result.message ?? '')], ['Refusal', true]);
    assert.equal(looks, looksBefore);
  };
  await refused(await signed({ nonce: 'f'.repeat(32) }));
  const used = await signed();
  assert.equal((await send(used)).kind, 'SignedIn');
  await refused(used);
  const nonce = await takeNonce();
  await clock.advance(600_000);
  await refused(await signed({ nonce }));
});

test('of too many nonces that wait the oldest go, and the newest are good', async () => {
  await db.execute('DELETE FROM siwe_nonce');
  await db.execute(
    `INSERT INTO siwe_nonce (nonce, expires_at)
     SELECT lpad(i::text, 32, '0'), $2::timestamptz + i * interval '1 millisecond' FROM generate_series(1, $1::int) i`,
    [liveNoncesMax, new Date(clock.now() + 60_000)],
  );
  const newest = await signed();
  const [left] = await db.query<{ count: number; oldest: string }>(
    'SELECT count(*)::int AS count, min(nonce) FILTER (WHERE nonce < $1) AS oldest FROM siwe_nonce',
    ['1'],
  );
  assert.deepEqual(left, { count: liveNoncesMax, oldest: '2'.padStart(32, '0') });
  assert.equal((await send(newest)).kind, 'SignedIn');
  await clock.advance(60_000 + liveNoncesMax);
  await takeNonce();
  assert.deepEqual(await db.query('SELECT count(*)::int AS count FROM siwe_nonce'), [{ count: 1 }]);
});

test('a wrong signature is refused, and does not use the nonce up', async () => {
  const { message, signature } = await signed();
  const other = await signed();
  const flipped = `${signature.slice(0, 10)}${signature[10] === '0' ? '1' : '0'}${signature.slice(11)}`;
  for (const wrong of [
    other.signature,
    flipped,
    '0x',
    '',
    'hello',
    `${signature}00`,
    `0x${'00'.repeat(65)}`,
    `0x${'ff'.repeat(65)}`,
  ])
    assert.equal((await send({ message, signature: wrong })).kind, 'Refusal', wrong);
  assert.equal(
    (await send({ message: other.message.replace('some_id', 'other_id'), signature: other.signature })).kind,
    'Refusal',
  );
  assert.equal((await send({ message, signature })).kind, 'SignedIn');
});

test('a signature whose recovery byte begins at 0 is good too', async () => {
  const { message, signature } = await signed();
  const v = Number.parseInt(signature.slice(-2), 16) - 27;
  assert.equal((await send({ message, signature: `${signature.slice(0, -2)}0${v}` })).kind, 'SignedIn');
});

test('a message for another domain is refused, whatever the Host header says', async () => {
  const variables = await signed({ head: 'evil.example wants you to sign in with your Ethereum account:' });
  const { data } = await api.query<{ signInWithEthereum: Result }>(signInMutation, variables, {
    headers: { host: 'evil.example', origin: 'https://evil.example', 'x-forwarded-host': 'evil.example' },
  });
  assert.equal(data?.signInWithEthereum.kind, 'Refusal');
});

test('the token can go into a cookie that scripts and other sites cannot use, and signing out removes it', async () => {
  const { token, cookie, account } = await send({ ...(await signed()), useCookie: true });
  assert.equal(token, null);
  assert.match(cookie ?? '', /^tokengraph_session=\S+; Path=\/graphql; Max-Age=86400; HttpOnly; SameSite=Lax; Secure$/);
  const headers = { cookie: cookie?.split(';')[0] ?? '', origin: publicOrigin };
  assert.equal(await whoIs(headers), account?.id);
  assert.equal(await whoIs({ ...headers, origin: 'https://evil.example' }), null);
  const out = await api.query('mutation { signOut }', {}, { headers });
  assert.deepEqual(out.data, { signOut: true });
  assert.match(out.headers.get('set-cookie') ?? '', /^tokengraph_session=; .*Max-Age=0/);
  await clock.advance(5_000);
  assert.equal(await whoIs(headers), null);
});

test('a session that was signed out is refused everywhere within 5 s; signing out twice says so', async () => {
  const { token } = await send(await signed());
  const headers = { authorization: `Bearer ${token}` };
  await whoIs(headers);
  assert.deepEqual((await api.query('mutation { signOut }', {}, { headers })).data, { signOut: true });
  assert.deepEqual((await api.query('mutation { signOut }', {}, { headers })).data, { signOut: false });
  await clock.advance(5_000);
  assert.equal(await whoIs(headers), 'UNAUTHENTICATED');
  assert.deepEqual((await api.query('mutation { signOut }')).data, { signOut: false });
});

test('a session ends after 24 hours', async () => {
  const { token } = await send(await signed());
  await clock.advance(24 * 3_600_000 - 1);
  assert.notEqual(await whoIs({ authorization: `Bearer ${token}` }), 'UNAUTHENTICATED');
  await clock.advance(1);
  assert.equal(await whoIs({ authorization: `Bearer ${token}` }), 'UNAUTHENTICATED');
});

test('a token that was changed, signed by another secret, by none, or without a session is refused', async () => {
  const { token } = await send(await signed());
  const [head = '', body = '', signature = ''] = (token ?? '').split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  const forged = [
    `${head}.${body}.${signature.slice(1)}A`,
    `${none}.${body}.`,
    `${none}.${body}.${signature}`,
    await signSession(
      new TextEncoder().encode('another secret, that is long enough'),
      'x',
      clock.now(),
      clock.now() + 60_000,
    ),
    await signSession(testSecret, 'no such session', clock.now(), clock.now() + 60_000),
  ];
  for (const text of forged) assert.equal(await whoIs({ authorization: `Bearer ${text}` }), 'UNAUTHENTICATED', text);
});

test('the database holds no session id and no token', async () => {
  const { token } = await send(await signed());
  const { jti } = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
  const [row] = await db.query<{ text: string }>(`SELECT string_agg(s::text, ' ') AS text FROM session s`);
  for (const secret of [jti, Buffer.from(jti).toString('hex'), Buffer.from(jti, 'base64url').toString('hex')])
    assert.ok(!row?.text.includes(secret));
});

test('the secret that the installation makes for itself stays the same', async () => {
  const [one, other] = await Promise.all([loadOwnSecret(db), loadOwnSecret(db)]);
  assert.deepEqual(one, other);
  assert.equal(one.length, 32);
});

test('where anonymous requests are not answered, signing in still is', async (t) => {
  const closed = createTestApi(t, {
    schema,
    db,
    clock,
    access: { authenticate: createTestAuthenticator(db, clock), publicOrigin, isSignedInOnly: true },
    context: () => ({ signIn }),
  });
  const codeOf = async (query: string, headers = {}): Promise<unknown> => {
    const { status, errors } = await closed.query(query, {}, { headers });
    return errors ? [status, errors[0]?.extensions.code] : status;
  };
  const refused = [401, 'UNAUTHENTICATED'];
  assert.equal(await codeOf('mutation { siweNonce { nonce } }'), 200);
  assert.equal(await codeOf('{ viewer { account { id } } }'), 200);
  assert.deepEqual(await codeOf('{ narratives { slug } }'), refused);
  assert.deepEqual(
    await codeOf('{ viewer { account { id } } ...F } fragment F on Query { ... { narratives { slug } } }'),
    refused,
  );
  assert.deepEqual(await codeOf('{ __schema { types { name } } }'), refused);
  const { token } = await send(await signed());
  assert.equal(await codeOf('{ narratives { slug } }', { authorization: `Bearer ${token}` }), 200);
});
