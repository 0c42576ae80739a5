import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { technicalV1 } from '../../src/grades/models/technical-v1.ts';
import { publishModels } from '../../src/grades/model-store.ts';
import { computeSkill, type GradeSkill } from '../../src/grades/skill.ts';
import { loadSkillHistories } from '../../src/grades/skill-store.ts';
import { recordGrades } from '../../src/grades/record-store.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';
import { gradeOf, investorV1, seedTokens } from './seed.ts';

const start = Date.UTC(2025, 0, 1);
const tokens = Array.from({ length: 12 }, (_, n) => n + 1);
const days = Array.from({ length: 45 }, (_, n) => n);
const db = await createTestDb({ after });
await seedTokens(db, tokens.length);
// Better grades grow faster, but for a wobble: token n gains about n tenths of a percent a day.
await db.execute(
  `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, is_final, is_native)
   SELECT s, 'ONE_DAY', $1::timestamptz + n * interval '1 day', 100, 100000, 1, (100 * (1 + s * n / 1000.0 + sin(s * n) / 50))::numeric(20, 8), true, true
   FROM generate_series(1, $2::int) AS s, generate_series(0, 50) AS n`,
  [new Date(start), tokens.length],
);
const [measured, technical] = (await publishModels(db, [measuredV1, technicalV1, investorV1], [measuredV1], 0)).map(
  ({ id }) => id,
) as [number, number];
await db.transaction((tx) =>
  recordGrades(
    tx,
    days.flatMap((day) =>
      tokens.flatMap((tokenId) => {
        const asOf = start + (day + 1) * dayMs;
        return [
          gradeOf({ modelId: measured, tokenId, asOf, value: tokenId * 7 }),
          gradeOf({ modelId: technical, tokenId, asOf, value: 50 - tokenId }),
        ];
      }),
    ),
    start + 100 * dayMs,
  ),
);
// A correction: the newest row of a close counts.
const corrected = gradeOf({ modelId: measured, tokenId: 12, asOf: start + dayMs, value: 1 });
await db.transaction((tx) => recordGrades(tx, [corrected], start + 101 * dayMs));

const work = createWorkPool({ clock: systemClock });
after(() => work.close());
const api = createTestApi(
  { after: (run) => after(run as () => void) },
  { schema: createSchema(), db, context: () => ({ work }) },
);

const figures = `horizonDays feeBps dayCount from to tokensPerDay meanIc icT positiveShare quintileReturnsPct
  universeReturnPct spreadPct spreadT yearlySpreadPct turnover reason`;

test('skill of two models over three horizons: the figures of the engine, in a statement a model and two more', async () => {
  type Figures = Record<keyof GradeSkill, unknown> & { meanIc: number; spreadPct: number; yearlySpreadPct: number };
  type Data = { gradeModels: [model: Record<'one' | 'three' | 'dear', Figures>, other: { one: Figures }] };
  const { data, errors } = await api.query<Data>(
    `{ gradeModels { version
      one: skill(horizonDays: 1) { ${figures} } three: skill(horizonDays: 3) { ${figures} }
      dear: skill(horizonDays: 3, feeBps: 50) { yearlySpreadPct } } }`,
  );
  assert.equal(errors, undefined);
  assert.equal(api.sql.length, 5, 'models, a history of each of the three, closes');
  assert.ok(data);
  const [{ one, three, dear }, second] = data.gradeModels;
  const key = { modelId: measured, from: null, to: null, isSimulated: false };
  const expected = computeSkill({ ...(await loadSkillHistories({ db }, key)), horizonDays: 3, feeBps: 10 });
  const instant = (timeMs: number | null) => (timeMs === null ? null : new Date(timeMs).toISOString());
  assert.deepEqual(three, { ...expected, from: instant(expected.from), to: instant(expected.to) });
  assert.equal(expected.dayCount, 45);
  assert.equal(expected.from, start + dayMs);
  assert.ok(one.meanIc > 0.1 && one.spreadPct > 0);
  assert.ok(second.one.meanIc < -0.1);
  assert.ok(dear.yearlySpreadPct <= three.yearlySpreadPct);
});

test('the newest correction of a grade counts, and only closes within the range', async () => {
  const key = { modelId: measured, from: start + dayMs, to: start + 3 * dayMs, isSimulated: false };
  const { grades } = await loadSkillHistories({ db }, key);
  const last = grades.find(({ tokenId }) => tokenId === 12);
  assert.equal(grades.length, 12);
  assert.deepEqual(
    new Map(last?.days.split(',').map((day, index) => [Number(day) * dayMs - start, last.values.split(',')[index]])),
    new Map([
      [2 * dayMs, '84'],
      [dayMs, '1'],
    ]),
  );
});

test('real and simulated tokens are never mixed: without simulated ones there is nothing to measure', async () => {
  const { data } = await api.query<{ gradeModels: { skill: { dayCount: number; meanIc: null; reason: string } }[] }>(
    '{ gradeModels { skill(horizonDays: 7, simulated: true) { dayCount meanIc reason } } }',
  );
  assert.deepEqual(data?.gradeModels[0]?.skill.dayCount, 0);
  assert.match(data?.gradeModels[0]?.skill.reason ?? '', /30 are needed/);
});

test('two models are compared, without another named with the current one', async () => {
  type Data = { gradeModelComparison: Record<string, unknown> & { model: object; other: object } };
  const { data } = await api.query<Data>(
    `{ gradeModelComparison(version: "technical-v1") { model { version } other { version } dayCount tokensPerDay
      rankCorrelation leastRankCorrelation meanDistance sharedBestShare churn otherChurn reason } }`,
  );
  assert.equal(api.sql.length, 3, 'models, a history each');
  const { rankCorrelation, ...rest } = data!.gradeModelComparison;
  // Orders run the other way round, but for the day whose correction makes the best token the worst.
  assert.ok(Number(rankCorrelation) < -0.98 && Number(rankCorrelation) > -1);
  const { leastRankCorrelation, meanDistance, otherChurn, ...same } = rest;
  assert.ok(Math.abs(Number(leastRankCorrelation) + 1) < 1e-9);
  assert.ok(Number(meanDistance) > 0 && Number(otherChurn) > 0);
  assert.deepEqual(same, {
    model: { version: 'technical-v1' },
    other: { version: 'measured-v1' },
    dayCount: 45,
    tokensPerDay: 12,
    sharedBestShare: 0,
    churn: 0,
    reason: null,
  });
});

for (const [args, pattern] of [
  ['version: "nope"', /There is no model "nope"\. Published: measured-v1/],
  ['version: "measured-v1", with: "nope"', /There is no model "nope"/],
  ['version: "measured-v1", with: "test-investor-v1"', /measured-v1 is of kind TRADER and test-investor-v1 is not/],
  ['version: "test-investor-v1"', /no current INVESTOR model/],
  ['version: "measured-v1", from: "2025-02-01", to: "2025-01-01"', /`from` must lie before `to`/],
] as const)
  test(`gradeModelComparison(${args}) is refused`, async () => {
    const { errors } = await api.query(`{ gradeModelComparison(${args}) { dayCount } }`);
    assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
    assert.match(errors[0].message, pattern);
  });

test('a span upside down is refused: no day would be taken for no skill', async () => {
  const { errors } = await api.query(
    '{ gradeModels { skill(horizonDays: 7, from: "2025-02-01T00:00:00Z", to: "2025-01-01T00:00:00Z") { dayCount } } }',
  );
  assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
  assert.match(errors[0].message, /`from` must lie before `to`/);
});

for (const [name, args] of [
  ['horizonDays', 'horizonDays: 0'],
  ['horizonDays', 'horizonDays: 91'],
  ['feeBps', 'horizonDays: 7, feeBps: -1'],
] as const) {
  test(`skill(${args}) is refused`, async () => {
    const { errors } = await api.query(`{ gradeModels { skill(${args}) { dayCount } } }`);
    assert.equal(errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED');
    assert.equal(errors?.[0]?.extensions['name'], name);
  });
}
