import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayMs, hourMs, intervalMs, isAligned, minuteMs } from '../../src/lib/interval.ts';
import type { SourceCandle } from '../../src/sources/exchange.ts';
import { fetchClosed, planCatchUp } from '../../src/sources/venue-candles.ts';

const nowMs = Date.UTC(2026, 0, 8, 15, 7); // a Thursday

test('a market without a past begins with the week, so that no coarser candle starts in the middle', () => {
  const at = (day: number, hour: number): number => Date.UTC(2026, 0, day, hour);
  assert.deepEqual(planCatchUp(null, nowMs), [
    { interval: 'ONE_HOUR', fromMs: at(5, 0), toMs: at(8, 4) },
    { interval: 'ONE_MINUTE', fromMs: at(8, 4), toMs: nowMs },
  ]);
});

test('after a pause the parts join without a hole, aligned, the finest last', () => {
  const pause = fc.integer({ min: 1, max: 100 * 24 * 60 }).map((minutes) => minutes * minuteMs);
  fc.assert(
    fc.property(pause, (pauseMs) => {
      const parts = planCatchUp(nowMs - pauseMs, nowMs);
      assert.deepEqual([parts[0]?.fromMs, parts.at(-1)?.toMs], [nowMs - pauseMs, nowMs]);
      for (const [index, { interval, fromMs, toMs }] of parts.entries()) {
        assert.ok(toMs > fromMs && (parts[index + 1]?.fromMs ?? nowMs) === toMs);
        assert.ok((toMs - fromMs) / intervalMs(interval) <= 1_000, 'one or two answers each');
        if (index > 0) assert.ok(isAligned(interval, fromMs));
      }
    }),
  );
  assert.deepEqual(planCatchUp(nowMs - 5 * minuteMs, nowMs), [
    { interval: 'ONE_MINUTE', fromMs: nowMs - 5 * minuteMs, toMs: nowMs },
  ]);
  assert.ok(planCatchUp(nowMs - 90 * dayMs, nowMs).some(({ interval }) => interval === 'ONE_DAY'));
});

const one = {
  open: '1',
  high: '1',
  low: '1',
  close: '1',
  volumeBase: '1',
  volumeQuote: null,
  marketCapUsd: null,
  supply: null,
};

function candlesFrom(fromMs: number, count: number): SourceCandle[] {
  return Array.from({ length: count }, (_, index) => ({
    symbol: 'BTC/USD',
    interval: 'ONE_MINUTE',
    openTime: fromMs + index * minuteMs,
    ...one,
  }));
}

test('a page leaves out what has not closed, and does not promise what the exchange cut off', async () => {
  const part = { interval: 'ONE_MINUTE', fromMs: nowMs - 5 * hourMs, toMs: nowMs } as const;
  const answer = (rows: SourceCandle[]) => fetchClosed({ fetchCandles: () => Promise.resolve(rows) }, 'BTC/USD', part);
  const whole = await answer(candlesFrom(part.fromMs, 301));
  assert.deepEqual([whole.candles.length, whole.untilMs], [300, nowMs]);
  const cut = await answer(candlesFrom(part.fromMs, 200));
  assert.deepEqual([cut.candles.length, cut.untilMs], [200, part.fromMs + 200 * minuteMs]);
  const quiet = await answer(candlesFrom(part.fromMs, 3));
  assert.deepEqual([quiet.candles.length, quiet.untilMs], [3, nowMs], 'minutes without trades are not told by some');
});
