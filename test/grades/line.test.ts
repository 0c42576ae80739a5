import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitLine, largestResidual } from '../../src/grades/line.ts';

describe('the line through pairs', () => {
  it('fits by least squares', () => {
    const exact = fitLine([1, 3, 5, 7], [0, 1, 2, 3], 3);
    assert.deepEqual(exact, { intercept: 1, slope: 2, deviation: 0, correlation: 1 });
    // y = x with errors (1, -1, -1, 1), which are uncorrelated with x: sqrt(4 / (4 - 2)), sqrt(5 / 9).
    const noisy = fitLine([1, 0, 1, 4], [0, 1, 2, 3], 3) ?? assert.fail();
    assert.deepEqual([noisy.slope, noisy.intercept], [1, 0]);
    assert.ok(
      Math.abs(noisy.deviation - Math.SQRT2) < 1e-12 && Math.abs((noisy.correlation ?? 0) ** 2 - 5 / 9) < 1e-12,
    );
    assert.equal(largestResidual(noisy, [1, 0, 1, 4], [0, 1, 2, 3]), 1);
    assert.equal(largestResidual(noisy, [1, 0], [Number.NaN, 1]), -1);
  });

  it('leaves out what has no pair', () => {
    assert.equal(fitLine([1, 9, 0, 1, 4], [0, Number.NaN, 1, 2, 3], 3)?.slope, 1);
    assert.equal(largestResidual({ intercept: 0, slope: 1, deviation: 0, correlation: 1 }, [9], [Number.NaN]), null);
  });

  it('is null for too few pairs or a still market, and has no correlation for a still token', () => {
    assert.equal(fitLine([1, 0, 1, 4], [0, Number.NaN, 2, 3], 4), null);
    assert.equal(fitLine([1, 0, 1, 4], [2, 2, 2, 2], 3), null);
    assert.equal(fitLine([2, 2, 2], [1, 2, 3], 3)?.correlation, null);
  });
});
