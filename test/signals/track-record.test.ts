import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gradeBands } from '../../src/grades/model.ts';
import { computeTrackRecord, type RecordSums, wilsonOf } from '../../src/signals/track-record.ts';

const near = (actual: number | null | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-12, `${actual} is not ${expected}`);

const sums: RecordSums = {
  count: 45,
  closed: 40,
  hits: 10,
  winPct: 120,
  lossPct: -60,
  medianPct: -1.5,
  bestPct: 40,
  worstPct: -12,
  holdPct: 80,
  adversePct: -200,
  worstAdversePct: -33,
  from: 1,
  to: 2,
};

test("Wilson's interval is that of statsmodels", () => {
  for (const [hits, n, low, high] of [
    [7, 10, 0.39677814746114537, 0.8922087325936989],
    [0, 40, 0, 0.08762160119728668],
    [523, 1000, 0.4920142012545935, 0.553809767855071],
  ] as const) {
    const rate = wilsonOf(hits, n);
    near(rate.rate, hits / n);
    near(rate.low, low);
    near(rate.high, high);
  }
});

test('the figures follow from the sums: ten wins of 12 %, thirty losses of 2 %', () => {
  const record = computeTrackRecord({ all: sums, byBand: new Map(), withdrawn: 0 }, gradeBands);
  assert.deepEqual([record.count, record.closed, record.open], [45, 40, 5]);
  near(record.hitRate?.rate, 0.25);
  near(record.meanReturnPct, 1.5);
  near(record.meanWinPct, 12);
  near(record.meanLossPct, -2);
  near(record.expectancyPct, 0.25 * 12 - 0.75 * 2);
  near(record.meanHoldReturnPct, 2);
  near(record.meanExcessPct, -0.5);
  near(record.meanAdversePct, -5);
  assert.deepEqual(
    [record.medianReturnPct, record.bestReturnPct, record.worstReturnPct, record.worstAdversePct, record.reason],
    [-1.5, 40, -12, -33, null],
  );
});

test('under 30 closed signals statistics are null and the reason says so; extremes are facts', () => {
  const record = computeTrackRecord({ all: { ...sums, closed: 29 }, byBand: new Map(), withdrawn: 0 }, gradeBands);
  const { hitRate, meanReturnPct, medianReturnPct, expectancyPct, meanExcessPct, meanAdversePct, meanWinPct } = record;
  for (const value of [
    hitRate,
    meanReturnPct,
    medianReturnPct,
    expectancyPct,
    meanExcessPct,
    meanAdversePct,
    meanWinPct,
  ])
    assert.equal(value, null);
  assert.equal(record.bestReturnPct, 40);
  assert.equal(record.reason, '29 signals are closed; 30 are needed.');
});

test('without a loss the mean loss is null and the expectancy is the mean', () => {
  const record = computeTrackRecord(
    { all: { ...sums, hits: 40, winPct: 80, lossPct: null }, byBand: new Map(), withdrawn: 0 },
    gradeBands,
  );
  assert.equal(record.meanLossPct, null);
  near(record.expectancyPct, 2);
});

test('calibration has a bucket for each band, with figures where 30 signals are closed', () => {
  const byBand = new Map([
    ['BUY', { count: 31, closed: 30, hits: 12, winPct: 60, lossPct: -90 }],
    ['SELL', { count: 12, closed: 10, hits: 9, winPct: 10, lossPct: -1 }],
  ] as const);
  const { calibration } = computeTrackRecord({ all: sums, byBand, withdrawn: 0 }, gradeBands);
  assert.deepEqual(
    calibration.map(({ band, count, closed, meanReturnPct }) => [band, count, closed, meanReturnPct]),
    [
      ['STRONG_BUY', 0, 0, null],
      ['BUY', 31, 30, -1],
      ['NEUTRAL', 0, 0, null],
      ['SELL', 12, 10, null],
      ['STRONG_SELL', 0, 0, null],
    ],
  );
  near(calibration[1]?.hitRate?.rate, 0.4);
});
