import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Closes,
  computeMatrix,
  type Correlation,
  type CorrelationMethod,
  createReturnGrid,
  observationsMin,
} from '../../src/metrics/correlation.ts';

const gap = Number.NaN;

/** Pearson by the textbook, of the rows that both have. */
function naive(a: readonly number[], b: readonly number[], method: CorrelationMethod): number | null {
  const rows = a.map((_, row) => row).filter((row) => !Number.isNaN(a[row]) && !Number.isNaN(b[row]));
  if (rows.length < observationsMin) return null;
  const pick = (of: readonly number[]): number[] => rows.map((row) => of[row] ?? 0);
  const rank = (of: readonly number[]): number[] =>
    of.map((x) => of.filter((y) => y < x).length + (of.filter((y) => y === x).length + 1) / 2);
  const [x, y] = method === 'PEARSON' ? [pick(a), pick(b)] : [rank(pick(a)), rank(pick(b))];
  const mean = (of: readonly number[]): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const cov = (p: readonly number[], q: readonly number[]): number =>
    mean(p.map((value, row) => (value - mean(p)) * ((q[row] ?? 0) - mean(q))));
  const scale = Math.sqrt(cov(x, x) * cov(y, y));
  return scale < 1e-20 ? null : cov(x, y) / scale;
}

const pairOf = (a: readonly number[], b: readonly number[], method: CorrelationMethod): Correlation =>
  computeMatrix([Float64Array.from(a), Float64Array.from(b)], method)[0]![1]!;

test('both methods equal the textbook on any columns with any holes and ties', () => {
  const cell = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, -0.5, gap));
  const column = fc.array(cell, { minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(column, column, fc.constantFrom('PEARSON', 'SPEARMAN'), (a, b, method) => {
      const { value, reason } = pairOf(a, b, method);
      const expected = naive(a, b, method);
      assert.equal(value === null, expected === null, `${value} ${expected}`);
      assert.equal(value === null, reason !== null);
      if (value !== null && expected !== null) assert.ok(Math.abs(value - expected) < 1e-9, `${value} ${expected}`);
    }),
  );
});

test('scipy agrees on a small table with ties', () => {
  // scipy.stats 1.17: pearsonr and spearmanr of x = (7 i mod 31) and y = (11 i mod 13), i = 0..39.
  const x = Array.from({ length: 40 }, (_, i) => (7 * i) % 31);
  const y = Array.from({ length: 40 }, (_, i) => (11 * i) % 13);
  assert.ok(Math.abs(pairOf(x, y, 'PEARSON').value! - -0.017582348380303914) < 1e-12);
  assert.ok(Math.abs(pairOf(x, y, 'SPEARMAN').value! - -0.020703014606643786) < 1e-12);
});

test('fewer than thirty common rows, and a column that stands still, are null with a reason', () => {
  const ramp = Array.from({ length: 59 }, (_, i) => i);
  const early = ramp.map((i) => (i < 30 ? i * i : gap));
  assert.deepEqual(pairOf(ramp, early, 'PEARSON').n, 30);
  const late = ramp.map((i) => (i < 30 ? gap : i));
  assert.deepEqual(pairOf(ramp, late, 'SPEARMAN'), { value: null, n: 29, reason: 'TOO_FEW_OBSERVATIONS' });
  const still = ramp.map(() => 0.1);
  assert.deepEqual(pairOf(ramp, still, 'PEARSON'), { value: null, n: 59, reason: 'NO_VARIATION' });
  assert.deepEqual(pairOf(ramp, still, 'SPEARMAN'), { value: null, n: 59, reason: 'NO_VARIATION' });
});

test('returns stand on one grid of times; over a hole there is none', () => {
  const closesOf = (openTimes: readonly number[], closes: readonly number[]): Closes => ({ openTimes, closes });
  const grid = createReturnGrid(
    [closesOf([0, 10, 20, 40], [1, 2, 4, 8]), closesOf([20, 30, 40], [1, Math.E, 1]), closesOf([], [])],
    10,
    null,
  );
  assert.deepEqual([grid?.from, grid?.to], [0, 40]);
  assert.deepEqual(
    grid?.columns.map((column) => [...column]),
    [
      [Math.log(2), Math.log(2), gap, gap],
      [gap, gap, 1, -1],
      [gap, gap, gap, gap],
    ],
  );
  const later = createReturnGrid([closesOf([0, 10, 20], [1, 2, 4])], 10, 10);
  assert.deepEqual([later?.from, [...later!.columns[0]!]], [10, [Math.log(2)]]);
  assert.equal(createReturnGrid([], 10, null), null);
});
