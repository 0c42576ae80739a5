import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, beforeEach, type TestContext, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { runLive } from '../../src/ingest/live.ts';
import { bucketClose, bucketOpen, minuteMs } from '../../src/lib/interval.ts';
import { openVenue, type Venue, type VenueTrade } from '../../src/sources/ccxt.ts';
import type { Feed } from '../../src/sources/exchange.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { type ReplayExchangeOptions, startReplayExchange } from '../support/replay-exchange.ts';

/** What exchanges really sent, through the real client and the live path, gives the candles that it should. */

const db = await createTestDb({ after });
for (const symbol of ['NKN', 'XMR', 'BTC']) await createToken({ db }, { symbol });
beforeEach(() => db.execute('TRUNCATE event, event_floor, series, source, candle_quarantine CASCADE'));

/** Sums done by hand over the trades of test/fixtures/wire. */
const checked = JSON.parse(readFileSync('test/fixtures/wire/candles.json', 'utf8')) as readonly {
  exchange: string;
  symbol: string;
  minute: string;
  trades: string[];
}[];

async function open(t: TestContext, options: Omit<ReplayExchangeOptions, 'exchanges'>, id: string): Promise<Venue> {
  const exchange = await startReplayExchange({ ...options, exchanges: [id] });
  t.after(() => exchange.stop());
  const { restUrl, wsUrl } = exchange;
  const venue = await openVenue(id, { restUrl, wsUrl, nowMs: options.nowMs });
  t.after(() => venue.close());
  return venue;
}

/** Puts trades through the live path, and tells the closed minutes, in the fewest digits. */
async function candlesOf(venue: Venue, trades: readonly VenueTrade[]): Promise<object[]> {
  const [first] = trades;
  const last = trades.at(-1);
  assert.ok(first && last);
  const feed: Feed = {
    name: venue.id,
    kind: 'EXCHANGE',
    markets: venue.markets.filter(({ symbol }) => symbol === first.symbol),
    async *events() {
      for (const { id, ...tick } of trades) {
        yield { kind: 'watermark', timeMs: bucketOpen('ONE_MINUTE', tick.timeMs) };
        yield { kind: 'ticks', ticks: [{ ...tick, tradeId: id ?? undefined }] };
      }
      yield { kind: 'watermark', timeMs: bucketClose('ONE_MINUTE', bucketOpen('ONE_MINUTE', last.timeMs)) };
    },
  };
  const clock = createTestClock(last.timeMs);
  await runLive({ db, clock, bus: createMemoryBus() }, feed, { signal: new AbortController().signal });
  return db.query(
    `SELECT open_time AS "openTime", trim_scale(open) AS open, trim_scale(high) AS high, trim_scale(low) AS low, trim_scale(close) AS close,
       trim_scale(volume_base) AS "volumeBase", trim_scale(volume_quote) AS "volumeQuote"
     FROM candle WHERE interval = 'ONE_MINUTE' AND is_final ORDER BY open_time`,
  );
}

for (const { exchange, symbol, minute, trades, ...values } of checked) {
  test(`the captured trades of ${symbol} at ${exchange} make the candle that was checked by hand`, async (t) => {
    const venue = await open(t, { nowMs: () => Date.parse(minute) }, exchange);
    const read: VenueTrade[] = [];
    while (read.length < trades.length) {
      await venue.watch([symbol]);
      read.push(...venue.drain([symbol]));
    }
    assert.deepEqual(await candlesOf(venue, read), [{ openTime: Date.parse(minute), ...values }]);
  });
}

const folder = join(process.env['TOKENGRAPH_TEST_DATA'] ?? resolve('../shared/data'), 'wire/kraken-recent');
const skip = existsSync(folder) ? false : `no recordings in ${folder}; set TOKENGRAPH_TEST_DATA`;

test('a thousand trades of Kraken make, to the last digit, the candles that Kraken made of them', {
  skip,
}, async (t) => {
  const answers = {
    '/0/public/Trades': readFileSync(join(folder, 'http_trades.json'), 'utf8'),
    '/0/public/OHLC': readFileSync(join(folder, 'http_ohlc.json'), 'utf8'),
  };
  const venue = await open(t, { nowMs: () => Date.UTC(2025, 10, 11), answers }, 'kraken');
  const trades = await venue.fetchTrades('BTC/USDT', 0);
  assert.equal(trades.length, 1000);
  const [first] = trades;
  const last = trades.at(-1);
  assert.ok(first && last);
  const made = await candlesOf(venue, trades);
  const whole = { fromMs: bucketClose('ONE_MINUTE', first.timeMs), toMs: bucketOpen('ONE_MINUTE', last.timeMs) };
  const stated = (await venue.fetchCandles('BTC/USDT', 'ONE_MINUTE', 0, 1000)).filter(
    ({ openTime, volumeBase }) => openTime > whole.fromMs - minuteMs && openTime < whole.toMs && Number(volumeBase) > 0,
  );
  const trim = (text = ''): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  const of = (candle: object): unknown[] => {
    const { openTime, ...rest } = candle as Record<string, string> & { openTime: number };
    return [openTime, ...['open', 'high', 'low', 'close', 'volumeBase'].map((name) => trim(rest[name]))];
  };
  const byTime = new Map(made.map((candle) => [of(candle)[0], of(candle)]));
  assert.ok(stated.length > 250);
  for (const candle of stated) assert.deepEqual(byTime.get(candle.openTime), of(candle));
});
