/**
 * What taking in a busy venue costs, on a throw-away PostgreSQL cluster: `npm run bench -- ingest [--rate 20000]
 * [--markets 5000] [--seconds 1800] [--disorder 0.001]`.
 *
 * Trades of made-up markets come at a steady rate, as fast as a venue would send them, and go the whole way: candles of
 * every interval, quotes, events, once a second. A few come twice, late or out of order. Prints a line of JSON every ten
 * seconds, at last one with the rate that was sustained, CPU seconds a second of this process (trades are made in it too)
 * and of the database, how long writes take, and how memory grew after the first third: as a whole, and what is held
 * between two rounds of garbage collection.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDb, type Db } from '../src/db/client.ts';
import { applyMigrations } from '../src/db/migrate.ts';
import { createMemoryBus } from '../src/events/bus.ts';
import { runLive } from '../src/ingest/live.ts';
import { systemClock } from '../src/lib/clock.ts';
import type { Feed, FeedEvent, SourceTick } from '../src/sources/exchange.ts';
import { findPostgres, startCluster } from './cluster.ts';
import { readProcessTree } from './process-tree.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '20000' },
    markets: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '1800' },
    disorder: { type: 'string', default: '0.001' },
  },
});
const size = { rate: Number(values.rate), markets: Number(values.markets), seconds: Number(values.seconds) };
const disorder = Number(values.disorder);

const symbols = Array.from({ length: size.markets }, (_, index) => `X${index}Z/USDT`);
const prices = symbols.map((_, index) => 10 + (index % 997));
const stepMs = 50;

/** How far the trades are: `made` of them so far, and by how many ms they are behind what the rate asks for. */
const progress = { made: 0, behindMs: 0, isOver: false };

function nextTrade(timeMs: number): SourceTick {
  const id = progress.made++;
  const market = (id * 7919) % size.markets;
  const price = (prices[market] = Math.max(1, (prices[market] ?? 1) * (1 + (Math.random() - 0.5) * 0.0004)));
  const volume = 0.001 + Math.random();
  return {
    symbol: symbols[market] ?? '',
    timeMs,
    price: price.toFixed(4),
    volumeBase: volume.toFixed(5),
    volumeQuote: (price * volume).toFixed(4),
    tradeId: String(id),
  };
}

/** Some come a second time at once, some up to a minute and a half later. */
function disturb(ticks: readonly SourceTick[], late: Map<number, SourceTick[]>, step: number): SourceTick[] {
  const now = late.get(step) ?? [];
  late.delete(step);
  for (const tick of ticks) {
    const dice = Math.random();
    if (dice < disorder / 2) now.push(tick, tick);
    else if (dice < disorder) {
      const due = step + 1 + Math.floor((Math.random() * 90_000) / stepMs);
      late.set(due, [...(late.get(due) ?? []), tick]);
    } else now.push(tick);
  }
  return now;
}

async function* trades(signal: AbortSignal): AsyncGenerator<FeedEvent> {
  const late = new Map<number, SourceTick[]>();
  const startedMs = Date.now();
  const perStep = (size.rate * stepMs) / 1000;
  for (let step = 0; !signal.aborted && step * stepMs < size.seconds * 1000; step += 1) {
    const dueMs = startedMs + step * stepMs;
    progress.behindMs = Math.max(0, Date.now() - dueMs);
    if (Date.now() < dueMs) await sleep(dueMs - Date.now());
    const ticks = Array.from({ length: perStep }, () => nextTrade(dueMs));
    yield { kind: 'ticks', ticks: disturb(ticks, late, step) };
    if (step % 4 === 0) yield { kind: 'watermark', timeMs: dueMs - 1000 };
  }
  progress.isOver = true;
}

async function load(db: Db): Promise<void> {
  await applyMigrations(db, join(fileURLToPath(new URL('..', import.meta.url)), 'prisma/migrations'));
  await db.execute(
    `INSERT INTO token (slug, symbol, name) SELECT 'x' || i, 'X' || i || 'Z', 'Token ' || i FROM generate_series(0, $1::int - 1) i`,
    [size.markets],
  );
  await db.analyze();
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** How many more units `y` has for one more of `x`, by least squares. */
function slopeOf(points: readonly { readonly x: number; readonly y: number }[]): number {
  const mean = (pick: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return mean((one) => (one.x - x) * (one.y - y)) / mean((one) => (one.x - x) ** 2);
}

interface Sample {
  readonly seconds: number;
  readonly rssMb: number;
  readonly heapMb: number;
}

/** Seconds over which the lowest heap is what is really held: between two, garbage piles up. */
const floorSeconds = 30;

/** The sample with the smallest heap of every half minute. */
function floorsOf(samples: readonly Sample[]): Sample[] {
  const floors = new Map<number, Sample>();
  for (const sample of samples) {
    const stretch = Math.floor(sample.seconds / floorSeconds);
    const lowest = floors.get(stretch);
    if (lowest === undefined || sample.heapMb < lowest.heapMb) floors.set(stretch, sample);
  }
  return [...floors.values()];
}

async function measure(db: Db): Promise<void> {
  const flushedMs: number[] = [];
  const bus = createMemoryBus();
  bus.onWake(() => flushedMs.push(performance.now()));
  const feed: Feed = {
    name: 'bench',
    kind: 'EXCHANGE',
    markets: symbols.map((symbol, index) => ({ symbol, base: `X${index}Z`, quote: 'USDT', marketType: 'SPOT' })),
    events: trades,
  };
  const [startedMs, cpu, database] = [performance.now(), process.cpuUsage(), readProcessTree(cluster.pid)];
  const samples: Sample[] = [];
  const sample = setInterval(() => {
    if (progress.isOver) return; // what is left is written
    const { rss, heapUsed } = process.memoryUsage();
    const seconds = round((performance.now() - startedMs) / 1000);
    samples.push({ seconds, rssMb: rss / 1e6, heapMb: heapUsed / 1e6 });
    if (samples.length % 10 !== 0) return;
    const { made, behindMs } = progress;
    console.log(
      JSON.stringify({
        seconds,
        made,
        behindMs,
        flushes: flushedMs.length,
        rssMb: Math.round(rss / 1e6),
        heapMb: Math.round(heapUsed / 1e6),
      }),
    );
  }, 1000);
  const stats = await runLive({ db, clock: systemClock, bus, log: console }, feed, {
    signal: new AbortController().signal,
  });
  clearInterval(sample);
  const seconds = (performance.now() - startedMs) / 1000;
  const used = process.cpuUsage(cpu);
  const gaps = flushedMs
    .slice(1)
    .map((at, index) => (at - (flushedMs[index] ?? at)) / 1000)
    .sort((a, b) => a - b);
  const later = samples.slice(Math.floor(samples.length / 3));
  const floors = floorsOf(later);
  const grown = (some: readonly Sample[], pick: (one: Sample) => number): number =>
    round(slopeOf(some.map((one) => ({ x: one.seconds / 60, y: pick(one) }))));
  console.log(
    JSON.stringify({
      ...stats,
      seconds: round(seconds),
      ticksPerSecond: Math.round(progress.made / seconds),
      cpu: round((used.user + used.system) / 1e6 / seconds),
      databaseCpu: round(((readProcessTree(cluster.pid)?.cpuSeconds ?? 0) - (database?.cpuSeconds ?? 0)) / seconds),
      secondsBetweenWrites: { p50: round(gaps[Math.floor(gaps.length / 2)] ?? 0), max: round(gaps.at(-1) ?? 0) },
      rssMbMax: Math.round(Math.max(...samples.map(({ rssMb }) => rssMb))),
      rssMbPerMinute: grown(later, ({ rssMb }) => rssMb),
      heapFloorsMb: floors.map(({ heapMb }) => Math.round(heapMb)),
      heapFloorMbPerMinute: grown(floors, ({ heapMb }) => heapMb),
    }),
  );
}

const bin = findPostgres();
if (bin === null) throw new Error('PostgreSQL is not installed here.');
const cluster = await startCluster(bin);
const db = createDb({ mode: 'POSTGRES', connection: { connectionString: cluster.url }, statementTimeoutMs: 60_000 });
try {
  await load(db);
  await measure(db);
} finally {
  await db.close();
  await cluster.stop();
}
