import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { AppError, messageOf } from '../lib/errors.ts';
import { startThread } from '../lib/thread.ts';
import { findLockHolder, lockDirectory } from './lock.ts';

/**
 * The embedded database: PGlite in a worker thread, spoken to by the ordinary driver over a unix socket in the data
 * directory, so that a command beside a running server reaches the same database. PGlite does not fsync: what must
 * survive a power cut belongs in PostgreSQL.
 */
export interface Embedded {
  /** Connection settings for the driver. */
  readonly connection: { host: string; port: number; user: string; database: string };
  /** Dumps the whole data directory as a gzipped tar file. */
  dump(path: string): Promise<void>;
  stop(): Promise<void>;
}

/** What the worker is started with. */
export interface EmbeddedWorkerData {
  readonly dataDir: string;
  readonly socketPath: string;
  /** A dumped data directory to begin from, when the directory is empty. */
  readonly template: string | null;
}

const port = 5432;
/** A unix socket's path has to fit into 108 bytes on Linux, 104 on macOS. */
const socketPathMax = 100;

/** The directory with the socket of a data directory: inside it, or a stable place in the temporary directory when the path would be too long. */
export function socketDirectory(dataDir: string): string {
  const inside = resolve(dataDir);
  if (Buffer.byteLength(join(inside, `.s.PGSQL.${port}`)) <= socketPathMax) return inside;
  return join(tmpdir(), `tokengraph-${createHash('sha256').update(inside).digest('hex').slice(0, 16)}`);
}

/** Connection settings of the embedded database of a directory. */
export function embeddedConnection(dataDir: string): Embedded['connection'] {
  return { host: socketDirectory(dataDir), port, user: 'postgres', database: 'postgres' };
}

/** Whether a process serves the embedded database of this directory now. */
export async function isServed(dataDir: string): Promise<boolean> {
  return (await findLockHolder(socketDirectory(dataDir))) !== null;
}

/** Makes a directory and those above it, for this user only. (Node's own recursive mkdir never returns on some file systems.) */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** Opens the embedded database. SERVICE_UNAVAILABLE when the directory is in use, not writable or damaged. */
export async function startEmbedded(dataDir: string, template: string | null = null): Promise<Embedded> {
  const sockets = socketDirectory(dataDir);
  try {
    makeDirectory(join(resolve(dataDir), 'pg'));
    makeDirectory(sockets);
  } catch (error) {
    throw new AppError(
      'SERVICE_UNAVAILABLE',
      `The data directory ${dataDir} cannot be written: ${messageOf(error)}. Set DATA_DIR to a directory that can.`,
      { cause: error },
    );
  }
  const unlock = await lockDirectory(sockets, { pid: process.pid, startedAt: new Date().toISOString() });
  const socketPath = join(sockets, `.s.PGSQL.${port}`);
  rmSync(socketPath, { force: true });
  const data: EmbeddedWorkerData = { dataDir: join(resolve(dataDir), 'pg'), socketPath, template };
  const worker = startThread('embedded-worker', import.meta.url, { workerData: data });
  const ask = createAsker(worker);
  try {
    await ask({ kind: 'start' });
  } catch (error) {
    await worker.terminate();
    await unlock();
    throw new AppError(
      'SERVICE_UNAVAILABLE',
      `The embedded database in ${dataDir} did not start: ${messageOf(error)}.`,
      { cause: error },
    );
  }
  return {
    connection: embeddedConnection(dataDir),
    dump: (path) => ask({ kind: 'dump', path }),
    async stop() {
      await ask({ kind: 'stop' }).catch(() => {}); // a worker that died has nothing left to close
      await worker.terminate();
      rmSync(socketPath, { force: true });
      await unlock();
    },
  };
}

/** What the worker can be asked. */
export type EmbeddedRequest = { kind: 'start' } | { kind: 'dump'; path: string } | { kind: 'stop' };

function createAsker(worker: Worker): (request: EmbeddedRequest) => Promise<void> {
  let ended: Error | null = null;
  const waiting = new Set<(error: Error) => void>();
  const end = (error: Error): void => {
    ended = error;
    for (const reject of waiting) reject(error);
  };
  worker.once('error', end);
  worker.once('exit', (code) => end(new Error(`the database thread ended with code ${code}`)));
  return (request) =>
    new Promise((done, reject) => {
      if (ended) return reject(ended);
      waiting.add(reject);
      worker.once('message', (answer: { error?: string }) => {
        waiting.delete(reject);
        if (answer.error === undefined) done();
        else reject(new Error(answer.error));
      });
      worker.postMessage(request);
    });
}
