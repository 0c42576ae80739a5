/**
 * What taking in a busy venue costs, on a throw-away PostgreSQL cluster: `npm run bench -- ingest [--rate 20000]
 * [--markets 5000] [--minutes 30] [--disorder 0.001] [--pin]`.
 *
 * Trades of made-up markets come at a steady rate, as fast as a venue would send them, and go the whole way: candles of
 * every interval, quotes, events, once a second. A few come twice, late or out of order. Prints a line of JSON every ten
 * seconds, at last one with the rate that was sustained, CPU seconds a second of this process (trades are made in it too)
 * and of the database, how long a trade takes until it is in its stored quote, how often the feed had to wait, and how
 * memory was in the first third and in the last; then a sentence that says whether the rate was held with flat memory,
 * and ends with code 1 where it was not. `--pin` gives this process the first core and the database the second (Linux).
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDb, type Db } from '../src/db/client.ts';
import { applyMigrations } from '../src/db/migrate.ts';
import { createMemoryBus } from '../src/events/bus.ts';
import { runLive } from '../src/ingest/live.ts';
import { systemClock } from '../src/lib/clock.ts';
import { findPostgres, startCluster } from './cluster.ts';
import { judge, type Measured, type Sample } from './ingest-report.ts';
import { clockSymbol, createTrades, msOfPrice, stepMs, type TradesProgress } from './ingest-trades.ts';
import { cpuBetween, readProcessTree } from './process-tree.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '20000' },
    markets: { type: 'string', default: '5000' },
    minutes: { type: 'string', default: '30' },
    disorder: { type: 'string', default: '0.001' },
    pin: { type: 'boolean', default: false },
  },
});
const size = {
  rate: Number(values.rate),
  markets: Number(values.markets),
  seconds: Number(values.minutes) * 60,
  disorder: Number(values.disorder),
};

async function load(db: Db): Promise<void> {
  await applyMigrations(db, join(fileURLToPath(new URL('..', import.meta.url)), 'prisma/migrations'));
  await db.execute(
    `INSERT INTO token (slug, symbol, name) SELECT 'x' || i, 'X' || i || 'Z', 'Token ' || i FROM generate_series(0, $1::int - 1) i`,
    [size.markets],
  );
  await db.analyze();
}

/** How long trades of the market that tells the time took until they were in its stored quote: to be read after every write. */
function createLagMeter(
  db: Db,
  progress: TradesProgress,
): { readonly lagsMs: readonly number[]; read(): Promise<void> } {
  const lagsMs: number[] = [];
  let seenMs = -stepMs;
  return {
    lagsMs,
    async read() {
      const [row] = await db.query<{ price: string }>(
        'SELECT q.price_usd AS price FROM quote q JOIN series s ON s.id = q.series_id WHERE s.market_symbol = $1',
        [clockSymbol],
      );
      const lagMs = Date.now() - progress.startedMs;
      if (row === undefined) return;
      const newestMs = msOfPrice(row.price);
      for (; seenMs < newestMs; seenMs += stepMs) lagsMs.push(lagMs - seenMs - stepMs);
    },
  };
}

/** This process on the first core, the database on the second. */
function pin(databasePid: number | null): void {
  const pids = readProcessTree(databasePid)?.pids ?? [];
  for (const pid of pids) spawnSync('taskset', ['-c', '-p', '1', String(pid)]);
  spawnSync('taskset', ['-a', '-c', '-p', '0', String(process.pid)]);
}

async function measure(db: Db, databasePid: number | null): Promise<boolean> {
  const { feed, progress } = createTrades(size);
  const [flushedMs, samples]: [number[], Sample[]] = [[], []];
  const lag = createLagMeter(db, progress);
  const bus = createMemoryBus();
  bus.onWake(() => {
    flushedMs.push(performance.now());
    void lag.read();
  });
  const [startedMs, cpu, database] = [performance.now(), process.cpuUsage(), readProcessTree(databasePid)];
  const measured = () => {
    const used = process.cpuUsage(cpu);
    const databaseCpuSeconds = cpuBetween(database, readProcessTree(databasePid)) ?? 0;
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuSeconds = (used.user + used.system) / 1e6;
    return { size, progress, seconds, cpuSeconds, databaseCpuSeconds, lagsMs: lag.lagsMs, flushedMs, samples };
  };
  const sample = setInterval(() => {
    if (progress.endedMs !== null) return; // what is left is written
    const { rss, heapUsed } = process.memoryUsage();
    const seconds = (performance.now() - startedMs) / 1000;
    samples.push({ seconds, rssMb: rss / 1e6, heapMb: heapUsed / 1e6 });
    if (samples.length % 10 === 0) console.log(JSON.stringify(lineOf(measured(), rss)));
  }, 1000);
  const stats = await runLive({ db, clock: systemClock, bus, log: console }, feed, {
    signal: new AbortController().signal,
  });
  clearInterval(sample);
  const { figures, isHeld, verdict } = judge(measured());
  console.log(JSON.stringify({ ...stats, ...figures }));
  console.log(verdict);
  return isHeld;
}

/** How far a run is. */
function lineOf({ progress, seconds, cpuSeconds, databaseCpuSeconds, flushedMs }: Measured, rssBytes: number) {
  return {
    seconds: Math.round(seconds),
    made: progress.made,
    behindMs: progress.behindMs,
    pauses: progress.pauses,
    writes: flushedMs.length,
    cpuSeconds: Math.round(cpuSeconds),
    databaseCpuSeconds: Math.round(databaseCpuSeconds),
    rssMb: Math.round(rssBytes / 1e6),
  };
}

const bin = findPostgres();
if (bin === null) throw new Error('PostgreSQL is not installed here.');
const cluster = await startCluster(bin);
if (values.pin) pin(cluster.pid);
const db = createDb({ mode: 'POSTGRES', connection: { connectionString: cluster.url }, statementTimeoutMs: 60_000 });
try {
  await load(db);
  if (!(await measure(db, cluster.pid))) process.exitCode = 1;
} finally {
  await db.close();
  await cluster.stop();
}
