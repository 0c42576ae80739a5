import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Features } from '../../src/grades/features.ts';
import { bandOf, type FeatureName, featureNames, type GradeModel, standardBands } from '../../src/grades/model.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { technicalV1 } from '../../src/grades/models/technical-v1.ts';
import { percentilesOf, rankWithinNarratives } from '../../src/grades/rank.ts';
import { type ScoreRow, scoreModel } from '../../src/grades/score.ts';
import { factorsOf } from './named-factors.ts';

type Raws = Record<FeatureName, number | null>;

function rowOf(key: number, raws: Partial<Raws>, shares: Features['shares'] = {}): ScoreRow {
  const missing = Object.fromEntries(featureNames.map((name) => [name, null])) as Raws;
  return { key, bars: 200, features: { raws: { ...missing, ...raws }, shares, returnSpread: 0.03 } };
}

/** Two factors, 0.75 and 0.25, the second better when lower. */
const small: GradeModel = {
  ...measuredV1,
  factors: measuredV1.factors.slice(0, 2).map((factor, index) => ({
    ...factor,
    weight: index === 0 ? 0.75 : 0.25,
    direction: index === 0 ? ('HIGHER_IS_BETTER' as const) : ('LOWER_IS_BETTER' as const),
  })),
};

describe('percentiles', () => {
  const cases: readonly [name: string, values: (number | null)[], expected: (number | null)[]][] = [
    ['spread over 0..100, away from the ends', [30, 10, 20, 40], [62.5, 12.5, 37.5, 87.5]],
    ['are 50 for a lone value', [7], [50]],
    ['leave out what is missing', [2, null, 1], [75, null, 25]],
    ['average ties', [1, 1, 1, 5], [37.5, 37.5, 37.5, 87.5]],
    ['are empty for nothing', [], []],
  ];
  for (const [name, values, expected] of cases) it(name, () => assert.deepEqual(percentilesOf(values), expected));

  it('are winsorised at 1 and 99', () => {
    const scores = percentilesOf(Array.from({ length: 1000 }, (_, index) => index));
    assert.deepEqual([scores[0], scores[999], scores[500]], [1, 99, 50.05]);
  });
});

describe('ranks within narratives', () => {
  const values = Array.from({ length: 30 }, (_, index) => index);

  it('are taken in the smallest narrative with ten values, else among all', () => {
    const narratives = values.map((index) => [
      ...(index < 20 ? ['big'] : []),
      ...(index < 10 ? ['small'] : []),
      ...(index < 9 ? ['tiny'] : []),
    ]);
    const { scores, peers } = rankWithinNarratives(values, narratives);
    assert.deepEqual([peers[0], peers[15], peers[25]], ['small', 'big', null]);
    assert.deepEqual([scores[0], scores[15], scores[25]], [5, 77.5, 85]);
  });

  it('leave out what is missing, of members too', () => {
    const few = values.map((index) => (index < 9 || index > 19 ? index : null));
    const narratives = values.map((index) => (index < 20 ? ['group'] : []));
    const { scores, peers } = rankWithinNarratives(few, narratives);
    assert.deepEqual(new Set(peers), new Set([null]));
    assert.deepEqual(scores, percentilesOf(few));
  });
});

describe('a grade', () => {
  it('is the weighted sum of its scores, worked by hand', () => {
    const { grades } = scoreModel(small, 9, [
      rowOf(1, { idiosyncraticVolatility: 0.5, largestGain: 0.1 }),
      rowOf(2, { idiosyncraticVolatility: 0.25, largestGain: 0.3 }),
    ]);
    assert.deepEqual(grades[0], {
      key: 1,
      modelVersion: 'measured-v1',
      kind: 'TRADER',
      asOf: 9,
      value: 75,
      band: 'BUY',
      coverage: 1,
      factors: [0.5, 75, 0.75, 56.25, 0.1, 75, 0.25, 18.75],
      peers: [],
    });
    assert.deepEqual(grades[0] && factorsOf(small, grades[0]), [
      { key: 'risk.idiosyncraticVolatility', raw: 0.5, score: 75, weight: 0.75, contribution: 56.25, peers: null },
      { key: 'lottery.largestGain', raw: 0.1, score: 75, weight: 0.25, contribution: 18.75, peers: null },
    ]);
    assert.equal(grades[1]?.value, 25);
  });

  it('drops a missing input, renormalises the others and says so', () => {
    const { grades } = scoreModel(small, 9, [
      rowOf(1, { largestGain: 0.1 }),
      rowOf(2, { idiosyncraticVolatility: 0.25, largestGain: 0.3 }),
    ]);
    assert.equal(grades[0]?.coverage, 0.25);
    assert.deepEqual(factorsOf(small, grades[0]), [
      { key: 'lottery.largestGain', raw: 0.1, score: 75, weight: 1, contribution: 75, peers: null },
    ]);
  });

  it('counts a vote that cannot be cast as a missing share of its group', () => {
    const shares = { movingAverageVotes: 10 / 15, oscillatorVotes: 1 };
    const { grades } = scoreModel(technicalV1, 9, [rowOf(1, { movingAverageVotes: 1, oscillatorVotes: 0 }, shares)]);
    // 21 votes of 26 in the group of 0.8, ten of them +1: (10 * 100 + 11 * 50) / 21.
    assert.ok(Math.abs((grades[0]?.coverage ?? 0) - (0.8 * 21) / 26) < 1e-6);
    assert.ok(Math.abs((grades[0]?.value ?? 0) - 1550 / 21) < 1e-6);
  });

  it('is refused with a reason', () => {
    const pegged = rowOf(3, { largestGain: 0.1 });
    const { grades, ungraded } = scoreModel(small, 9, [
      { ...rowOf(1, { largestGain: 0.1 }), bars: 89 },
      rowOf(2, {}),
      { ...pegged, features: pegged.features && { ...pegged.features, returnSpread: 0.001 } },
    ]);
    assert.deepEqual(grades, []);
    assert.deepEqual(
      ungraded.map(({ key, reason }) => [key, reason]),
      [
        [1, 'TOO_LITTLE_HISTORY'],
        [3, 'PRICE_PEGGED'],
        [2, 'NO_INPUT'],
      ],
    );
  });

  it('does not rank against tokens outside the universe', () => {
    const inside = rowOf(1, { largestGain: 0.1 });
    const alone = scoreModel(small, 9, [inside]);
    const beside = scoreModel(small, 9, [inside, { ...rowOf(2, { largestGain: 0.2 }), bars: 10 }]);
    assert.deepEqual(beside.grades, alone.grades);
  });

  it('stays within 0..100, adds up as shown and has coverage of what was there, whatever the inputs', () => {
    const raw = fc.option(fc.double({ min: -1, max: 1, noNaN: true }), { nil: null });
    const raws = fc.record(Object.fromEntries(featureNames.map((name) => [name, raw])));
    const share = fc.integer({ min: 0, max: 15 }).map((count) => count / 15);
    const row = fc.tuple(raws, share);
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const input = rows.map(([values, part], key) => rowOf(key, values, { movingAverageVotes: part }));
        for (const model of [measuredV1, technicalV1]) {
          for (const grade of scoreModel(model, 9, input).grades) {
            const { value, coverage, band } = grade;
            const factors = factorsOf(model, grade);
            const sum = factors.reduce((total, { contribution }) => total + contribution, 0);
            assert.ok(Math.abs(sum - value) < 1e-9);
            assert.ok(value >= 0 && value <= 100 && coverage > 0 && coverage <= 1);
            assert.ok(Math.abs(factors.reduce((total, { weight }) => total + weight, 0) - 1) < 1e-9);
            for (const factor of factors) {
              assert.ok(Math.abs(factor.weight * factor.score - factor.contribution) < 1e-9);
              assert.ok(factor.score >= 0 && factor.score <= 100);
            }
            assert.equal(band, bandOf(model.bands, value));
          }
        }
      }),
    );
  });
});

describe('bands', () => {
  const cases: readonly [value: number, band: string][] = [
    [100, 'STRONG_BUY'],
    [80.5, 'STRONG_BUY'],
    [80.49, 'BUY'],
    [60.5, 'BUY'],
    [60.49, 'NEUTRAL'],
    [40.5, 'NEUTRAL'],
    [40.49, 'SELL'],
    [20.5, 'SELL'],
    [20.49, 'STRONG_SELL'],
    [0, 'STRONG_SELL'],
  ];
  for (const [value, band] of cases) {
    it(`${value} is ${band}`, () => assert.equal(bandOf(standardBands, value), band));
  }
});

describe('the shipped models', () => {
  for (const model of [measuredV1, technicalV1]) {
    it(`${model.version}: weights sum to 1, keys are unique, bands fall to 0`, () => {
      const sum = model.factors.reduce((total, { weight }) => total + weight, 0);
      assert.ok(Math.abs(sum - 1) < 1e-12);
      assert.equal(new Set(model.factors.map(({ key }) => key)).size, model.factors.length);
      assert.deepEqual(
        model.bands,
        model.bands.toSorted((a, b) => b.from - a.from),
      );
      assert.equal(model.bands.at(-1)?.from, 0);
    });
  }

  const published: readonly [model: GradeModel, digest: string][] = [
    [measuredV1, '645a25a4d4aa7b0a'],
    [technicalV1, '40492f1a68f60afb'],
  ];
  for (const [{ version, kind, interval, universe, factors, bands }, digest] of published) {
    it(`${version} computes what it did when it was published: a change needs a new version`, () => {
      const { description: _, ...rule } = universe;
      const formulas = factors.map(({ key, feature, normalisation, direction, weight }) => {
        return [key, feature, normalisation, direction, weight];
      });
      const text = JSON.stringify([kind, interval, rule, formulas, bands]);
      assert.equal(createHash('sha256').update(text).digest('hex').slice(0, 16), digest);
    });
  }

  it('technical-v1 weighs every vote the same', () => {
    const [averages, oscillators] = technicalV1.factors;
    assert.equal((averages?.weight ?? 0) / 15, (oscillators?.weight ?? 0) / 11);
  });
});
