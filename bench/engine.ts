/**
 * What the engine costs, on a throw-away PostgreSQL cluster:
 * `npm run bench -- engine [--tokens 10000] [--days 200] [--closes 12] [--models measured-v2,investor-v1] [--no-compute]`.
 *
 * A universe of generated tokens with so many daily candles is graded from its beginning (`compute`, unless left out). Then
 * engines settle further closes by two models, the current ones unless told (`--models=` settles by all that are published): reading the
 * candles, scoring, writing grades, signals and events. Each part runs in a fresh process:
 *
 * - `compute`: history, by all models;
 * - `rebuilt`: an engine that finds no saved state, and saves its own;
 * - `engine on one core`: an engine started again from its saved state and held to one core, the database on the others;
 * - `all on one core`: the same with the database held to that core too.
 *
 * Engines have the heap that their thread has in the product. Prints one line of JSON a step; see `engine-process.ts`. On a
 * busy machine read the seconds of CPU.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { engineHeapMbDefault } from '../src/config.ts';
import { createDb } from '../src/db/client.ts';
import { startChild } from './children.ts';
import { findPostgres, startCluster } from './cluster.ts';
import { loadHistory } from './engine-market.ts';
import { readProcessTree } from './process-tree.ts';

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '10000' },
    days: { type: 'string', default: '200' },
    closes: { type: 'string', default: '12' },
    models: { type: 'string', default: 'measured-v2,investor-v1' },
    'no-compute': { type: 'boolean', default: false },
  },
});

/** Runs a part in a process of its own, on one core where that is asked for. */
async function runPart(label: string, part: 'compute' | 'closes', closes: number, isPinned: boolean): Promise<void> {
  const place = ['--label', label, '--url', cluster.url, '--database-pid', String(cluster.pid ?? '')];
  // The command that computes history has no thread and no heap of a size.
  const heap = part === 'compute' ? [] : [`--max-old-space-size=${engineHeapMbDefault}`];
  const args = [...heap, '--import', 'tsx', 'bench/engine-process.ts', part, ...place];
  const work = ['--closes', String(closes), '--models', values.models];
  const [command, before] = isPinned ? ['taskset', ['-c', '0', process.execPath]] : [process.execPath, []];
  const child = startChild(command, [...before, ...args, ...work], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${label} ended with code ${code}`);
}

/** Holds the database to the first core: the processes it has, and so all that they start. */
function pinDatabase(): void {
  for (const pid of readProcessTree(cluster.pid)?.pids ?? []) spawnSync('taskset', ['-c', '-p', '0', String(pid)]);
}

const bin = findPostgres();
if (bin === null) throw new Error('PostgreSQL is not installed here.');
const cluster = await startCluster(bin);
try {
  const db = createDb({ mode: 'POSTGRES', connection: { connectionString: cluster.url }, statementTimeoutMs: 60_000 });
  await loadHistory(db, Number(values.tokens), Number(values.days));
  await db.close();
  if (!values['no-compute']) await runPart('compute', 'compute', 0, false);
  await runPart('rebuilt', 'closes', 1, false);
  await runPart('engine on one core', 'closes', Number(values.closes), true);
  pinDatabase();
  await runPart('all on one core', 'closes', Number(values.closes), true);
} finally {
  await cluster.stop();
}
