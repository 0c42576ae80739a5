import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createFactBook, type FactInputs, type FactPoint } from '../../src/facts/inputs.ts';
import { dayMs } from '../../src/lib/interval.ts';

/** A number of token 1 for a day, out at its close unless said otherwise. */
function point(part: Partial<FactPoint> & { day: number; value: number }): FactPoint {
  const { day, ...rest } = part;
  const asOf = day * dayMs;
  return { tokenId: 1, metric: 'CIRCULATING_SUPPLY', sourceId: 1, asOf, knownAt: asOf, ...rest };
}

const nothing: FactInputs = {
  marketCapUsd: null,
  circulatingSupply: null,
  supplyQuarterBefore: null,
  feesUsdMean: null,
  activeAddressesMonth: null,
  activeAddressesYear: null,
};
const at = (points: readonly FactPoint[], day: number): FactInputs =>
  createFactBook(points).at(1, day * dayMs) ?? nothing;

test('a number counts for seven days', () => {
  const points = [point({ day: 400, value: 21 })];
  assert.deepEqual(
    [399, 400, 407, 408].map((day) => at(points, day).circulatingSupply),
    [null, 21, 21, null],
  );
  assert.equal(createFactBook(points).at(2, 400 * dayMs), null);
});

test('what was not out at the close is not there; a correction replaces its day once it is out', () => {
  const late = point({ day: 400, value: 22, knownAt: 402 * dayMs });
  const points = [point({ day: 399, value: 21 }), point({ day: 400, value: 20, knownAt: 401 * dayMs }), late];
  assert.deepEqual(
    [400, 401, 402].map((day) => at(points, day).circulatingSupply),
    [21, 20, 22],
  );
});

test('the supply of the quarter before is that of the nearest day of the same source, at most seven off', () => {
  const now = point({ day: 800, value: 110 });
  const before = (...days: number[]) =>
    at([...days.map((day) => point({ day, value: day })), now], 800).supplyQuarterBefore;
  assert.deepEqual(
    [before(710), before(708, 713), before(707, 713), before(717), before(718), before(702), before(703)],
    [710, 708, 707, 717, null, null, 703],
  );
  const other = point({ day: 710, value: 1, sourceId: 2 });
  assert.equal(at([now, other], 800).supplyQuarterBefore, null);
});

test('of two sources the one with the newest day counts, of equals the one known first', () => {
  const first = point({ day: 400, value: 1 });
  const second = point({ day: 400, value: 2, sourceId: 2 });
  assert.equal(at([first, second], 400).circulatingSupply, 1);
  assert.equal(at([first, second, point({ day: 401, value: 3, sourceId: 2 })], 401).circulatingSupply, 3);
});

test('means need enough days and take each day once, by its newest number', () => {
  const days = (count: number) =>
    Array.from({ length: count }, (_, index) => point({ day: 1000 - count + index, value: index, metric: 'FEES_USD' }));
  assert.equal(at(days(59), 999).feesUsdMean, null);
  assert.equal(at(days(60), 999).feesUsdMean, 29.5);
  assert.equal(at(days(200), 999).feesUsdMean, 154.5);
  const corrected = [...days(60), point({ day: 999, value: 659, metric: 'FEES_USD' })];
  assert.equal(at(corrected, 999).feesUsdMean, 39.5);
});

test('no number known or dated later changes the inputs at a close', () => {
  const anyPoint = fc.record({
    day: fc.integer({ min: 1, max: 800 }),
    value: fc.integer({ min: 1, max: 1000 }),
    lag: fc.integer({ min: 0, max: 30 }),
    metric: fc.constantFrom('CIRCULATING_SUPPLY', 'MARKET_CAP_USD', 'FEES_USD', 'ACTIVE_ADDRESSES'),
    sourceId: fc.integer({ min: 1, max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(anyPoint, { maxLength: 300 }), fc.integer({ min: 1, max: 800 }), (drafts, closeDay) => {
      const points = drafts
        .map(({ lag, ...draft }) => point({ ...draft, knownAt: (draft.day + lag) * dayMs }))
        .sort(
          (a, b) =>
            (a.metric < b.metric ? -1 : a.metric > b.metric ? 1 : 0) ||
            a.sourceId - b.sourceId ||
            a.asOf - b.asOf ||
            a.knownAt - b.knownAt,
        );
      const known = points.filter(({ asOf, knownAt }) => asOf <= closeDay * dayMs && knownAt <= closeDay * dayMs);
      assert.deepEqual(at(points, closeDay), at(known, closeDay));
    }),
  );
});
