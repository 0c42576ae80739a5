/**
 * Two API nodes: events issued by another process are at subscribers of either node with p99 within 250 ms through NOTIFY
 * and 500 ms through Redis. Measured as long as the machine is free; a busy one is told and not judged.
 */
import assert from 'node:assert/strict';
import { findLastSeq } from '../../src/events/store.ts';
import { waitFor } from '../e2e/product.ts';
import { judgeTime } from './kit/judge.ts';
import { isShort } from './kit/kill.ts';
import { startPublisher } from './kit/publisher.ts';
import { createSubscriber, describeDelays, pause, quantile } from './kit/subscribers.ts';
import { startTopology } from './kit/topology.ts';

const measureMs = isShort ? 10_000 : 60_000;

for (const [wakeUps, withRedis, p99Max] of [
  ['NOTIFY', false, 250],
  ['Redis', true, 500],
] as const) {
  const topology = await startTopology({ api: 2, ingest: 1, worker: 1, withRedis });
  const urls = topology.of('api').map(({ url }) => url);
  const place = { databaseUrl: topology.postgres.url, redisUrl: topology.redis?.url ?? null };
  const publisher = await startPublisher(place, 20);
  await pause(3_000);
  const start = await findLastSeq(topology.db);
  const subscribers = urls.flatMap((url) => Array.from({ length: 5 }, () => createSubscriber([url], 0, start)));
  await waitFor('events at every subscriber', 60_000, async () => subscribers.every(({ seqs }) => seqs.length > 0));
  const skip = subscribers.map(({ seqs }) => seqs.length);
  await pause(measureMs);
  const delays = subscribers.flatMap(({ delaysMs }, index) => delaysMs.slice(skip[index]));
  assert.ok(delays.length > 100);
  await publisher.stop();
  await Promise.all(subscribers.map((one) => one.end()));
  await topology.end();
  console.log(`${wakeUps}: ${delays.length} events at subscribers of two nodes: ${describeDelays(delays)}`);
  judgeTime(`p99 through ${wakeUps}`, quantile(delays, 0.99), p99Max);
}
