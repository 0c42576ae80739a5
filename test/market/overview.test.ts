import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeOverview, type MarketOverview, type OverviewInput } from '../../src/market/overview.ts';
import type { MarketTotals } from '../../src/prices/market-store.ts';

const totals: MarketTotals = {
  isSimulated: false,
  tokenCount: 3,
  observedAt: 1,
  marketCapUsd: '200',
  marketCapCount: 2,
  volume24hUsd: null,
  volumeCount: 0,
  bitcoinCapUsd: '90',
  ethereumCapUsd: null,
  risenCount: 1,
  fallenCount: 1,
};

function overviewOf(part: Partial<OverviewInput>): MarketOverview {
  const nothing = { above50: 0, of50: 0, above200: 0, of200: 0 };
  return computeOverview({
    asOf: 5,
    totals,
    bands: [],
    directions: [],
    trends: nothing,
    defaultStrategy: 'trend',
    ...part,
  });
}

const directionsOf = (bullish: number, bearish: number, neutral: number, strategy = 'trend') =>
  [
    { strategy, direction: 'BULLISH', count: bullish },
    { strategy, direction: 'BEARISH', count: bearish },
    { strategy, direction: 'NEUTRAL', count: neutral },
  ] as const;

test('dominance is a share of what is known, null where the market cap is not', () => {
  const { bitcoinDominancePct, ethereumDominancePct } = overviewOf({});
  assert.deepEqual([bitcoinDominancePct, ethereumDominancePct], [45, null]);
  assert.equal(overviewOf({ totals: null }).bitcoinDominancePct, null);
});

test('bands of a kind are counted together, with their mean', () => {
  const bands = [
    { kind: 'TRADER', band: 'BUY', count: 1, sum: 70, asOf: 8 },
    { kind: 'TRADER', band: 'SELL', count: 3, sum: 90, asOf: 9 },
  ] as const;
  assert.deepEqual(overviewOf({ bands }).grades, [
    {
      kind: 'TRADER',
      n: 4,
      mean: 40,
      asOf: 9,
      bands: [
        { band: 'BUY', count: 1 },
        { band: 'SELL', count: 3 },
      ],
    },
  ]);
});

const cases: [name: string, trends: [number, number, number, number], signals: [number, number, number], unknown][] = [
  ['all rise', [20, 20, 20, 20], [20, 0, 0], ['BULLISH', 1]],
  ['all fall', [0, 20, 0, 20], [0, 20, 0], ['BEARISH', -1]],
  ['half and half', [10, 20, 10, 20], [5, 5, 10], ['NEUTRAL', 0]],
  ['at the edge it stays neutral', [12, 20, 12, 20], [2, 0, 8], ['NEUTRAL', 0.2]],
  ['an input of few tokens is left out', [20, 20, 0, 9], [10, 0, 0], ['BULLISH', 1]],
  ['one input is not enough', [20, 20, 0, 9], [9, 0, 0], [null, null]],
];
for (const [name, [above50, of50, above200, of200], signals, expected] of cases)
  test(`market signal: ${name}`, () => {
    const { signal } = overviewOf({
      trends: { above50, of50, above200, of200 },
      directions: [...directionsOf(...signals), ...directionsOf(0, 50, 0, 'another')],
    });
    assert.deepEqual([signal.direction, signal.score && Number(signal.score.toFixed(9))], expected);
    assert.equal(signal.reason === null, signal.direction !== null);
  });
