import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });

test('statements of many connections at once never get each other’s parameters or rows', async () => {
  await Promise.all(
    Array.from({ length: 400 }, async (_, n) => {
      if (n % 5 === 0) await db.query('SELECT 1');
      const [row] = await db.query<{ a: number; b?: number }>(
        n % 2 ? 'SELECT $1::int AS a' : 'SELECT $1::int AS a, 1 AS b',
        [n],
      );
      assert.deepEqual(row, n % 2 ? { a: n } : { a: n, b: 1 });
    }),
  );
});

test('a transaction sees only its own writes though others write beside it', async () => {
  await db.execute('CREATE TABLE turn (n integer NOT NULL)');
  await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      n % 3 === 0
        ? db.execute('INSERT INTO turn VALUES ($1)', [n])
        : db.transaction(async (tx) => {
            const [before] = await tx.query<{ count: number }>('SELECT count(*) FROM turn');
            await tx.execute('INSERT INTO turn VALUES ($1)', [n]);
            const [own] = await tx.query<{ count: number }>('SELECT count(*) FROM turn WHERE n = $1', [n]);
            const [all] = await tx.query<{ count: number }>('SELECT count(*) FROM turn');
            assert.deepEqual(own, { count: 1 });
            if (db.mode === 'EMBEDDED') assert.equal(all?.count, (before?.count ?? 0) + 1);
          }),
    ),
  );
  assert.deepEqual(await db.query('SELECT count(*) FROM turn'), [{ count: 30 }]);
});

test('a failed statement, and a connection that leaves in a transaction, let others go on', async () => {
  await assert.rejects(db.query('SELECT $1::int / 0', [1]), /division by zero/);
  const client = await db.connectAlone();
  await client.query('BEGIN');
  await client.query('INSERT INTO turn VALUES (99)');
  const waiting = db.query('SELECT 1 AS one');
  await client.end();
  assert.deepEqual(await waiting, [{ one: 1 }]);
  assert.deepEqual(await db.query('SELECT n FROM turn WHERE n = $1', [99]), []);
});
