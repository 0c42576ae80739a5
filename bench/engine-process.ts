/**
 * One process of `engine.ts`, with nothing in it but what is measured: `compute` grades all history, `closes` runs the live
 * engine over the next days. Prints a line of JSON a step: seconds on the clock, of CPU here and in PostgreSQL, and the
 * memory of this process: now, at its highest, and what the last collection left of the heap.
 */
import { parseArgs } from 'node:util';
import { createDb, type Db } from '../src/db/client.ts';
import { compute } from '../src/ingest/compute.ts';
import { createEngine } from '../src/ingest/engine.ts';
import { systemClock } from '../src/lib/clock.ts';
import { announceNextDay } from './engine-market.ts';
import { readProcessTree } from './process-tree.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: '' },
    'database-pid': { type: 'string', default: '' },
    label: { type: 'string', default: '' },
    closes: { type: 'string', default: '1' },
    models: { type: 'string', default: '' },
  },
});
const databasePid = values['database-pid'] === '' ? null : Number(values['database-pid']);

const round = (value: number): number => Math.round(value * 100) / 100;

async function measure(step: string, run: () => Promise<object>): Promise<void> {
  const [startedMs, cpuBefore, databaseBefore] = [performance.now(), process.cpuUsage(), readProcessTree(databasePid)];
  const facts = await run();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const databaseCpu = (readProcessTree(databasePid)?.cpuSeconds ?? 0) - (databaseBefore?.cpuSeconds ?? 0);
  const { rss, heapUsed } = process.memoryUsage();
  const use = {
    seconds: round(seconds),
    cpuSeconds: round((user + system) / 1e6),
    databaseCpuSeconds: round(databaseCpu),
    memoryMb: Math.round(rss / 1e6),
    memoryPeakMb: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
    heapMb: Math.round(heapUsed / 1e6),
  };
  console.log(JSON.stringify({ step: `${values.label}: ${step}`, ...facts, ...use }));
}

async function computeAll(db: Db): Promise<object> {
  const startedMs = performance.now();
  const range = { fromMs: null, toMs: null, tokenIds: null };
  const { tokenDays, gradesWritten } = await compute({ db, clock: systemClock }, range);
  return { tokenDays, gradesWritten, perMinute: Math.round((tokenDays / (performance.now() - startedMs)) * 60_000) };
}

async function settleCloses(db: Db): Promise<void> {
  const log = { debug() {}, info() {}, warn: console.warn, error: console.error };
  const models = values.models === '' ? {} : { models: new Set(values.models.split(',')) };
  const engine = await createEngine({ db, clock: systemClock, log, ...models, onPublished() {} });
  for (let close = 0; close < Number(values.closes); close += 1) {
    const asOf = await announceNextDay(db);
    await measure(close === 0 ? 'start and first close' : 'close', async () => {
      await engine.drain();
      const [{ grades } = { grades: 0 }] = await db.query<{ grades: number }>(
        'SELECT count(*) AS grades FROM grade WHERE as_of = $1',
        [new Date(asOf)],
      );
      return { ...engine.stats(), grades };
    });
  }
}

const db = createDb({ mode: 'POSTGRES', connection: { connectionString: values.url }, statementTimeoutMs: 60_000 });
try {
  if (positionals[0] === 'compute') await measure('history', () => computeAll(db));
  else await settleCloses(db);
} finally {
  await db.close();
}
