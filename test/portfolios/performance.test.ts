import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CashFlow, computeXirr } from '../../src/portfolios/performance.ts';

const flowsOf = (...flows: readonly [days: number, amount: number][]): CashFlow[] =>
  flows.map(([days, amount]) => ({ years: days / 365, amount }));

const rates: readonly [what: string, flows: CashFlow[], rate: number][] = [
  ['a tenth more after a year', flowsOf([0, -1000], [365, 1100]), 0.1],
  ['a half less after a year', flowsOf([0, -1000], [365, 500]), -0.5],
  // the example of XIRR in the documentation of spreadsheets
  ['flows at uneven times', flowsOf([0, -10_000], [60, 2_750], [303, 4_250], [411, 3_250], [456, 2_750]), 0.373362535],
];
for (const [what, flows, rate] of rates)
  test(`XIRR of ${what}`, () => {
    const { value, reason } = computeXirr(flows);
    assert.equal(reason, null);
    assert.ok(Math.abs((value ?? Number.NaN) - rate) < 1e-8, `${value} is not ${rate}`);
  });

const absent: readonly [what: string, flows: CashFlow[], reason: string][] = [
  ['nothing', [], 'NOTHING_HELD'],
  ['flows of less than a day', flowsOf([0, -100], [0.5, 101]), 'TOO_SHORT'],
  ['what was only paid in', flowsOf([0, -100], [365, -5]), 'NO_GAIN_OR_LOSS_RATE'],
  ['what only came out', flowsOf([0, 100], [365, 5]), 'NO_GAIN_OR_LOSS_RATE'],
  ['flows that 10 and 100 percent fit', flowsOf([0, -100], [365, 310], [730, -220]), 'SEVERAL_RATES'],
];
for (const [what, flows, reason] of absent)
  test(`XIRR of ${what} is null: ${reason}`, () => assert.deepEqual(computeXirr(flows), { value: null, reason }));

test('what is paid in once and comes out in parts has the one rate at which it is worth nothing', () => {
  const part = fc.tuple(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 10_000 }));
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 10_000 }),
      fc.array(part, { minLength: 1, maxLength: 6 }),
      (paid, parts) => {
        const flows = flowsOf([0, -paid], ...parts);
        const { value } = computeXirr(flows);
        if (value === null) return; // beyond the rates that are looked for
        const worth = (rate: number): number =>
          flows.reduce((sum, { years, amount }) => sum + amount / (1 + rate) ** years, 0);
        const step = Math.max(1e-9, Math.abs(1 + value) * 1e-9);
        assert.ok(worth(value - step) >= -1e-6 * paid && worth(value + step) <= 1e-6 * paid);
      },
    ),
  );
});
