import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { findFreePort, waitFor } from '../../e2e/product.ts';

/** A Redis of the drill's own, which keeps nothing. */
export interface RedisServer {
  readonly url: string;
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts one on a free loopback port. Throws where Redis is not installed. */
export async function createRedis(): Promise<RedisServer> {
  const port = await findFreePort();
  let server: ChildProcess | null = null;
  process.on('exit', () => server?.kill('SIGKILL'));
  const redis: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
      server = spawn('redis-server', flags, { stdio: 'ignore' });
      const failed = once(server, 'error').then(([error]) => Promise.reject(error as Error));
      await Promise.race([waitFor('Redis', 20_000, () => isListening(port)), failed]);
    },
    async kill() {
      if (server === null) return;
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      server = null;
    },
  };
  await redis.start();
  return redis;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.end());
  });
}
