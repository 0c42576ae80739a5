import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test, type TestContext } from 'node:test';
import { createOperationAbort } from '../../src/graphql/pipeline.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { threadEntry } from '../../src/lib/thread.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import type * as jobs from './jobs.ts';

const signal = new AbortController().signal;

/** A pool whose thread is up. */
async function createPool(t: TestContext, waitingMax = 8) {
  const pool = createWorkPool<typeof jobs>({
    clock: systemClock,
    entry: threadEntry('jobs', import.meta.url),
    threadsMax: 1,
    waitingMax,
  });
  t.after(() => pool.close());
  await pool.run('double', { values: Float64Array.of(0) }, { signal });
  return pool;
}

test('a job runs in a thread and answers with its data', async (t) => {
  const pool = await createPool(t);
  assert.deepEqual(await pool.run('double', { values: Float64Array.of(1, 2.5) }, { signal }), Float64Array.of(2, 5));
});

test('what a job throws is thrown to the caller, and the pool goes on', async (t) => {
  const pool = await createPool(t);
  await assert.rejects(pool.run('fail', 'wrong', { signal }), { message: 'wrong' });
  assert.deepEqual(await pool.run('double', { values: Float64Array.of(3) }, { signal }), Float64Array.of(6));
});

test('a job that is over has let go of the signal of its request', async (t) => {
  const pool = await createPool(t);
  const request = new AbortController();
  await pool.run('double', { values: Float64Array.of(1) }, { signal: request.signal });
  await assert.rejects(pool.run('fail', 'wrong', { signal: request.signal }));
  assert.deepEqual(getEventListeners(request.signal, 'abort'), []);
});

test('many jobs of one operation at once are no leak of listeners to Node', async (t) => {
  const pool = await createPool(t, 20);
  const warnings: string[] = [];
  const hear = ({ name }: Error): unknown => warnings.push(name);
  process.on('warning', hear);
  const { signal: operation } = createOperationAbort();
  await Promise.all(
    Array.from({ length: 12 }, (_, n) => pool.run('double', { values: Float64Array.of(n) }, { signal: operation })),
  );
  process.off('warning', hear);
  assert.deepEqual(warnings, []);
});

test('a job that takes too long is ended with its thread and answered TIMEOUT', async (t) => {
  const pool = await createPool(t);
  await assert.rejects(pool.run('hang', null, { signal, timeoutMs: 50 }), { code: 'TIMEOUT' });
  assert.deepEqual(await pool.run('double', { values: Float64Array.of(3) }, { signal }), Float64Array.of(6));
});

test('a job whose request ends is ended, running or waiting', async (t) => {
  const pool = await createPool(t);
  const [first, second] = [new AbortController(), new AbortController()];
  const running = pool.run('hang', null, { signal: first.signal });
  const waiting = pool.run('hang', null, { signal: second.signal });
  second.abort();
  await assert.rejects(waiting, { code: 'SERVICE_UNAVAILABLE' });
  first.abort();
  await assert.rejects(running, { code: 'SERVICE_UNAVAILABLE' });
  await assert.rejects(pool.run('hang', null, { signal: first.signal }), { code: 'SERVICE_UNAVAILABLE' });
});

test('a job that finds the queue full is refused at once', async (t) => {
  const pool = await createPool(t, 1);
  const ending = new AbortController();
  const jobs = [1, 2, 3].map(() => pool.run('hang', null, { signal: ending.signal }));
  await assert.rejects(pool.run('double', { values: new Float64Array() }, { signal }), {
    code: 'SERVICE_UNAVAILABLE',
    message: /wait/,
  });
  ending.abort();
  for (const { status } of await Promise.allSettled(jobs)) assert.equal(status, 'rejected');
});
