import * as fc from 'fast-check';
import type { Bar } from '../../src/indicators/bar.ts';

/** Bars from closes: each opens at the close before, and its range is what both touch unless widened. */
export function barsOf(closes: readonly number[], widen = 0, volume = 1): Bar[] {
  return closes.map((close, i) => {
    const open = closes[i - 1] ?? close;
    return barAt(i, { open, high: Math.max(open, close) + widen, low: Math.min(open, close) - widen, close, volume });
  });
}

export function barAt(i: number, values: Omit<Bar, 'openTime' | 'closeTime'>): Bar {
  return { openTime: i * 3_600_000, closeTime: (i + 1) * 3_600_000, ...values };
}

/** One step of a random walk: move of the close and reach beyond it as percent steps, and volume, often the same. */
const step = fc.record({
  move: fc.integer({ min: -500, max: 500 }),
  up: fc.integer({ min: 0, max: 300 }),
  down: fc.integer({ min: 0, max: 300 }),
  volume: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 1, max: 1_000_000 }) },
    { weight: 1, arbitrary: fc.constant(0) },
  ),
});

/** Random walks of `length` bars from a start price between a billionth and a million. */
export function walks(length: { min: number; max: number }): fc.Arbitrary<Bar[]> {
  const start = fc.constantFrom(1e-9, 0.37, 100, 65_000, 1e6);
  const steps = fc.array(step, { minLength: length.min, maxLength: length.max });
  return fc.tuple(start, steps).map(([price, moves]) => {
    let open: number = price;
    return moves.map(({ move, up, down, volume }, i) => {
      const close = open * (1 + move / 10_000);
      const high = Math.max(open, close) * (1 + up / 10_000);
      const low = Math.min(open, close) * (1 - down / 10_000);
      const bar = barAt(i, { open, high, low, close, volume });
      open = close;
      return bar;
    });
  });
}

/** A long deterministic walk, the same on every machine. */
export function longWalk(length: number, seed = 1): Bar[] {
  let state = seed;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  let open = 100;
  return Array.from({ length }, (_, i) => {
    const close = open * (1 + (random() - 0.5) * 0.04);
    const high = Math.max(open, close) * (1 + random() * 0.01);
    const low = Math.min(open, close) * (1 - random() * 0.01);
    const bar = barAt(i, { open, high, low, close, volume: Math.floor(random() * 1e6) });
    open = close;
    return bar;
  });
}

type Column = readonly (number | null)[];

/**
 * Largest difference of two columns, relative to the value or, near zero, to 1/1000 of the column's largest: values that
 * cross zero have no relative error of their own. Counts only rows where `expected` has a value; a null of ours there is
 * an infinite error.
 */
export function compareColumns(actual: Column, expected: Column): { compared: number; worst: number } {
  const floor = 1e-3 * expected.reduce<number>((max, x) => Math.max(max, Math.abs(x ?? 0)), 0) || 1;
  let compared = 0;
  let worst = 0;
  expected.forEach((want, i) => {
    if (want === null) return;
    const got = actual[i];
    compared++;
    const error = typeof got === 'number' ? Math.abs(got - want) / Math.max(Math.abs(want), floor) : Infinity;
    worst = Math.max(worst, error);
  });
  return { compared, worst };
}
