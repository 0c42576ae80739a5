import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { minuteMs } from '../../src/lib/interval.ts';
import { candleFileHeader } from '../../src/sources/candle-file.ts';
import type { FeedEvent } from '../../src/sources/exchange.ts';
import { createReplayFeed, type ReplayBadRow, type ReplayOptions, sourceNameOf } from '../../src/sources/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-'));
after(() => rmSync(folder, { recursive: true }));

const start = Date.UTC(2025, 0, 1);

function row(symbol: string, interval: string, minute: number, close = '1'): string {
  return `${symbol},${interval},${new Date(start + minute * minuteMs).toISOString()},1,2,1,${close},1,,,`;
}

/** A folder of candle files, by name. */
function dataSet(name: string, files: Record<string, string[] | Buffer>): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, rows] of Object.entries(files)) {
    writeFileSync(join(path, file), Buffer.isBuffer(rows) ? rows : [candleFileHeader, ...rows].join('\n'));
  }
  return path;
}

/** A clock that only moves when slept on. */
function fakeTime(): Pick<ReplayOptions, 'nowMs' | 'sleep'> & { slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => slept.reduce((sum, ms) => sum + ms, 0),
    sleep(ms) {
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

async function play(options: Partial<ReplayOptions> & Pick<ReplayOptions, 'paths'>): Promise<FeedEvent[]> {
  const feed = await createReplayFeed({ speed: 0, ...fakeTime(), ...options });
  return collect(feed.events(new AbortController().signal));
}

async function collect(events: AsyncIterable<FeedEvent>): Promise<FeedEvent[]> {
  const all: FeedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** `minute: SYMBOL SYMBOL` for candles, `minute |` for watermarks. */
function outline(events: readonly FeedEvent[]): string[] {
  return events.map((event) => {
    if (event.kind === 'watermark') return `${(event.timeMs - start) / minuteMs} |`;
    assert.equal(event.kind, 'candles');
    return event.kind === 'candles' ? event.candles.map(({ symbol }) => symbol).join(' ') : '';
  });
}

describe('a replay', () => {
  it('merges files by close time: all markets that close together in one event, then the watermark', async () => {
    const path = dataSet('merge', {
      'b.csv': [0, 1, 3].map((minute) => row('B/USD', '1m', minute)),
      'a.csv': [1, 2, 3].map((minute) => row('A/USD', '1m', minute)),
    });
    assert.deepEqual(outline(await play({ paths: [path] })), [
      'B/USD',
      '1 |',
      'A/USD B/USD',
      '2 |',
      'A/USD',
      '3 |',
      'A/USD B/USD',
      '4 |',
    ]);
  });

  it('gives a coarse candle when it closes, after the finer ones', async () => {
    const path = dataSet('mixed', {
      'a.csv': [row('A/USD', '1h', 0)],
      'b.csv': [row('B/USD', '1m', 58), row('B/USD', '1m', 59), row('B/USD', '1m', 60)],
    });
    assert.deepEqual(outline(await play({ paths: [path] })), ['B/USD', '59 |', 'B/USD A/USD', '60 |', 'B/USD', '61 |']);
  });

  it('keeps its time table: speed 60 plays a minute per second, and gaps take their time', async () => {
    const path = dataSet('pace', { 'a.csv': [0, 1, 2, 12].map((minute) => row('A/USD', '1m', minute)) });
    const time = fakeTime();
    await play({ paths: [path], speed: 60, ...time });
    assert.deepEqual(time.slept, [1_000, 1_000, 10_000]);
  });

  it('catches up after a slow reader instead of falling behind for good', async () => {
    const path = dataSet('slow', { 'a.csv': [0, 1, 2, 3].map((minute) => row('A/USD', '1m', minute)) });
    const time = fakeTime();
    const feed = await createReplayFeed({ paths: [path], speed: 60, ...time });
    let seen = 0;
    for await (const event of feed.events(new AbortController().signal)) {
      if (event.kind === 'candles' && (seen += 1) === 2) await time.sleep(2_500, new AbortController().signal);
    }
    assert.deepEqual(time.slept, [1_000, 2_500]);
  });

  for (const speed of [0, Number.POSITIVE_INFINITY]) {
    it(`at speed ${speed} never sleeps`, async () => {
      const path = dataSet('fast', { 'a.csv': [0, 500].map((minute) => row('A/USD', '1m', minute)) });
      const time = fakeTime();
      assert.equal((await play({ paths: [path], speed, ...time })).length, 4);
      assert.deepEqual(time.slept, []);
    });
  }

  it('reports bad, late and unreadable rows and goes on', async () => {
    const cut = gzipSync([candleFileHeader, row('C/USD', '1m', 0), row('C/USD', '1m', 1)].join('\n'));
    const path = dataSet('bad', {
      'a.csv': [row('A/USD', '1m', 0), row('A/USD', '1m', 1, 'oops'), row('A/USD', '1m', 2), row('A/USD', '1m', 1)],
      'b.csv': [row('B/USD', '1m', 2)],
    });
    const reported: ReplayBadRow[] = [];
    const events = await play({ paths: [path], onBadRow: (bad) => reported.push(bad) });
    assert.deepEqual(outline(events), ['A/USD', '1 |', 'A/USD B/USD', '3 |']);
    assert.deepEqual(
      reported.map(({ path: file, line, reason }) => [file.slice(-5), line, /^\S+/.exec(reason)?.[0]]),
      [
        ['a.csv', 3, 'close'],
        ['a.csv', 5, 'closes'],
      ],
    );
    const broken = dataSet('broken', { 'a.csv': [row('A/USD', '1m', 0)], 'c.csv.gz': cut });
    const feed = await createReplayFeed({
      paths: [broken],
      speed: 0,
      ...fakeTime(),
      onBadRow: (bad) => reported.push(bad),
    });
    writeFileSync(join(broken, 'c.csv.gz'), cut.subarray(0, cut.length - 9));
    assert.ok(outline(await collect(feed.events(new AbortController().signal))).includes('A/USD C/USD'));
    assert.match(reported.at(-1)?.reason ?? '', /cannot be read/);
    assert.equal(reported.at(-1)?.line, null);
  });

  it('ends at once when aborted, also while waiting', async () => {
    const path = dataSet('abort', { 'a.csv': [0, 1, 2].map((minute) => row('A/USD', '1m', minute)) });
    const stop = new AbortController();
    const feed = await createReplayFeed({
      paths: [path],
      speed: 1,
      nowMs: () => 0,
      sleep(_, signal) {
        stop.abort();
        return signal.aborted ? Promise.resolve() : new Promise(() => {});
      },
    });
    assert.deepEqual(outline(await collect(feed.events(stop.signal))), ['A/USD', '1 |']);
  });

  it('names its data set and its markets', async () => {
    const path = dataSet('week/1m', {
      'a.csv': [row('1000PEPE/USDT:USDT', '1m', 0)],
      'b.csv': [row('A/USD', '1m', 0)],
    });
    const feed = await createReplayFeed({ paths: [path], speed: 0, ...fakeTime() });
    assert.deepEqual([feed.name, feed.kind], ['week', 'REPLAY']);
    assert.deepEqual(feed.markets, [
      { symbol: '1000PEPE/USDT:USDT', base: '1000PEPE', quote: 'USDT', marketType: 'PERPETUAL' },
      { symbol: 'A/USD', base: 'A', quote: 'USD', marketType: 'SPOT' },
    ]);
  });

  it('refuses a missing path and a speed that is none', async () => {
    await assert.rejects(play({ paths: [join(folder, 'nowhere')] }), /does not exist/);
    await assert.rejects(play({ paths: [folder], speed: -1 }), /speed must be/);
    await assert.rejects(play({ paths: [folder], speed: Number.NaN }), /speed must be/);
  });
});

for (const [path, name] of [
  ['/data/binance-usdm-perp-week/1m', 'binance-usdm-perp-week'],
  ['/data/binance-usdm-perp-week/1m/BTC-USDT.csv.gz', 'binance-usdm-perp-week'],
  ['/data/binance-usdm-perp-week', 'binance-usdm-perp-week'],
  ['/data/mine/BTC.csv', 'mine'],
] as const) {
  it(`the data set of ${path} is ${name}`, () => assert.equal(sourceNameOf(path), name));
}

const week = resolve(process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data', 'ohlcv/binance-usdm-perp-week/1m');
const skip = existsSync(week) ? false : 'no real data: set TOKENGRAPH_TEST_DATA';

it('a real week of 52 markets plays in order of time, every row once', { skip }, async () => {
  let candles = 0;
  let last = 0;
  const feed = await createReplayFeed({
    paths: [week],
    speed: 0,
    ...fakeTime(),
    onBadRow: (bad) => assert.fail(`${bad.path}:${bad.line} ${bad.reason}`),
  });
  for await (const event of feed.events(new AbortController().signal)) {
    if (event.kind === 'candles') {
      candles += event.candles.length;
      assert.ok(event.candles.every(({ openTime }) => openTime === event.candles[0]?.openTime));
    }
    if (event.kind !== 'watermark') continue;
    assert.ok(event.timeMs > last);
    last = event.timeMs;
  }
  assert.equal(feed.markets.length, 52);
  assert.ok(candles > 400_000, `${candles} candles`);
});
