import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bandOf, gradeBands, standardBands } from '../../src/grades/model.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { createSchema } from '../../src/schema.ts';
import { publishStrategies, recordOutcomes, recordSignals } from '../../src/signals/store.ts';
import { trendVotes1d, trendVotes1h } from '../../src/signals/strategy.ts';
import { wilsonOf } from '../../src/signals/track-record.ts';
import { seedTokens } from '../grades/seed.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';
import { evidenceOf, outcomeOf, signalOf } from './seed.ts';

const start = Date.UTC(2025, 0, 1);
const db = await createTestDb({ after });
await seedTokens(db, 3);
const [daily, hourly] = (await publishStrategies(db, [trendVotes1d, trendVotes1h], 0)).map(({ id }) => id) as [
  number,
  number,
];
// Seventy signals on two tokens, the last five of which are open; every third is BEARISH; grades of every band and none.
const signals = Array.from({ length: 70 }, (_, n) =>
  signalOf({
    strategyId: daily,
    tokenId: 1 + (n % 2),
    direction: n % 3 === 0 ? 'BEARISH' : 'BULLISH',
    issuedAt: start + n * dayMs,
    evidence: { ...evidenceOf(0.5), grade: n % 7 === 0 ? null : (n * 13) % 100 },
  }),
);
const outcomes = signals.slice(0, 65).map(({ strategyId, tokenId, seriesId, issuedAt }, n) =>
  outcomeOf({
    strategyId,
    tokenId,
    seriesId,
    issuedAt,
    returnPct: n === 20 ? 0 : ((n * 37) % 41) - 22,
    holdReturnPct: (n * 11) % 13,
    maxAdversePct: -((n * 5) % 17),
  }),
);
await db.transaction(async (tx) => {
  await recordSignals(tx, signals, start + 100 * dayMs);
  await recordOutcomes(tx, outcomes, start + 100 * dayMs);
  // A correction of an open signal replaces it; a NEUTRAL one is the end of another and counts nowhere.
  await recordSignals(tx, [{ ...signals[69], confidence: 0.9 } as (typeof signals)[number]], start + 101 * dayMs);
  await recordSignals(
    tx,
    [{ ...signals[0], direction: 'NEUTRAL', issuedAt: start + 80 * dayMs } as (typeof signals)[number]],
    start + 102 * dayMs,
  );
  await recordSignals(tx, [{ ...signals[0], strategyId: hourly } as (typeof signals)[number]], start + 102 * dayMs);
});

const api = createTestApi({ after: (run) => after(run as () => void) }, { schema: createSchema(), db });
const figures = `count closed open from to feeBps hitRate { rate low high } meanReturnPct medianReturnPct meanWinPct
  meanLossPct expectancyPct bestReturnPct worstReturnPct meanHoldReturnPct meanExcessPct meanAdversePct worstAdversePct
  calibration { band count closed hitRate { rate } meanReturnPct } reason`;

interface Shown {
  readonly name: string;
  readonly trackRecord: Record<string, unknown> & { readonly calibration: readonly Record<string, unknown>[] };
}

async function ask(args = ''): Promise<Shown['trackRecord'][]> {
  const { data, errors } = await api.query<{ strategies: Shown[] }>(
    `{ strategies { name trackRecord${args} { ${figures} } } }`,
  );
  assert.equal(errors, undefined);
  return (data?.strategies ?? []).map(({ trackRecord }) => trackRecord);
}

/** The record worked out one signal at a time. */
function expectedOf(chosen: (n: number) => boolean) {
  const indexes = signals.map((_, n) => n).filter(chosen);
  const closed = indexes.filter((n) => n < 65);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const returns = closed.map((n) => outcomes[n]?.returnPct ?? 0);
  const sorted = returns.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const wins = returns.filter((value) => value > 0);
  const hold = closed.map((n) => outcomes[n]?.holdReturnPct ?? 0);
  const adverse = closed.map((n) => outcomes[n]?.maxAdversePct ?? 0);
  const bandAt = (n: number) => {
    const grade = signals[n]?.evidence.grade ?? null;
    return grade === null ? null : bandOf(standardBands, grade);
  };
  return {
    count: indexes.length,
    closed: closed.length,
    open: indexes.length - closed.length,
    from: new Date(start + (indexes[0] ?? 0) * dayMs).toISOString(),
    to: new Date(start + (indexes.at(-1) ?? 0) * dayMs).toISOString(),
    feeBps: 10,
    hitRate: wilsonOf(wins.length, closed.length),
    meanReturnPct: mean(returns),
    medianReturnPct: ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2,
    meanWinPct: mean(wins),
    meanLossPct: mean(returns.filter((value) => value <= 0)),
    expectancyPct: mean(returns),
    bestReturnPct: Math.max(...returns),
    worstReturnPct: Math.min(...returns),
    meanHoldReturnPct: mean(hold),
    meanExcessPct: mean(returns) - mean(hold),
    meanAdversePct: mean(adverse),
    worstAdversePct: Math.min(...adverse),
    calibration: gradeBands.map((band) => ({
      band,
      count: indexes.filter((n) => bandAt(n) === band).length,
      closed: closed.filter((n) => bandAt(n) === band).length,
      hitRate: null,
      meanReturnPct: null,
    })),
    reason: null,
  };
}

/** Numbers to 9 digits: the database adds up in another order. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === 'number' ? Number(one.toPrecision(9)) : one)));

test('every figure is what the signals say one by one, for all strategies in two statements', async () => {
  const [first, second] = await ask();
  assert.equal(api.sql.length, 2);
  assert.deepEqual(rounded(first), rounded(expectedOf(() => true)));
  assert.equal(second?.['count'], 1);
  assert.equal(second?.['hitRate'], null);
  assert.equal(second?.['reason'], '0 signals are closed; 30 are needed.');
});

test('token, direction and period narrow it down', async () => {
  const [bullish] = await ask('(direction: BULLISH)');
  assert.deepEqual(rounded(bullish), rounded(expectedOf((n) => n % 3 !== 0)));
  const [token] = await ask('(slugs: ["TOKEN-1"])');
  assert.deepEqual(rounded(token), rounded(expectedOf((n) => n % 2 === 0)));
  const [span] = await ask('(from: "2025-01-11T00:00:00Z", to: "2025-02-20T00:00:00Z")');
  assert.deepEqual(rounded(span), rounded(expectedOf((n) => n >= 10 && n < 50)));
  const [nobody] = await ask('(slugs: ["token-3"])');
  assert.equal(nobody?.['count'], 0);
  assert.equal(nobody?.['from'], null);
  assert.equal((await ask('(simulated: true)'))[0]?.['count'], 0);
});

test('a direction without outcomes, a span upside down and a slug of no token are refused; slugs do not multiply the cost', async () => {
  const upsideDown = '(from: "2025-02-01T00:00:00Z", to: "2025-01-01T00:00:00Z")';
  for (const args of ['(direction: NEUTRAL)', '(slugs: ["nowhere"])', upsideDown]) {
    const { errors } = await api.query(`{ strategies { trackRecord${args} { count } } }`);
    assert.equal(errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
  }
  const many = Array.from({ length: 50 }, () => '"token-1"').join(',');
  const { errors } = await api.query(`{ strategies { trackRecord(slugs: [${many}]) { count } } }`);
  assert.equal(errors, undefined);
});
