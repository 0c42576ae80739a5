import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import type { EventBus } from '../../src/events/wake.ts';
import { createRedisBus } from '../../src/events/redis-bus.ts';

/** A Redis of our own on a free loopback port, where one is installed. */
const isInstalled = spawnSync('redis-server', ['--version']).status === 0;
const skip = isInstalled ? false : 'redis-server is not installed';
const servers = new Set<ChildProcess>();

after(() => {
  for (const server of servers) server.kill('SIGKILL');
});

async function findPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

function startRedis(port: number): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', args, { stdio: 'ignore' });
  servers.add(server);
  return server;
}

/** Wakes through one bus until another hears it: the first calls may come before the connections are made. */
async function assertReaches(from: EventBus, to: EventBus): Promise<void> {
  const wakes = setInterval(() => void from.wake(), 50);
  try {
    await new Promise<void>((resolve) => {
      to.onWake(resolve);
    }); // the runner's time limit ends a wait in vain
  } finally {
    clearInterval(wakes);
  }
}

test('a wake-up in one process reaches another through Redis, again after Redis was killed', { skip }, async (t) => {
  const port = await findPort();
  const first = startRedis(port);
  const [a, b] = [createRedisBus(`redis://127.0.0.1:${port}`), createRedisBus(`redis://127.0.0.1:${port}`)];
  t.after(async () => {
    await a.close();
    await b.close();
  });
  await assertReaches(a, b);
  first.kill('SIGKILL');
  await once(first, 'exit');
  let isOwnHeard = false;
  a.onWake(() => {
    isOwnHeard = true;
  });
  await a.wake();
  assert.ok(isOwnHeard, 'without Redis a wake-up still reaches its own process');
  startRedis(port);
  await assertReaches(a, b);
});
