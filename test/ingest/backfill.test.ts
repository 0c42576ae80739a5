import assert from 'node:assert/strict';
import { after, beforeEach, type TestContext, test } from 'node:test';
import { backfill, type BackfillProgress, type BackfillSummary } from '../../src/ingest/backfill.ts';
import { AppError } from '../../src/lib/errors.ts';
import { hourMs, minuteMs } from '../../src/lib/interval.ts';
import { openVenue, type Venue } from '../../src/sources/ccxt.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { type ReplayExchange, startReplayExchange } from '../support/replay-exchange.ts';
import { createScriptedMarket } from '../support/scripted-market.ts';

const db = await createTestDb({ after });
await createToken({ db }, { symbol: 'BTC' });
await createToken({ db }, { symbol: 'ETH' });
beforeEach(() => db.execute('TRUNCATE event, event_floor, series, source, candle_quarantine CASCADE'));

const startMs = Date.UTC(2026, 0, 5);
const script = createScriptedMarket({ startMs, tradesPerMinute: 2 });

interface Setup {
  readonly exchange: ReplayExchange;
  readonly venue: Venue;
  readonly time: { nowMs: number };
}

async function setUp(t: TestContext, id: string, nowMs: number): Promise<Setup> {
  const time = { nowMs };
  const exchange = await startReplayExchange({ exchanges: [id], market: script, nowMs: () => time.nowMs });
  t.after(() => exchange.stop());
  const { restUrl, wsUrl } = exchange;
  const venue = await openVenue(id, { restUrl, wsUrl, nowMs: () => time.nowMs });
  t.after(() => venue.close());
  return { exchange, venue, time };
}

function run(
  { venue, time }: Setup,
  symbols: string[] | null = ['BTC/USDT'],
  onProgress: (progress: BackfillProgress, controller: AbortController) => void = () => {},
): Promise<BackfillSummary> {
  const controller = new AbortController();
  const clock = createTestClock(time.nowMs);
  const deps = { db, clock, venue, onProgress: (progress: BackfillProgress) => onProgress(progress, controller) };
  return backfill(deps, { interval: 'ONE_MINUTE', sinceMs: startMs, symbols, signal: controller.signal });
}

async function stored(interval = 'ONE_MINUTE'): Promise<object[]> {
  return db.query(
    `SELECT s.market_symbol AS symbol, c.open_time AS "openTime", c.open, c.high, c.low, c.close,
       c.volume_base AS "volumeBase", c.volume_quote AS "volumeQuote", c.is_final AS "isFinal"
     FROM candle c JOIN series s ON s.id = c.series_id WHERE c.interval = $1::text::"CandleInterval" ORDER BY 1, 2`,
    [interval],
  );
}

function scripted(symbol: string, toMs: number, lengthMs = minuteMs): object[] {
  const closed = script.candles(symbol, lengthMs, startMs, toMs).filter(({ openTime }) => openTime + lengthMs <= toMs);
  return closed.map(({ count: _, ...candle }) => ({ symbol, ...candle, isFinal: true }));
}

test('history comes page by page with the digits of the exchange, the candle under way left out', async (t) => {
  const setup = await setUp(t, 'binance', startMs + 20 * hourMs + 30_000);
  const progress: number[] = [];
  const summary = await run(setup, ['BTC/USDT'], ({ candles }) => progress.push(candles));
  assert.deepEqual(await stored(), scripted('BTC/USDT', setup.time.nowMs));
  assert.deepEqual(progress, [1000, 1200]);
  assert.equal(summary.inserted, 1200);
  assert.deepEqual(summary.startsLater, []);
  const hours = await db.query(`SELECT open, high FROM candle WHERE interval = 'ONE_HOUR' ORDER BY open_time`);
  assert.deepEqual(
    hours,
    script.candles('BTC/USDT', hourMs, startMs, startMs + 20 * hourMs).map(({ open, high }) => ({ open, high })),
  );
  const events = await db.query("SELECT count(*)::int AS count FROM event WHERE topic = 'prices'");
  assert.deepEqual(events, [{ count: 3 }]); // two pages, and the quote that follows
});

test('again it changes nothing; stopped it goes on after its last page; later it asks only for what is new', async (t) => {
  const setup = await setUp(t, 'binance', startMs + 20 * hourMs);
  await run(setup, ['BTC/USDT'], (_, controller) => controller.abort());
  assert.equal((await stored()).length, 1000);
  setup.exchange.requests.length = 0;
  assert.equal((await run(setup)).inserted, 200);
  assert.equal(setup.exchange.requests.length, 1);
  assert.deepEqual(await stored(), scripted('BTC/USDT', setup.time.nowMs));
  assert.deepEqual([(await run(setup)).pages, setup.exchange.requests.length], [0, 1]);
  setup.time.nowMs += 5 * minuteMs;
  assert.equal((await run(setup)).inserted, 5);
  assert.deepEqual(await stored(), scripted('BTC/USDT', setup.time.nowMs));
});

test('every market in dollars of a known token, and none other, is taken', async (t) => {
  const setup = await setUp(t, 'kraken', startMs + 3 * minuteMs);
  const summary = await run(setup, null);
  const symbols = new Set((await stored()).map((row) => (row as { symbol: string }).symbol));
  assert.deepEqual([...symbols], ['BTC/USD', 'ETH/USD']);
  assert.ok(summary.markets > 2, 'BTC/USDT and the like have no candles here');
});

test('an exchange that fails is asked again; in the end the market is reported and the others go on', async (t) => {
  const setup = await setUp(t, 'binance', startMs + 3 * minuteMs);
  const down = new AppError('SERVICE_UNAVAILABLE', 'binance is away');
  const venue: Venue = {
    ...setup.venue,
    fetchCandles: (symbol, ...rest) =>
      symbol === 'BTC/USDT' && setup.exchange.isDown ? Promise.reject(down) : setup.venue.fetchCandles(symbol, ...rest),
  };
  setup.exchange.isDown = true;
  const clock = { ...createTestClock(setup.time.nowMs), sleep: () => Promise.resolve() };
  const request = {
    interval: 'ONE_MINUTE',
    sinceMs: startMs,
    symbols: ['BTC/USDT'],
    signal: new AbortController().signal,
  } as const;
  const summary = await backfill({ db, clock, venue }, request);
  assert.deepEqual(summary.failed, [{ symbol: 'BTC/USDT', message: 'binance is away' }]);
  setup.exchange.isDown = false;
  assert.equal((await backfill({ db, clock, venue }, request)).inserted, 3);
});

test('what is not traded in dollars, and an interval the exchange has not, are refused with a sentence', async (t) => {
  const setup = await setUp(t, 'kraken', startMs + minuteMs);
  await assert.rejects(run(setup, ['NOSUCH']), {
    code: 'BAD_USER_INPUT',
    message: /kraken trades no NOSUCH in dollars/,
  });
  const venue = { ...setup.venue, hasCandles: () => false };
  await assert.rejects(run({ ...setup, venue }), { code: 'BAD_USER_INPUT', message: 'kraken has no candles of 1m.' });
});
