import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockDays, computeBootstrap, pathsCount } from '../../src/metrics/bootstrap.ts';
import { computeGrid, computeOutlooks, type GridInput, hasHistory } from '../../src/metrics/scenario.ts';
import { createRandom } from '../../src/sources/random.ts';

const quantiles = [0.1, 0.5, 0.9];
const returnsOf = (seed: number, days: number): Float64Array => {
  const random = createRandom(seed, 2, 2);
  return Float64Array.from({ length: days }, () => 0.03 * random.normal());
};

/** The same paths step by step. */
function naiveEnds(returns: Float64Array, horizon: number, seed: number): number[] {
  const random = createRandom(seed, blockDays, 0);
  return Array.from({ length: pathsCount }, () => {
    let [level, start] = [0, 0];
    for (let day = 0; day < horizon; day += 1) {
      if (day % blockDays === 0) start = Math.floor(random.uniform() * returns.length);
      level += returns[(start + (day % blockDays)) % returns.length] ?? Number.NaN;
    }
    return level;
  }).sort((a, b) => a - b);
}

test('drawn paths are those of blocks taken step by step, round the end of history too', () => {
  for (const [days, horizon] of [
    [100, 45],
    [7, 33],
    [1, 12],
  ] as const) {
    const returns = returnsOf(3, days);
    const [[[bear, base, bull] = []] = []] = computeBootstrap({
      returns: [returns],
      horizons: [horizon],
      quantiles,
      seed: 5,
    });
    const ends = naiveEnds(returns, horizon, 5);
    const at = (q: number): number => {
      const place = (ends.length - 1) * q;
      const low = ends[Math.floor(place)]!;
      return low + (ends[Math.ceil(place)]! - low) * (place - Math.floor(place));
    };
    for (const [actual, q] of [
      [bear, 0.1],
      [base, 0.5],
      [bull, 0.9],
    ] as const)
      assert.ok(Math.abs((actual ?? Number.NaN) - at(q)) < 1e-12, `${days} ${horizon} ${q}`);
  }
});

test('the same returns and seed give the same bytes, alone or beside others; another seed does not', () => {
  const input = { horizons: [30, 7], quantiles, seed: 1 };
  const [own, other] = [returnsOf(1, 200), returnsOf(2, 300)];
  const [alone] = computeBootstrap({ ...input, returns: [own] });
  assert.deepEqual(computeBootstrap({ ...input, returns: [other, own] })[1], alone);
  assert.notDeepEqual(computeBootstrap({ ...input, returns: [own], seed: 2 })[0], alone);
  for (const [bear, base, bull] of alone!) assert.ok(bear! < base! && base! < bull!);
});

test('a horizon needs ninety returns, and as many as it has days', () => {
  assert.deepEqual(
    [hasHistory(89, 7), hasHistory(90, 7), hasHistory(90, 91), hasHistory(91, 91)],
    [false, true, false, true],
  );
});

const input: GridInput = {
  priceUsd: '50',
  marketCapUsd: '1000',
  totalUsd: '4000',
  totalCount: 3,
  totals: null,
  dominancePcts: null,
};

test('the grid is total x dominance / supply, and its middle is the present price', () => {
  const grid = computeGrid(input);
  assert.deepEqual(
    grid.map(({ totalMarketCapUsd, dominancePct, priceUsd, changePct }) => [
      totalMarketCapUsd,
      dominancePct,
      priceUsd,
      changePct,
    ]),
    ['2000', '4000', '8000', '16000'].flatMap((total) =>
      [12.5, 25, 50].map((share) => {
        const price = (Number(total) * share) / 100 / 20;
        return [total, share, String(price), (price / 50 - 1) * 100];
      }),
    ),
  );
  assert.ok(grid.every(({ supply, n, reason }) => supply === '20' && n === 3 && reason === null));
});

test('totals and shares may be given; a share above the whole is left out by default', () => {
  const [one, ...rest] = computeGrid({ ...input, totals: ['5000000000000'], dominancePcts: [10] });
  assert.deepEqual([one?.priceUsd, rest.length], ['25000000000', 0]);
  assert.equal(computeGrid({ ...input, marketCapUsd: '3000' }).length, 8);
});

test('without a price, a market cap or a history a scenario says what is missing', () => {
  const reasonOf = (part: Partial<GridInput>): unknown => {
    const [one, ...rest] = computeGrid({ ...input, ...part });
    assert.deepEqual([one?.priceUsd, rest.length], [null, 0]);
    return one?.reason;
  };
  assert.equal(reasonOf({ priceUsd: null }), 'NO_PRICE');
  assert.equal(reasonOf({ marketCapUsd: null }), 'NO_MARKET_CAP');
  assert.equal(reasonOf({ totalUsd: null }), 'NO_MARKET_CAP');
  assert.equal(reasonOf({ marketCapUsd: '0' }), 'NO_MARKET_CAP');
  const facts = { priceUsd: '2', asOf: 1, n: 100, horizons: [7, 200], seed: 4 };
  const outlooks = computeOutlooks({ ...facts, quantiles: [[-Math.LN2, 0, Math.LN2], null] });
  assert.deepEqual(
    outlooks.map(({ outlook, horizonDays, priceUsd, changePct, reason }) => [
      outlook,
      horizonDays,
      priceUsd,
      changePct,
      reason,
    ]),
    [
      ['BEAR', 7, '1', -50, null],
      ['BASE', 7, '2', 0, null],
      ['BULL', 7, '4', 100, null],
      ...['BEAR', 'BASE', 'BULL'].map((outlook) => [outlook, 200, null, null, 'TOO_LITTLE_HISTORY']),
    ],
  );
  const unpriced = computeOutlooks({ ...facts, priceUsd: null, quantiles: [[0, 0, 0], null] });
  assert.ok(unpriced.every(({ reason }) => reason === 'NO_PRICE'));
});
