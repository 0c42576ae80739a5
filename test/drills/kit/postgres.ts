import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgres } from '../../../bench/cluster.ts';
import { findFreePort, waitFor } from '../../e2e/product.ts';

/** A PostgreSQL server of the drill's own, which can be stopped, crashed, frozen and started again with its data. */
export interface Postgres {
  readonly url: string;
  /** Starts it and waits until it takes connections. */
  start(): Promise<void>;
  /** Ends it: at once and without a checkpoint (a crash for whoever is connected), or in order. */
  stop(how: 'crash' | 'order'): Promise<void>;
  /** Stops all its processes where they are: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

const settings = ['fsync=off', 'max_connections=200', 'log_min_messages=fatal'];

/** PostgreSQL refuses to run as root: there it runs as the user its package made. */
function chooseUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** Makes a cluster in a temporary directory and starts it. Throws where PostgreSQL is not installed. */
export async function createPostgres(): Promise<Postgres> {
  const bin = findPostgres();
  if (bin === null) throw new Error('PostgreSQL is not installed: the drills need its programs');
  const directory = mkdtempSync(join(tmpdir(), 'tokengraph-drill-'));
  const data = join(directory, 'data');
  const user = chooseUser();
  if (user) chownSync(directory, user.uid, user.gid);
  const options = { ...user, cwd: directory, env: { LC_ALL: 'C.UTF-8' } };
  const init = ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'];
  const made = spawnSync(join(bin, 'initdb'), init, { ...options, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await findFreePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server: ChildProcess | null = null;
  process.on('exit', () => {
    server?.kill('SIGQUIT');
    rmSync(directory, { recursive: true, force: true });
  });

  async function stop(how: 'crash' | 'order'): Promise<void> {
    if (server === null) return;
    const ended = once(server, 'exit');
    server.kill(how === 'crash' ? 'SIGQUIT' : 'SIGINT');
    await ended;
    server = null;
  }
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of listTree(server?.pid ?? 0)) process.kill(pid, signal);
  };
  const postgres: Postgres = {
    url,
    async start() {
      const place = ['-D', data, '-p', String(port), '-k', directory, '-h', '127.0.0.1'];
      const flags = settings.flatMap((one) => ['-c', one]);
      server = spawn(join(bin, 'postgres'), [...place, ...flags], {
        ...options,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      await waitFor('PostgreSQL', 60_000, () => isAnswering(url));
    },
    stop,
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    async remove() {
      await stop('crash');
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await postgres.start();
  return postgres;
}

async function isAnswering(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {}); // it is away again: the next look tells
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {}); // it never connected
  }
}

/** A process and its children. */
function listTree(pid: number): number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
  return [pid, ...children];
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return -1; // it has ended meanwhile
  }
}
