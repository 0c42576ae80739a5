import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type CheckedTick, createTickCheck, rangeMs, tickJumpFactor } from '../../src/prices/tick-check.ts';

const start = Date.UTC(2026, 0, 5);

const tick = (second: number, price: string, facts: Partial<CheckedTick> = {}): CheckedTick => ({
  timeMs: start + second * 1000,
  price,
  volumeBase: '1',
  volumeQuote: '1',
  ...facts,
});

/** What is taken, in its order, and what is refused with its reason. */
function judge(ticks: readonly CheckedTick[], latestMs = Infinity): { taken: string[]; refused: string[] } {
  const taken: string[] = [];
  const refused: string[] = [];
  const check = createTickCheck<CheckedTick>(
    { take: ({ price }) => taken.push(price), refuse: ({ price }, { reason }) => refused.push(`${price} ${reason}`) },
    () => latestMs,
  );
  for (const one of ticks) check.check(one);
  return { taken, refused };
}

const prices = (...list: string[]): CheckedTick[] => list.map((price, second) => tick(second, price));

const cases: readonly [string, CheckedTick[], string[], string[]][] = [
  ['a wrong price is refused by the next right one', prices('100', '1', '101'), ['100', '101'], ['1 JUMP']],
  ['two in a row too', prices('100', '9000', '8000', '101'), ['100', '101'], ['9000 JUMP', '8000 JUMP']],
  [
    'three that agree are a new level, and all count',
    prices('100', '20', '21', '22', '19'),
    ['100', '20', '21', '22', '19'],
    [],
  ],
  [
    'wrong prices that do not agree never do',
    prices('100', '9000', '1', '9000', '1', '100'),
    ['100', '100'],
    ['9000 JUMP', '1 JUMP', '9000 JUMP', '1 JUMP'],
  ],
  [
    'the same tick again confirms nothing',
    [tick(0, '100'), tick(1, '9'), tick(1, '9'), tick(1, '9'), tick(2, '100')],
    ['100', '100'],
    ['9 JUMP'],
  ],
  [
    'nor does the same trade',
    [tick(0, '100'), ...[1, 2, 3].map((s) => tick(s, '9', { tradeId: '7' })), tick(4, '100')],
    ['100', '100'],
    ['9 JUMP'],
  ],
  ['up to the factor it is no jump', prices('100', '300', '100', '33.4'), ['100', '300', '100', '33.4'], []],
  ['after a long silence nothing is recent', [tick(0, '100'), tick((3 * rangeMs) / 1000, '900')], ['100', '900'], []],
  [
    'a price held back over a silence is refused by another one',
    [tick(0, '100'), tick(1, '5'), tick((3 * rangeMs) / 1000, '900')],
    ['100', '900'],
    ['5 JUMP'],
  ],
  [
    'the range of the stretch before still counts',
    [tick(0, '100'), tick(rangeMs / 1000, '5'), tick(rangeMs / 1000 + 1, '101')],
    ['100', '101'],
    ['5 JUMP'],
  ],
  [
    'no price',
    [tick(0, '0'), tick(1, '-3'), tick(2, 'NaN'), tick(3, '1e5')],
    [],
    ['0 NON_POSITIVE_PRICE', '-3 NON_POSITIVE_PRICE', 'NaN UNPARSEABLE', '1e5 UNPARSEABLE'],
  ],
  [
    'no volume',
    [tick(0, '5', { volumeBase: '-1' }), tick(1, '6', { volumeQuote: '' })],
    [],
    ['5 NEGATIVE_VOLUME', '6 UNPARSEABLE'],
  ],
  ['no time', [tick(0.0005, '5'), tick(0, '6', { timeMs: -1 })], [], ['5 UNPARSEABLE', '6 UNPARSEABLE']],
];

for (const [name, ticks, taken, refused] of cases)
  test(`ticks: ${name}`, () => assert.deepEqual(judge(ticks), { taken, refused }));

test('a tick of the future is refused', () => {
  assert.deepEqual(judge([tick(0, '5'), tick(11, '5'), tick(10, '6')], start + 10_000), {
    taken: ['5', '6'],
    refused: ['5 IN_FUTURE'],
  });
});

test('of a walk with single wrong prices exactly those are refused, and nothing is lost or doubled', () => {
  const step = fc.record({ change: fc.double({ min: 0.8, max: 1.25, noNaN: true }), isWrong: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 200 }), (steps) => {
      let price = 1000;
      const good: string[] = [];
      const ticks = steps.flatMap(({ change, isWrong }, second) => {
        price = Math.min(2000, Math.max(900, price * change)); // within the factor of itself
        good.push(String(price));
        const right = tick(second, String(price));
        return isWrong ? [right, tick(second, String(price * tickJumpFactor * 10))] : [right];
      });
      const { taken, refused } = judge([...ticks, tick(steps.length, '1000')]);
      assert.deepEqual(taken, [...good, '1000']);
      assert.equal(refused.length, steps.filter(({ isWrong }) => isWrong).length);
    }),
    { numRuns: 100 },
  );
});
