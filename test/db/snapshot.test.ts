import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { createSnapshotReader, isSameSnapshot } from '../../src/db/snapshot.ts';
import { createTestClock } from '../support/clock.ts';

interface Asked {
  answer(text: string | null): void;
  fail(): void;
}

/** A database that is asked by hand. */
function createFakeDb() {
  const asked: Asked[] = [];
  let ended = 0;
  const client = {
    query: () =>
      new Promise((resolve, reject) => {
        asked.push({
          answer: (text) => resolve({ rows: [{ snapshot: text }] }),
          fail: () => reject(new Error('Connection terminated')),
        });
      }),
    end: async () => void (ended += 1),
  };
  const db = { mode: 'POSTGRES', connectAlone: async () => client } as unknown as Db;
  return { db, asked, ended: () => ended };
}

/** Lets everything happen that waits for nothing. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who asks while the database is asked waits for the next answer, together with others', async () => {
  const { db, asked } = createFakeDb();
  const reader = createSnapshotReader({ db, clock: createTestClock(0) });
  const first = reader.read();
  await settle();
  const later = [reader.read(), reader.read()];
  await settle();
  assert.equal(asked.length, 1);
  asked[0]?.answer('5:5:');
  assert.deepEqual(await first, { line: 1, text: '5:5:' });
  await settle();
  assert.equal(asked.length, 2);
  asked[1]?.answer('6:6:');
  for (const read of later) assert.deepEqual(await read, { line: 1, text: '6:6:' });
});

test('after a failure nothing can be told for a second; then the same snapshot is another', async () => {
  const { db, asked, ended } = createFakeDb();
  const clock = createTestClock(0);
  const reader = createSnapshotReader({ db, clock });
  const before = reader.read();
  await settle();
  asked[0]?.answer('5:5:');
  const failing = reader.read();
  await settle();
  asked[1]?.fail();
  assert.equal(await failing, null);
  assert.equal(ended(), 1);
  assert.equal(await reader.read(), null);
  assert.equal(asked.length, 2);
  await clock.advance(1_000);
  const after = reader.read();
  await settle();
  asked[2]?.answer('5:5:');
  assert.deepEqual(await after, { line: 2, text: '5:5:' });
  assert.equal(isSameSnapshot(await before, await after), false);
  assert.equal(isSameSnapshot(await after, await after), true);
});

test('a standby, and a reader that is closed, cannot tell', async () => {
  const { db, asked } = createFakeDb();
  const reader = createSnapshotReader({ db, clock: createTestClock(0) });
  const standby = reader.read();
  await settle();
  asked[0]?.answer(null);
  assert.equal(await standby, null);
  assert.equal(isSameSnapshot(null, null), false);
  await reader.close();
  assert.equal(await reader.read(), null);
});
