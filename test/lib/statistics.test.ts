import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  deviationOf,
  maxDrawdownOf,
  profitFactorOf,
  quantileOf,
  sharpeOf,
  skewOf,
  sortinoOf,
  tailRatioOf,
} from '../../src/lib/statistics.ts';

const returns = [0.1, -0.05, 0.02, -0.1, 0.03];
const ascending = returns.toSorted((a, b) => a - b);

const cases: readonly [name: string, actual: number | null, expected: number | null][] = [
  ['deviation', deviationOf([1, 2, 3, 4]), Math.sqrt(5 / 3)],
  ['deviation of equal values', deviationOf(Array.from({ length: 90 }, () => 0.1)), 0],
  ['deviation of one value', deviationOf([1]), null],
  // mean 0, sum of squares 0.0238: std = sqrt(0.0238 / 4).
  ['sharpe around zero', sharpeOf(returns), 0],
  ['sharpe', sharpeOf([0.01, 0.03]), (0.02 / Math.sqrt(0.0002)) * Math.sqrt(365)],
  ['sharpe of equal returns', sharpeOf(Array.from({ length: 90 }, () => 0.01)), null],
  ['sortino', sortinoOf([0.03, -0.01]), (0.01 / Math.sqrt(0.0001 / 2)) * Math.sqrt(365)],
  ['sortino without a loss', sortinoOf([0.01, 0.02]), null],
  ['drawdown', maxDrawdownOf([0.1, -0.5, 0.2, -0.5, 3]), 0.5 * 1.2 * 0.5 - 1],
  ['drawdown from the first price', maxDrawdownOf([-0.2, 0.1]), -0.2],
  ['drawdown of a rise', maxDrawdownOf([0.1, 0.1]), 0],
  ['profit factor', profitFactorOf(returns), 1],
  ['profit factor without a loss', profitFactorOf([0.1]), null],
  ['quantile between two', quantileOf(ascending, 0.9), 0.03 + 0.6 * 0.07],
  ['quantile of nothing', quantileOf([], 0.5), null],
  ['tail ratio', tailRatioOf(ascending), (0.03 + 0.8 * 0.07) / (0.1 - 0.2 * 0.05)],
  ['tail ratio over zero', tailRatioOf([0, 0, 1]), null],
  // Excel's SKEW of its own documentation example.
  ['skew', skewOf([3, 4, 5, 2, 3, 4, 5, 6, 4, 7]), 0.3595430714067974],
  ['skew of equal values', skewOf([0.1, 0.1, 0.1]), null],
];

describe('window statistics', () => {
  for (const [name, actual, expected] of cases) {
    it(`${name} is ${expected}`, () => {
      if (expected === null || actual === null) assert.equal(actual, expected);
      else assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}`);
    });
  }
});
