import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { minuteMs } from '../../src/lib/interval.ts';
import { openVenue, type Venue, type VenueTrade } from '../../src/sources/ccxt.ts';
import { type ReplayExchange, startReplayExchange } from '../support/replay-exchange.ts';
import { createScriptedMarket } from '../support/scripted-market.ts';

/** The real client of ccxt against exchanges on loopback, which speak from data files. */

const startMs = Date.UTC(2026, 0, 5, 10);
const market = createScriptedMarket({ startMs, tradesPerMinute: 30 });

interface Opened {
  readonly venue: Venue;
  readonly exchange: ReplayExchange;
  messages: number;
}

async function open(t: TestContext, id: string, nowMs: number, isScripted = true): Promise<Opened> {
  const exchange = await startReplayExchange({
    exchanges: [id],
    nowMs: () => nowMs,
    ...(isScripted ? { market } : {}),
  });
  t.after(() => exchange.stop());
  const opened = { messages: 0 };
  const { restUrl, wsUrl } = exchange;
  const venue = await openVenue(id, {
    restUrl,
    wsUrl,
    nowMs: () => nowMs - 250,
    onMessage: () => (opened.messages += 1),
  });
  t.after(() => venue.close());
  return Object.assign(opened, { venue, exchange });
}

for (const [id, symbol, listed] of [
  ['binance', 'BTC/USDT', 1262],
  ['kraken', 'BTC/USD', 289],
] as const) {
  test(`${id}: markets as captured, the clock's difference, candles and trades digit for digit`, async (t) => {
    const nowMs = startMs + 3 * minuteMs + 10_000;
    const { venue } = await open(t, id, nowMs);
    assert.equal(venue.markets.length, listed);
    const [base, quote] = symbol.split('/');
    assert.deepEqual(
      venue.markets.find((one) => one.symbol === symbol),
      { symbol, base, quote, marketType: 'SPOT' },
    );
    assert.equal(venue.clockSkewMs, 250);
    assert.ok(venue.hasCandles('ONE_DAY'));
    const candles = await venue.fetchCandles(symbol, 'ONE_MINUTE', startMs + minuteMs, 100);
    const expected = market.candles(symbol, minuteMs, startMs + minuteMs, nowMs).map(({ count: _, ...candle }) => ({
      symbol,
      interval: 'ONE_MINUTE',
      ...candle,
      volumeQuote: id === 'kraken' ? null : candle.volumeQuote, // Kraken does not state it
      marketCapUsd: null,
      supply: null,
    }));
    assert.deepEqual(candles, expected);
    const trades = await venue.fetchTrades(symbol, startMs);
    const scripted = market.trades(symbol, startMs, nowMs);
    assert.deepEqual(
      trades.map(({ id: tradeId, price, volumeBase }) => [tradeId, price, volumeBase]),
      scripted.map(({ id: tradeId, price, amount }) => [String(tradeId), price, amount]),
    );
  });
}

test('binanceusdm: linear perpetuals by their symbols, dated futures left out, messages of funding ignored', async (t) => {
  const nowMs = startMs + 3 * minuteMs + 10_000;
  const { venue, exchange } = await open(t, 'binanceusdm', nowMs);
  assert.deepEqual(venue.markets, [
    { symbol: 'BTC/USDT:USDT', base: 'BTC', quote: 'USDT', marketType: 'PERPETUAL' },
    { symbol: '1000PEPE/USDT:USDT', base: '1000PEPE', quote: 'USDT', marketType: 'PERPETUAL' },
  ]);
  const symbol = 'BTC/USDT:USDT';
  const [candle] = await venue.fetchCandles(symbol, 'ONE_MINUTE', startMs + minuteMs, 100);
  const [scripted] = market.candles(symbol, minuteMs, startMs + minuteMs, nowMs);
  assert.deepEqual([candle?.close, candle?.volumeQuote], [scripted?.close, scripted?.volumeQuote]);
  assert.equal((await venue.fetchTrades(symbol, startMs)).length, market.trades(symbol, startMs, nowMs).length);
  assert.ok(
    exchange.requests.every((path) => path.startsWith('/fapi/')),
    'nothing is asked of the spot market',
  );
});

/** Reads a stream until it has told `count` trades. */
async function readTrades(venue: Venue, symbol: string, count: number): Promise<VenueTrade[]> {
  const trades: VenueTrade[] = [];
  while (trades.length < count) {
    await venue.watch([symbol]);
    trades.push(...venue.drain([symbol]));
  }
  return trades;
}

test('the captured trades of Binance come with the digits of the wire', async (t) => {
  const { venue } = await open(t, 'binance', 1633998523957, false);
  assert.deepEqual(await readTrades(venue, 'NKN/USDT', 1), [
    {
      id: '15683430',
      symbol: 'NKN/USDT',
      timeMs: 1633998523963,
      price: '0.35280000',
      volumeBase: '58.00000000',
      volumeQuote: '20.4624',
    },
  ]);
});

test('the captured trades of Kraken, bare numbers on the wire, keep their trailing zeros', async (t) => {
  const { venue } = await open(t, 'kraken', 1618678142592, false);
  const trades = await readTrades(venue, 'XMR/USD', 4);
  assert.deepEqual(
    trades.map(({ timeMs, price, volumeBase }) => [timeMs, price, volumeBase]),
    [
      [1618678142557, '354.11000000', '0.89594024'],
      [1618678145715, '354.55000000', '1.25690315'],
      [1618678150826, '354.04000000', '0.28245396'],
      [1618678150827, '353.81000000', '1.71754604'],
    ],
  );
});

test('a connection that is cut ends the wait with a sentence, and the next one connects anew', async (t) => {
  const { venue, exchange } = await open(t, 'kraken', startMs + minuteMs, false);
  await venue.watch(['XMR/USD']);
  venue.drain(['XMR/USD']);
  const waiting = venue.watch(['ETH/USD']);
  waiting.catch(() => {});
  await assert.rejects(async () => {
    for (;;) {
      if (exchange.connections() > 0) exchange.cut();
      await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  }, /kraken/);
  assert.equal((await readTrades(venue, 'XMR/USD', 4)).length, 4);
});

test('what ccxt does not know and what is out of reach is said', async () => {
  const nowMs = (): number => startMs;
  await assert.rejects(openVenue('nosuch', { nowMs }), { code: 'BAD_USER_INPUT', message: /"nosuch"/ });
  await assert.rejects(openVenue('../base/Exchange', { nowMs }), { code: 'BAD_USER_INPUT' });
  const nobody = { restUrl: 'http://127.0.0.1:9', wsUrl: 'ws://127.0.0.1:9', nowMs };
  await assert.rejects(openVenue('kraken', nobody), {
    code: 'SERVICE_UNAVAILABLE',
    message: /^kraken does not answer/,
  });
});
