import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { bucketOpen, type CandleInterval, candleIntervals, hourMs, minuteMs } from '../../src/lib/interval.ts';
import { type CandleBuilder, createCandleBuilder } from '../../src/prices/build.ts';
import type { Candle, NewCandle } from '../../src/prices/candle.ts';
import type { SeriesTick } from '../../src/prices/minute.ts';
import type { GivenCandle, StoredState } from '../../src/prices/series-build.ts';
import { foldCandles } from './plain-fold.ts';

/** Input of a venue that comes late, twice, in any order or not at all, held to the run without a fault. */

const start = Date.UTC(2026, 0, 5, 3); // a Monday
const latenessMs = 2 * minuteMs;

const trade = (id: number, timeMs: number, price: number): SeriesTick => ({
  seriesId: 1,
  timeMs: start + timeMs,
  price: String(price),
  volumeBase: '0.5',
  volumeQuote: String(price / 2),
  tradeId: String(id),
});

/** What a database holds: candles by bucket, and how often a final one was changed. */
class Stored {
  readonly candles = new Map<string, NewCandle>();
  corrected = 0;

  /** Writes as the live writer does: candles, corrections, their folds; then the builder goes on from it. */
  write(builder: CandleBuilder): void {
    const { candles, corrections, watermark } = builder.take();
    for (const candle of [...candles, ...corrections]) this.put(candle);
    if (corrections.length === 0) return;
    for (const [index, interval] of candleIntervals.slice(1).entries())
      for (const fold of foldCandles(this.list(candleIntervals[index] ?? interval), interval, watermark))
        this.put({ ...fold, seriesId: 1, interval, isNative: false });
    builder.refold(new Map([[1, this.state()]]));
  }
  list(interval: CandleInterval): NewCandle[] {
    return [...this.candles.values()]
      .filter((one) => one.interval === interval)
      .sort((a, b) => a.openTime - b.openTime);
  }
  state(): StoredState {
    const finals = (interval: CandleInterval): NewCandle[] => this.list(interval).filter(({ isFinal }) => isFinal);
    const lastOf = (interval: CandleInterval): number => finals(interval).at(-1)?.openTime ?? -Infinity;
    const known = candleIntervals.filter((interval) => finals(interval).length > 0);
    const unfolded = candleIntervals.slice(0, -1).flatMap((interval, index) => {
      const coarser = candleIntervals[index + 1] ?? interval;
      return finals(interval)
        .filter(({ openTime }) => bucketOpen(coarser, openTime) > lastOf(coarser))
        .map((candle) => ({ interval, candle }));
    });
    return { lastFinal: new Map(known.map((one) => [one, lastOf(one)])), unfolded, openMinutes: [] };
  }
  private put(candle: NewCandle): void {
    const key = `${candle.interval} ${candle.openTime}`;
    const former = this.candles.get(key);
    if (former?.isFinal && !candle.isFinal) return;
    if (former?.isFinal && text(former) !== text(candle)) this.corrected += 1;
    this.candles.set(key, candle);
  }
}

const text = ({ openTime, open, high, low, close, volumeBase, volumeQuote }: Candle): string =>
  [openTime, open, high, low, close, volumeBase, volumeQuote].join(' ');

const finalText = (stored: Stored, interval: CandleInterval): string[] =>
  stored
    .list(interval)
    .filter(({ isFinal }) => isFinal)
    .map(text);

const walk = fc
  .array(fc.record({ gapMs: fc.integer({ min: 0, max: 30_000 }), price: fc.integer({ min: 1, max: 999 }) }), {
    minLength: 1,
    maxLength: 100,
  })
  .map((steps) => {
    let timeMs = 0;
    return steps.map(({ gapMs, price }, id) => trade(id + 1, (timeMs += gapMs), price));
  });

/** The run in which everything comes once and in order. */
function undisturbed(ticks: readonly SeriesTick[], end: number): Stored {
  const stored = new Stored();
  const builder = createCandleBuilder({ retells: false, latenessMs });
  for (const tick of ticks) {
    builder.applyTicks([tick]);
    builder.advance(tick.timeMs);
  }
  builder.advance(end);
  stored.write(builder);
  return stored;
}

const endOf = (ticks: readonly SeriesTick[]): number => (ticks.at(-1)?.timeMs ?? start) + hourMs;

/** Each trade comes `delay` ms after it happened, some twice; written every few. */
function disturbed(ticks: readonly SeriesTick[], delays: readonly number[], keep: (id: number) => boolean): Stored {
  const stored = new Stored();
  const builder = createCandleBuilder({ retells: false, latenessMs });
  const arrivals = ticks
    .flatMap((tick, index) => {
      const delay = delays[index % delays.length] ?? 0;
      const once = { tick, at: tick.timeMs + delay };
      return delay % 3 === 0 ? [once, { tick, at: tick.timeMs + ((delay * 7) % latenessMs) }] : [once];
    })
    .filter(({ tick }) => keep(Number(tick.tradeId)))
    .sort((a, b) => a.at - b.at);
  for (const [index, { tick, at }] of arrivals.entries()) {
    builder.advance(at);
    builder.applyTicks([tick]);
    if (index % 3 === 0) stored.write(builder);
  }
  assert.equal(builder.counts().late, 0);
  builder.advance(endOf(ticks));
  stored.write(builder);
  repair(stored, builder, ticks, keep);
  return stored;
}

/** The venue's own candles of the minutes from which something was lost, in an order of their own. */
function repair(
  stored: Stored,
  builder: CandleBuilder,
  ticks: readonly SeriesTick[],
  keep: (id: number) => boolean,
): void {
  const lost = ticks.filter(({ tradeId }) => !keep(Number(tradeId)));
  const minutes = new Set(lost.map(({ timeMs }) => bucketOpen('ONE_MINUTE', timeMs)));
  const exact = undisturbed(ticks, endOf(ticks)).list('ONE_MINUTE');
  for (const candle of exact.filter(({ openTime }) => minutes.has(openTime)).reverse()) {
    const { isFinal: _, isNative: __, ...given } = candle;
    builder.applyCandles([given satisfies GivenCandle]);
    if (candle.openTime % 120_000 === 0) stored.write(builder);
  }
  stored.write(builder);
}

const delays = fc.array(fc.integer({ min: 0, max: latenessMs - 1 }), { minLength: 1, maxLength: 20 });

test('late, repeated and reordered trades give the candles of the ordered run at every interval', () => {
  fc.assert(
    fc.property(walk, delays, (ticks, late) => {
      const expected = undisturbed(ticks, endOf(ticks));
      const stored = disturbed(ticks, late, () => true);
      for (const interval of candleIntervals)
        assert.deepEqual(finalText(stored, interval), finalText(expected, interval), interval);
    }),
    { numRuns: 200 },
  );
});

test("lost trades too, once the venue's own candles have come", () => {
  fc.assert(
    fc.property(walk, delays, fc.integer({ min: 2, max: 9 }), (ticks, late, every) => {
      const expected = undisturbed(ticks, endOf(ticks));
      const stored = disturbed(ticks, late, (id) => id % every !== 0);
      for (const interval of candleIntervals)
        assert.deepEqual(finalText(stored, interval), finalText(expected, interval), interval);
    }),
    { numRuns: 200 },
  );
});

test('of trades at one millisecond the id tells the order, whichever comes first', () => {
  const ticks = [trade(9, 0, 50), trade(10, 0, 60), trade(11, 0, 40)];
  for (const order of [ticks, ticks.toReversed(), [ticks[1], ticks[0], ticks[2]] as SeriesTick[]]) {
    const builder = createCandleBuilder({ retells: false });
    builder.applyTicks(order);
    const minute = builder.take().candles.find(({ interval }) => interval === 'ONE_MINUTE');
    assert.deepEqual([minute?.open, minute?.close, minute?.high], ['50', '40', '60']);
  }
});

test('trades that differ only in their id are two, the same id twice is one', () => {
  const builder = createCandleBuilder({ retells: false });
  builder.applyTicks([trade(1, 0, 50), trade(2, 0, 50), trade(2, 0, 50)]);
  const minute = builder.take().candles.find(({ interval }) => interval === 'ONE_MINUTE');
  assert.equal(minute?.volumeBase, '1');
  assert.equal(builder.counts().repeated, 1);
});

test('a trade within the lateness corrects its final minute, a later one is counted', () => {
  const builder = createCandleBuilder({ retells: false, latenessMs });
  builder.applyTicks([trade(1, 0, 50)]);
  builder.advance(start + minuteMs);
  builder.take();
  builder.applyTicks([trade(2, 1_000, 70), trade(1, 0, 50)]);
  const [minute] = builder.take().corrections;
  assert.deepEqual([minute?.high, minute?.close, minute?.isFinal, minute?.isNative], ['70', '70', true, false]);
  builder.advance(start + minuteMs + latenessMs);
  builder.applyTicks([trade(3, 2_000, 90)]);
  assert.deepEqual(builder.take().corrections, []);
  assert.deepEqual(builder.counts(), { corrections: 1, late: 1, repeated: 1, shadowed: 0 });
});

test('what a minute made before a restart has is not known: its late trades are left to the own candle of the venue', () => {
  const stored = new Stored();
  const before = createCandleBuilder({ retells: false, latenessMs });
  before.applyTicks([trade(1, 0, 50), trade(2, 61_000, 50)]);
  before.advance(start + minuteMs);
  stored.write(before);
  const builder = createCandleBuilder({ retells: false, latenessMs });
  const { lastFinal, unfolded } = stored.state();
  const openMinutes = stored.list('ONE_MINUTE').filter(({ isFinal }) => !isFinal);
  builder.resume(1, { lastFinal, unfolded, openMinutes });
  builder.advance(start + 2 * minuteMs);
  builder.applyTicks([trade(1, 0, 50), trade(2, 61_000, 50)]);
  assert.deepEqual([builder.take().corrections, builder.counts().late], [[], 2]);
});

test('a candle of the venue takes the place of a final minute: further trades of it are left out', () => {
  const builder = createCandleBuilder({ retells: false, latenessMs });
  builder.applyTicks([trade(1, 0, 50)]);
  builder.advance(start + minuteMs);
  builder.take();
  const prices = { open: '50', high: '80', low: '50', close: '60', volumeBase: '3', volumeQuote: null };
  const own = {
    seriesId: 1,
    interval: 'ONE_MINUTE',
    openTime: start,
    ...prices,
    marketCapUsd: null,
    supply: null,
  } as const;
  builder.applyCandles([own]);
  builder.applyTicks([trade(2, 1_000, 99)]);
  const { corrections } = builder.take();
  assert.deepEqual(
    corrections.map(({ high, isNative }) => [high, isNative]),
    [['80', true]],
  );
});
