import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { Db } from '../../src/db/client.ts';
import { createMemoryBus } from '../../src/events/bus.ts';
import { listEvents } from '../../src/events/store.ts';
import { type LiveDeps, type LiveStats, runLive } from '../../src/ingest/live.ts';
import { AppError } from '../../src/lib/errors.ts';
import { bucketClose, type CandleInterval, dayMs, hourMs, minuteMs } from '../../src/lib/interval.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults, upsertSeries } from '../../src/prices/series-store.ts';
import { recordCandles } from '../../src/prices/store.ts';
import type { Feed, FeedEvent, SourceCandle, SourceKind, SourceTick } from '../../src/sources/exchange.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const start = Date.UTC(2026, 0, 5);
const bitcoin = (await createToken({ db }, { symbol: 'BTC' })).id;
await createToken({ db }, { symbol: 'PEPE' });

beforeEach(() => db.execute('TRUNCATE event, event_floor, series, source, candle_quarantine CASCADE'));

function feedOf(
  kind: SourceKind,
  events: readonly FeedEvent[] | ((signal: AbortSignal) => AsyncGenerator<FeedEvent>),
): Feed {
  const symbols = ['BTC/USD', '1000PEPE/USDT', 'NOBODY/USD', 'BTC/EUR'];
  return {
    name: kind.toLowerCase(),
    kind,
    markets: symbols.map((symbol) => {
      const [base = '', quote = ''] = symbol.split('/');
      return { symbol, base, quote, marketType: 'SPOT' };
    }),
    async *events(signal) {
      if (typeof events === 'function') yield* events(signal);
      else yield* events;
    },
  };
}

function candle(symbol: string, interval: CandleInterval, openTime: number, close: string): SourceCandle {
  const prices = { open: '10', high: close, low: '10', close };
  return {
    symbol,
    interval,
    openTime,
    ...prices,
    volumeBase: '3',
    volumeQuote: '30',
    marketCapUsd: null,
    supply: null,
  };
}

function hour(n: number, close: string, symbol = 'BTC/USD'): FeedEvent[] {
  const openTime = start + n * hourMs;
  return [
    { kind: 'candles', candles: [candle(symbol, 'ONE_HOUR', openTime, close)] },
    { kind: 'watermark', timeMs: openTime + hourMs },
  ];
}

function tick(timeMs: number, price: string): FeedEvent[] {
  const one: SourceTick = { symbol: 'BTC/USD', timeMs, price, volumeBase: '1', volumeQuote: price };
  return [
    { kind: 'ticks', ticks: [one] },
    { kind: 'watermark', timeMs },
  ];
}

interface Run {
  readonly clock: TestClock;
  readonly done: Promise<LiveStats>;
  readonly controller: AbortController;
}

function run(feed: Feed, deps: Partial<LiveDeps> = {}): Run {
  const clock = createTestClock(start + 100 * dayMs);
  const controller = new AbortController();
  const done = runLive({ db, clock, bus: createMemoryBus(), ...deps }, feed, { signal: controller.signal });
  done.catch(() => {});
  return { clock, controller, done };
}

async function stored(interval: CandleInterval): Promise<unknown[]> {
  return db.query(
    `SELECT c.open_time - 0 * interval '1 day' AS "openTime", c.open, c.high, c.low, c.close, c.volume_base AS volume, c.is_final AS "isFinal", c.is_native AS "isNative", c.revision
     FROM candle c JOIN series s ON s.id = c.series_id WHERE c.interval = $1::text::"CandleInterval" ORDER BY s.market_symbol, c.open_time`,
    [interval],
  );
}

async function eventsOf(): Promise<string[]> {
  const events = await listEvents(db, ['prices', 'closes'], 0, 1000);
  return events.map((event) =>
    event.topic === 'closes' ? `${event.payload.interval} ${(event.payload.closeTime - start) / hourMs}` : event.topic,
  );
}

test('a replay writes each close before the next, the candles before the event', async () => {
  const feed = feedOf(
    'REPLAY',
    [22, 23, 24].flatMap((n) => hour(n, String(n))),
  );
  const stats = await run(feed).done;
  assert.deepEqual(await eventsOf(), [
    'prices',
    'ONE_HOUR 23',
    'prices',
    'ONE_DAY 24',
    'ONE_HOUR 24',
    'prices',
    'ONE_HOUR 25',
  ]);
  assert.deepEqual([stats.candles, stats.flushes], [3, 3]);
  assert.deepEqual(await stored('ONE_DAY'), [
    {
      openTime: start,
      open: '10',
      high: '23',
      low: '10',
      close: '23',
      volume: '6',
      isFinal: true,
      isNative: false,
      revision: 0,
    },
    {
      openTime: start + dayMs,
      open: '10',
      high: '24',
      low: '10',
      close: '24',
      volume: '3',
      isFinal: false,
      isNative: false,
      revision: 0,
    },
  ]);
  const [quote] = await db.query('SELECT token_id AS "tokenId", price_usd AS "priceUsd" FROM quote');
  assert.deepEqual(quote, { tokenId: bitcoin, priceUsd: '24' });
});

test('the same replay again changes no row and tells nothing', async () => {
  const events = [0, 1, 2, 30].flatMap((n) => hour(n, String(n + 10)));
  await run(feedOf('REPLAY', events)).done;
  const before = [await eventsOf(), await stored('ONE_HOUR'), await stored('ONE_WEEK')];
  const stats = await run(feedOf('REPLAY', events)).done;
  assert.deepEqual([await eventsOf(), await stored('ONE_HOUR'), await stored('ONE_WEEK')], before);
  assert.equal(stats.repeated, 4);
});

test('a run that is cut anywhere and begun again ends with the candles of an undisturbed one', async () => {
  const all = Array.from({ length: 40 }, (_, n) => tick(start + n * 97_000, String(100 + ((n * 37) % 50)))).flat();
  const end: FeedEvent = { kind: 'watermark', timeMs: start + 2 * dayMs };
  await run(feedOf('EXCHANGE', [...all, end])).done;
  const intervals: CandleInterval[] = ['ONE_MINUTE', 'FIVE_MINUTES', 'ONE_HOUR', 'ONE_DAY', 'ONE_WEEK'];
  const undisturbed = await Promise.all(intervals.map(stored));
  await db.execute('TRUNCATE series, source CASCADE');
  for (const [from, to] of [
    [0, 14],
    [14, 15],
    [15, 52],
    [52, 80],
  ] as const)
    await run(feedOf('EXCHANGE', [...all.slice(from, to), ...(to === 80 ? [end] : [])])).done;
  assert.deepEqual(await Promise.all(intervals.map(stored)), undisturbed);
});

test('prices are per coin, markets without a token or in another currency are dropped', async () => {
  const events: FeedEvent[] = [
    {
      kind: 'candles',
      candles: ['1000PEPE/USDT', 'NOBODY/USD', 'BTC/EUR'].map((s) => candle(s, 'ONE_HOUR', start, '12')),
    },
    { kind: 'watermark', timeMs: start + hourMs },
  ];
  const stats = await run(feedOf('REPLAY', events)).done;
  assert.deepEqual(await stored('ONE_HOUR'), [
    {
      openTime: start,
      open: '0.010',
      high: '0.012',
      low: '0.010',
      close: '0.012',
      volume: '3000',
      isFinal: true,
      isNative: true,
      revision: 0,
    },
  ]);
  assert.equal(stats.dropped, 2);
});

test('bad candles and ticks are kept apart and the feed goes on', async () => {
  const bad = { ...candle('BTC/USD', 'ONE_HOUR', start, '12'), low: '99' };
  await run(feedOf('REPLAY', [{ kind: 'candles', candles: [bad] }, ...hour(1, '13'), ...tick(start + 3 * hourMs, '0')]))
    .done;
  assert.deepEqual(await db.query('SELECT market_symbol AS symbol, reason FROM candle_quarantine'), [
    { symbol: 'BTC/USD', reason: 'HIGH_BELOW_LOW' },
    { symbol: 'BTC/USD', reason: 'NON_POSITIVE_PRICE' },
  ]);
  assert.equal((await stored('ONE_HOUR')).length, 1);
});

test('live ticks are written once a second, conflated', async () => {
  let next = (): void => {};
  const feed = feedOf('EXCHANGE', async function* (signal) {
    for (const n of [0, 1, 2, 3]) yield* tick(start + n * 100, String(100 + n));
    await new Promise<void>((resolve) => {
      next = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  });
  const { clock, controller, done } = run(feed);
  await until(async () => {
    await clock.advance(1_000);
    return (await stored('ONE_MINUTE')).length > 0;
  });
  const [minute] = (await stored('ONE_MINUTE')) as { close: string; isFinal: boolean }[];
  assert.deepEqual([minute?.close, minute?.isFinal], ['103', false]);
  assert.deepEqual(await eventsOf(), ['prices']);
  next();
  controller.abort();
  assert.equal((await done).flushes, 1);
});

/** Lets the event loop turn until a condition holds. */
async function until(isTrue: () => Promise<boolean> | boolean): Promise<void> {
  for (const endMs = Date.now() + 30_000; Date.now() < endMs; ) {
    if (await isTrue()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail('it never came true');
}

/** A database that is away for its first transactions after it was told to. */
function flaky(): { readonly db: Db; down(isDown: boolean): void } {
  let isDown = false;
  const transaction: Db['transaction'] = (work) =>
    isDown ? Promise.reject(new AppError('SERVICE_UNAVAILABLE', 'away')) : db.transaction(work);
  return { db: { ...db, transaction }, down: (value) => (isDown = value) };
}

test('while the database is away nothing is lost, and the feed waits when too much has piled up', async () => {
  const away = flaky();
  let yielded = 0;
  const feed = feedOf('EXCHANGE', async function* () {
    for (let n = 0; n < 7_000; n += 1) {
      if (n === 10) away.down(true);
      yielded = n + 1;
      const openTime = start + n * minuteMs;
      yield { kind: 'candles', candles: [candle('BTC/USD', 'ONE_MINUTE', openTime, '12')] };
      yield { kind: 'watermark', timeMs: openTime + minuteMs };
    }
  });
  const { clock, done } = run(feed, { db: away.db });
  await until(() => yielded > 3_000);
  for (let n = 0; n < 50; n += 1) await clock.advance(1_000);
  assert.ok(yielded < 5_000, `${yielded} minutes were read`);
  away.down(false);
  let isDone = false;
  void done.then(() => (isDone = true));
  await until(async () => {
    await clock.advance(1_000);
    return isDone;
  });
  assert.equal((await stored('ONE_MINUTE')).length, 7_000);
  const minutes = (await stored('ONE_DAY')) as { volume: string }[];
  assert.equal(
    minutes.reduce((sum, { volume }) => sum + Number(volume), 0),
    21_000,
  );
});

test('a failure that does not pass ends the run with its error', async () => {
  let isBroken = false;
  const broken: Db = {
    ...db,
    transaction: (work) => (isBroken ? Promise.reject(new Error('a bug')) : db.transaction(work)),
  };
  const feed = feedOf('REPLAY', async function* () {
    isBroken = true;
    yield* hour(1, '12');
    yield* hour(2, '12');
  });
  await assert.rejects(run(feed, { db: broken }).done, /a bug/);
});

test('simulated candles are not written for a token that has real ones', async () => {
  await seedReal();
  await run(feedOf('SIMULATED', hour(0, '12'))).done;
  assert.deepEqual(
    await db.query(
      `SELECT 1 FROM series s JOIN source o ON o.id = s.source_id JOIN candle c ON c.series_id = s.id WHERE o.kind = 'SIMULATED'`,
    ),
    [],
  );
});

test('real candles of a live feed replace simulated ones', async () => {
  await run(feedOf('SIMULATED', hour(0, '12'))).done;
  await run(feedOf('REPLAY', hour(0, '13'))).done;
  assert.deepEqual(
    await db.query('SELECT o.name FROM series s JOIN source o ON o.id = s.source_id WHERE s.token_id = $1', [bitcoin]),
    [{ name: 'replay' }],
  );
});

test('a series that is removed while the feed runs does not stop it', async () => {
  const feed = feedOf('REPLAY', async function* () {
    yield* hour(0, '12');
    yield { kind: 'candles', candles: [candle('1000PEPE/USDT', 'ONE_HOUR', start, '12')] } satisfies FeedEvent;
    await db.execute(`DELETE FROM series WHERE market_symbol = 'BTC/USD'`);
    yield* hour(1, '12');
    yield {
      kind: 'candles',
      candles: [candle('1000PEPE/USDT', 'ONE_HOUR', start + 2 * hourMs, '12')],
    } satisfies FeedEvent;
    yield* hour(2, '12');
  });
  const stats = await run(feed).done;
  const [{ closeTime } = { closeTime: 0 }] = ((await stored('ONE_HOUR')) as { openTime: number }[]).map(
    ({ openTime }) => ({
      closeTime: bucketClose('ONE_HOUR', openTime),
    }),
  );
  assert.equal(closeTime, start + 3 * hourMs);
  assert.ok(stats.dropped >= 1);
  const last = (await listEvents(db, ['closes'], 0, 100)).at(-1);
  assert.equal(last?.topic === 'closes' && last.payload.seriesIds.length, 1);
});

async function seedReal(): Promise<void> {
  await db.transaction(async (tx) => {
    const series = await upsertSeries(tx, {
      tokenId: bitcoin,
      sourceName: 'files',
      sourceKind: 'IMPORT',
      marketSymbol: 'BTC/USD',
      marketType: 'SPOT',
      quoteSymbol: 'USD',
      unitExponent: 0,
    });
    const { symbol: _, ...rest } = candle('BTC/USD', 'ONE_DAY', start, '12');
    await recordCandles(tx, [{ ...rest, seriesId: series.id, isFinal: true, isNative: true }], start + dayMs);
    await refreshDefaults(tx, [bitcoin]);
  });
}

test('a new rate of a stablecoin prices what is quoted in it anew, once for each closed minute, not for its ticks', async (t) => {
  const tether = await createToken({ db }, { symbol: 'USDT' });
  t.after(() => db.execute('DELETE FROM token WHERE id = $1', [tether.id]));
  const other = { sourceName: 'other', sourceKind: 'EXCHANGE', marketType: 'SPOT', unitExponent: 0 } as const;
  await db.transaction(async (tx) => {
    const facts = { ...other, tokenId: bitcoin, marketSymbol: 'BTC/USDT', quoteSymbol: 'USDT' };
    const { id } = await upsertSeries(tx, facts);
    const { symbol: _, ...minute } = candle('', 'ONE_MINUTE', start, '100');
    await recordCandles(tx, [{ ...minute, seriesId: id, isFinal: true, isNative: true }], start + minuteMs);
    await refreshDefaults(tx, [bitcoin]);
    await refreshQuotes(tx, [bitcoin], start + minuteMs);
  });
  const quote = async (): Promise<unknown> => {
    const sql = 'SELECT price_usd AS price, observed_at AS "observedAt" FROM quote WHERE token_id = $1';
    return (await db.query(sql, [bitcoin]))[0];
  };
  const observedAt = start + minuteMs;
  assert.deepEqual(await quote(), { price: '100', observedAt });
  const rates = (events: readonly FeedEvent[]): Feed => ({
    ...feedOf('EXCHANGE', events),
    markets: [{ symbol: 'USDT/USD', base: 'USDT', quote: 'USD', marketType: 'SPOT' }],
  });
  const rate = (minute: number, price: string): FeedEvent[] => {
    const openTime = start + minute * minuteMs;
    const facts = { ...candle('USDT/USD', 'ONE_MINUTE', openTime, price), open: price, low: price };
    return [{ kind: 'candles', candles: [facts] }];
  };
  const toldBefore = await eventsOf();
  await run(rates([...rate(1, '0.99'), { kind: 'watermark', timeMs: start + 2 * minuteMs }])).done;
  assert.deepEqual(await quote(), { price: '99.00', observedAt });
  const [told] = (await listEvents(db, ['prices'], 0, 1000)).slice(toldBefore.length);
  assert.ok(told?.topic === 'prices' && told.payload.tokenIds.includes(bitcoin), 'subscribers are told');
  const [one] = tick(start + 2 * minuteMs + 1_000, '0.98');
  assert.ok(one?.kind === 'ticks');
  await run(rates([{ kind: 'ticks', ticks: one.ticks.map((tick_) => ({ ...tick_, symbol: 'USDT/USD' })) }])).done;
  assert.deepEqual(await quote(), { price: '99.00', observedAt });
  await run(rates([...rate(40, '0.97'), { kind: 'watermark', timeMs: start + 41 * minuteMs }])).done;
  assert.deepEqual(await quote(), { price: '99.00', observedAt }, 'what was heard of long before keeps its price');
});
