import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bar } from '../../src/indicators/bar.ts';
import { computeSeries } from '../../src/indicators/catalog.ts';
import { barAt, barsOf, longWalk } from './series.ts';

/** Bars from [high, low, close] and volume 1, or [high, low, close, volume]. */
const candles = (...rows: [number, number, number, number?][]): Bar[] =>
  rows.map(([high, low, close, volume = 1], i) => barAt(i, { open: close, high, low, close, volume }));

const doubling = barsOf([1, 2, 4, 8, 16]);

/** Worked by hand: the rows (one value per output) an indicator gives, from the first bar on. */
const worked: readonly {
  readonly convention: string;
  readonly name: string;
  readonly params: readonly number[];
  readonly bars: readonly Bar[];
  readonly rows: readonly (readonly (number | null)[])[];
}[] = [
  {
    convention: 'EMA starts from the simple average of its first closes',
    name: 'ema',
    params: [3],
    bars: barsOf([2, 4, 6, 8, 2]),
    rows: [[null], [null], [4], [4 + (8 - 4) / 2], [6 + (2 - 6) / 2]],
  },
  {
    convention: 'WMA weighs the newest close most',
    name: 'wma',
    params: [3],
    bars: barsOf([1, 2, 4, 8]),
    rows: [[null], [null], [(1 + 4 + 12) / 6], [(2 + 8 + 24) / 6]],
  },
  {
    convention: 'HMA(4) is the WMA(2) of 2·WMA(2) − WMA(4)',
    name: 'hma',
    params: [4],
    bars: doubling,
    rows: [[null], [null], [null], [null], [(40 / 3 - 4.9 + 2 * (80 / 3 - 9.8)) / 3]],
  },
  {
    convention: 'KAMA starts from the close before its first window is full',
    name: 'kama',
    params: [2, 2, 30],
    bars: barsOf([1, 2, 3]),
    rows: [[null], [null], [2 + (2 / 3) ** 2]],
  },
  {
    convention: 'RSI averages its first changes simply, then as Wilder does',
    name: 'rsi',
    params: [2],
    bars: barsOf([10, 11, 10, 12]),
    rows: [[null], [null], [50], [(100 * 1.25) / 1.5]],
  },
  {
    convention: 'ATR leaves out the first bar, which has no close before it',
    name: 'atr',
    params: [2],
    bars: candles([20, 10, 15], [16, 14, 15], [18, 14, 16], [21, 17, 20]),
    rows: [[null], [null], [3], [(3 + 5) / 2]],
  },
  {
    convention: 'ADX smooths sums that start one bar short, and averages its first DX values',
    name: 'adx',
    params: [2],
    bars: candles([10, 8, 9], [11, 9, 10], [13, 10, 12], [12, 9, 10]),
    rows: [
      [null, null, null],
      [null, null, null],
      [null, 62.5, 0],
      [(100 + 100 / 9) / 2, 25, 20],
    ],
  },
  {
    convention: 'Bollinger bands use the population sigma',
    name: 'bbands',
    params: [8, 2],
    bars: barsOf([2, 4, 4, 4, 5, 5, 7, 9]),
    rows: [...Array.from({ length: 7 }, () => [null, null, null, null, null]), [9, 5, 1, 1, 8 / 5]],
  },
  {
    convention: 'MACD seeds both EMAs on the same bar, the fast one from the newest closes',
    name: 'macd',
    params: [2, 4, 2],
    bars: doubling,
    rows: [
      [null, null, null],
      [null, null, null],
      [null, null, null],
      [6 - 3.75, null, null],
      [38 / 3 - 8.65, (2.25 + 38 / 3 - 8.65) / 2, (38 / 3 - 8.65 - 2.25) / 2],
    ],
  },
  {
    convention: 'PPO is the same gap in percent of the slow EMA',
    name: 'ppo',
    params: [2, 4, 1],
    bars: doubling.slice(0, 4),
    rows: [
      [null, null, null],
      [null, null, null],
      [null, null, null],
      [60, 60, 0],
    ],
  },
  {
    convention: 'CCI divides by 0.015 mean deviations',
    name: 'cci',
    params: [3],
    bars: barsOf([1, 2, 3]).map((bar) => ({ ...bar, high: bar.close, low: bar.close })),
    rows: [[null], [null], [100]],
  },
  {
    convention: 'the stochastic is smoothed into k and again into d',
    name: 'stoch',
    params: [2, 2, 2],
    bars: candles([4, 0, 2], [4, 0, 1], [4, 0, 3], [4, 0, 4]),
    rows: [
      [null, null],
      [null, null],
      [50, null],
      [87.5, 68.75],
    ],
  },
  {
    convention: 'Williams %R counts down from the high',
    name: 'willr',
    params: [2],
    bars: candles([4, 2, 3], [5, 1, 2]),
    rows: [[null], [-75]],
  },
  {
    convention: 'the parabolic stop starts on the side of the greater move and turns at the extreme',
    name: 'psar',
    params: [0.02, 0.2],
    bars: candles([10, 9, 9.5], [9.5, 8, 8.5], [9, 7, 7.5], [11, 8.5, 10]),
    rows: [[null], [10], [9.96], [7]],
  },
  {
    convention: 'of equal highs Aroon counts the newest',
    name: 'aroon',
    params: [2],
    bars: candles([5, 1, 2], [5, 2, 3], [3, 2, 3]),
    rows: [
      [null, null, null],
      [null, null, null],
      [50, 0, 50],
    ],
  },
  {
    convention: 'OBV counts the first volume, and leaves out bars that close unchanged',
    name: 'obv',
    params: [],
    bars: candles([1, 1, 1, 10], [2, 2, 2, 5], [2, 2, 2, 100], [1, 1, 1, 3]),
    rows: [[10], [15], [15], [12]],
  },
  {
    convention: 'A/D weighs volume by the place of the close, a bar without range adding nothing',
    name: 'ad',
    params: [],
    bars: candles([4, 0, 4, 10], [4, 0, 1, 10], [2, 2, 2, 99]),
    rows: [[10], [5], [5]],
  },
  {
    convention: 'MFI counts the value of bars whose typical price rose',
    name: 'mfi',
    params: [2],
    bars: candles([1, 1, 1, 7], [3, 3, 3, 2], [2, 2, 2, 1], [2, 2, 2, 9]),
    rows: [[null], [null], [75], [0]],
  },
  {
    convention: 'VWMA weighs closes by volume and is undefined where nothing traded',
    name: 'vwma',
    params: [2],
    bars: candles([1, 1, 1, 3], [5, 5, 5, 1], [7, 7, 7, 0], [9, 9, 9, 0]),
    rows: [[null], [2], [5], [null]],
  },
  {
    convention: 'the ultimate oscillator weighs its spans 4:2:1',
    name: 'uo',
    params: [1, 2, 3],
    bars: candles([2, 0, 1], [3, 1, 2], [3, 1, 3], [4, 2, 2]),
    rows: [[null], [null], [null], [(100 * ((2 / 4) * 2 + 3 / 6)) / 7]],
  },
  {
    convention: 'bull and bear power are the distances of high and low from the EMA',
    name: 'bbp',
    params: [2],
    bars: candles([2, 1, 1], [5, 2, 3]),
    rows: [
      [null, null, null],
      [3, 3, 0],
    ],
  },
];

for (const { convention, name, params, bars, rows } of worked) {
  test(convention, () => {
    const columns = computeSeries(name, params, bars);
    rows.forEach((row, bar) => {
      row.forEach((expected, output) => {
        const actual = columns[output]![bar];
        const isMet = expected === null ? actual === null : Math.abs(actual! - expected) <= 1e-12 * Math.abs(expected);
        assert.ok(isMet, `${name} output ${output} at bar ${bar}: ${actual}, by hand ${expected}`);
      });
    });
  });
}

test('the Ichimoku cloud under a bar is the lead of 25 bars before', () => {
  const [, , leadA, leadB, cloudA, cloudB] = computeSeries('ichimoku', undefined, longWalk(120));
  for (const [lead, cloud] of [
    [leadA!, cloudA!],
    [leadB!, cloudB!],
  ] as const) {
    assert.deepEqual(cloud.slice(25), lead.slice(0, -25));
    assert.ok(cloud.slice(0, 25).every((x) => x === null));
  }
});

test('periods in the wrong order are swapped', () => {
  const bars = longWalk(80);
  assert.deepEqual(computeSeries('macd', [26, 12, 9], bars), computeSeries('macd', [12, 26, 9], bars));
});
