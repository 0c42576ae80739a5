import { type ChildProcess, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { endChild, startChild } from './children.ts';

/** The server that is measured: built, then started as a user starts it, without a feed, on a free port of loopback. */
export interface BenchServer {
  /** Of `/graphql`. */
  readonly url: string;
  readonly pid: number | null;
  stop(): Promise<void>;
}

/** The project. */
export const root = fileURLToPath(new URL('..', import.meta.url));
const startWithinMs = 60_000;

/** A port of loopback that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/** Builds dist/. */
export function buildServer(): void {
  const built = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`The build failed:\n${built.stdout}${built.stderr}`);
}

/** Starts the built server on a database; resolves when it answers. */
export async function startServer(
  place: { databaseUrl: string | null; dataDir: string },
  node: string,
): Promise<BenchServer> {
  const child = startChild(node, ['dist/main.js', 'start'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      FEED: 'off',
      HOST: '127.0.0.1',
      PORT: '0',
      METRICS_PORT: '0',
      LOG_LEVEL: 'warn',
      ANSWER_CACHE_MB: process.env['ANSWER_CACHE_MB'], // 0: every request as if it were the first
      ...(place.databaseUrl === null ? { DATA_DIR: place.dataDir } : { DATABASE_URL: place.databaseUrl }),
    },
  });
  try {
    const url = await waitForUrl(child);
    return { url: `${url}/graphql`, pid: child.pid ?? null, stop: () => endChild(child, 'SIGTERM') };
  } catch (error) {
    await endChild(child, 'SIGKILL');
    throw error;
  }
}

/** The URL in the line that the server prints when it answers. */
function waitForUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (reason: string): void => reject(new Error(`The server ${reason}:\n${output.slice(-2000)}`));
    const timer = setTimeout(() => fail('did not answer in time'), startWithinMs);
    child.once('exit', (code) => fail(`ended with ${code}`));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-10_000);
        const url = /answers at (http:\/\/\S+)/.exec(output)?.[1];
        if (url === undefined) return;
        clearTimeout(timer);
        resolve(url.replace(/\/$/, ''));
      });
    }
  });
}
