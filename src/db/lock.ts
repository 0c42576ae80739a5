import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AppError } from '../lib/errors.ts';

/**
 * One process per data directory, and per work beside it. A lock is a unix socket in the directory: the kernel closes it
 * when its owner dies, however it dies, so a lock is never stale; who connects is told who holds it.
 */

/** Facts about the holder, for the message of whoever comes second. */
export interface LockHolder {
  readonly pid: number;
  readonly startedAt: string;
}

const lockName = 'lock.sock';

/** Takes the directory, or throws SERVICE_UNAVAILABLE naming the process that has it. Returns the way to let go. */
export function lockDirectory(directory: string, holder: LockHolder): Promise<() => Promise<void>> {
  return lock(join(directory, lockName), holder, (other) => takenBy(directory, other));
}

/** Takes a work by its name, or throws what `refuse` makes of the process that has it. Returns the way to let go. */
export function lockWork(
  directory: string,
  name: string,
  holder: LockHolder,
  refuse: (other: LockHolder) => AppError,
): Promise<() => Promise<void>> {
  const short = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return lock(join(directory, `w-${short}.sock`), holder, refuse);
}

async function lock(
  path: string,
  holder: LockHolder,
  refuse: (other: LockHolder) => AppError,
): Promise<() => Promise<void>> {
  const other = await readHolder(path);
  if (other) throw refuse(other);
  rmSync(path, { force: true });
  const server = await listenAt(path, JSON.stringify(holder));
  // Two starters may both have found a dead socket and one removed the other's fresh one: the file tells who won.
  const winner = await readHolder(path);
  if (winner?.pid !== holder.pid) {
    server.close();
    throw refuse(winner ?? holder);
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
