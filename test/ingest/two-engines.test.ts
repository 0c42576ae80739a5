import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { createEngine, type Engine } from '../../src/ingest/engine.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { closeOf, createDailyMarket, readRecorded } from './daily-market.ts';

const size = { tokens: 3, days: 106 };
/** Days whose history is there before the engines are. */
const past = 98;

function startEngine(db: Db): Promise<Engine> {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  return createEngine({ db, clock: createTestClock(closeOf(size.days)), log, onPublished() {} });
}

/** Settles the days with so many engines that drain the same log at once. */
async function settle(db: Db, engineCount: number): Promise<void> {
  const market = await createDailyMarket(db, size);
  await market.record(0, past);
  const engines: Engine[] = [];
  for (let n = 0; n < engineCount; n += 1) engines.push(await startEngine(db));
  for (let day = past; day < size.days; day += 1) {
    await market.record(day, day + 1);
    await market.announce(day);
    await Promise.all(engines.map((engine) => engine.drain()));
  }
}

test('two engines that settle the same closes at once record what one does, and tell each thing once', async (t) => {
  const [single, db] = [await createTestDb(t), await createTestDb(t)];
  await settle(single, 1);
  await settle(db, 2);
  assert.equal(await readRecorded(db), await readRecorded(single));
  const [told] = await db.query<{ events: number; facts: number; rows: number; seq: number; last: number }>(
    `SELECT count(*) AS events, count(DISTINCT (topic, payload)) AS facts,
       (SELECT count(*) FROM grade) + (SELECT count(*) FROM signal) + (SELECT count(*) FROM signal_outcome) AS rows,
       (SELECT max(seq) FROM event_consumer) AS seq, (SELECT max(seq) FROM event WHERE topic = 'closes') AS last
     FROM event WHERE topic IN ('grades', 'signals')`,
  );
  assert.ok(told && told.events > 0);
  assert.deepEqual([told.events, told.facts], [told.facts, told.rows]);
  assert.equal(told.seq, told.last, 'the position never goes back');
});
