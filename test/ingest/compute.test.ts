import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { listEvents } from '../../src/events/store.ts';
import { compute, type ComputeSummary } from '../../src/ingest/compute.ts';
import { createEngine } from '../../src/ingest/engine.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { closeOf, createDailyMarket, readRecorded } from './daily-market.ts';

const size = { tokens: 5, days: 112 };
const log = { debug() {}, info() {}, warn() {}, error() {} };

function computeAll(db: Db, day = size.days): Promise<ComputeSummary> {
  return compute({ db, clock: createTestClock(closeOf(day)) }, { fromMs: null, toMs: null, tokenIds: null });
}

describe('compute', () => {
  it('records what the live engine records, byte by byte, and nothing when it is run again', async (t) => {
    const [history, live] = [await createTestDb(t), await createTestDb(t)];
    await (await createDailyMarket(history, size)).record(0, size.days);
    const summary = await computeAll(history);
    assert.ok(summary.gradesWritten > 100 && summary.signalsWritten > 20 && summary.outcomesWritten > 10);

    const market = await createDailyMarket(live, size);
    const clock = createTestClock(closeOf(0));
    const engine = await createEngine({ db: live, clock, log, onPublished() {} });
    for (let day = 0; day < size.days; day += 1) {
      await market.record(day, day + 1);
      await market.announce(day);
      await engine.drain();
      await clock.advance(closeOf(1) - closeOf(0));
    }
    assert.equal(await readRecorded(history), await readRecorded(live));

    const again = await computeAll(history);
    assert.deepEqual([again.gradesWritten, again.signalsWritten, again.outcomesWritten], [0, 0, 0]);
  });

  it('announces the last grades and the newest signal of each token, and sets the keys of token lists', async (t) => {
    const db = await createTestDb(t);
    await (await createDailyMarket(db, size)).record(0, size.days);
    await computeAll(db);
    const events = await listEvents(db, ['grades', 'signals'], 0, 1000);
    const newest = await db.query<{ id: number }>(
      `SELECT max(id) AS id FROM signal WHERE (token_id, strategy_id, issued_at) IN
         (SELECT token_id, strategy_id, max(issued_at) FROM signal GROUP BY 1, 2) GROUP BY token_id, strategy_id ORDER BY 1`,
    );
    const told = events.flatMap((event) => (event.topic === 'signals' ? event.payload.signalId : []));
    assert.deepEqual(
      told.sort((a, b) => a - b),
      newest.map(({ id }) => id),
    );
    const last = await db.query<{ id: number }>('SELECT id FROM grade WHERE as_of = $1 ORDER BY id', [
      new Date(closeOf(size.days - 1)),
    ]);
    assert.deepEqual(
      events.flatMap((event) => (event.topic === 'grades' ? event.payload.gradeId : [])),
      last.map(({ id }) => id),
    );
    const [keys] = await db.query<{ wrong: number }>(
      `SELECT count(*) AS wrong FROM token_stat s CROSS JOIN LATERAL (
         SELECT g.value FROM grade g JOIN current_grade_model m ON m.model_id = g.model_id WHERE g.token_id = s.token_id AND m.kind = 'TRADER'
         ORDER BY as_of DESC LIMIT 1) g WHERE s.trader_key <> g.value`,
    );
    assert.equal(keys?.wrong, 0);
  });
});
