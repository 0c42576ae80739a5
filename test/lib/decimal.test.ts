import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addDecimals, compareDecimals, Exact, multiplyDecimals, subtractDecimals } from '../../src/lib/decimal.ts';

/** Decimal text of up to so many digits before and after the point, with zeros at its ends. */
const decimal = (whole: number, fraction: number): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 10n ** BigInt(whole) }),
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: fraction }).map((rest) => rest.join('')),
    )
    .map(([isNegative, digits, rest]) => `${isNegative ? '-' : ''}${digits}${rest === '' ? '' : `.${rest}`}`);

const anyDecimal = fc.oneof(decimal(4, 3), decimal(8, 8), decimal(16, 2), decimal(30, 40));

const textOf = (value: Exact): string => (value.isZero() ? '0' : value.toFixed());

test('sums, differences and products are exact, whatever their length', () => {
  fc.assert(
    fc.property(anyDecimal, anyDecimal, (a, b) => {
      assert.equal(addDecimals(a, b), textOf(new Exact(a).plus(b)));
      assert.equal(subtractDecimals(a, b), textOf(new Exact(a).minus(b)));
      assert.equal(multiplyDecimals(a, b), textOf(new Exact(a).times(b)));
    }),
    { numRuns: 2_000 },
  );
});

test('comparisons are exact, also where floating point cannot tell', () => {
  fc.assert(
    fc.property(anyDecimal, anyDecimal, (a, b) => assert.equal(compareDecimals(a, b), new Exact(a).comparedTo(b))),
    { numRuns: 2_000 },
  );
  assert.equal(compareDecimals('0.10000000000000000001', '0.1'), 1);
  assert.equal(compareDecimals('1.50', '1.5'), 0);
});
