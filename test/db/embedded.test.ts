import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createDb, type Db } from '../../src/db/client.ts';
import { type Embedded, startEmbedded } from '../../src/db/embedded.ts';
import { openDbBeside } from '../../src/db/open.ts';
import { AppError } from '../../src/lib/errors.ts';

const directory = mkdtempSync(join(tmpdir(), 'tokengraph-embedded-'));
let embedded: Embedded;
let db: Db;
let other: Db;

before(async () => {
  embedded = await startEmbedded(directory);
  db = createDb({ mode: 'EMBEDDED', connection: embedded.connection });
  other = createDb({ mode: 'EMBEDDED', connection: embedded.connection });
  await db.query('CREATE TABLE account (id int PRIMARY KEY, balance numeric NOT NULL)');
});

after(async () => {
  await db.close();
  await other.close();
  await embedded.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('statements of many connections never mix, however large their parameters are', async () => {
  const asked = Array.from({ length: 60 }, (_, i) => {
    const from = i % 2 === 0 ? db : other;
    // Large parameters arrive in several pieces, with other connections' messages in between.
    const list = Array.from({ length: (i % 4) * 6000 + 1 }, (_unused, n) => n + i);
    const columns = Array.from({ length: (i % 3) + 1 }, (_unused, n) => `$2::int + ${n} AS c${n}`).join(', ');
    return from
      .query<{ sum: number; c0: number }>(`SELECT (SELECT sum(x) FROM unnest($1::int[]) x) AS sum, ${columns}`, [
        list,
        i,
      ])
      .then(([row]) => assert.deepEqual([row?.sum, row?.c0], [list.reduce((a, b) => a + b, 0), i]));
  });
  await Promise.all(asked);
});

test('concurrent transactions see each other whole or not at all', async () => {
  await db.query('INSERT INTO account VALUES (1, 1000), (2, 1000)');
  const move = (from: number, to: number) =>
    (from === 1 ? db : other).transaction(async (tx) => {
      await tx.execute('UPDATE account SET balance = balance - 1 WHERE id = $1', [from]);
      const [sum] = await tx.query<{ sum: string }>('SELECT sum(balance) FROM account');
      assert.equal(sum?.sum, '1999');
      await tx.execute('UPDATE account SET balance = balance + 1 WHERE id = $1', [to]);
    });
  await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? move(1, 2) : move(2, 1))));
  const rows = await db.query<{ balance: string }>('SELECT balance FROM account ORDER BY id');
  assert.deepEqual(rows, [{ balance: '1000' }, { balance: '1000' }]);
});

test('a failed transaction is rolled back and holds nobody up', async () => {
  const failing = db.transaction(async (tx) => {
    await tx.execute('UPDATE account SET balance = 0');
    await tx.query('SELECT 1 / 0');
  });
  await assert.rejects(failing, /division by zero/);
  assert.deepEqual(await other.query('SELECT DISTINCT balance FROM account'), [{ balance: '1000' }]);
});

test('a connection that is lost in a transaction has it rolled back', async () => {
  const alone = await other.connectAlone();
  alone.on('error', () => {});
  await alone.query('BEGIN');
  await alone.query('UPDATE account SET balance = 7');
  const waiting = db.query<{ balance: string }>('SELECT DISTINCT balance FROM account');
  (alone as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  assert.deepEqual(await waiting, [{ balance: '1000' }]);
});

test('Prisma reads and writes beside plain statements', async () => {
  const [row] = await Promise.all([
    db.prisma.$queryRaw`SELECT count(*)::int AS n FROM account`,
    db.query('SELECT 1'),
    other.query('SELECT 2'),
  ]);
  assert.deepEqual(row, [{ n: 2 }]);
});

test('a command waits for its turn behind a long statement, with a connection and for one', async () => {
  const place = { databaseUrl: null, dataDir: directory };
  const [connected, fresh] = [await openDbBeside(place), await openDbBeside(place)];
  await connected.db.query('SELECT 1');
  const alone = await db.connectAlone();
  const long = alone.query('SELECT pg_sleep(5.5)');
  const answers = await Promise.all([connected.db.query('SELECT 1 AS n'), fresh.db.query('SELECT 2 AS n')]);
  assert.deepEqual(answers, [[{ n: 1 }], [{ n: 2 }]]);
  await long;
  await alone.end();
  await Promise.all([connected.close(), fresh.close()]);
});

test('a directory in use is refused with a sentence that names its process', async () => {
  const second = startEmbedded(directory);
  await assert.rejects(
    second,
    (error: unknown) =>
      error instanceof AppError &&
      error.message.includes(`process ${process.pid}`) &&
      error.message.includes('DATA_DIR'),
  );
});

test('a directory that cannot be made is refused with a sentence', async () => {
  const under = join(directory, 'pg', 'PG_VERSION', 'data');
  await assert.rejects(
    startEmbedded(under),
    (error: unknown) => error instanceof AppError && error.message.includes('cannot be written'),
  );
});

test('what was committed is there after the process that wrote it is gone', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tokengraph-embedded-'));
  const first = await startEmbedded(path);
  const writer = createDb({ mode: 'EMBEDDED', connection: first.connection });
  await writer.query('CREATE TABLE kept (n int)');
  await writer.query('INSERT INTO kept VALUES (42)');
  await writer.close();
  await first.stop();
  const again = await startEmbedded(path);
  const reader = createDb({ mode: 'EMBEDDED', connection: again.connection });
  assert.deepEqual(await reader.query('SELECT n FROM kept'), [{ n: 42 }]);
  await reader.close();
  await again.stop();
  rmSync(path, { recursive: true, force: true });
});

test('a connection that dies between two statements of a transaction fails the transaction, not the process', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tokengraph-embedded-'));
  const lost = await startEmbedded(path);
  const client = createDb({ mode: 'EMBEDDED', connection: lost.connection });
  const failing = client.transaction(async (tx) => {
    await tx.query('SELECT 1');
    await lost.stop();
    await new Promise((resolve) => setImmediate(resolve)); // the loss is told while no statement runs
    await tx.query('SELECT 2');
  });
  await assert.rejects(failing);
  await client.close();
  rmSync(path, { recursive: true, force: true });
});
