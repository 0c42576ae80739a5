import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConflatingQueue, createQueue } from '../../src/lib/queue.ts';
import { stoppable } from '../../src/lib/stoppable.ts';

test('a queue gives items in order and refuses what does not fit', async () => {
  const queue = createQueue<number>(2);
  assert.deepEqual([queue.push(1), queue.push(2), queue.push(3)], [true, true, false]);
  assert.deepEqual(await queue.takeAll(), [1, 2]);
  assert.equal(queue.push(4), true);
  assert.equal(queue.size, 1);
});

test('a waiting reader gets what is pushed later, and an end after the last item', async () => {
  const queue = createQueue<number>(10);
  const read: number[] = [];
  const reading = (async () => {
    for await (const item of queue) read.push(item);
  })();
  queue.push(1);
  await Promise.resolve();
  queue.push(2);
  queue.end();
  await reading;
  assert.deepEqual(read, [1, 2]);
  assert.equal(queue.push(3), false);
});

test('a failed queue drops what waits and throws the error', async () => {
  const queue = createQueue<number>(10);
  queue.push(1);
  queue.fail(new Error('too slow'));
  await assert.rejects(queue.takeAll(), /too slow/);
  assert.equal(queue.size, 0);
  assert.equal(queue.push(2), false);
});

test('a woken reader gets nothing and the queue goes on', async () => {
  const queue = createQueue<number>(10);
  const taken = queue.takeAll();
  queue.wake();
  assert.deepEqual(await taken, []);
  assert.equal(queue.isEnded, false);
});

test('a conflating queue keeps the latest value of a key in the place of the first', async () => {
  const queue = createConflatingQueue<string, number>(2);
  queue.push('a', 1);
  queue.push('b', 2);
  assert.equal(queue.push('a', 3), true);
  assert.equal(queue.push('c', 4), false);
  assert.deepEqual(
    queue.take((key) => key !== 'a'),
    ['b', 2],
  );
  assert.equal(
    queue.take((key) => key === 'b'),
    null,
  );
  assert.deepEqual(await queue.takeAll(), [['a', 3]]);
});

async function* wait(signal: AbortSignal, ended: () => void): AsyncGenerator<number, void, undefined> {
  try {
    yield 1;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  } finally {
    ended();
  }
}

for (const [how, stop] of [
  ['return()', (stream: AsyncGenerator<number>) => void stream.return(undefined)],
  ['the outer signal', (_: unknown, outer: AbortController) => outer.abort()],
] as const) {
  test(`a stoppable generator that waits is ended by ${how}`, async () => {
    const outer = new AbortController();
    let ends = 0;
    const stream = stoppable(outer.signal, (signal) => wait(signal, () => (ends += 1)));
    assert.deepEqual(await stream.next(), { done: false, value: 1 });
    const pending = stream.next();
    stop(stream, outer);
    assert.deepEqual(await pending, { done: true, value: undefined });
    assert.equal(ends, 1);
  });
}
