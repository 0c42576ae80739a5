import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { listEvents } from '../../src/events/store.ts';
import { recordFacts } from '../../src/facts/store.ts';
import { compute, type ComputeSummary } from '../../src/ingest/compute.ts';
import { listGradesById } from '../../src/grades/store.ts';
import { createEngine } from '../../src/ingest/engine.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { ask } from '../grades/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { closeOf, createDailyMarket, readRecorded } from './daily-market.ts';

const size = { tokens: 4, days: 188 };
const log = { debug() {}, info() {}, warn() {}, error() {} };

function computeAll(db: Db, clockDay = size.days): Promise<ComputeSummary> {
  return compute({ db, clock: createTestClock(closeOf(clockDay)) }, { fromMs: null, toMs: null, tokenIds: null });
}

/** The circulating supply of two tokens on every day, out a day later. */
async function recordSupplies(db: Db, nowMs: number): Promise<void> {
  const facts = ['bitcoin', 't1'].flatMap((slug, index) =>
    Array.from({ length: size.days }, (_, day) => ({
      slug,
      value: String((index + 1) * 1000 + day),
      asOf: closeOf(day),
    })),
  );
  const ids = new Map(
    (await db.query<{ id: number; slug: string }>('SELECT id, slug FROM token')).map(({ id, slug }) => [slug, id]),
  );
  await recordFacts(
    db,
    facts.map(({ slug, value, asOf }) => ({
      tokenId: ids.get(slug) ?? 0,
      metric: 'CIRCULATING_SUPPLY',
      sourceName: 'test',
      asOf,
      value,
      knownAt: asOf + dayMs,
    })),
    nowMs,
  );
}

const history = await createTestDb({ after });
await (await createDailyMarket(history, size)).record(0, size.days);
await recordSupplies(history, closeOf(size.days));
await computeAll(history);

test('the live engine and compute give the same Investor Grades, facts included, and both kinds are announced', async (t) => {
  const live = await createTestDb(t);
  const market = await createDailyMarket(live, size);
  const clock = createTestClock(closeOf(0));
  await recordSupplies(live, closeOf(size.days));
  const engine = await createEngine({ db: live, clock, log, onPublished() {} });
  for (let day = 0; day < size.days; day += 1) {
    await market.record(day, day + 1);
    await market.announce(day);
    await engine.drain();
    await clock.advance(dayMs);
  }
  const recorded = await readRecorded(live);
  const grades = await live.query<{ id: number }>(
    `SELECT g.id FROM grade g JOIN grade_model m ON m.id = g.model_id WHERE m.version = 'investor-v1'`,
  );
  const rows = await listGradesById(
    live,
    grades.map(({ id }) => id),
  );
  assert.ok(rows.some(({ factors }) => factors.some(({ key }) => key === 'fundamental.supplyInflation')));
  assert.equal(recorded, await readRecorded(history));
  const events = await listEvents(live, ['grades'], 0, 5000);
  const kinds = new Set(events.map((event) => (event.topic === 'grades' ? event.payload.kind : null)));
  assert.deepEqual(kinds, new Set(['INVESTOR', 'TRADER']));
});

test('lists are ordered by it, and a token without enough history says why it has none', async () => {
  const { data } = await ask(
    history,
    `{ tokens(orderBy: { field: INVESTOR_GRADE, direction: DESC }, first: 4) { nodes {
         slug grade(kind: INVESTOR) { value coverage } gradeStatus(kind: INVESTOR) { reason detail } } } }`,
  );
  const nodes: { slug: string; grade: { value: number; coverage: number } | null; gradeStatus: { reason: string } }[] =
    data.tokens.nodes;
  const values = nodes.flatMap(({ grade }) => grade?.value ?? []);
  assert.ok(values.length > 0 && values.length < 4, 'tokens that start late have too little history');
  assert.deepEqual(
    values,
    values.toSorted((a, b) => b - a),
  );
  assert.deepEqual(nodes.find(({ grade }) => grade === null)?.gradeStatus.reason, 'TOO_LITTLE_HISTORY');
});

test('a fact that comes later changes no grade of an earlier close', async () => {
  const before = await readRecorded(history);
  const [bitcoin] = await history.query<{ id: number }>(`SELECT id FROM token WHERE slug = 'bitcoin'`);
  const asOf = closeOf(size.days - 3);
  const fact = { tokenId: bitcoin?.id ?? 0, metric: 'CIRCULATING_SUPPLY', sourceName: 'test', asOf } as const;
  await recordFacts(history, [{ ...fact, value: '9999999', knownAt: asOf }], closeOf(size.days + 5));
  const again = await computeAll(history, size.days + 6);
  assert.equal(again.gradesWritten, 0);
  assert.equal(await readRecorded(history), before);
});
