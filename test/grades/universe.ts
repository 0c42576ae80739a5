import type { GradeInput } from '../../src/grades/engine.ts';
import type { Bar } from '../../src/indicators/bar.ts';
import { dayMs } from '../../src/lib/interval.ts';

/** A repeatable stream of numbers in 0..1. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Daily bars of one random walk from day 0, `swing` its daily spread. */
export function walk(seed: number, days: number, swing = 0.08): Bar[] {
  const random = createRandom(seed);
  let close = 50 + random() * 100;
  return Array.from({ length: days }, (_, day) => {
    const open = close;
    close *= Math.exp((random() - 0.5) * swing);
    const [high, low] = [Math.max(open, close) * (1 + random() * 0.01), Math.min(open, close) * (1 - random() * 0.01)];
    return { openTime: day * dayMs, closeTime: (day + 1) * dayMs, open, high, low, close, volume: 1 + random() * 1e6 };
  });
}

/** The closes of a universe in order: what the engine is fed. Keys are the positions of the series. */
export function closesOf(series: readonly (readonly Bar[])[]): { closeTime: number; bars: GradeInput[] }[] {
  const byClose = new Map<number, GradeInput[]>();
  for (const [key, bars] of series.entries()) {
    for (const bar of bars) byClose.set(bar.closeTime, [...(byClose.get(bar.closeTime) ?? []), { key, bar }]);
  }
  return [...byClose].sort(([a], [b]) => a - b).map(([closeTime, bars]) => ({ closeTime, bars }));
}
