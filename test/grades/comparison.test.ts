import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeComparison, type GradedSide } from '../../src/grades/comparison.ts';
import { standardBands } from '../../src/grades/model.ts';

const firstDay = 20_000;
const dayMs = 86_400_000;

/** The grades of tokens 0, 1 …, a row a token, a column a day; NaN where there is none. */
function side(rows: readonly (readonly number[])[]): GradedSide {
  const grades = rows.map((row, tokenId) => {
    const there = [...row.entries()].filter(([, value]) => !Number.isNaN(value));
    return {
      tokenId,
      days: there.map(([day]) => firstDay + day).join(','),
      values: there.map(([, value]) => value).join(','),
    };
  });
  return { grades, bands: standardBands };
}

const tens = Array.from({ length: 10 }, (_, n) => n);
const near = (actual: number | null, expected: number): void =>
  assert.ok(actual !== null && Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

test('two models that order ten tokens alike but for two of them', () => {
  const own = tens.map((n) => [n * 10, n * 10]);
  // The best and the third best change places on the second day.
  const other = tens.map((n) => [n * 10 + 0.25, n === 9 ? 70.25 : n === 7 ? 90.25 : n * 10 + 0.25]);
  const found = computeComparison({ own: side(own), other: side(other) });
  assert.deepEqual(
    [found.dayCount, found.from, found.to, found.tokensPerDay],
    [2, firstDay * dayMs, (firstDay + 1) * dayMs, 10],
  );
  const swapped = 1 - (6 * (4 + 4)) / (10 * 99); // 1 - 6 Σd² / (n (n² - 1))
  near(found.rankCorrelation, (1 + swapped) / 2);
  near(found.leastRankCorrelation, swapped);
  near(found.meanDistance, (18 * 0.25 + 19.75 + 20.25) / 20);
  // A quarter of a point changes no band (edges at 20.5, 40.5, 60.5, 80.5); the two that change places do.
  near(found.sameBandShare, 18 / 20);
  near(found.sharedBestShare, (1 + 1 / 2) / 2);
  near(found.churn, 0);
  near(found.otherChurn, 1 / 2);
  assert.equal(found.reason, null);
});

test('only tokens that both graded count, and only closes with ten of them; churn needs days that follow each other', () => {
  const holes = [0, 2].map((day) => tens.map((n) => [0, 1, 2].map((at) => (at === day && n === 0 ? Number.NaN : n))));
  const [noFirst, noLast] = holes as [number[][], number[][]];
  const onlyMiddle = computeComparison({ own: side(noFirst), other: side(noLast) });
  assert.deepEqual([onlyMiddle.dayCount, onlyMiddle.rankCorrelation, onlyMiddle.churn], [1, 1, null]);
  assert.match(onlyMiddle.reason ?? '', /churn is not known/);
  const nothing = computeComparison({
    own: side(tens.slice(1).map(() => [1, 2])),
    other: side(tens.map(() => [1, 2])),
  });
  assert.deepEqual([nothing.dayCount, nothing.from, nothing.rankCorrelation], [0, null, null]);
  assert.equal(nothing.reason, 'On no close 10 tokens have a grade by both models.');
  assert.equal(computeComparison({ own: side([]), other: side([]) }).dayCount, 0);
});

test('grades that are all equal have no ranks and no best fifth: null with a reason, never NaN', () => {
  const found = computeComparison({ own: side(tens.map(() => [50, 50])), other: side(tens.map((n) => [n, n])) });
  assert.deepEqual(
    [found.rankCorrelation, found.leastRankCorrelation, found.sharedBestShare, found.churn],
    [null, null, null, null],
  );
  near(found.otherChurn, 0);
  assert.match(found.reason ?? '', /do not vary/);
});
