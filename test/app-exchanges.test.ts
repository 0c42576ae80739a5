import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { openDb } from '../src/db/open.ts';
import { minuteMs } from '../src/lib/interval.ts';
import { createFastClock } from './support/fast-clock.ts';
import { startReplayExchange } from './support/replay-exchange.ts';
import { createScriptedMarket } from './support/scripted-market.ts';

/** The whole product on an empty data directory with two exchanges live, at twice the pace, seen from outside. */

const startMs = Date.UTC(2026, 0, 5, 1, 30, 20);
const clock = createFastClock(startMs, 2);
/** From Monday 00:00 on, where the history of a market without a past begins. */
const weekMs = Date.UTC(2026, 0, 5);
const market = createScriptedMarket({ startMs: weekMs, tradesPerMinute: 20 });
const exchange = await startReplayExchange({ exchanges: ['binance', 'kraken'], market, nowMs: clock.now });
after(() => exchange.stop());
const dataDir = mkdtempSync(join(tmpdir(), 'tokengraph-exchanges-'));
after(() => rmSync(dataDir, { recursive: true, force: true }));
const config = readConfig({
  PORT: '0',
  DATA_DIR: dataDir,
  FEED: 'ccxt',
  FEED_EXCHANGES: 'binance,kraken',
  FEED_MARKETS: '3',
  FEED_REST_URL: exchange.restUrl,
  FEED_WS_URL: exchange.wsUrl,
});
const warnings: string[] = [];
const warn = (facts: object, message: string): void => void warnings.push(`${message} ${JSON.stringify(facts)}`);
const log = { debug: () => {}, info: () => {}, warn, error: warn };
const app = await startApp({ config, clock, log }, 'all');
after(() => app.stop());

async function ask<Data>(query: string): Promise<Data> {
  const response = await fetch(`${app.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data?: Data; errors?: object[] };
  assert.ok(data !== undefined && errors === undefined, JSON.stringify(errors));
  return data;
}

/** Looks until it is so, for two minutes of the market at most. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = clock.now() + 2 * minuteMs;
  while (!(await isSo())) {
    assert.ok(clock.now() < endMs, `waited for ${what}; ${warnings.join('\n')}`);
    await clock.sleep(1_000);
  }
}

interface Live {
  readonly source: string;
  readonly live: {
    readonly isConnected: boolean;
    readonly isSilent: boolean;
    readonly lastSourceTime: string | null;
    readonly gapsFound: number;
    readonly gapsRepaired: number;
  } | null;
}

async function liveOf(source: string): Promise<Live['live']> {
  const { system } = await ask<{ system: { feeds: Live[] } }>(
    '{ system { feeds { source live { isConnected isSilent lastSourceTime gapsFound gapsRepaired } } } }',
  );
  return system.feeds.find((feed) => feed.source === source)?.live ?? null;
}

interface AskedQuote {
  readonly priceUsd: string;
  readonly method: string;
  readonly source: string;
  readonly observedAt: string;
  readonly isStale: boolean;
  readonly venues: readonly {
    readonly source: string;
    readonly marketSymbol: string;
    readonly observedAt: string;
  }[];
}

async function quoteOf(slug: string): Promise<AskedQuote | null> {
  const fields = 'priceUsd method source observedAt isStale venues { source marketSymbol observedAt }';
  const { token } = await ask<{ token: { quote: AskedQuote | null } }>(
    `{ token(slug: "${slug}") { quote { ${fields} } } }`,
  );
  return token.quote;
}

test('markets of both exchanges become quotes of their tokens by the median rule, over a WebSocket', async () => {
  await until('both venues', async () => (await quoteOf('ethereum'))?.venues.length === 2);
  const client = createClient({ url: `${app.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
  const prices: string[] = [];
  const query = 'subscription { quotes(slugs: ["ethereum"], throttleMs: 100) { priceUsd method observedAt } }';
  for await (const { data, errors } of client.iterate<{ quotes: AskedQuote }>({ query })) {
    assert.ok(data, JSON.stringify(errors));
    assert.equal(data.quotes.method, 'WEIGHTED_MEDIAN');
    prices.push(data.quotes.priceUsd);
    if (new Set(prices).size === 4) break;
  }
  await client.dispose();
  const quote = await quoteOf('ethereum');
  assert.deepEqual(
    [
      quote?.source,
      quote?.isStale,
      quote?.venues.map(({ source, marketSymbol }) => `${source} ${marketSymbol}`).sort(),
    ],
    ['composite', false, ['binance ETH/USDT', 'kraken ETH/USD']],
  );
  const told = ['ETH/USDT', 'ETH/USD'].flatMap((symbol) => market.trades(symbol, startMs, clock.now()));
  for (const price of prices.slice(1))
    assert.ok(
      told.some((trade) => trade.price === price),
      `nobody told ${price}`,
    );
  const sources = await Promise.all(['solana', 'monero', 'bitcoin'].map(async (slug) => (await quoteOf(slug))?.source));
  assert.deepEqual(sources, ['binance', 'kraken', 'kraken'], 'BTC/USDT has less volume than the three that are taken');
});

test('closed minutes are those of the exchange digit by digit, also those from before the start', async () => {
  const closedMs = Math.ceil(startMs / minuteMs) * minuteMs;
  const count = (closedMs - weekMs) / minuteMs;
  const read = async (source: string) => {
    const query = `{ token(slug: "ethereum") { candles(interval: ONE_MINUTE, source: "${source}", limit: 200, to: "${new Date(closedMs).toISOString()}") { openTime open high low close isFinal } } }`;
    return (await ask<{ token: { candles: { openTime: string; isFinal: boolean }[] } }>(query)).token.candles;
  };
  for (const [source, symbol] of [
    ['binance', 'ETH/USDT'],
    ['kraken', 'ETH/USD'],
  ] as const) {
    await until(
      `final minutes of ${source}`,
      async () => (await read(source)).filter((one) => one.isFinal).length >= count,
    );
    const scripted = market.candles(symbol, minuteMs, 0, closedMs).map(({ openTime, open, high, low, close }) => ({
      openTime: new Date(openTime).toISOString(),
      open,
      high,
      low,
      close,
      isFinal: true,
    }));
    assert.deepEqual(await read(source), scripted);
  }
});

test('one exchange dies: the other makes the quote alone; it comes back and both do again, the gap repaired', async () => {
  exchange.setDead('kraken', true);
  await until('kraken to be told apart', async () => (await liveOf('kraken'))?.isConnected === false);
  const other = await liveOf('binance');
  assert.deepEqual([other?.isConnected, other?.isSilent], [true, false]);
  const before = await quoteOf('ethereum');
  await until('kraken to be silent', async () => (await liveOf('kraken'))?.isSilent === true);
  const after = await quoteOf('ethereum');
  const heard = (quote: AskedQuote | null, source: string) =>
    Date.parse(quote?.venues.find((venue) => venue.source === source)?.observedAt ?? '');
  assert.ok(heard(after, 'binance') > heard(before, 'binance'));
  assert.ok(heard(after, 'kraken') - heard(before, 'kraken') < 5_000);
  exchange.setDead('kraken', false);
  await until('kraken to be back', async () => {
    const live = await liveOf('kraken');
    return live?.isConnected === true && !live.isSilent && live.gapsFound > 0 && live.gapsRepaired === live.gapsFound;
  });
  await until('its prices again', async () => heard(await quoteOf('ethereum'), 'kraken') > heard(after, 'binance'));
});

test('an end is an end: connections are let go of, what came is stored', async () => {
  const startedMs = performance.now();
  await app.stop();
  assert.ok(performance.now() - startedMs < 20_000);
  await clock.sleep(1_000);
  assert.equal(exchange.connections(), 0);
  const { db, close } = await openDb(config);
  const [row] = await db.query<{ newest: number }>('SELECT max(open_time) AS newest FROM candle WHERE is_final');
  await close();
  assert.ok((row?.newest ?? 0) >= startMs - minuteMs);
});
