import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, beforeEach, type TestContext, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { runExchangeFeed } from '../../src/ingest/exchange-feed.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { minuteMs } from '../../src/lib/interval.ts';
import { type LiveFeedStatus, readStatus } from '../../src/status/store.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { createTestDb } from '../support/db.ts';
import { createFastClock } from '../support/fast-clock.ts';
import { isFound, runScripted } from '../support/live-exchange.ts';
import { type ReplayExchange, startReplayExchange } from '../support/replay-exchange.ts';
import { createScriptedMarket } from '../support/scripted-market.ts';

const db = await createTestDb({ after });
await createToken({ db }, { symbol: 'BTC' });
beforeEach(() => db.execute('TRUNCATE event, event_floor, series, source, candle_quarantine, feed_status CASCADE'));

const startMs = Date.UTC(2026, 0, 5, 10);
const quiet = { info: () => {}, warn: () => {} };

interface Started {
  readonly clock: Clock;
  readonly exchange: ReplayExchange;
}

interface StartOptions {
  readonly id?: string;
  readonly relistMs?: number;
  /** Data files of what the exchange speaks. */
  readonly exchanges?: readonly string[];
  readonly answers?: Readonly<Record<string, string>>;
}

/** A feed at eight times the pace, until the test ends. */
async function start(
  t: TestContext,
  { id = 'binance', relistMs, exchanges = [id], answers }: StartOptions = {},
): Promise<Started> {
  const clock = createFastClock(startMs, 8);
  const market = createScriptedMarket({ startMs: startMs - minuteMs, tradesPerMinute: 60 });
  const exchange = await startReplayExchange({
    exchanges,
    market,
    nowMs: clock.now,
    ...(answers ? { answers } : {}),
  });
  const controller = new AbortController();
  const { restUrl, wsUrl } = exchange;
  const feed = runExchangeFeed(
    { db, clock, bus: createMemoryBus(), log: quiet },
    {
      exchange: id,
      marketsMax: 10,
      restUrl,
      wsUrl,
      signal: controller.signal,
      ...(relistMs ? { relistMs } : {}),
    },
  );
  feed.catch(() => {});
  t.after(async () => {
    controller.abort();
    await feed;
    await exchange.stop();
  });
  return { clock, exchange };
}

/** Looks until it is so, for five minutes of the market at most. */
async function until(clock: Clock, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = clock.now() + 5 * minuteMs;
  while (!(await isSo())) {
    assert.ok(clock.now() < endMs, 'it did not become so');
    await clock.sleep(500);
  }
}
const options = { db, exchange: 'binance', startMs, minutes: 3, speed: 8, tradesPerMinute: 60 };

test('lost, doubled and reordered messages and cut connections leave the candles of the undisturbed run', async () => {
  const undisturbed = await runScripted(options);
  await db.execute('TRUNCATE event, event_floor, series, source, candle_quarantine, feed_status CASCADE');
  const chaos = { dropShare: 0.01, repeatShare: 0.01, reorderShare: 0.01, cutEveryMs: 25_000 };
  const disturbed = await runScripted({ ...options, chaos });
  assert.ok(undisturbed.candles.length > 10);
  assert.deepEqual(disturbed.candles, undisturbed.candles);
  const scripted = undisturbed.script.candles('BTC/USDT', minuteMs, 0, startMs + options.minutes * minuteMs);
  assert.equal(undisturbed.candles.filter((line) => line.startsWith('BTC/USDT ONE_MINUTE')).length, scripted.length);
  assert.ok(disturbed.cuts > 2 && disturbed.lost.length > 0);
  for (const trade of disturbed.lost)
    assert.ok(isFound(trade, disturbed.gaps), `trade ${trade.id} was lost and is not known to be missing`);
  const slow = disturbed.gaps.filter(({ foundAt, repairedAt }) => (repairedAt ?? Infinity) - foundAt > minuteMs);
  assert.deepEqual(slow, []);
  assert.equal(undisturbed.gaps.length, 0);
});

test('an exchange that falls silent is said to be within ten seconds, and connected anew when it speaks again', async (t) => {
  const { clock, exchange } = await start(t);
  const read = async (): Promise<LiveFeedStatus | null | undefined> =>
    (await readStatus(db, clock.now())).feeds.find(({ source }) => source === 'binance')?.live;
  await until(clock, async () => (await read())?.isConnected === true && (await read())?.lastSourceTime != null);
  const heard = await read();
  assert.deepEqual([heard?.isSilent, heard?.reconnects], [false, 0]);
  assert.ok(Math.abs((heard?.lastMessageAt ?? 0) - (heard?.lastSourceTime ?? 0)) < 30_000);
  const mutedMs = clock.now();
  exchange.isMute = true;
  await until(clock, async () => (await read())?.isSilent === true);
  const [row] = await db.query<{ reportedAt: number }>(
    'SELECT reported_at AS "reportedAt" FROM feed_status WHERE is_silent',
  );
  assert.ok((row?.reportedAt ?? Infinity) - mutedMs <= 11_000, 'ten seconds, and one until it is reported');
  await until(clock, async () => ((await read())?.reconnects ?? 0) > 0);
  exchange.isMute = false;
  await until(clock, async () => {
    const live = await read();
    return live?.isSilent === false && live.isConnected && live.gapsFound > 0 && live.gapsRepaired === live.gapsFound;
  });
});

test('a market that comes up is taken when markets are listed anew, without a restart', async (t) => {
  const { clock } = await start(t, { relistMs: 30_000 });
  const symbols = async (): Promise<unknown[]> =>
    (
      await db.query<{ symbol: string }>(
        'SELECT market_symbol AS symbol FROM series JOIN quote ON quote.series_id = series.id',
      )
    ).map(({ symbol }) => symbol);
  await until(clock, async () => (await symbols()).includes('BTC/USDT'));
  const token = await createToken({ db }, { symbol: 'SOL' });
  t.after(() => db.execute('DELETE FROM token WHERE id = $1', [token.id]));
  await until(clock, async () => (await symbols()).includes('SOL/USDT'));
});

test('spot markets and perpetuals of an exchange come in side by side; a perpetual makes the quote where it is alone', async (t) => {
  const pepe = await createToken({ db }, { symbol: 'PEPE' });
  t.after(() => db.execute('DELETE FROM token WHERE id = $1', [pepe.id]));
  const { clock } = await start(t, { exchanges: ['binanceusdm', 'binance'] });
  interface Told {
    readonly symbol: string;
    readonly venues: readonly { readonly marketSymbol: string; readonly reason: string | null }[];
    readonly priceUsd: string;
  }
  const read = () =>
    db.query<Told>(
      'SELECT t.symbol, q.venues, q.price_usd AS "priceUsd" FROM quote q JOIN token t ON t.id = q.token_id ORDER BY 1',
    );
  const startedMs = clock.now();
  const quoted = `SELECT count(DISTINCT c.series_id)::int AS count FROM candle c WHERE c.interval = 'ONE_MINUTE' AND NOT c.is_final AND c.learned_at > $1`;
  await until(clock, async () => (await db.query<{ count: number }>(quoted, [new Date(startedMs)]))[0]?.count === 3);
  const [bitcoin, millions] = await read();
  assert.deepEqual(
    bitcoin?.venues.map(({ marketSymbol, reason }) => [marketSymbol, reason]),
    [
      ['BTC/USDT', null],
      ['BTC/USDT:USDT', 'PERPETUAL'],
    ],
  );
  assert.deepEqual([millions?.symbol, millions?.venues[0]?.marketSymbol], ['PEPE', '1000PEPE/USDT:USDT']);
  assert.ok(Number(millions?.priceUsd) < 100, 'a price of a thousand coins is told for one');
});

/** Quotes by the symbol of their token, with when their price was true. */
async function listQuotes(): Promise<{ symbol: string; observedAt: number }[]> {
  return db.query(
    `SELECT t.symbol, q.observed_at AS "observedAt" FROM quote q JOIN token t ON t.id = q.token_id ORDER BY 1`,
  );
}

test('a delisted market is let go and keeps what it had, beside one that is new; relisted it goes on without a hole', async (t) => {
  const pepe = await createToken({ db }, { symbol: 'PEPE' });
  t.after(() => db.execute('DELETE FROM token WHERE id = $1', [pepe.id]));
  const { rest } = JSON.parse(readFileSync('test/fixtures/wire/binanceusdm.json', 'utf8')) as {
    rest: { path: string; body: string }[];
  };
  const path = '/fapi/v1/exchangeInfo';
  const all = JSON.parse(rest.find((route) => route.path === path)?.body ?? '') as { symbols: { symbol: string }[] };
  const list = (...ids: string[]): string =>
    JSON.stringify({ ...all, symbols: all.symbols.filter(({ symbol }) => ids.includes(symbol)) });
  const answers = { [path]: list('BTCUSDT') };
  const { clock } = await start(t, { id: 'binanceusdm', relistMs: 30_000, answers });
  const observed = async (symbol: string): Promise<number> =>
    (await listQuotes()).find((quote) => quote.symbol === symbol)?.observedAt ?? 0;
  await until(clock, async () => (await observed('BTC')) > startMs);
  answers[path] = list('1000PEPEUSDT');
  await until(clock, async () => (await observed('PEPE')) > startMs);
  const last = await observed('BTC');
  const sinceMs = clock.now();
  await until(clock, async () => (await observed('PEPE')) > sinceMs + minuteMs);
  assert.equal(await observed('BTC'), last, 'the quote stays as it was last');
  const live = (await readStatus(db, clock.now())).feeds.find(({ source }) => source === 'binanceusdm')?.live;
  assert.deepEqual([live?.isConnected, live?.isSilent, live?.gapsFound], [true, false, live?.gapsRepaired]);
  answers[path] = list('BTCUSDT', '1000PEPEUSDT');
  await until(clock, async () => (await observed('BTC')) > sinceMs + minuteMs);
  const minutes = await db.query<{ gap: number }>(
    `SELECT extract(epoch FROM c.open_time - lag(c.open_time) OVER (ORDER BY c.open_time))::int AS gap
     FROM candle c JOIN series s ON s.id = c.series_id WHERE s.market_symbol = 'BTC/USDT:USDT' AND c.interval = 'ONE_MINUTE'`,
  );
  assert.deepEqual(new Set(minutes.slice(1).map(({ gap }) => gap)), new Set([60]));
});

interface StoredMinute {
  readonly openTime: number;
  readonly close: string;
  readonly volumeBase: string;
}

/** Waits for some closed minutes of BTC/USD, holds them against the script, and returns how the feed is. */
async function checkMinutes(clock: Clock, id: string): Promise<LiveFeedStatus | null | undefined> {
  const read = (): Promise<StoredMinute[]> =>
    db.query(
      `SELECT open_time AS "openTime", close, volume_base AS "volumeBase" FROM candle WHERE interval = 'ONE_MINUTE' AND is_final ORDER BY 1`,
    );
  await until(clock, async () => (await read()).length >= 2);
  const market = createScriptedMarket({ startMs: startMs - minuteMs, tradesPerMinute: 60 });
  const stored = await read();
  const scripted = market.candles('BTC/USD', minuteMs, 0, startMs + stored.length * minuteMs).slice(0, stored.length);
  assert.deepEqual(
    stored,
    scripted.map(({ openTime, close, volumeBase }) => ({ openTime, close, volumeBase })),
  );
  return (await readStatus(db, clock.now())).feeds.find(({ source }) => source === id)?.live;
}

test('an exchange that tells last prices only makes quotes of them, and closed minutes of its own candles', async (t) => {
  const { clock } = await start(t, { id: 'onetrading' });
  await until(clock, async () => ((await listQuotes())[0]?.observedAt ?? 0) > startMs + minuteMs);
  const live = await checkMinutes(clock, 'onetrading');
  assert.deepEqual([live?.isConnected, live?.isSilent, live?.gapsFound], [true, false, 0]);
});

test('an exchange without a live stream is followed by its closed minutes, and nobody knocks at what it does not have', async (t) => {
  const { clock } = await start(t, { id: 'bitso' });
  await until(clock, async () => ((await listQuotes())[0]?.observedAt ?? 0) > startMs + minuteMs);
  const live = await checkMinutes(clock, 'bitso');
  assert.deepEqual([live?.isConnected, live?.isSilent, live?.reconnects, live?.gapsFound], [true, false, 0, 0]);
});
