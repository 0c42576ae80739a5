import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Outputs, type Vote, voteRules } from '../../src/grades/vote-rules.ts';

/** One reading of a rule: the close is 100, the outputs newest first. */
interface Case {
  readonly rule: string;
  readonly now: Outputs;
  readonly before?: Outputs;
  readonly earlier?: Outputs;
  readonly trend?: number;
  readonly expected: Vote | null;
}

const [up, down] = [{ trend: 90 }, { trend: 110 }];

const cases: readonly Case[] = [
  { rule: 'sma10', now: [99], expected: 1 },
  { rule: 'ema200', now: [101], expected: -1 },
  { rule: 'hma9', now: [100], expected: 0 },
  { rule: 'vwma20', now: [null], expected: null },
  { rule: 'ichimoku', now: [98, 96, 97, 0, 94, 92], expected: 1 },
  { rule: 'ichimoku', now: [98, 96, 97, 0, 94, 95], expected: 0 },
  { rule: 'ichimoku', now: [102, 104, 103, 0, 106, 108], expected: -1 },
  { rule: 'ichimoku', now: [98, 96, 97, 0, null, null], expected: null },
  { rule: 'rsi', now: [29], before: [28], expected: 1 },
  { rule: 'rsi', now: [28], before: [29], expected: 0 },
  { rule: 'rsi', now: [71], before: [72], expected: -1 },
  { rule: 'rsi', now: [71], before: [null], expected: null },
  { rule: 'rsi', now: [71], expected: null },
  { rule: 'stoch', now: [19, 18], expected: 1 },
  { rule: 'stoch', now: [21, 18], expected: 0 },
  { rule: 'stoch', now: [81, 82], expected: -1 },
  { rule: 'cci', now: [-101], before: [-102], expected: 1 },
  { rule: 'cci', now: [101], before: [102], expected: -1 },
  { rule: 'cci', now: [99], before: [102], expected: 0 },
  { rule: 'adx', now: [25, 30, 20], before: [24, 0, 0], expected: 1 },
  { rule: 'adx', now: [25, 20, 30], before: [24, 0, 0], expected: -1 },
  { rule: 'adx', now: [25, 30, 20], before: [26, 0, 0], expected: 0 },
  { rule: 'adx', now: [19, 30, 20], before: [18, 0, 0], expected: 0 },
  { rule: 'ao', now: [1], before: [-1], earlier: [-2], expected: 1 },
  { rule: 'ao', now: [1], before: [-1], expected: 1 },
  { rule: 'ao', now: [3], before: [2], earlier: [4], expected: 1 },
  { rule: 'ao', now: [3], before: [2], earlier: [1], expected: 0 },
  { rule: 'ao', now: [-1], before: [1], earlier: [2], expected: -1 },
  { rule: 'ao', now: [-3], before: [-2], earlier: [-4], expected: -1 },
  { rule: 'mom', now: [2], before: [1], expected: 1 },
  { rule: 'mom', now: [1], before: [2], expected: -1 },
  { rule: 'mom', now: [1], before: [1], expected: 0 },
  { rule: 'macd', now: [2, 1, 1], expected: 1 },
  { rule: 'macd', now: [1, 2, -1], expected: -1 },
  { rule: 'macd', now: [1, null, null], expected: null },
  { rule: 'stochrsi', now: [19, 18], ...down, expected: 1 },
  { rule: 'stochrsi', now: [19, 18], ...up, expected: 0 },
  { rule: 'stochrsi', now: [81, 82], ...up, expected: -1 },
  { rule: 'stochrsi', now: [81, 82], expected: null },
  { rule: 'willr', now: [-81], before: [-82], expected: 1 },
  { rule: 'willr', now: [-19], before: [-18], expected: -1 },
  { rule: 'bbp', now: [0, 5, -1], before: [0, 4, -2], ...up, expected: 1 },
  { rule: 'bbp', now: [0, 5, -1], before: [0, 4, -2], ...down, expected: 0 },
  { rule: 'bbp', now: [0, 3, -5], before: [0, 4, -4], ...down, expected: -1 },
  { rule: 'uo', now: [71], expected: 1 },
  { rule: 'uo', now: [29], expected: -1 },
  { rule: 'uo', now: [50], expected: 0 },
];

describe('the 26 vote rules', () => {
  it('are 15 moving averages and 11 oscillators with unique names', () => {
    const count = (group: string) => voteRules.filter((rule) => rule.group === group).length;
    assert.deepEqual([count('movingAverages'), count('oscillators')], [15, 11]);
    assert.equal(new Set(voteRules.map(({ name }) => name)).size, 26);
  });

  const bar = { openTime: 0, closeTime: 1, open: 100, high: 101, low: 99, close: 100, volume: 1 };
  for (const { rule: name, now, before = null, earlier = null, trend = null, expected } of cases) {
    it(`${name}: ${JSON.stringify({ now, before, earlier, trend })} votes ${expected}`, () => {
      const rule = voteRules.find((candidate) => candidate.name === name);
      assert.equal(rule?.vote({ bar, now, before, earlier, trend }), expected);
    });
  }
});
