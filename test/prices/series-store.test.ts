import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { appendEvents } from '../../src/events/store.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { CandleInterval } from '../../src/lib/interval.ts';
import {
  candleSourcesByToken,
  type NewSeries,
  purgeSimulated,
  refreshDefaults,
} from '../../src/prices/series-store.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { createTestDb } from '../support/db.ts';
import { candlesOf, seedSeries, seedToken, store } from './seed.ts';

const db = await createTestDb({ after });
const monday = Date.parse('2025-06-02T00:00:00Z');
const now = Date.parse('2026-01-01T00:00:00Z');

type Plan = Pick<NewSeries, 'sourceKind' | 'marketType'> & {
  readonly days?: number;
  readonly interval?: CandleInterval;
};

const live: Plan = { sourceKind: 'EXCHANGE', marketType: 'PERPETUAL', days: 1 };
const spot: Plan = { sourceKind: 'IMPORT', marketType: 'SPOT', days: 2 };
const perpetual: Plan = { sourceKind: 'IMPORT', marketType: 'PERPETUAL', days: 9 };
const longer: Plan = { ...spot, days: 3 };
const replay: Plan = { sourceKind: 'REPLAY', marketType: 'SPOT', days: 1 };
const simulated: Plan = { sourceKind: 'SIMULATED', marketType: 'SPOT', days: 30 };
const hourly: Plan = { ...perpetual, interval: 'ONE_HOUR', days: 1 };

/** Which of the series (by position) answers for daily candles and for the quote; null where none does. */
const rules: readonly [string, readonly Plan[], number | null, number | null][] = [
  ['a live venue comes before imports', [longer, live], 1, 1],
  ['spot comes before perpetual', [perpetual, spot], 1, 1],
  ['the longer span comes before the shorter', [spot, longer], 1, 1],
  ['of equals the older series stays', [spot, spot], 0, 0],
  ['imports and replays are alike for candles, for the quote the replay comes first', [longer, replay], 0, 1],
  ['a simulated series never answers beside a real one', [simulated, perpetual], 1, 1],
  [
    'not even at an interval that the real one lacks',
    [simulated, { ...perpetual, interval: 'ONE_WEEK', days: 7 }],
    null,
    1,
  ],
  ['a simulated series answers alone', [simulated], 0, 0],
  ['each interval is chosen by itself', [hourly, spot], 1, 1],
];

async function defaultsOf(tokenId: number): Promise<Map<string, number>> {
  const rows = await db.query<{ purpose: string; id: number }>(
    'SELECT purpose, series_id AS id FROM default_series WHERE token_id = $1',
    [tokenId],
  );
  return new Map(rows.map(({ purpose, id }) => [purpose, id]));
}

async function seedPlans(tokenId: number, plans: readonly Plan[]): Promise<number[]> {
  const ids: number[] = [];
  for (const { days = 1, interval = 'ONE_DAY', ...facts } of plans) {
    const { id } = await seedSeries(db, tokenId, facts);
    const count = interval === 'ONE_HOUR' ? days * 24 : interval === 'ONE_WEEK' ? Math.ceil(days / 7) : days;
    await store(
      db,
      candlesOf(
        id,
        interval,
        monday,
        Array.from({ length: count }, () => '1'),
      ),
      now,
    );
    ids.push(id);
  }
  return ids;
}

for (const [name, plans, daily, quote] of rules) {
  test(name, async () => {
    const tokenId = await seedToken(db);
    const ids = await seedPlans(tokenId, plans);
    await refreshDefaults(db, [tokenId]);
    const defaults = await defaultsOf(tokenId);
    assert.equal(defaults.get('ONE_DAY') ?? null, daily === null ? null : ids[daily]);
    assert.equal(defaults.get('QUOTE') ?? null, quote === null ? null : ids[quote]);
    assert.equal(await refreshDefaults(db, [tokenId]), 0, 'a second time writes nothing');
  });
}

test('an interval that only one series has is answered by that one', async () => {
  const tokenId = await seedToken(db);
  const [hours, days] = await seedPlans(tokenId, [hourly, spot]);
  await refreshDefaults(db, [tokenId]);
  const defaults = await defaultsOf(tokenId);
  assert.deepEqual(
    [defaults.get('ONE_HOUR'), defaults.get('FOUR_HOURS'), defaults.get('ONE_WEEK')],
    [hours, hours, days],
  );
});

test('a source says what it holds, with what is missing', async () => {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId, { sourceName: 'holes', unitExponent: 3 });
  await store(db, candlesOf(id, 'ONE_DAY', monday, ['1', null, null, '2']), now);
  await refreshDefaults(db, [tokenId]);
  const [days] = await candleSourcesByToken({ db }).load(tokenId);
  assert.deepEqual(days, {
    tokenId,
    source: 'holes',
    kind: 'IMPORT',
    marketSymbol: `T${tokenId}/USDT`,
    marketType: 'SPOT',
    interval: 'ONE_DAY',
    firstOpenTime: monday,
    lastOpenTime: monday + 3 * 86_400_000,
    candleCount: 2,
    missingCount: 2,
    unitExponent: 3,
    isDefault: true,
  });
});

test('a source name belongs to one kind of source', async () => {
  const tokenId = await seedToken(db);
  const first = await seedSeries(db, tokenId, { sourceName: 'venue', sourceKind: 'EXCHANGE' });
  assert.equal((await seedSeries(db, tokenId, { sourceName: 'venue', sourceKind: 'EXCHANGE' })).id, first.id);
  await assert.rejects(
    seedSeries(db, tokenId, { sourceName: 'venue' }),
    (error) => error instanceof AppError && error.code === 'BAD_USER_INPUT',
  );
});

test('a market keeps the token it was made with', async () => {
  const [one, other] = [await seedToken(db), await seedToken(db)];
  const market = { sourceName: 'keeps', marketSymbol: 'X/USDT' };
  await seedSeries(db, one, market);
  assert.equal((await seedSeries(db, other, market)).tokenId, one);
});

async function seedFacts(tokenId: number, seriesId: number): Promise<{ gradeId: number; signalId: number }> {
  const at = new Date(monday);
  const [model] = await db.query<{ id: number }>(
    `INSERT INTO grade_model (kind, version, definition, published_at) VALUES ('TRADER', $1, '{}', $2) RETURNING id`,
    [`v${seriesId}`, at],
  );
  const [strategy] = await db.query<{ id: number }>(
    `INSERT INTO strategy (name, version, definition, published_at) VALUES ($1, 1, '{}', $2) RETURNING id`,
    [`s${seriesId}`, at],
  );
  const [grade] = await db.query<{ id: number }>(
    `INSERT INTO grade (model_id, token_id, series_id, as_of, published_at, value, band, coverage, factors)
     VALUES ($1, $2, $3, $4, $4, 50, 'NEUTRAL', 1, '{0,50,1,50}') RETURNING id`,
    [model?.id, tokenId, seriesId, at],
  );
  const [signal] = await db.query<{ id: number }>(
    `INSERT INTO signal (strategy_id, token_id, series_id, direction, price_usd, confidence, issued_at, published_at, evidence)
     VALUES ($1, $2, $3, 'BULLISH', 1, 1, $4, $4, '{}') RETURNING id`,
    [strategy?.id, tokenId, seriesId, at],
  );
  await db.execute(
    `INSERT INTO signal_outcome (signal_id, entry_at, entry_price_usd, closed_at, exit_price_usd, return_pct, hold_return_pct, max_adverse_pct, published_at)
     VALUES ($1, $2, 1, $2, 1, 0, 0, 0, $2)`,
    [signal?.id, at],
  );
  const [gradeId, signalId] = [grade?.id ?? 0, signal?.id ?? 0];
  await db.transaction((tx) =>
    appendEvents(
      tx,
      [
        { topic: 'grades', payload: { gradeId, tokenId, kind: 'TRADER', previousId: null } },
        { topic: 'signals', payload: { action: 'ISSUED', signalId, tokenId, strategy: 's', direction: 'BULLISH' } },
      ],
      monday,
    ),
  );
  return { gradeId, signalId };
}

test('real candles remove the simulated series with all that was computed from it, and nothing else', async () => {
  const [mixed, alone] = [await seedToken(db), await seedToken(db)];
  const [invented = 0, real = 0] = await seedPlans(mixed, [simulated, spot]);
  const [kept = 0] = await seedPlans(alone, [simulated]);
  await seedFacts(mixed, invented);
  const realFacts = await seedFacts(mixed, real);
  const keptFacts = await seedFacts(alone, kept);
  assert.equal(await db.transaction((tx) => purgeSimulated(tx, [mixed, alone])), 1);
  const idsIn = async (table: string): Promise<number[]> =>
    (
      await db.query<{ id: number }>(`SELECT id FROM ${table} WHERE token_id IN ($1, $2) ORDER BY id`, [mixed, alone])
    ).map(({ id }) => id);
  assert.deepEqual(await idsIn('series'), [real, kept]);
  assert.deepEqual(await idsIn('grade'), [realFacts.gradeId, keptFacts.gradeId]);
  assert.deepEqual(await idsIn('signal'), [realFacts.signalId, keptFacts.signalId]);
  assert.deepEqual(await db.query('SELECT 1 FROM candle WHERE series_id = $1', [invented]), []);
  const events = await db.query<{ id: number }>(
    `SELECT coalesce(payload->>'gradeId', payload->>'signalId')::int AS id FROM event WHERE topic IN ('grades', 'signals') ORDER BY seq`,
  );
  assert.deepEqual(
    events.map(({ id }) => id),
    [realFacts.gradeId, realFacts.signalId, keptFacts.gradeId, keptFacts.signalId],
  );
});

test('outside such a purge a grade cannot be deleted', async () => {
  const tokenId = await seedToken(db);
  const [id = 0] = await seedPlans(tokenId, [spot]);
  await seedFacts(tokenId, id);
  await assert.rejects(db.execute('DELETE FROM series WHERE id = $1', [id]), /immutable/);
});

test('a token that lost its series loses its default and its quote', async () => {
  const tokenId = await seedToken(db);
  const [id = 0] = await seedPlans(tokenId, [spot]);
  await refreshDefaults(db, [tokenId]);
  assert.deepEqual(await refreshQuotes(db, [tokenId], now), [tokenId]);
  await db.execute('DELETE FROM series_interval WHERE series_id = $1', [id]);
  await refreshDefaults(db, [tokenId]);
  assert.deepEqual(await refreshQuotes(db, [tokenId], now), [tokenId]);
  assert.equal((await defaultsOf(tokenId)).size, 0);
  assert.deepEqual(await db.query('SELECT 1 FROM quote WHERE token_id = $1', [tokenId]), []);
});
