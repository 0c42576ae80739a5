import assert from 'node:assert/strict';
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
  readonly relistMs?: number;
  /** Data files of what the exchange speaks. */
  readonly exchanges?: readonly string[];
}

/** A feed of Binance at eight times the pace, until the test ends. */
async function start(t: TestContext, { relistMs, exchanges = ['binance'] }: StartOptions = {}): Promise<Started> {
  const clock = createFastClock(startMs, 8);
  const market = createScriptedMarket({ startMs: startMs - minuteMs, tradesPerMinute: 60 });
  const exchange = await startReplayExchange({ exchanges, market, nowMs: clock.now });
  const controller = new AbortController();
  const { restUrl, wsUrl } = exchange;
  const feed = runExchangeFeed(
    { db, clock, bus: createMemoryBus(), log: quiet },
    {
      exchange: 'binance',
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
