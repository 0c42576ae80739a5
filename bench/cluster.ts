import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { endChild, runChild, startChild } from './children.ts';
import { findFreePort } from './server.ts';

/** A PostgreSQL server that lives as long as the run, in a temporary directory. */
export interface Cluster {
  readonly url: string;
  readonly pid: number | null;
  readonly version: string;
  readonly stop: () => Promise<void>;
}

const installations = '/usr/lib/postgresql';
const startWithinMs = 20_000;

/** Settings that matter when two servers and the load share one machine; nothing here must survive a power cut. */
const settings = [
  'shared_buffers=512MB',
  'work_mem=32MB',
  'random_page_cost=1.1',
  'jit=off',
  'fsync=off',
  'synchronous_commit=off',
  'max_wal_size=4GB',
];

/** The programs of the newest PostgreSQL installed; null where there is none. */
export function findPostgres(): string | null {
  if (!existsSync(installations)) return null;
  const versions = readdirSync(installations).sort((a, b) => Number(b) - Number(a));
  return (
    versions.map((name) => join(installations, name, 'bin')).find((bin) => existsSync(join(bin, 'initdb'))) ?? null
  );
}

/** PostgreSQL refuses to run as root: there it runs as the user its package made. */
function chooseUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** Starts a cluster with the programs in `bin`. */
export async function startCluster(bin: string): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'tokengraph-bench-'));
  const data = join(directory, 'data');
  const user = chooseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const options = { ...user, cwd: directory, env: { LC_ALL: 'C.UTF-8' } };
  const init = ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'];
  await runChild(join(bin, 'initdb'), init, { ...options, timeoutMs: 60_000 });
  const port = await findFreePort();
  const place = ['-D', data, '-p', String(port), '-k', directory, '-h', '127.0.0.1'];
  const child = startChild(join(bin, 'postgres'), [...place, ...settings.flatMap((one) => ['-c', one])], {
    ...options,
    stdio: 'ignore',
  });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const stop = async (): Promise<void> => {
    await endChild(child, 'SIGINT');
    rmSync(directory, { recursive: true, force: true });
  };
  const version = await waitForPostgres(url).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { url, pid: child.pid ?? null, version, stop };
}

async function waitForPostgres(url: string): Promise<string> {
  for (const endMs = Date.now() + startWithinMs; ; await sleep(100)) {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
      return rows[0]?.server_version ?? '';
    } catch (error) {
      if (Date.now() > endMs) throw error;
    } finally {
      await client.end().catch(() => {}); // it never connected
    }
  }
}
