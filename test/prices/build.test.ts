import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addDecimals } from '../../src/lib/decimal.ts';
import { bucketOpen, type CandleInterval, candleIntervals, dayMs, hourMs, minuteMs } from '../../src/lib/interval.ts';
import { type CandleBuilder, createCandleBuilder } from '../../src/prices/build.ts';
import type { Candle, NewCandle } from '../../src/prices/candle.ts';
import { foldCandles } from './plain-fold.ts';
import type { SeriesTick } from '../../src/prices/minute.ts';
import type { GivenCandle, StoredState } from '../../src/prices/series-build.ts';

const start = Date.UTC(2026, 0, 5); // a Monday

const tick = (timeMs: number, price: number, seriesId = 1): SeriesTick => ({
  seriesId,
  timeMs: start + timeMs,
  price: String(price),
  volumeBase: '1',
  volumeQuote: String(price),
});

const given = (interval: CandleInterval, openTime: number, close: number, seriesId = 1): GivenCandle => ({
  seriesId,
  interval,
  openTime: start + openTime,
  open: '10',
  high: String(Math.max(10, close)),
  low: String(Math.min(10, close)),
  close: String(close),
  volumeBase: '2',
  volumeQuote: null,
  marketCapUsd: null,
  supply: null,
});

/** What is stored after some takes: the last state of each bucket. */
type Stored = Map<string, NewCandle>;

function store(stored: Stored, candles: readonly NewCandle[]): void {
  for (const candle of candles) {
    const key = `${candle.seriesId} ${candle.interval} ${candle.openTime}`;
    assert.ok(!stored.get(key)?.isFinal, `${key} was final already`);
    stored.set(key, candle);
  }
}

function list(stored: Stored, interval: CandleInterval): NewCandle[] {
  return [...stored.values()].filter((candle) => candle.interval === interval).sort((a, b) => a.openTime - b.openTime);
}

/** The plain way: sort the ticks, make minutes, fold them. */
function foldTicks(ticks: readonly SeriesTick[], watermark: number): Map<CandleInterval, Candle[]> {
  const unique = [...new Map(ticks.map((one) => [`${one.timeMs} ${one.price}`, one])).values()];
  const minutes = new Map<number, Candle>();
  for (const { timeMs, price, volumeBase, volumeQuote } of unique.sort((a, b) => a.timeMs - b.timeMs)) {
    const openTime = bucketOpen('ONE_MINUTE', timeMs);
    const old = minutes.get(openTime);
    minutes.set(openTime, {
      openTime,
      open: old?.open ?? price,
      high: old && Number(old.high) >= Number(price) ? old.high : price,
      low: old && Number(old.low) <= Number(price) ? old.low : price,
      close: price,
      volumeBase: addDecimals(old?.volumeBase ?? '0', volumeBase),
      volumeQuote: addDecimals(old?.volumeQuote ?? '0', volumeQuote),
      marketCapUsd: null,
      supply: null,
      isFinal: false,
    });
  }
  const all = [...minutes.values()];
  return new Map(candleIntervals.map((interval) => [interval, foldCandles(all, interval, watermark)]));
}

function bare(candle: NewCandle): Candle {
  const { openTime, open, high, low, close, volumeBase, volumeQuote, marketCapUsd, supply, isFinal } = candle;
  return { openTime, open, high, low, close, volumeBase, volumeQuote, marketCapUsd, supply, isFinal };
}

const walk = fc
  .array(fc.record({ gapMs: fc.integer({ min: 1, max: 40_000 }), price: fc.integer({ min: 1, max: 999 }) }), {
    minLength: 1,
    maxLength: 120,
  })
  .map((steps) => {
    let timeMs = 0;
    return steps.map(({ gapMs, price }) => tick((timeMs += gapMs * (gapMs % 7 === 0 ? 40 : 1)), price));
  });

test('whatever the order and repetition of ticks within the watermark, candles equal the plain fold', () => {
  fc.assert(
    fc.property(walk, fc.array(fc.nat(), { minLength: 120, maxLength: 120 }), (ticks, dice) => {
      const builder = createCandleBuilder({ retells: false });
      const stored: Stored = new Map();
      const batches = Array.from({ length: Math.ceil(ticks.length / 5) }, (_, i) => ticks.slice(i * 5, i * 5 + 5));
      for (const [index, batch] of batches.entries()) {
        const mixed = batch.map((one, i) => ({ one, n: dice[index * 5 + i] ?? 0 })).sort((a, b) => a.n - b.n);
        const before = batch[0]?.timeMs ?? 0;
        builder.applyTicks(mixed.flatMap(({ one, n }) => (n % 5 === 0 ? [one, one] : [one])));
        builder.advance(before);
        if ((dice[index] ?? 0) % 3 === 0) store(stored, builder.take().candles);
      }
      const watermark = (ticks.at(-1)?.timeMs ?? 0) + 1;
      builder.advance(watermark);
      store(stored, builder.take().candles);
      for (const [interval, expected] of foldTicks(ticks, watermark))
        assert.deepEqual(list(stored, interval).map(bare), expected, interval);
      assert.equal(builder.counts().late, 0);
    }),
    { numRuns: 150 },
  );
});

/** What a store would answer about a series after its candles were written. */
function stateOf(stored: Stored): StoredState {
  const finals = (interval: CandleInterval): NewCandle[] => list(stored, interval).filter(({ isFinal }) => isFinal);
  const lastFinal = new Map<CandleInterval, number>();
  for (const interval of candleIntervals) {
    const last = finals(interval).at(-1);
    if (last) lastFinal.set(interval, last.openTime);
  }
  const unfolded = candleIntervals.slice(0, -1).flatMap((interval, index) => {
    const coarser = candleIntervals[index + 1] ?? interval;
    const folded = finals(coarser).at(-1)?.openTime ?? -Infinity;
    return finals(interval)
      .filter(({ openTime }) => bucketOpen(coarser, openTime) > folded)
      .map((candle) => ({ interval, candle }));
  });
  return { lastFinal, unfolded, openMinutes: list(stored, 'ONE_MINUTE').filter(({ isFinal }) => !isFinal) };
}

test('a builder that resumes from what is stored goes on as if it had never stopped', () => {
  fc.assert(
    fc.property(walk, fc.nat(), (ticks, cut) => {
      const at = cut % (ticks.length + 1);
      const stored: Stored = new Map();
      let builder: CandleBuilder = createCandleBuilder({ retells: false });
      for (const [index, one] of ticks.entries()) {
        if (index === at) {
          builder = createCandleBuilder({ retells: false });
          builder.resume(1, stateOf(stored));
        }
        builder.applyTicks([one]);
        if (index % 3 === 0) builder.advance(one.timeMs);
        store(stored, builder.take().candles);
      }
      const watermark = (ticks.at(-1)?.timeMs ?? 0) + 1;
      builder.advance(watermark);
      store(stored, builder.take().candles);
      for (const [interval, expected] of foldTicks(ticks, watermark))
        assert.deepEqual(list(stored, interval).map(bare), expected, interval);
    }),
    { numRuns: 150 },
  );
});

test('a source that tells the minute under way again replaces the stored one', () => {
  const stored: Stored = new Map();
  const before = createCandleBuilder({ retells: true });
  before.applyTicks([tick(0, 10), tick(1000, 30)]);
  store(stored, before.take().candles);
  const builder = createCandleBuilder({ retells: true });
  builder.resume(1, stateOf(stored));
  builder.applyTicks([tick(0, 10), tick(1000, 30), tick(2000, 20)]);
  const minute = builder.take().candles.find(({ interval }) => interval === 'ONE_MINUTE');
  assert.deepEqual([minute?.high, minute?.close, minute?.volumeBase], ['30', '20', '3']);
});

test('late and repeated ticks are left out and counted', () => {
  const builder = createCandleBuilder({ retells: false });
  builder.applyTicks([tick(0, 10), tick(0, 10), tick(30_000, 12), tick(20_000, 50), tick(20_000, 50)]);
  const open = builder.take().candles.find(({ interval }) => interval === 'ONE_MINUTE');
  assert.deepEqual([open?.high, open?.close, open?.volumeBase], ['50', '12', '3']);
  builder.applyTicks([tick(61_000, 11)]);
  builder.applyTicks([tick(59_000, 13)]); // the watermark has not passed: still in time
  builder.advance(start + 61_000);
  builder.applyTicks([tick(59_500, 99)]);
  const minute = builder.take().candles.find(({ interval, isFinal }) => interval === 'ONE_MINUTE' && isFinal);
  assert.deepEqual([minute?.high, minute?.close, minute?.volumeBase], ['50', '13', '4']);
  assert.deepEqual(builder.counts(), { corrections: 0, late: 1, repeated: 2, shadowed: 0 });
});

test('open minutes come at once; of many series the coarser open candles come in turn, and end the same', () => {
  const [turns, whole] = [1, 1_000].map((turnMax) => createCandleBuilder({ retells: false, turnMax }));
  assert.ok(turns && whole);
  const [inTurn, atOnce]: [Stored, Stored] = [new Map(), new Map()];
  const hoursTaken: number[] = [];
  for (const [n, ids] of [[1, 2, 3], [1], [1, 3], []].entries()) {
    const ticks = ids.map((seriesId) => tick(n * 10_000, 10 + n, seriesId));
    for (const builder of [turns, whole]) builder.applyTicks(ticks);
    for (const builder of [turns, whole]) builder.advance(start + n * 10_000);
    const taken = turns.take().candles;
    hoursTaken.push(...taken.flatMap(({ interval, seriesId }) => (interval === 'ONE_HOUR' ? [seriesId] : [])));
    store(inTurn, taken);
    store(atOnce, whole.take().candles);
    assert.deepEqual(list(inTurn, 'ONE_MINUTE'), list(atOnce, 'ONE_MINUTE'));
    assert.equal(turns.isBehind(), n < 3);
  }
  assert.deepEqual(hoursTaken, [1, 2, 3, 1]);
  for (const interval of candleIntervals) {
    const sorted = (stored: Stored): NewCandle[] => list(stored, interval).sort((a, b) => a.seriesId - b.seriesId);
    assert.deepEqual(sorted(inTurn), sorted(atOnce), interval);
  }
  assert.equal(whole.isBehind(), false);
});

test('a take has what changed since the last one, and nothing when nothing did', () => {
  const builder = createCandleBuilder({ retells: false });
  builder.applyTicks([tick(0, 10), tick(0, 10, 2)]);
  assert.equal(builder.take().candles.length, 14);
  builder.applyTicks([tick(1000, 11)]);
  assert.deepEqual(new Set(builder.take().candles.map(({ seriesId }) => seriesId)), new Set([1]));
  builder.advance(start + 2000);
  assert.deepEqual(builder.take(), { candles: [], corrections: [], closes: [], watermark: start + 2000 });
});

test('closes come in order of time, of one time the coarser first, with the series that have a candle there', () => {
  const builder = createCandleBuilder({ retells: false });
  builder.applyCandles([given('ONE_HOUR', 22 * hourMs, 11), given('ONE_HOUR', 23 * hourMs, 12)]);
  builder.applyCandles([given('ONE_HOUR', 23 * hourMs, 13, 2)]);
  builder.advance(start + dayMs);
  assert.deepEqual(builder.take().closes, [
    { interval: 'ONE_HOUR', closeTime: start + 23 * hourMs, seriesIds: [1] },
    { interval: 'ONE_DAY', closeTime: start + dayMs, seriesIds: [1, 2] },
    { interval: 'ONE_HOUR', closeTime: start + dayMs, seriesIds: [1, 2] },
  ]);
});

test('a silent series closes its buckets when the watermark passes', () => {
  const builder = createCandleBuilder({ retells: false });
  builder.applyTicks([tick(0, 10)]);
  builder.take();
  builder.advance(start + dayMs);
  const finals = builder.take().candles.filter(({ isFinal }) => isFinal);
  assert.deepEqual(
    finals.map(({ interval }) => interval),
    candleIntervals.slice(0, -1),
  );
});

test('a candle of the source replaces the minute that ticks made, and gives way where finer ones fill its bucket', () => {
  const builder = createCandleBuilder({ retells: false });
  builder.applyTicks([tick(0, 10), tick(1000, 30)]);
  builder.applyCandles([given('ONE_MINUTE', 0, 12), given('ONE_MINUTE', 0, 15), given('ONE_HOUR', 0, 99)]);
  builder.applyCandles([given('ONE_HOUR', hourMs, 20)]);
  builder.advance(start + 2 * hourMs);
  const finals = builder.take().candles.filter(({ isFinal }) => isFinal);
  const hours = finals.filter(({ interval }) => interval === 'ONE_HOUR');
  assert.deepEqual(
    hours.map(({ close, isNative }) => [close, isNative]),
    [
      ['12', false],
      ['20', true],
    ],
  );
  assert.deepEqual(builder.counts(), { corrections: 0, late: 0, repeated: 1, shadowed: 1 });
  builder.applyCandles([given('ONE_HOUR', hourMs, 20)]);
  assert.equal(builder.counts().repeated, 2);
});

test('ticks far ahead of the watermark do not make ever more minutes', () => {
  const builder = createCandleBuilder({ retells: false });
  for (let minute = 0; minute < 100; minute += 1) builder.applyTicks([tick(minute * minuteMs, 10)]);
  assert.equal(builder.counts().shadowed, 90);
});
