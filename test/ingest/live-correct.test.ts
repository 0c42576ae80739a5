import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { type LiveStats, runLive } from '../../src/ingest/live.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type CandleInterval, candleIntervals, dayMs, hourMs, minuteMs } from '../../src/lib/interval.ts';
import { pastQuote } from '../../src/prices/quote-store.ts';
import type { FeedEvent, SourceCandle, SourceTick } from '../../src/sources/exchange.ts';
import { createRandom, hashText } from '../../src/sources/random.ts';
import { createToken } from '../../src/tokens/registry.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

/** A venue that tells things late, twice, in any order or not at all, and what the database holds in the end. */

const db = await createTestDb({ after });
const start = Date.UTC(2026, 0, 5, 3);
const bitcoin = (await createToken({ db }, { symbol: 'BTC' })).id;

beforeEach(() => db.execute('TRUNCATE event, event_floor, series, source, candle_quarantine CASCADE'));

const trade = (id: number, timeMs: number, price: string, volume = '0.5'): SourceTick => ({
  symbol: 'BTC/USD',
  timeMs: start + timeMs,
  price,
  volumeBase: volume,
  volumeQuote: price,
  tradeId: String(id),
});
const ticks = (...list: SourceTick[]): FeedEvent => ({ kind: 'ticks', ticks: list });
const watermark = (timeMs: number): FeedEvent => ({ kind: 'watermark', timeMs: start + timeMs });

/** Runs a feed; WRITE among the events lets a second pass and what came before be written: there must be something. */
async function run(events: readonly (FeedEvent | 'WRITE')[]): Promise<LiveStats> {
  const clock = createTestClock(start + dayMs);
  const bus = createMemoryBus();
  const market = { symbol: 'BTC/USD', base: 'BTC', quote: 'USD', marketType: 'SPOT' } as const;
  async function* play(): AsyncGenerator<FeedEvent> {
    for (const event of events) {
      if (event !== 'WRITE') yield event;
      else {
        const written = new Promise<void>((resolve) => bus.onWake(() => resolve()));
        await clock.advance(1_000);
        await written;
      }
    }
  }
  const feed = { name: 'venue', kind: 'EXCHANGE', markets: [market], events: play } as const;
  return runLive({ db, clock, bus }, feed, { signal: new AbortController().signal });
}

interface Row {
  readonly openTime: number;
  readonly high: string;
  readonly close: string;
  readonly volume: string;
  readonly isFinal: boolean;
  readonly isNative: boolean;
  readonly revision: number;
}

const stored = (interval: CandleInterval): Promise<Row[]> =>
  db.query<Row>(
    `SELECT open_time AS "openTime", open, high, low, close, trim_scale(volume_base) AS volume, trim_scale(volume_quote) AS quoted,
       is_final AS "isFinal", is_native AS "isNative", revision
     FROM candle WHERE interval = $1::text::"CandleInterval" ORDER BY open_time`,
    [interval],
  );

test('a late trade raises the revision of its minute and of all that is coarser; the former values stay known', async () => {
  const stats = await run([
    ticks(trade(1, 0, '100'), trade(2, 4 * minuteMs, '110')),
    watermark(5 * minuteMs),
    'WRITE',
    ticks(trade(3, 4 * minuteMs + 59_000, '150')),
    'WRITE',
    watermark(5 * minuteMs + 1),
  ]);
  assert.equal(stats.corrections, 1);
  const [, minute] = await stored('ONE_MINUTE');
  assert.deepEqual([minute?.high, minute?.close, minute?.volume, minute?.revision], ['150', '150', '1', 1]);
  const [five] = await stored('FIVE_MINUTES');
  assert.deepEqual([five?.close, five?.volume, five?.isFinal, five?.revision], ['150', '1.5', true, 1]);
  const [hour] = await stored('ONE_HOUR');
  assert.deepEqual([hour?.close, hour?.volume, hour?.isFinal, hour?.revision], ['150', '1.5', false, 0]);
  const [former] = await db.query<{ close: string; learnedAt: number; replacedAt: number }>(
    `SELECT close, learned_at AS "learnedAt", replaced_at AS "replacedAt" FROM candle_revision WHERE interval = 'FIVE_MINUTES'`,
  );
  assert.equal(former?.close, '110');
  const priceAt = async (knownAt: number): Promise<string | undefined> =>
    (await pastQuote({ db }).load({ tokenId: bitcoin, asOf: start + 5 * minuteMs, knownAt }))?.priceUsd;
  assert.deepEqual([await priceAt(former.replacedAt - 1), await priceAt(former.replacedAt)], ['110', '150']);
});

test("the venue's own candles of a gap are taken up, and what is under way goes on from them", async () => {
  const own = (minute: number, close: string): SourceCandle => ({
    symbol: 'BTC/USD',
    interval: 'ONE_MINUTE',
    openTime: start + minute * minuteMs,
    open: '100',
    high: '200',
    low: '100',
    close,
    volumeBase: '10',
    volumeQuote: '1000',
    marketCapUsd: null,
    supply: null,
  });
  await run([
    ticks(trade(1, 0, '100')),
    watermark(minuteMs),
    ticks(trade(2, 30 * minuteMs, '120')), // twenty-nine minutes without a word
    watermark(31 * minuteMs),
    'WRITE',
    { kind: 'candles', candles: [own(7, '170'), own(8, '180'), own(0, '101'), own(8, '180')] },
    ticks(trade(3, 32 * minuteMs, '130')),
    'WRITE',
    ticks(trade(4, 33 * minuteMs, '140')),
    watermark(hourMs),
  ]);
  const [hour] = await stored('ONE_HOUR');
  assert.deepEqual([hour?.high, hour?.close, hour?.volume, hour?.isFinal], ['200', '140', '31.5', true]);
  const fives = await stored('FIVE_MINUTES');
  assert.deepEqual(
    fives.map(({ openTime, close, volume }) => [(openTime - start) / minuteMs, close, volume]),
    [
      [0, '101', '10'],
      [5, '180', '20'],
      [30, '140', '1.5'],
    ],
  );
  assert.deepEqual((await stored('ONE_MINUTE')).map(({ isNative, revision }) => [isNative, revision]).slice(0, 3), [
    [true, 1],
    [true, 0],
    [true, 0],
  ]);
});

test('a feed that drops, repeats and reorders ends with the candles of an undisturbed one, once repaired', async () => {
  const { uniform: random } = createRandom(hashText('a bad line'), 0, 0);
  const trades = Array.from({ length: 600 }, (_, id) =>
    trade(id + 1, id * 7_000, String(100 + ((id * 37) % 50)), `0.${1 + (id % 9)}`),
  );
  const end = 2 * hourMs;
  await run([...trades.flatMap((one) => [ticks(one), watermark(one.timeMs - start)]), watermark(end)]);
  const undisturbed = await Promise.all(candleIntervals.map(stored));
  const minutes = undisturbed[0] as (Row & Record<'open' | 'low' | 'quoted', string>)[];
  await db.execute('TRUNCATE series, source CASCADE');
  const dropped = new Set(trades.filter(() => random() < 0.02));
  const arrivals = trades
    .filter((one) => !dropped.has(one))
    .flatMap((one) => {
      const at = one.timeMs + (random() < 0.1 ? random() * 100_000 : 0);
      const first = { one, at, isAgain: false };
      return random() < 0.05 ? [first, { one, at: at + random() * 60_000, isAgain: true }] : [first];
    })
    .sort((a, b) => a.at - b.at);
  const lost = new Set([...dropped].map(({ timeMs }) => timeMs - (timeMs % minuteMs)));
  const repairs = minutes
    .filter(({ openTime }) => lost.has(openTime))
    .map(({ openTime, open, high, low, close, volume, quoted }): SourceCandle => {
      const amounts = { volumeBase: volume, volumeQuote: quoted, marketCapUsd: null, supply: null };
      return { symbol: 'BTC/USD', interval: 'ONE_MINUTE', openTime, open, high, low, close, ...amounts };
    });
  const events = arrivals.flatMap(({ one, at, isAgain }, index): (FeedEvent | 'WRITE')[] => [
    watermark(at - start - 500),
    ticks(one),
    ...(index % 40 === 0 && !isAgain ? (['WRITE'] as const) : []),
  ]);
  const stats = await run([
    ...events,
    ...repairs.flatMap((candle): (FeedEvent | 'WRITE')[] => [{ kind: 'candles', candles: [candle] }, 'WRITE']),
    watermark(end),
  ]);
  assert.ok(stats.corrections > 20 && stats.late === 0, JSON.stringify(stats));
  const plain = (rows: readonly Row[]): object[] => rows.map(({ isNative: _, revision: __, ...row }) => row);
  for (const [index, interval] of candleIntervals.entries())
    assert.deepEqual(plain(await stored(interval)), plain(undisturbed[index] ?? []), interval);
});

test('the same candles of the venue again change nothing', async () => {
  const own = {
    open: '1',
    high: '1',
    low: '1',
    close: '1',
    volumeBase: '1',
    volumeQuote: '1',
    marketCapUsd: null,
    supply: null,
  };
  const candles: SourceCandle[] = [{ symbol: 'BTC/USD', interval: 'ONE_MINUTE', openTime: start, ...own }];
  const once: FeedEvent[] = [{ kind: 'candles', candles }, watermark(hourMs)];
  await run(once);
  const before = await Promise.all(candleIntervals.map(stored));
  await run([...once, ...once]);
  assert.deepEqual(await Promise.all(candleIntervals.map(stored)), before);
});

test('a wrong price is kept in quarantine and in no candle; a real jump is taken up after three trades', async () => {
  const stats = await run([
    ticks(trade(1, 0, '100'), trade(2, 1, '9000'), trade(3, 2, '101'), trade(4, 3, '0')),
    ticks(trade(5, minuteMs, '20'), trade(6, minuteMs + 1, '21'), trade(7, minuteMs + 2, '22')),
    { kind: 'ticks', ticks: [trade(8, 2 * dayMs, '22')] },
    watermark(2 * minuteMs),
  ]);
  assert.deepEqual([stats.ticks, stats.quarantined], [5, 3]);
  const rows = await stored('ONE_MINUTE');
  assert.deepEqual(
    rows.map(({ high, close, volume }) => [high, close, volume]),
    [
      ['101', '101', '1'],
      ['22', '22', '1.5'],
    ],
  );
  const kept = await db.query<{ reason: string; raw: string }>('SELECT reason, raw FROM candle_quarantine');
  assert.deepEqual(
    kept
      .map(({ reason, raw }) => [reason, (JSON.parse(raw) as SourceTick).tradeId])
      .sort(([, a], [, b]) => Number(a) - Number(b)),
    [
      ['JUMP', '2'],
      ['NON_POSITIVE_PRICE', '4'],
      ['IN_FUTURE', '8'],
    ],
  );
});

test('a feed that always has more is written while it runs', async () => {
  const bus = createMemoryBus();
  const written = { count: 0 };
  bus.onWake(() => (written.count += 1));
  const market = { symbol: 'BTC/USD', base: 'BTC', quote: 'USD', marketType: 'SPOT' } as const;
  async function* flood(): AsyncGenerator<FeedEvent> {
    const endMs = Date.now() + 20_000;
    for (let id = 1; written.count === 0 && Date.now() < endMs; id += 1) yield ticks(trade(id, 0, '100'));
    assert.ok(written.count > 0, 'nothing was written in 20 s');
  }
  const feed = { name: 'venue', kind: 'EXCHANGE', markets: [market], events: flood } as const;
  await runLive({ db, clock: systemClock, bus }, feed, { flushMs: 10, signal: new AbortController().signal });
});
