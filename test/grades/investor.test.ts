import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FactInputs } from '../../src/facts/inputs.ts';
import { createGradeEngine, type GradeClose, type GradeInput } from '../../src/grades/engine.ts';
import { bandOf, type ScoredGrade } from '../../src/grades/model.ts';
import { investorV1 } from '../../src/grades/models/investor-v1.ts';
import { factorsOf } from './named-factors.ts';
import { closesOf, walk } from './universe.ts';

const days = 230;
const tokens = 24;
const options = {
  models: [investorV1],
  benchmarkKey: 0,
  narrativesOf: new Map(
    Array.from({ length: tokens }, (_, key) => [key, key < 12 ? ['defi'] : key < 18 ? ['meme'] : []]),
  ),
};

/** Facts of a token on a day; none for the last six tokens. */
function factsOf(key: number, day: number): FactInputs | null {
  if (key >= 18) return null;
  const supply = 1e6 * (key + 1) + day;
  return {
    marketCapUsd: null,
    circulatingSupply: supply,
    supplyQuarterBefore: supply / (1 + key / 100),
    feesUsdMean: key % 5 === 0 ? null : 1000 * (1 + ((key * 7) % 11)),
    activeAddressesMonth: 500 + key,
    activeAddressesYear: 400,
  };
}

const closes: { closeTime: number; bars: GradeInput[] }[] = closesOf(
  Array.from({ length: tokens }, (_, key) => walk(key + 1, days)),
).map(({ closeTime, bars }, day) => ({
  closeTime,
  bars: bars.map((input) => ({ ...input, facts: factsOf(input.key, day) })),
}));

function run(count: number): GradeClose[] {
  const engine = createGradeEngine(options);
  return closes.slice(0, count).map(({ closeTime, bars }) => engine.close(closeTime, bars));
}

const graded = run(days);
const last = new Map<number, ScoredGrade>(graded.at(-1)?.grades.map((grade) => [grade.key, grade]));
const namedFactors = (key: number) => [last.get(key)].flatMap((grade) => (grade ? factorsOf(investorV1, grade) : []));
const factorOf = (key: number, name: string) => namedFactors(key).find((factor) => factor.key === name);

describe('the Investor Grade', () => {
  it('needs 180 closes, and says so before', () => {
    assert.deepEqual(graded[178]?.grades, []);
    assert.deepEqual(graded[178]?.ungraded[0], { key: 0, modelVersion: 'investor-v1', reason: 'TOO_LITTLE_HISTORY' });
    assert.equal(graded[179]?.grades.length, tokens);
  });

  it('is the sum of its contributions, and its band is that of the value', () => {
    for (const { grades } of graded)
      for (const grade of grades) {
        const { value, band } = grade;
        const sum = factorsOf(investorV1, grade).reduce((total, { contribution }) => total + contribution, 0);
        assert.ok(Math.abs(sum - value) < 1e-9);
        assert.equal(band, bandOf(investorV1.bands, value));
      }
  });

  it('covers two thirds without facts, all with them, and what is there between', () => {
    assert.deepEqual([last.get(20)?.coverage, last.get(1)?.coverage, last.get(5)?.coverage], [0.666667, 1, 0.916667]);
    assert.deepEqual(
      namedFactors(20).map(({ key }) => key),
      investorV1.factors
        .map(({ key }) => key)
        .filter((key) => !/feesToCap|volumeToCap|supplyInflation|activityGrowth/.test(key)),
    );
  });

  it('reads the inputs its model describes from facts and the close', () => {
    const bars = walk(4, days);
    const close = bars.at(-1)?.close ?? 0;
    const cap = (4e6 + days - 1) * close;
    const volume = bars.slice(-30).reduce((sum, bar) => sum + bar.volume, 0) / 30;
    const expected = {
      'valuation.feesToCap': (1000 * (1 + (21 % 11)) * 365) / cap,
      'valuation.volumeToCap': volume / cap,
      'fundamental.supplyInflation': 0.03,
      'fundamental.activityGrowth': 503 / 400 - 1,
    };
    for (const [name, raw] of Object.entries(expected))
      assert.ok(Math.abs((factorOf(3, name)?.raw ?? Number.NaN) - raw) <= 5.1e-7, name);
  });

  it('ranks valuation within a narrative of ten or more that have the input, else among all, and says which', () => {
    assert.equal(factorOf(3, 'valuation.volumeToCap')?.peers, 'defi'); // twelve have it
    assert.equal(factorOf(3, 'valuation.feesToCap')?.peers, null); // nine of them have fees
    assert.equal(factorOf(13, 'valuation.volumeToCap')?.peers, null); // a narrative of six
    assert.equal(factorOf(3, 'fundamental.listingAge')?.peers, null); // ranked among all by its model
  });

  it('is the same bytes when nothing later is known', () => {
    for (const count of [180, 201, 229])
      assert.equal(JSON.stringify(run(count).at(-1)?.grades), JSON.stringify(graded[count - 1]?.grades));
  });

  it('goes on after a restart with the same bytes', () => {
    const before = createGradeEngine(options);
    for (const { closeTime, bars } of closes.slice(0, 200)) before.close(closeTime, bars);
    const after = createGradeEngine(options);
    after.restore(JSON.parse(JSON.stringify(before.snapshot())));
    for (const [index, { closeTime, bars }] of closes.slice(200).entries())
      assert.equal(JSON.stringify(after.close(closeTime, bars).grades), JSON.stringify(graded[200 + index]?.grades));
  });
});
