import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed, type RunningEventFeed } from '../../src/events/feed.ts';
import { appendEvents } from '../../src/events/store.ts';
import type { EventBus } from '../../src/events/wake.ts';
import { hourMs } from '../../src/lib/interval.ts';
import type { NewCandle } from '../../src/prices/candle.ts';
import type { HubDeps } from '../../src/prices/hub.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { recordCandles } from '../../src/prices/store.ts';
import { streamCandles, streamQuotes } from '../../src/prices/stream.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { candleOf, seedSeries, seedToken } from './seed.ts';

const db = await createTestDb({ after });
const start = Date.UTC(2026, 0, 5);

interface Market {
  readonly tokenId: number;
  readonly seriesId: number;
}

async function seedMarket(): Promise<Market> {
  const tokenId = await seedToken(db);
  return { tokenId, seriesId: (await seedSeries(db, tokenId)).id };
}

interface Process extends HubDeps {
  readonly events: RunningEventFeed;
  readonly clock: TestClock;
  readonly bus: EventBus;
}

async function startProcess(t: { after(run: () => void): void }): Promise<Process> {
  const bus = createMemoryBus();
  const clock = createTestClock(start + 2 * hourMs);
  const events = createEventFeed({ db, bus, clock });
  await events.start();
  t.after(() => events.close());
  return { db, bus, clock, events };
}

/** Writes candles as a feed does, with the event. */
async function write(candles: readonly NewCandle[], markets: readonly Market[], nowMs: number): Promise<void> {
  await db.transaction(async (tx) => {
    const tokenIds = markets.map(({ tokenId }) => tokenId);
    await recordCandles(tx, candles, nowMs);
    await refreshDefaults(tx, tokenIds);
    const quoted = await refreshQuotes(tx, tokenIds, nowMs);
    const seriesIds = markets.map(({ seriesId }) => seriesId);
    await appendEvents(tx, [{ topic: 'prices', payload: { seriesIds, tokenIds: quoted } }], nowMs);
  });
}

const minute = (market: Market, price: string): NewCandle =>
  candleOf(market.seriesId, 'ONE_MINUTE', start, price, { isFinal: false });

async function priced(process: Process, markets: readonly Market[], price: string): Promise<void> {
  const nowMs = process.clock.now();
  await write(
    markets.map((market) => minute(market, price)),
    markets,
    nowMs,
  );
  await process.clock.advance(200);
}

async function take<Item>(stream: AsyncGenerator<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < count) {
    const { done, value } = await stream.next();
    if (done) break;
    items.push(value);
  }
  return items;
}

/** Lets everything that is under way come to rest. */
async function settle(): Promise<void> {
  await db.query('SELECT 1');
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => db.execute('TRUNCATE token, event CASCADE'));

test('quotes begin with all that there are, then bring what changes', async (t) => {
  const process = await startProcess(t);
  const [one, two, silent] = [await seedMarket(), await seedMarket(), await seedMarket()];
  await priced(process, [one, two], '10');
  const ids = [one, two, silent].map(({ tokenId }) => tokenId);
  const stream = streamQuotes(process, ids, 1000);
  const snapshot = await take(stream, 2);
  assert.deepEqual(new Set(snapshot.map(({ tokenId }) => tokenId)), new Set(ids.slice(0, 2)));
  const next = take(stream, 2);
  await process.clock.advance(1000);
  await priced(process, [two], '11');
  await priced(process, [silent], '5');
  assert.deepEqual(
    (await next).map(({ tokenId, priceUsd }) => [tokenId, priceUsd]),
    [
      [two.tokenId, '11'],
      [silent.tokenId, '5'],
    ],
  );
  await stream.return(undefined);
});

test('a change between subscribing and the first item is not lost', async (t) => {
  const process = await startProcess(t);
  const market = await seedMarket();
  await priced(process, [market], '10');
  const stream = streamQuotes(process, [market.tokenId], 100);
  await priced(process, [market], '11');
  await settle();
  await priced(process, [market], '12');
  let last = '';
  while (last !== '12') {
    const pending = take(stream, 1);
    await process.clock.advance(200);
    last = (await pending)[0]?.priceUsd ?? '12';
  }
  await stream.return(undefined);
});

test('a token comes at most once per throttle interval, and then with its latest quote', async (t) => {
  const process = await startProcess(t);
  const market = await seedMarket();
  await priced(process, [market], '10');
  const stream = streamQuotes(process, [market.tokenId], 5000);
  const sentAt: number[] = [];
  const prices: string[] = [];
  const reading = (async () => {
    for await (const { priceUsd } of stream) {
      sentAt.push(process.clock.now());
      prices.push(priceUsd);
    }
  })();
  await settle();
  for (let n = 1; n <= 60; n += 1) {
    await priced(process, [market], String(10 + n));
    await settle();
  }
  await stream.return(undefined);
  await reading;
  assert.deepEqual(prices.slice(0, 1), ['10']);
  assert.equal(prices.length, 3);
  for (const [index, at] of sentAt.entries()) assert.ok(index === 0 || at - (sentAt[index - 1] ?? 0) >= 5000);
});

test('one statement serves all subscribers of a wake-up', async (t) => {
  const process = await startProcess(t);
  const markets = [await seedMarket(), await seedMarket()];
  await priced(process, markets, '10');
  const streams = Array.from({ length: 40 }, (_, n) =>
    streamQuotes(process, n % 2 ? markets.map(({ tokenId }) => tokenId) : [markets[0]?.tokenId ?? 0], 100),
  );
  for (const [n, stream] of streams.entries()) await take(stream, n % 2 ? 2 : 1);
  const pending = streams.map((stream) => take(stream, 1));
  await settle();
  const statements: string[] = [];
  t.after(db.onStatement((text) => statements.push(text)));
  await priced(process, markets, '11');
  for (const items of await Promise.all(pending)) assert.equal(items[0]?.priceUsd, '11');
  assert.equal(statements.filter((text) => text.includes('FROM quote q JOIN')).length, 1);
  for (const stream of streams) await stream.return(undefined);
});

for (const [name, open] of [
  ['quotes', (deps: HubDeps, id: number) => streamQuotes(deps, [id], 1000)],
  ['candles', (deps: HubDeps, id: number) => streamCandles(deps, id, 'ONE_HOUR')],
] as const) {
  test(`a stream of ${name} that waits ends at once when its client leaves, and nothing watches any more`, async (t) => {
    const process = await startProcess(t);
    const market = await seedMarket();
    let ended = 0;
    const events: HubDeps['events'] = {
      wakeups: (topic, signal) => {
        signal.addEventListener('abort', () => (ended += 1));
        return process.events.wakeups(topic, signal);
      },
    };
    const deps = { ...process, events };
    const streams: AsyncGenerator<object>[] = [open(deps, market.tokenId), open(deps, market.tokenId)];
    const pending = streams.map((stream) => stream.next());
    await settle();
    await streams[0]?.return(undefined);
    assert.equal((await pending[0])?.done, true);
    assert.equal(ended, 0);
    await streams[1]?.return(undefined);
    assert.equal((await pending[1])?.done, true);
    assert.equal(ended, 1);
  });
}

const hour = (market: Market, n: number, close: string, isFinal: boolean): NewCandle =>
  candleOf(market.seriesId, 'ONE_HOUR', start + n * hourMs, '10', { close, high: '99', low: '1', isFinal });

const shown = ({ openTime, close, isFinal }: { openTime: number; close: string | null; isFinal: boolean }) =>
  `${(openTime - start) / hourMs} ${close} ${isFinal ? 'final' : 'open'}`;

/** A reader of candles: what it got, and a feed that writes and waits for what should come of it. */
function follow(process: Process, market: Market) {
  const got: string[] = [];
  const stream = streamCandles(process, market.tokenId, 'ONE_HOUR');
  const reading = (async () => {
    for await (const candle of stream) got.push(shown(candle));
  })();
  return {
    got,
    /** Waits until so many candles have come, then lets more come if there are. */
    async until(count: number): Promise<void> {
      for (const endMs = Date.now() + 20_000; got.length < count && Date.now() < endMs; ) await settle();
      await settle();
    },
    async write(...candles: readonly NewCandle[]): Promise<void> {
      await write(candles, [market], process.clock.now());
      await process.clock.advance(200);
      await settle();
    },
    async stop(): Promise<void> {
      await stream.return(undefined);
      await reading;
    },
  };
}

test('candles: the open one as it changes, then each closed one once, however many close at a time', async (t) => {
  const process = await startProcess(t);
  const market = await seedMarket();
  await write([hour(market, -1, '9', true), hour(market, 0, '10', false)], [market], start);
  const reader = follow(process, market);
  await reader.until(1);
  await reader.write(hour(market, 0, '11', false));
  await reader.write(hour(market, 0, '11', false));
  await reader.until(2);
  const closed = [hour(market, 0, '12', true), hour(market, 1, '13', true), hour(market, 2, '14', true)];
  await reader.write(...closed, hour(market, 3, '15', false));
  await reader.until(6);
  await reader.write(hour(market, 3, '16', true));
  await reader.until(7);
  await reader.write(hour(market, 3, '16', true));
  await reader.stop();
  const expected = ['0 10 open', '0 11 open', '0 12 final', '1 13 final', '2 14 final', '3 15 open', '3 16 final'];
  assert.deepEqual(reader.got, expected);
});

test('candles: more than a page that close at once all come', async (t) => {
  const process = await startProcess(t);
  const market = await seedMarket();
  await write([hour(market, 0, '10', true)], [market], start);
  const reader = follow(process, market);
  await reader.until(1);
  await reader.write(...Array.from({ length: 1_201 }, (_, n) => hour(market, n + 1, '10', true)));
  await reader.until(1_202);
  await reader.stop();
  assert.equal(reader.got.length, 1_202);
  assert.equal(new Set(reader.got).size, 1_202);
});

test('candles: a token without any begins with its first', async (t) => {
  const process = await startProcess(t);
  const market = await seedMarket();
  const reader = follow(process, market);
  await settle();
  await reader.write(hour(market, 0, '10', false));
  await reader.until(1);
  await reader.stop();
  assert.deepEqual(reader.got, ['0 10 open']);
});
