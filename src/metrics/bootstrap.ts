import { quantileOf } from '../lib/statistics.ts';
import { createRandom } from '../sources/random.ts';

/**
 * Paths that a price could take if its own past returns came again in another order: a circular block bootstrap (Politis
 * and Romano, 1992). Blocks keep the days that belong together. Pure: the same returns and seed give the same answer.
 */

/** Days that stay together. */
export const blockDays = 10;
/** Paths drawn. */
export const pathsCount = 2_000;

/** What paths are drawn from. */
export interface BootstrapInput {
  /** Log returns of one period, oldest first, at least one; one list a token. */
  readonly returns: readonly Float64Array[];
  /** Periods ahead. */
  readonly horizons: readonly number[];
  /** Which quantiles of the paths are told, 0..1. */
  readonly quantiles: readonly number[];
  readonly seed: number;
}

/** By list, horizon and quantile, in the order of the input: log returns over the whole horizon. */
export function computeBootstrap({ returns, horizons, quantiles, seed }: BootstrapInput): number[][][] {
  return returns.map((list) => {
    const ends = drawEnds(list, horizons, seed);
    return ends.map((column) => {
      column.sort();
      return quantiles.map((q) => quantileOf(column, q) ?? 0);
    });
  });
}

/** The sum of returns at each horizon of every path. */
function drawEnds(returns: Float64Array, horizons: readonly number[], seed: number): Float64Array[] {
  const random = createRandom(seed, blockDays, 0);
  const sums = prefixSums(returns);
  const order = horizons.map((_, index) => index).sort((a, b) => (horizons[a] ?? 0) - (horizons[b] ?? 0));
  const ends = horizons.map(() => new Float64Array(pathsCount));
  for (let path = 0; path < pathsCount; path += 1) {
    let [day, level, start] = [0, 0, 0];
    for (const index of order) {
      const horizon = horizons[index] ?? 0;
      while (day < horizon) {
        if (day % blockDays === 0) start = Math.floor(random.uniform() * returns.length);
        const into = day % blockDays;
        const steps = Math.min(blockDays - into, horizon - day);
        level += sumOf(sums, start + into, steps);
        day += steps;
      }
      (ends[index] as Float64Array)[path] = level;
    }
  }
  return ends;
}

function prefixSums(returns: Float64Array): Float64Array {
  const sums = new Float64Array(returns.length + 1);
  for (let index = 0; index < returns.length; index += 1)
    sums[index + 1] = (sums[index] as number) + (returns[index] as number);
  return sums;
}

/** The sum of `steps` returns from a position on; after the last return comes the first. */
function sumOf(sums: Float64Array, from: number, steps: number): number {
  const count = sums.length - 1;
  const whole = Math.floor(steps / count) * (sums[count] as number);
  const [start, rest] = [from % count, steps % count];
  const end = start + rest;
  if (end <= count) return whole + (sums[end] as number) - (sums[start] as number);
  return whole + (sums[count] as number) - (sums[start] as number) + (sums[end - count] as number);
}
