import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  type CheckedCandle,
  createCandleValidator,
  jumpFactorMax,
  type QuarantineReason,
} from '../../src/prices/validate.ts';

const hour = 3_600_000;
const first = Date.parse('2025-06-02T00:00:00Z');
const now = first + 1000 * hour;

function candle(index: number, facts: Partial<CheckedCandle> = {}): CheckedCandle {
  const prices = { open: '10', high: '12', low: '9', close: '11' };
  return {
    openTime: first + index * hour,
    ...prices,
    volumeBase: '1',
    volumeQuote: null,
    marketCapUsd: null,
    supply: null,
    ...facts,
  };
}

const flat = (index: number, price: string): CheckedCandle =>
  candle(index, { open: price, high: price, low: price, close: price });
const reasonsOf = (candles: readonly CheckedCandle[]): (QuarantineReason | null)[] => {
  const validator = createCandleValidator('ONE_HOUR', now);
  return candles.map((one) => validator.check(one)?.reason ?? null);
};

const cases: readonly [string, Partial<CheckedCandle>, QuarantineReason | null][] = [
  ['a good candle', {}, null],
  ['open and close at the edges of the range', { open: '9', close: '12' }, null],
  ['a high below the low', { high: '8', low: '9' }, 'HIGH_BELOW_LOW'],
  ['an open above the high', { open: '13' }, 'OPEN_OR_CLOSE_OUTSIDE_RANGE'],
  ['a close below the low', { close: '8.999' }, 'OPEN_OR_CLOSE_OUTSIDE_RANGE'],
  [
    'a difference only exact arithmetic sees',
    { close: '12.0000000000000000000000000001' },
    'OPEN_OR_CLOSE_OUTSIDE_RANGE',
  ],
  ['equal numbers spelled differently', { high: '12.00', close: '12.000' }, null],
  ['a zero price', { low: '0.000' }, 'NON_POSITIVE_PRICE'],
  ['a negative price', { low: '-1' }, 'NON_POSITIVE_PRICE'],
  ['a negative volume', { volumeBase: '-0.1' }, 'NEGATIVE_VOLUME'],
  ['a negative market cap', { marketCapUsd: '-1' }, 'NEGATIVE_VOLUME'],
  ['a zero volume', { volumeBase: '0', volumeQuote: '0' }, null],
  ['an unaligned open time', { openTime: first + 1 }, 'UNALIGNED_OPEN_TIME'],
  ['a candle that has not closed', { openTime: now }, 'NOT_CLOSED'],
  ['a candle that closes now', { openTime: now - hour }, null],
  ['a candle of the future', { openTime: now + hour }, 'IN_FUTURE'],
  ['a time before 1970', { openTime: -hour }, 'UNPARSEABLE'],
  ['a number of a thousand digits', { volumeBase: '1'.repeat(1000) }, 'UNPARSEABLE'],
];

for (const [name, facts, reason] of cases) {
  test(`${name} is ${reason ?? 'accepted'}`, () => assert.deepEqual(reasonsOf([candle(0, facts)]), [reason]));
}

test('the second candle of a bucket is refused, unless the first was refused too', () => {
  assert.deepEqual(reasonsOf([candle(0), candle(1), candle(0)]), [null, null, 'DUPLICATE_OPEN_TIME']);
  assert.deepEqual(reasonsOf([candle(0, { low: '0' }), candle(0)]), ['NON_POSITIVE_PRICE', null]);
});

test('a price may reach up to the stated multiple of the recent range, not beyond', () => {
  for (const [price, reason] of [
    ['500', null],
    ['501', 'JUMP'],
    ['0.2', null],
    ['0.19', 'JUMP'],
  ] as const) {
    assert.deepEqual(
      reasonsOf([flat(0, '10'), flat(1, price)]),
      [null, reason],
      `${price} after 10, factor ${jumpFactorMax}`,
    );
  }
});

test('one wrong price does not excuse the next', () => {
  assert.deepEqual(reasonsOf([flat(0, '1'), flat(1, '1000'), flat(2, '1'), flat(3, '1000')]), [
    null,
    'JUMP',
    null,
    'JUMP',
  ]);
});

test('a level that three candles in a row agree on is the new level', () => {
  const prices = ['100', '0.1', '0.11', '0.09', '0.1', '100'];
  assert.deepEqual(reasonsOf(prices.map((price, index) => flat(index, price))), [
    null,
    'JUMP',
    'JUMP',
    null,
    null,
    'JUMP',
  ]);
});

test('after a long silence nothing is recent', () => {
  assert.deepEqual(reasonsOf([flat(0, '1'), flat(201, '1000')]), [null, null]);
  assert.deepEqual(reasonsOf([flat(0, '1'), flat(200, '1000')]), [null, 'JUMP']);
});

test('whatever is accepted fulfils what the database demands of a candle', () => {
  const text = fc.oneof(
    fc.integer({ min: -20, max: 20 }).map(String),
    fc.stringMatching(/^[0-9]{1,30}(\.[0-9]{1,30})?$/),
  );
  fc.assert(
    fc.property(text, text, text, text, (open, high, low, close) => {
      const [reason] = reasonsOf([candle(0, { open, high, low, close })]);
      const scaled = (value: string): bigint => {
        const [whole = '0', fraction = ''] = value.replace('-', '').split('.');
        return BigInt(`${value.startsWith('-') ? '-' : ''}${whole}${fraction.padEnd(30, '0')}`);
      };
      const [o, h, l, c] = [open, high, low, close].map(scaled) as [bigint, bigint, bigint, bigint];
      const isGood = l > 0n && l <= o && l <= c && h >= o && h >= c;
      assert.equal(reason === null, isGood);
    }),
  );
});
