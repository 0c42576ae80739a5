import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { listEvents } from '../../src/events/store.ts';
import { allOfHistory, compute, type ComputeSummary } from '../../src/ingest/compute.ts';
import { latestSignal, loadStrategies } from '../../src/signals/store.ts';
import { recordTotals } from '../../src/signals/track-record-store.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { closeOf, createDailyMarket } from './daily-market.ts';

const size = { tokens: 5, days: 130 };
/** The days whose closes are corrected. */
const wrong = { from: 100, to: 110 };

const computeAt = (db: Db, day: number): Promise<ComputeSummary> =>
  compute({ db, clock: createTestClock(closeOf(day)) }, allOfHistory);

/** The signals that stand, without ids and times of publication. */
async function listStanding(db: Db): Promise<object[]> {
  return db.query(
    `SELECT st.name, s.token_id, s.issued_at, s.direction, s.price_usd, s.confidence, s.evidence
     FROM signal s JOIN strategy st ON st.id = s.strategy_id
     WHERE NOT EXISTS (SELECT 1 FROM signal c WHERE c.supersedes = s.id)
       AND NOT EXISTS (SELECT 1 FROM signal_withdrawal w WHERE w.signal_id = s.id)
     ORDER BY st.name, s.token_id, s.issued_at`,
  );
}

function listLatest(db: Db, knownAt: number | null): Promise<unknown[]> {
  const load = async (tokenId: number) => {
    const signal = await latestSignal({ db }).load({ tokenId, strategy: 'trend-votes-1d', asOf: null, knownAt });
    return signal && [signal.issuedAt, signal.direction];
  };
  return Promise.all([1, 2, 3, 4, 5].map(load));
}

async function readRecord(db: Db) {
  const strategies = await loadStrategies({ db });
  const ofAll = { from: null, to: null, tokenIds: null, direction: null, isSimulated: false };
  const totals = await Promise.all(strategies.map(({ id }) => recordTotals({ db }).load({ strategyId: id, ...ofAll })));
  const sum = (of: (one: (typeof totals)[0]) => number): number => totals.reduce((total, one) => total + of(one), 0);
  const inBands = sum(({ byBand }) => [...byBand.values()].reduce((total, { count }) => total + count, 0));
  return { count: sum(({ all }) => all.count), inBands, withdrawn: sum(({ withdrawn }) => withdrawn) };
}

test('signals that corrected candles no longer give are withdrawn, told of, and come back with the candles', async (t) => {
  const [db, fresh] = [await createTestDb(t), await createTestDb(t)];
  const market = await createDailyMarket(db, size);
  await market.record(0, size.days);
  assert.equal((await computeAt(db, size.days)).signalsWithdrawn, 0);
  const [before, latestBefore] = [await listStanding(db), await listLatest(db, null)];

  await market.record(wrong.from, wrong.to, 1.3);
  const corrected = await computeAt(db, size.days + 1);
  const other = await createDailyMarket(fresh, size);
  await other.record(0, size.days);
  await other.record(wrong.from, wrong.to, 1.3);
  await computeAt(fresh, size.days);
  assert.ok(corrected.signalsWithdrawn > 0);
  assert.notDeepEqual(await listStanding(db), before);
  assert.deepEqual(await listStanding(db), await listStanding(fresh));
  assert.deepEqual(await listLatest(db, null), await listLatest(fresh, null));
  assert.deepEqual(await listLatest(db, closeOf(size.days)), latestBefore);
  const [record, plain] = [await readRecord(db), await readRecord(fresh)];
  assert.deepEqual([record.count, record.inBands, plain.withdrawn], [plain.count, plain.inBands, 0]);
  assert.ok(plain.inBands > 0);
  assert.ok(record.withdrawn > 0 && record.withdrawn <= corrected.signalsWithdrawn); // it has no NEUTRAL ones
  const told = (await listEvents(db, ['signals'], 0, 5000)).filter(
    (event) => event.topic === 'signals' && event.payload.action === 'WITHDRAWN',
  );
  assert.equal(told.length, corrected.signalsWithdrawn);
  const again = await computeAt(db, size.days + 2);
  assert.deepEqual([again.signalsWithdrawn, again.signalsWritten], [0, 0]);

  await market.record(wrong.from, wrong.to);
  await computeAt(db, size.days + 3);
  assert.deepEqual(await listStanding(db), before);
  assert.deepEqual(await listLatest(db, null), latestBefore);
});
