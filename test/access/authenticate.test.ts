import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createApiKey } from '../../src/access/api-key.ts';
import { recordApiKey, revokeApiKey } from '../../src/access/key-store.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { createTestAuthenticator, seedSomebody } from './accounts.ts';

const db = await createTestDb({ after });
const clock = createTestClock(Date.UTC(2026, 10, 28));
const statements: string[] = [];
after(db.onStatement((text) => statements.push(text)));

const token = (text: string) => ({ kind: 'TOKEN', text }) as const;
const unauthenticated = { code: 'UNAUTHENTICATED' };

test('nothing shown is nobody; a good key is its account with its plan', async () => {
  const { secret, viewer } = await seedSomebody(db, clock, 'Ada');
  const authenticate = createTestAuthenticator(db, clock);
  assert.equal(await authenticate(null), null);
  assert.deepEqual(await authenticate(token(secret)), viewer);
});

test('a mistyped, a foreign, an unknown and an empty key are refused, and the message holds none of it', async () => {
  const { secret, keyId } = await seedSomebody(db, clock, 'Bea');
  const authenticate = createTestAuthenticator(db, clock);
  const stranger = createApiKey().text;
  const sameId = stranger.replace(/^tg_[0-9a-f]{12}/, `tg_${keyId}`);
  for (const text of [secret.slice(0, -1), `${secret}0`, stranger, sameId, '', 'tg_', 'hello'])
    await assert.rejects(authenticate(token(text)), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'UNAUTHENTICATED');
      assert.ok(text.length < 8 || !error.message.includes(text));
      return true;
    });
});

test('a key with the id of another and a right checksum does not pass for it', async () => {
  const { keyId } = await seedSomebody(db, clock, 'Cid');
  const forged = createApiKey();
  await db.query('UPDATE api_key SET id = $1 WHERE id = $2', [forged.id, keyId]); // the id of a key we know the text of
  await assert.rejects(createTestAuthenticator(db, clock)(token(forged.text)), unauthenticated);
});

test('a revoked key is refused within 5 s by who has seen it, at once by who has not', async () => {
  const { secret, accountId, keyId } = await seedSomebody(db, clock, 'Dan');
  const authenticate = createTestAuthenticator(db, clock);
  await authenticate(token(secret));
  await revokeApiKey({ db, clock }, accountId, keyId);
  await assert.rejects(createTestAuthenticator(db, clock)(token(secret)), unauthenticated);
  await clock.advance(4_999);
  await assert.rejects(authenticate(token(secret)), unauthenticated);
});

test('a key that ends is refused from that moment on', async () => {
  const { accountId } = await seedSomebody(db, clock, 'Eve');
  const key = { name: 'short', expiresAt: clock.now() + 1_000 };
  const { secret } = await recordApiKey({ db, clock }, accountId, key);
  const authenticate = createTestAuthenticator(db, clock);
  await authenticate(token(secret));
  await clock.advance(999);
  await authenticate(token(secret));
  await clock.advance(1);
  await assert.rejects(authenticate(token(secret)), unauthenticated);
});

test('requests in a row ask the database once, and thirty keys at once take one statement', async () => {
  const people = [];
  for (let i = 0; i < 30; i += 1) people.push(await seedSomebody(db, clock, `many ${i}`));
  const authenticate = createTestAuthenticator(db, clock);
  statements.length = 0;
  const viewers = await Promise.all(people.map(({ secret }) => authenticate(token(secret))));
  assert.deepEqual(
    viewers,
    people.map(({ viewer }) => viewer),
  );
  for (const { secret } of people) await authenticate(token(secret));
  assert.equal(statements.length, 1);
});

test('a cookie that is not, or no longer, good makes anonymous, since a page cannot remove it', async () => {
  const authenticate = createTestAuthenticator(db, clock);
  assert.equal(await authenticate({ kind: 'COOKIE', text: 'old' }), null);
});
