import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeSkill, type GradeSkill, neweyWestT, type SkillInput } from '../../src/grades/skill.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { rankCorrelation, ranksOf } from '../../src/lib/rank.ts';

const near = (actual: number | null | undefined, expected: number, tolerance = 1e-12): void =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} is not ${expected}`);

/** A linear congruential generator: 0 <= x < 1, the same in every language. */
function createNumbers(seed: bigint): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245n + 12_345n) % 2_147_483_648n;
    return Number(state) / 2_147_483_648;
  };
}

const firstDay = 20_000;

function input(
  prices: readonly (readonly number[])[],
  grades: readonly (readonly number[])[],
  part: Partial<SkillInput> = {},
): SkillInput {
  const series = (rows: readonly (readonly number[])[]) =>
    rows.map((row, tokenId) => {
      const there = [...row.entries()].filter(([, value]) => !Number.isNaN(value));
      return {
        tokenId,
        days: there.map(([day]) => firstDay + day).join(','),
        values: there.map(([, value]) => value).join(','),
      };
    });
  return { grades: series(grades), prices: series(prices), horizonDays: 3, feeBps: 10, ...part };
}

/** Random walks and grades in steps of 5, so that there are ties. */
function randomMarket(tokens: number, days: number, horizonDays: number) {
  const next = createNumbers(7n);
  const prices = Array.from({ length: tokens }, () => {
    let price = 100;
    return Array.from({ length: days + horizonDays + 1 }, () => {
      price *= 1 + (next() - 0.48) / 10;
      return Math.round(price * 1e4) / 1e4;
    });
  });
  const grades = Array.from({ length: tokens }, () => Array.from({ length: days }, () => Math.floor(next() * 20) * 5));
  return { prices, grades };
}

test('ranks share the mean of tied places; rank correlation is that of scipy', () => {
  assert.deepEqual([...ranksOf(Float64Array.of(30, 10, 20, 20))], [4, 1, 2.5, 2.5]);
  near(rankCorrelation(Float64Array.of(1, 2, 2, 4, 5), Float64Array.of(3, 1, 1, 5, 4)), 0.5789473684210528);
  near(rankCorrelation(Float64Array.of(10, 20, 30, 40), Float64Array.of(4, 3, 2, 1)), -1);
  assert.equal(rankCorrelation(Float64Array.of(1, 1, 1), Float64Array.of(1, 2, 3)), null);
});

test('the t-statistic is that of statsmodels (HAC, Bartlett, no correction)', () => {
  const values = Float64Array.of(1, 2, 3, 1, 5, 2, 7, 3, 4, 6);
  near(neweyWestT(values, 0), 5.486726407127175);
  near(neweyWestT(values, 1), 6.006654653369374);
  near(neweyWestT(values, 3), 5.068420748999525);
  assert.equal(neweyWestT(Float64Array.of(2, 2, 2, 2), 1), null);
});

test('every figure of a random market is that of numpy, scipy and statsmodels', () => {
  const { prices, grades } = randomMarket(12, 50, 3);
  const skill = computeSkill(input(prices, grades));
  assert.equal(skill.dayCount, 50);
  assert.equal(skill.from, firstDay * dayMs);
  assert.equal(skill.to, (firstDay + 49) * dayMs);
  assert.equal(skill.tokensPerDay, 12);
  assert.equal(skill.reason, null);
  near(skill.meanIc, 0.019064857938580305);
  near(skill.icT, 0.4588805481485487, 1e-10);
  near(skill.positiveShare, 0.46);
  const expected = [
    -0.022119017032975752, 1.1405964412043015, 1.1952366664472094, 0.22242588843584482, -0.07024660385708686,
  ];
  for (const [fifth, value] of expected.entries()) near(skill.quintileReturnsPct?.[fifth], value, 1e-10);
  near(skill.universeReturnPct, 0.5174385057214561, 1e-10);
  near(skill.spreadPct, 0.04812758682411111, 1e-10);
  near(skill.spreadT, 0.0853903342961592, 1e-10);
  near(skill.turnover, 0.8528368794326242);
  near(skill.yearlySpreadPct, -35.64920506878752, 1e-8);
});

test('a grade that knows the future has an IC of 1; one day later is when it is entered', () => {
  const { prices } = randomMarket(20, 40, 3);
  const knowing = prices.map((row) => row.slice(0, 40).map((_, day) => (row[day + 4] ?? 0) / (row[day + 1] ?? 1)));
  near(computeSkill(input(prices, knowing)).meanIc, 1);
  near(
    computeSkill(
      input(
        prices,
        knowing.map((row) => row.map((value) => -value)),
      ),
    ).meanIc,
    -1,
  );
  // A jump between the grade and the entry is nobody's return.
  const jumping = prices.map((row) => row.slice(0, 40).map((_, day) => (row[day + 1] ?? 0) / (row[day] ?? 1)));
  assert.ok(Math.abs(computeSkill(input(prices, jumping)).meanIc ?? 1) < 0.2);
});

test('the order of the tokens and where a panel begins do not matter', () => {
  const { prices, grades } = randomMarket(15, 45, 3);
  const plain = input(prices, grades);
  const turned = { ...plain, grades: plain.grades.toReversed(), prices: plain.prices.toReversed() };
  const far = {
    ...plain,
    prices: plain.prices.map((one) => ({ ...one, days: `${firstDay - 3},${one.days}`, values: `1,${one.values}` })),
  };
  const rounded = (skill: GradeSkill) =>
    JSON.stringify(skill, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(10)) : value));
  assert.equal(rounded(computeSkill(turned)), rounded(computeSkill(plain)));
  assert.equal(rounded(computeSkill(far)), rounded(computeSkill(plain)));
});

test('tokens without a grade or a later price are left out of that day; days with fewer than 10 are left out', () => {
  const { prices, grades } = randomMarket(11, 40, 3);
  const holes = grades.map((row, token) => row.map((value, day) => (day === 5 && token < 2 ? Number.NaN : value)));
  const gone = prices.map((row, token) => (token === 0 ? row.slice(0, 20) : row));
  const skill = computeSkill(input(gone, holes));
  assert.equal(skill.dayCount, 39);
  assert.ok((skill.tokensPerDay ?? 0) > 10 && (skill.tokensPerDay ?? 0) < 11);
});

test('too few days, equal grades and no grades give null figures and the reason', () => {
  const { prices, grades } = randomMarket(12, 29, 3);
  const short = computeSkill(input(prices, grades));
  assert.equal(short.dayCount, 29);
  assert.equal(short.meanIc, null);
  assert.equal(short.quintileReturnsPct, null);
  assert.match(short.reason ?? '', /^29 days .* 30 are needed/);
  const equal = computeSkill(
    input(
      randomMarket(12, 50, 3).prices,
      grades.map((row) => [...row, ...row].fill(50)),
    ),
  );
  assert.equal(equal.dayCount, 0);
  assert.match(equal.reason ?? '', /30 are needed/);
  assert.deepEqual(computeSkill(input([], [])), {
    ...short,
    dayCount: 0,
    from: null,
    to: null,
    reason: (short.reason ?? '').replace('29 days', '0 days'),
  });
});

test('without two days a horizon apart the turnover is not known, and so no yearly return', () => {
  const { prices, grades } = randomMarket(12, 35, 40);
  const skill = computeSkill(input(prices, grades, { horizonDays: 40 }));
  assert.notEqual(skill.meanIc, null);
  assert.equal(skill.turnover, null);
  assert.equal(skill.yearlySpreadPct, null);
  assert.match(skill.reason ?? '', /40 days apart/);
});

test('100 tokens over 1,700 days take about a second', () => {
  const { prices, grades } = randomMarket(100, 1_700, 7);
  const given = input(prices, grades, { horizonDays: 7 });
  const startedMs = performance.now();
  assert.equal(computeSkill(given).dayCount, 1_700);
  assert.ok(performance.now() - startedMs < 5_000, 'far slower than promised, even for a busy machine');
});
