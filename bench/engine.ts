/**
 * What the engine costs, on a throw-away PostgreSQL cluster:
 * `npm run bench -- engine [--tokens 10000] [--days 130] [--closes 5] [--no-compute]`.
 *
 * A universe of generated tokens with so many daily candles is graded from its beginning (`compute`, unless left out), then
 * further closes come one by one and are settled by the live engine: reading the candles, scoring by every model, writing
 * grades, signals and events. Prints one line of JSON a step. On a busy machine read the seconds of CPU; `taskset -c 0` in
 * front holds all of it to one core.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDb, type Db } from '../src/db/client.ts';
import { applyMigrations } from '../src/db/migrate.ts';
import { appendEvents } from '../src/events/store.ts';
import { compute } from '../src/ingest/compute.ts';
import { createEngine } from '../src/ingest/engine.ts';
import { systemClock } from '../src/lib/clock.ts';
import { dayMs } from '../src/lib/interval.ts';
import { findPostgres, startCluster } from './cluster.ts';
import { readProcessTree } from './process-tree.ts';

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '10000' },
    days: { type: 'string', default: '130' },
    closes: { type: 'string', default: '5' },
    'no-compute': { type: 'boolean', default: false },
  },
});
const size = { tokens: Number(values.tokens), days: Number(values.days), closes: Number(values.closes) };
const firstOpen = Date.UTC(2025, 0, 1);

/** A wave and noise of its own for every token: price of token `t` at the end of day `d`. */
const price = (t: string, d: string): string =>
  `(50 + ${t} % 100) * exp(0.4 * sin(${d} / 17.0 + ${t}) + 0.1 * ((hashint8((${t}::bigint << 20) + ${d}) & 1048575) / 1048576.0 - 0.5))`;

/** The candles of days `from` to `to` of every token. Ids of token and series are the same. */
const candles = `
INSERT INTO candle (series_id, interval, open_time, open, high, low, close, volume_base, volume_quote, is_final, is_native)
SELECT t, 'ONE_DAY', to_timestamp($1) + d * interval '1 day', round(open, 6), round(greatest(open, close) * 1.01, 6), round(least(open, close) * 0.99, 6),
  round(close, 6), 1000 + (hashint8(t * 7919 + d) & 65535), NULL, true, true
FROM generate_series(1, $2::int) t, generate_series($3::int, $4::int) d,
  LATERAL (SELECT (${price('t', 'd - 1')})::numeric AS open, (${price('t', 'd')})::numeric AS close) p ORDER BY d, t`;

/** So many days in one statement: within what a statement may take, on a busy machine too. */
const daysPerStatement = 5;

async function loadDays(db: Db, from: number, to: number): Promise<void> {
  for (let first = from; first <= to; first += daysPerStatement)
    await db.execute(candles, [firstOpen / 1000, size.tokens, first, Math.min(to, first + daysPerStatement - 1)]);
  await db.execute(
    `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
     SELECT t, 'ONE_DAY', $1, $2, $3 FROM generate_series(1, $4::int) t
     ON CONFLICT (series_id, interval) DO UPDATE SET last_open_time = excluded.last_open_time, candle_count = excluded.candle_count`,
    [new Date(firstOpen), new Date(firstOpen + to * dayMs), to + 1, size.tokens],
  );
}

async function load(db: Db): Promise<void> {
  await applyMigrations(db, join(fileURLToPath(new URL('..', import.meta.url)), 'prisma/migrations'));
  const statements = [
    `INSERT INTO token (id, slug, symbol, name) SELECT t, CASE t WHEN 1 THEN 'bitcoin' ELSE 't' || t END, 'T' || t, 'Token ' || t FROM generate_series(1, $1::int) t`,
    `INSERT INTO source (id, name, kind) SELECT 1, 'bench', 'IMPORT' WHERE $1::int > 0`,
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol) SELECT t, t, 1, 'T' || t, 'SPOT', 'USD' FROM generate_series(1, $1::int) t`,
    `INSERT INTO default_series (token_id, purpose, series_id) SELECT t, 'ONE_DAY', t FROM generate_series(1, $1::int) t`,
  ];
  for (const statement of statements) await db.execute(statement, [size.tokens]);
  await loadDays(db, 0, size.days - 1);
  await db.analyze();
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** Runs a step and prints what it took: on the clock, and of CPU here and in PostgreSQL, which a busy machine does not change. */
async function measure<T extends object>(step: string, run: () => Promise<T>): Promise<void> {
  const [startedMs, cpuBefore, databaseBefore] = [performance.now(), process.cpuUsage(), readProcessTree(cluster.pid)];
  const facts = await run();
  const seconds = (performance.now() - startedMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const databaseCpu = (readProcessTree(cluster.pid)?.cpuSeconds ?? 0) - (databaseBefore?.cpuSeconds ?? 0);
  const rest = {
    seconds: round(seconds),
    cpuSeconds: round((cpu.user + cpu.system) / 1e6),
    databaseCpuSeconds: round(databaseCpu),
    memoryMb: Math.round(process.memoryUsage().rss / 1e6),
  };
  console.log(JSON.stringify({ step, ...facts, ...rest }));
}

async function computeAll(db: Db): Promise<object> {
  const startedMs = performance.now();
  const { tokenDays, gradesWritten } = await compute(
    { db, clock: systemClock },
    { fromMs: null, toMs: null, tokenIds: null },
  );
  return { tokenDays, gradesWritten, perMinute: Math.round((tokenDays / (performance.now() - startedMs)) * 60_000) };
}

/** One more day of candles and the event that tells of it, as a feed would have written them. */
async function announceDay(db: Db, day: number): Promise<void> {
  await loadDays(db, day, day);
  const seriesIds = Array.from({ length: size.tokens }, (_, index) => index + 1);
  const payload = { interval: 'ONE_DAY' as const, closeTime: firstOpen + (day + 1) * dayMs, seriesIds };
  await db.transaction((tx) => appendEvents(tx, [{ topic: 'closes', payload }], Date.now()));
}

async function measureCloses(db: Db): Promise<void> {
  const log = { debug() {}, info() {}, warn: console.warn, error: console.error };
  const engine = await createEngine({ db, clock: systemClock, log, onPublished() {} });
  for (let close = 0; close <= size.closes; close += 1) {
    await announceDay(db, size.days + close);
    await measure(close === 0 ? 'first close of a start' : 'close', async () => {
      await engine.drain();
      const [{ count } = { count: 0 }] = await db.query<{ count: number }>(
        'SELECT count(*) AS count FROM grade WHERE as_of = $1',
        [new Date(firstOpen + (size.days + close + 1) * dayMs)],
      );
      return { ...engine.stats(), grades: count };
    });
  }
}

const bin = findPostgres();
if (bin === null) throw new Error('PostgreSQL is not installed here.');
const cluster = await startCluster(bin);
const db = createDb({ mode: 'POSTGRES', connection: { connectionString: cluster.url }, statementTimeoutMs: 60_000 });
try {
  await measure('load', async () => {
    await load(db);
    return size;
  });
  if (!values['no-compute']) await measure('compute', () => computeAll(db));
  await measureCloses(db);
} finally {
  await db.close();
  await cluster.stop();
}
