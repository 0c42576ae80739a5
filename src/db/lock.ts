import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';

/**
 * One process per data directory. The lock is a unix socket in the directory: the kernel closes it when its owner
 * dies, however it dies, so a lock is never stale; who connects is told who holds it.
 */

/** Facts about the holder, for the message of whoever comes second. */
export interface LockHolder {
  readonly pid: number;
  readonly startedAt: string;
}

const lockName = 'lock.sock';

/** Takes the directory, or throws SERVICE_UNAVAILABLE naming the process that has it. Returns the way to let go. */
export async function lockDirectory(directory: string, holder: LockHolder): Promise<() => Promise<void>> {
  const path = join(directory, lockName);
  const other = await readHolder(path);
  if (other) throw takenBy(directory, other);
  rmSync(path, { force: true });
  const server = await listenAt(path, JSON.stringify(holder));
  // Two starters may both have found a dead socket and one removed the other's fresh one: the file tells who won.
  const winner = await readHolder(path);
  if (winner?.pid !== holder.pid) {
    server.close();
    throw takenBy(directory, winner ?? holder);
  }
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Who holds a directory now; null when nobody does. */
export function findLockHolder(directory: string): Promise<LockHolder | null> {
  return readHolder(join(directory, lockName));
}

function takenBy(directory: string, other: LockHolder): AppError {
  return new AppError(
    'SERVICE_UNAVAILABLE',
    `The data directory ${directory} is in use by process ${other.pid} (since ${other.startedAt}); stop it, or set DATA_DIR to another directory.`,
  );
}

function listenAt(path: string, greeting: string): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end(greeting));
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new AppError(
          'SERVICE_UNAVAILABLE',
          `The data directory cannot be locked at ${path}: ${error.message}. It must be writable; set DATA_DIR to a directory that is.`,
          {
            cause: error,
          },
        ),
      ),
    );
    server.listen(path, () => resolve(server));
  });
}

function readHolder(path: string): Promise<LockHolder | null> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(path);
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => resolve(null));
    socket.on('close', () => {
      try {
        resolve(text === '' ? null : (JSON.parse(text) as LockHolder));
      } catch {
        resolve(null);
      }
    });
  });
}
