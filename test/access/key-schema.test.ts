import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { liveKeysMax, recordApiKey, rotateApiKey } from '../../src/access/key-store.ts';
import { createSchema } from '../../src/schema.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { createTestAuthenticator, seedSomebody } from './accounts.ts';

const schema = createSchema();
const db = await createTestDb({ after });
const clock = createTestClock(Date.UTC(2026, 10, 28));
const access = { authenticate: createTestAuthenticator(db, clock), publicOrigin: null };
const api = createTestApi({ after: (run) => after(run as () => void) }, { schema, db, clock, access });

type Result = { kind: string; code?: string; secret?: string; apiKey?: { id: string; expiresAt: string | null } };
const create = `mutation ($name: String!, $expiresAt: DateTime) {
  createApiKey(input: { name: $name, expiresAt: $expiresAt }) {
    kind: __typename ... on ApiKeyCreated { secret apiKey { id name createdAt expiresAt } } ... on Refusal { code message }
  }
}`;
const rotate = `mutation ($id: ID!, $graceSeconds: Int! = 86400) {
  rotateApiKey(id: $id, graceSeconds: $graceSeconds) {
    kind: __typename ... on ApiKeyCreated { secret apiKey { id name expiresAt } } ... on Refusal { code message }
  }
}`;
const revoke = `mutation ($id: ID!) {
  revokeApiKey(id: $id) { kind: __typename ... on ApiKeyRevoked { apiKey { id expiresAt } } ... on Refusal { code message } }
}`;

/** Runs a mutation with a key and gives its result. */
async function run(secret: string, query: string, variables: Record<string, unknown>): Promise<Result> {
  const { data, errors } = await api.query<Record<string, Result>>(query, variables, {
    headers: { 'x-api-key': secret },
  });
  assert.equal(errors, undefined);
  return Object.values(data ?? {})[0] as Result;
}

async function whoIs(headers: Record<string, string>): Promise<[status: number, who: string | null | undefined]> {
  const { status, data, errors } = await api.query<{ viewer: { account: { name: string } } | null }>(
    '{ viewer { account { name } } }',
    {},
    { headers },
  );
  return [status, errors?.[0]?.extensions.code ?? data?.viewer?.account.name ?? null];
}

test('a key is shown in x-api-key or as a bearer token; a bad one is 401, none is anonymous', async () => {
  const { secret } = await seedSomebody(db, clock, 'Ada');
  assert.deepEqual(await whoIs({ 'x-api-key': secret }), [200, 'Ada']);
  assert.deepEqual(await whoIs({ authorization: `Bearer ${secret}` }), [200, 'Ada']);
  assert.deepEqual(await whoIs({ authorization: `bearer   ${secret}` }), [200, 'Ada']);
  assert.deepEqual(await whoIs({ authorization: secret }), [200, 'Ada']);
  assert.deepEqual(await whoIs({ 'x-api-key': `${secret}0` }), [401, 'UNAUTHENTICATED']);
  assert.deepEqual(await whoIs({ authorization: 'Bearer hello' }), [401, 'UNAUTHENTICATED']);
  assert.deepEqual(await whoIs({ authorization: 'Basic aGVsbG86aGVsbG8=' }), [200, null]);
  assert.deepEqual(await whoIs({}), [200, null]);
});

test('a made key works, is listed without its secret, and its text is nowhere in the database', async () => {
  const { secret } = await seedSomebody(db, clock, 'Bea');
  const made = await run(secret, create, { name: 'bot', expiresAt: null });
  assert.equal(made.kind, 'ApiKeyCreated');
  assert.deepEqual(await whoIs({ 'x-api-key': made.secret ?? '' }), [200, 'Bea']);
  const { data } = await api.query<{ viewer: { apiKeys: { name: string }[] } }>(
    '{ viewer { apiKeys { id name createdAt expiresAt } } }',
    {},
    { headers: { 'x-api-key': secret } },
  );
  assert.deepEqual(data?.viewer.apiKeys.map(({ name }) => name).sort(), ["Bea's", 'bot']);
  assert.ok(!JSON.stringify(data).includes(made.secret?.slice(16, 64) ?? ''));
  assert.equal(await countRowsWith(made.secret?.slice(16) ?? ''), 0);
});

/** Rows of any table whose text, or whose bytes as text, contain something. */
async function countRowsWith(text: string): Promise<number> {
  const tables = await db.query<{ name: string }>(
    `SELECT format('%I', table_name) AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  );
  assert.ok(tables.length > 20);
  let count = 0;
  for (const { name } of tables) {
    const [row] = await db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM ${name} t WHERE t::text LIKE '%' || $1 || '%' OR t::text LIKE '%' || $2 || '%'`,
      [text, Buffer.from(text).toString('hex')],
    );
    count += row?.n ?? 0;
  }
  return count;
}

test('a rotated key and its successor both work until the grace is over', async () => {
  const { secret, keyId } = await seedSomebody(db, clock, 'Cid');
  const next = await run(secret, rotate, { id: keyId, graceSeconds: 60 });
  assert.deepEqual([next.kind, next.apiKey?.expiresAt], ['ApiKeyCreated', null]);
  assert.deepEqual(await whoIs({ 'x-api-key': secret }), [200, 'Cid']);
  assert.deepEqual(await whoIs({ 'x-api-key': next.secret ?? '' }), [200, 'Cid']);
  await clock.advance(60_000);
  assert.deepEqual(await whoIs({ 'x-api-key': secret }), [401, 'UNAUTHENTICATED']);
  assert.deepEqual(await whoIs({ 'x-api-key': next.secret ?? '' }), [200, 'Cid']);
});

test('the operator rotates the key of any account, without a pause or with one', async () => {
  const { secret, keyId, accountId } = await seedSomebody(db, clock, 'Ivy');
  const next = await rotateApiKey({ db, clock }, null, keyId, 0);
  assert.equal(next.apiKey.accountId, accountId);
  assert.deepEqual(await whoIs({ 'x-api-key': next.secret }), [200, 'Ivy']);
  await clock.advance(5_000);
  assert.deepEqual(await whoIs({ 'x-api-key': secret }), [401, 'UNAUTHENTICATED']);
  for (const [id, seconds] of [
    [keyId, 60],
    ['000000000000', 60],
    [next.apiKey.id, Number('soon')],
  ] as const)
    await assert.rejects(rotateApiKey({ db, clock }, null, id, seconds), { code: 'BAD_USER_INPUT' });
});

test('a revoked key is refused, and cannot be revoked or rotated again', async () => {
  const { secret, accountId } = await seedSomebody(db, clock, 'Dan');
  const { apiKey } = await recordApiKey({ db, clock }, accountId, { name: 'second', expiresAt: null });
  assert.equal((await run(secret, revoke, { id: apiKey.id })).kind, 'ApiKeyRevoked');
  for (const mutation of [revoke, rotate])
    assert.equal((await run(secret, mutation, { id: apiKey.id })).code, 'BAD_USER_INPUT');
});

test("somebody else's key answers exactly like a missing one, and stays", async () => {
  const owner = await seedSomebody(db, clock, 'Eve');
  const other = await seedSomebody(db, clock, 'Fay');
  for (const mutation of [revoke, rotate])
    assert.deepEqual(
      await run(other.secret, mutation, { id: owner.keyId }),
      await run(other.secret, mutation, { id: '000000000000' }),
    );
  assert.deepEqual(await whoIs({ 'x-api-key': owner.secret }), [200, 'Eve']);
});

test('bad names, ends and graces are refused and change nothing', async () => {
  const { secret, keyId } = await seedSomebody(db, clock, 'Gus');
  const refusals = [
    await run(secret, create, { name: ' ', expiresAt: null }),
    await run(secret, create, { name: 'x'.repeat(101), expiresAt: null }),
    await run(secret, create, { name: 'late', expiresAt: '2026-01-01' }),
    await run(secret, rotate, { id: keyId, graceSeconds: -1 }),
    await run(secret, rotate, { id: keyId, graceSeconds: 604_801 }),
  ];
  assert.deepEqual(
    refusals.map(({ code }) => code),
    Array(refusals.length).fill('BAD_USER_INPUT'),
  );
  const [row] = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM api_key k JOIN account a ON a.id = k.account_id WHERE a.name = 'Gus'`,
  );
  assert.equal(row?.n, 1);
});

test(`an account has at most ${liveKeysMax} keys, however many are asked for at once`, async () => {
  const { secret } = await seedSomebody(db, clock, 'Hal');
  const results = await Promise.all(
    Array.from({ length: liveKeysMax + 5 }, (_, i) => run(secret, create, { name: `key ${i}`, expiresAt: null })),
  );
  assert.equal(results.filter(({ kind }) => kind === 'ApiKeyCreated').length, liveKeysMax - 1);
  assert.equal(results.filter(({ code }) => code === 'LIMIT_EXCEEDED').length, 6);
});

test('nobody makes, replaces or ends keys anonymously', async () => {
  for (const [query, variables] of [
    [create, { name: 'x' }],
    [rotate, { id: 'x' }],
    [revoke, { id: 'x' }],
  ] as const) {
    const { status, errors } = await api.query(query, variables);
    assert.deepEqual([status, errors?.[0]?.extensions.code], [401, 'UNAUTHENTICATED']);
  }
});
