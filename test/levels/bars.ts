import * as fc from 'fast-check';
import type { Bar } from '../../src/indicators/bar.ts';
import { dayMs } from '../../src/lib/interval.ts';

/** Day `n` of a series that begins on 2020-01-01: its open time. */
export const dayOpen = (n: number): number => Date.UTC(2020, 0, 1) + n * dayMs;

/** Daily bars that close at these prices, each 1 wide on either side. */
export function barsOfCloses(closes: readonly number[]): Bar[] {
  return closes.map((close, n) => ({
    openTime: dayOpen(n),
    closeTime: dayOpen(n + 1),
    open: closes[n - 1] ?? close,
    high: Math.max(close, closes[n - 1] ?? close) + 1,
    low: Math.min(close, closes[n - 1] ?? close) - 1,
    close,
    volume: 100,
  }));
}

/** A random walk of daily bars with two decimals; equal highs and lows happen. */
export function arbitraryBars(lengthMin: number, lengthMax: number): fc.Arbitrary<Bar[]> {
  const step = fc.record({
    change: fc.integer({ min: -9, max: 9 }),
    up: fc.integer({ min: 0, max: 4 }),
    down: fc.integer({ min: 0, max: 4 }),
    volume: fc.integer({ min: 0, max: 50 }),
  });
  return fc.array(step, { minLength: lengthMin, maxLength: lengthMax }).map((steps) => {
    let open = 100;
    return steps.map(({ change, up, down, volume }, n) => {
      const close = Math.max(10, open + change);
      const bar = {
        openTime: dayOpen(n),
        closeTime: dayOpen(n + 1),
        open,
        high: Math.max(open, close) + up,
        low: Math.min(open, close) - down,
        close,
        volume,
      };
      open = close;
      return bar;
    });
  });
}
