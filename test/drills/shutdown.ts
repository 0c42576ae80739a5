/**
 * SIGTERM under load, to an API node with subscribers and requests, then to the worker and to ingest: `/readyz` turns to
 * 503 within a second, every request that was taken is answered, sockets are told 1001, the process ends with code 0
 * within 25 seconds.
 */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { waitFor } from '../e2e/product.ts';
import { judgeTime } from './kit/judge.ts';
import { isShort } from './kit/kill.ts';
import { createLoad } from './kit/load.ts';
import { startPublisher } from './kit/publisher.ts';
import { pause } from './kit/subscribers.ts';
import { startTopology } from './kit/topology.ts';

const rounds = isShort ? 1 : 5;
const socketCount = 50;
const readyWithinMs = 1_000;
const endWithinMs = 25_000;
/** It takes connections for three seconds; what comes later may be refused at the door. */
const takesForMs = 2_500;

const topology = await startTopology({ api: 1, ingest: 1, worker: 1 });
const publisher = await startPublisher({ databaseUrl: topology.postgres.url, redisUrl: null }, 10);
const [node = assert.fail('no API node')] = topology.of('api');

/** A socket with a subscription that does not come back; resolves to its close code. */
function follow(url: string): Promise<number> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const closed = new Promise<number>((resolve) => {
    client.on('closed', (event) => resolve((event as { code: number }).code));
  });
  const query = 'subscription { signals { __typename ... on SignalIssued { signal { id } } } }';
  client.subscribe({ query }, { next: () => {}, error: () => {}, complete: () => {} }); // the close code tells
  return closed;
}

/** When readiness was refused, from the signal on; each look on a connection of its own, as a balancer does. */
async function waitForUnready(url: string): Promise<number> {
  const startedMs = performance.now();
  const look = (): Promise<number> =>
    new Promise((resolve, reject) => {
      get(`${url}/readyz`, { agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on('error', reject);
    });
  await waitFor('readyz to be 503', endWithinMs, async () => (await look()) === 503);
  return performance.now() - startedMs;
}

for (let round = 0; round < rounds; round += 1) {
  const closings = Array.from({ length: socketCount }, () => follow(node.url));
  const load = createLoad([node.url], [], 40);
  await pause(3_000);
  const signalledMs = performance.now();
  const ended = node.stop();
  const unreadyMs = await waitForUnready(node.url);
  judgeTime('readyz to be 503', unreadyMs, readyWithinMs);
  const codes = await Promise.all(closings);
  const code = await ended;
  const tookMs = performance.now() - signalledMs;
  await load.end();
  assert.equal(code, 0);
  assert.ok(tookMs < endWithinMs, `it took ${tookMs} ms to end`);
  assert.deepEqual([...new Set(codes)], [1001]);
  const taken = load.between(0, signalledMs + takesForMs);
  assert.deepEqual(taken.codes, ['data 200'], 'what was taken is answered');
  const later = load.since(signalledMs + takesForMs).codes;
  const atTheDoor = /^data 200$|ECONNREFUSED|ECONNRESET/;
  assert.deepEqual(
    later.filter((one) => !atTheDoor.test(one)),
    [],
  );
  console.log(
    `API node: readyz 503 after ${Math.round(unreadyMs)} ms, ${taken.count} requests answered, ${socketCount} sockets told 1001, ended with 0 after ${Math.round(tookMs)} ms`,
  );
  await node.start();
}
for (const one of [...topology.of('worker'), ...topology.of('ingest')]) {
  const signalledMs = performance.now();
  assert.equal(await one.stop(), 0);
  const tookMs = performance.now() - signalledMs;
  assert.ok(tookMs < endWithinMs);
  console.log(`${one.role}: ended with 0 after ${Math.round(tookMs)} ms`);
}
await publisher.stop();
await topology.end();
