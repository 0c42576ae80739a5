import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { readConfig } from '../src/config.ts';
import { type EngineOrder, type EngineReport, runEngineThread } from '../src/engine-host.ts';
import { createMemoryBus } from '../src/events/bus.ts';
import type { ComputeSummary } from '../src/ingest/compute.ts';
import { createTestClock } from './support/clock.ts';

/** A thread that a test plays. */
class PlayedThread extends EventEmitter {
  readonly orders: string[] = [];

  postMessage(order: EngineOrder): void {
    this.orders.push(order.kind);
    if (order.kind === 'stop') queueMicrotask(() => this.emit('exit', 0));
  }

  tell(report: EngineReport): void {
    this.emit('message', report);
  }

  die(error: Error): void {
    this.emit('error', error);
    this.emit('exit', 1);
  }

  terminate(): void {
    this.emit('exit', 1);
  }
}

const embedded = { mode: 'EMBEDDED', connectAlone: () => assert.fail('there is nothing to elect') } as const;

function createHost() {
  const threads: PlayedThread[] = [];
  const lines: string[] = [];
  const write = (facts: object, message: string): number => lines.push(`${message} ${JSON.stringify(facts)}`);
  const clock = createTestClock(0);
  const bus = createMemoryBus();
  const log = { debug: write, info: write, warn: write, error: write };
  const host = runEngineThread({ config: readConfig({}), db: embedded, bus, clock, log }, () => {
    threads.push(new PlayedThread());
    return threads.at(-1) as unknown as Worker;
  });
  const newest = (): PlayedThread => threads.at(-1) ?? assert.fail('no thread');
  return { host, threads, newest, lines, clock, bus };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('wake-ups, lines for the log and readiness pass between the engine and its process', async () => {
  const { host, newest, lines, bus } = createHost();
  let wakes = 0;
  bus.onWake(() => (wakes += 1));
  assert.equal(host.waitingFor(), 'the engine is starting');
  newest().tell({ kind: 'waiting', reason: null });
  assert.equal(host.waitingFor(), null);
  newest().tell({ kind: 'log', level: 'warn', facts: { close: 1 }, message: 'late' });
  assert.deepEqual(lines, ['late {"close":1}']);
  newest().tell({ kind: 'published' });
  assert.equal(wakes, 1);
  assert.deepEqual(newest().orders, ['wake']);
  await host.stop();
});

test('an engine that fails is started again after growing pauses, visibly', async () => {
  const { host, threads, newest, lines, clock } = createHost();
  newest().tell({ kind: 'waiting', reason: null });
  newest().die(new Error('out of memory'));
  await turn();
  assert.equal(host.waitingFor(), 'the engine failed and is being started again');
  assert.match(lines[0] ?? '', /starting it again .*out of memory/);
  assert.equal(threads.length, 1);
  await clock.advance(250);
  await turn();
  assert.equal(threads.length, 2);
  newest().die(new Error('again'));
  await turn();
  await clock.advance(249);
  await turn();
  assert.equal(threads.length, 2, 'the second pause is longer');
  await clock.advance(251);
  await turn();
  assert.equal(threads.length, 3);
  newest().tell({ kind: 'waiting', reason: null });
  assert.equal(host.waitingFor(), null);
  await host.stop();
});

test('history is computed by the thread, by the next one where it dies meanwhile', async () => {
  const { host, newest, clock } = createHost();
  const answer = host.compute();
  assert.deepEqual(newest().orders, ['compute']);
  newest().die(new Error('gone'));
  await turn();
  await clock.advance(250);
  await turn();
  assert.deepEqual(newest().orders, ['compute']);
  const summary: ComputeSummary = {
    tokenDays: 1,
    closes: 1,
    gradesWritten: 1,
    signalsWritten: 0,
    signalsWithdrawn: 0,
    outcomesWritten: 0,
    ungraded: {},
    fallbacks: {},
  };
  newest().tell({ kind: 'computed', summary });
  assert.deepEqual(await answer, summary);
  const failing = host.compute();
  newest().tell({ kind: 'compute failed', reason: 'no database' });
  await assert.rejects(failing, /no database/);
  await host.stop();
});

test('stopping ends a thread that does not end by itself', async () => {
  const { host, newest, clock } = createHost();
  const thread = newest();
  thread.postMessage = (order) => void thread.orders.push(order.kind);
  const stopped = host.stop();
  await clock.advance(15_000);
  await stopped;
  assert.deepEqual(thread.orders, ['stop']);
});
