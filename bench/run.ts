/**
 * `npm run bench`: what a request costs, measured the same way every time. Starts a database with the same market, the
 * built server on it, measures the work items one after the other, and ends what it started. Nothing leaves loopback;
 * the whole run is bounded in time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endChild, killChildren, startChild } from './children.ts';
import { type BenchDatabase, prepareDatabase } from './database.ts';
import type { FanOutJob, FanOutResult } from './fan-out.ts';
import { findPostgres } from './cluster.ts';
import { loadTool, measureLoad } from './http-load.ts';
import { comparePeers } from './peers.ts';
import { cpuBetween, readProcessTree } from './process-tree.ts';
import { formatReport, type Report } from './report.ts';
import { type BenchServer, buildServer, root, startServer } from './server.ts';
import { listBodies, workItems } from './work.ts';

const help = `npm run bench -- [options]
  --seconds 5         how long each item is measured
  --connections 32    keep-alive connections of the load
  --work W1,W2        only these items; W7 is the fan-out; default all (W4 is \`npm run bench -- portfolio\`)
  --subscribers 1000  WebSocket subscribers of W7; 0 leaves it out
  --scale 1           size of the market; default 1 on PostgreSQL (1,000 tokens, 1M candles), 0.1 embedded
  --from URL          copy the market from a database that holds the peers' tables, instead of making it
  --node PATH         the Node that runs the server; default this one
  --json FILE         write the figures
  --peers DIR         afterwards compare with the servers of this harness (a folder with run.mjs, set up)
  --peer-args='...'   more arguments for that run.mjs
  --minutes 15        the run is stopped after so long
ANSWER_CACHE_MB=0 measures every request as if it were the first.
The database is made in DATABASE_URL's server (as tokengraph_bench; nothing else is touched), else in a throw-away
PostgreSQL cluster where its programs are installed, else embedded.`;

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '32' },
    work: { type: 'string', default: 'W1,W2,W3,W5,W6,W7' },
    subscribers: { type: 'string', default: '1000' },
    scale: { type: 'string' },
    from: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    json: { type: 'string' },
    peers: { type: 'string' },
    'peer-args': { type: 'string', default: '' },
    minutes: { type: 'string', default: '15' },
    help: { type: 'boolean', default: false },
  },
});

const warmUpSeconds = 2;

async function measureWork(
  server: BenchServer,
  database: BenchDatabase,
  wanted: readonly string[],
): Promise<Report['work']> {
  const directory = mkdtempSync(join(tmpdir(), 'tokengraph-bench-'));
  const target = { url: server.url, processes: { server: server.pid, postgres: database.pid }, directory };
  const connections = Number(options.connections);
  const measured: Report['work'][number][] = [];
  for (const item of workItems.filter(({ name }) => wanted.includes(name))) {
    const bodies = await listBodies(server.url, item, database.market.tokens);
    await measureLoad(target, bodies, { connections, seconds: warmUpSeconds });
    const result = await measureLoad(target, bodies, { connections, seconds: Number(options.seconds) });
    measured.push({ name: item.name, title: item.title, ...result });
  }
  rmSync(directory, { recursive: true });
  return measured;
}

const fanOutWithinMs = 180_000;

async function measureFanOut(server: BenchServer, database: BenchDatabase): Promise<NonNullable<Report['fanOut']>> {
  const { databaseUrl, dataDir, market } = database;
  const subscribers = Number(options.subscribers);
  const job: FanOutJob = { url: server.url, databaseUrl, dataDir, tokens: market.tokens, subscribers, burst: 20 };
  const child = startChild(process.execPath, ['--import', 'tsx', 'bench/fan-out.ts', JSON.stringify(job)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), fanOutWithinMs);
  const readUse = () => [readProcessTree(server.pid), readProcessTree(database.pid)] as const;
  let [before, after] = [readUse(), readUse()];
  let result: FanOutResult | null = null;
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    if (line === 'BURSTS') before = readUse();
    else if (line === 'CALM') after = readUse();
    else if (line.startsWith('{')) result = JSON.parse(line) as FanOutResult;
  }
  clearTimeout(timer);
  await endChild(child, 'SIGKILL');
  if (result === null) throw new Error('W7 ended without a result.');
  const { deliveries } = result;
  const perDelivery = (seconds: number | null): number | null =>
    seconds === null || deliveries === 0 ? null : (seconds * 1e6) / deliveries;
  return {
    ...result,
    subscribers,
    serverCpuUs: perDelivery(cpuBetween(before[0], after[0])),
    postgresCpuUs: perDelivery(cpuBetween(before[1], after[1])),
    peakBytes: readProcessTree(server.pid)?.peakBytes ?? null,
  };
}

async function measure(database: BenchDatabase): Promise<Report> {
  const wanted = options.work.split(',');
  const server = await startServer(database, options.node);
  try {
    const work = await measureWork(server, database, wanted);
    const isFanned = wanted.includes('W7') && Number(options.subscribers) > 0;
    const fanOut = isFanned ? await measureFanOut(server, database) : null;
    return {
      at: new Date().toISOString(),
      node: options.node === process.execPath ? process.version : options.node,
      database: database.description,
      loadTool: loadTool === 'wrk' ? 'wrk' : "the bench's own loop (wrk is not installed)",
      market: database.market,
      work,
      fanOut,
    };
  } finally {
    await server.stop();
  }
}

async function run(): Promise<void> {
  buildServer();
  const databaseUrl = process.env['DATABASE_URL'] ?? null;
  const isPostgres = databaseUrl !== null || findPostgres() !== null;
  const scale = Number(options.scale ?? (isPostgres ? 1 : 0.1));
  console.log(`Loading a market of scale ${scale} (about a minute for scale 1) …`);
  const database = await prepareDatabase(databaseUrl, { from: options.from ?? null, scale });
  try {
    const report = await measure(database);
    console.log(formatReport(report));
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  } finally {
    await database.stop();
  }
  if (options.peers) await comparePeers(options.peers, options['peer-args'].split(' ').filter(Boolean));
}

if (options.help) console.log(help);
else {
  const timer = setTimeout(() => {
    console.error(`Stopped: the run took longer than ${options.minutes} minutes.`);
    killChildren();
    process.exit(1);
  }, Number(options.minutes) * 60_000);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      killChildren();
      process.exit(130);
    });
  try {
    await run();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    killChildren();
    clearTimeout(timer);
  }
}
