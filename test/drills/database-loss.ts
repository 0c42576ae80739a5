/**
 * The database goes away, once by refusing connections, once by not answering at all (its processes are frozen): every
 * request is answered as SERVICE_UNAVAILABLE within six seconds, `/livez` stays 200, and ten seconds after its return
 * the same processes serve again, subscribers resumed; ingest and the worker go on.
 */
import assert from 'node:assert/strict';
import { waitFor } from '../e2e/product.ts';
import { judgeTime } from './kit/judge.ts';
import { isShort } from './kit/kill.ts';
import { createLoad } from './kit/load.ts';
import { createSubscriber, pause } from './kit/subscribers.ts';
import { startPublisher } from './kit/publisher.ts';
import { startTopology } from './kit/topology.ts';

const awayMs = isShort ? 12_000 : 30_000;
const answerWithinMs = 6_000;
const backWithinMs = 10_000;
/** Ingest and the worker elect their leaders anew and go on from what is stored. */
const workWithinMs = 60_000;

const topology = await startTopology({ api: 2, ingest: 1, worker: 1 });
const { postgres, processes } = topology;
const urls = topology.of('api').map(({ url }) => url);
const publisher = await startPublisher({ databaseUrl: postgres.url, redisUrl: null }, 5);
const subscribers = urls.map((_, index) => createSubscriber(urls, index, 0));

for (const [what, leave, back] of [
  ['gone', () => postgres.stop('crash'), () => postgres.start()],
  ['frozen', async () => postgres.freeze(), async () => postgres.thaw()],
] as const) {
  const load = createLoad(urls, processes, 10);
  await pause(2_000);
  assert.equal(load.since(0).failed, 0, 'all is well before');
  await leave();
  const leftMs = performance.now();
  await pause(awayMs);
  await back();
  const backMs = performance.now();
  await waitFor('an answer with data from every node', backWithinMs, () => load.isServing(backMs));
  const servedMs = performance.now();
  const counts = subscribers.map(({ seqs }) => seqs.length);
  await waitFor('events at every subscriber', backWithinMs, async () =>
    subscribers.every(({ seqs }, index) => seqs.length > (counts[index] ?? 0)),
  );
  const resumedMs = performance.now();
  await waitFor('every process to be ready', workWithinMs, async () => {
    const answers = await Promise.all(processes.map(({ url }) => fetch(`${url}/readyz`)));
    return answers.every(({ ok }) => ok);
  });
  const readyMs = performance.now();
  await pause(3_000);
  await load.end();
  const away = load.between(leftMs, backMs);
  assert.deepEqual(load.livezFailures, []);
  assert.deepEqual(
    away.codes.filter((code) => !['SERVICE_UNAVAILABLE 503', 'data 200'].includes(code)),
    [],
  );
  assert.ok(away.failed > 0);
  judgeTime('the longest answer', away.longestMs, answerWithinMs);
  assert.equal(load.since(servedMs).failed, 0, 'all is well after');
  console.log(
    `database ${what}: ${away.count} requests while it was away, ${away.failed} answered 503 SERVICE_UNAVAILABLE, the longest after ${Math.round(away.longestMs)} ms; ${load.livezCount} times livez 200`,
  );
  console.log(
    `  serving again ${Math.round(servedMs - backMs)} ms after its return, every subscriber resumed after ${Math.round(resumedMs - backMs)} ms, ingest and worker ready after ${Math.round(readyMs - backMs)} ms`,
  );
}
await publisher.stop();
await Promise.all(subscribers.map((one) => one.end()));
await topology.end();
