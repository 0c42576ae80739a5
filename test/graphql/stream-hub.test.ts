import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ExecutionArgs } from 'graphql';
import { defaultLimits } from '../../src/graphql/limits.ts';
import { createPipeline, type Pipeline } from '../../src/graphql/pipeline.ts';
import type { Port } from '../../src/graphql/stream-outbox.ts';
import type { Viewer } from '../../src/lib/viewer.ts';
import type { Subscription } from '../../src/graphql/stream-subscription.ts';
import { createTestClock } from '../support/clock.ts';
import { createSharedLog, type SharedLog, sharedSchema } from '../support/shared-schema.ts';

// Subscribers of one operation share its execution; whoever comes, resumes or lags gets what he would have got alone.

function createTestPipeline(): Pipeline {
  const log = { error: () => undefined };
  return createPipeline({ schema: sharedSchema, limits: defaultLimits, clock: createTestClock(0), log });
}

type Got = { readonly cursor: number; readonly key: string; readonly value: number };

/** A subscriber with a connection that a test can block. */
interface TestSubscriber {
  readonly subscription: Subscription;
  /** Results as they came. */
  readonly got: Got[];
  /** How many writes they came in. */
  readonly writes: () => number;
  readonly overflows: () => number;
  readonly load: { events: number; bytes: number };
  block(): void;
  unblock(): void;
}

async function subscribe(
  pipeline: Pipeline,
  log: SharedLog,
  source: string,
  { variables = {}, accountId }: { variables?: Record<string, unknown>; accountId?: number } = {},
): Promise<TestSubscriber> {
  const prepared = pipeline.prepare(source);
  assert.ok(prepared.document, prepared.errors[0]?.message);
  const viewer: Viewer | null = accountId === undefined ? null : { accountId, plan: 'FREE', via: 'KEY' };
  const args: ExecutionArgs = {
    schema: sharedSchema,
    document: prepared.document,
    variableValues: variables,
    contextValue: { log, viewer },
  };
  const scope = { requestId: 'r', abort: new AbortController(), prepared };
  const opened = await pipeline.stream(args, scope);
  assert.ok('attach' in opened, JSON.stringify(opened));
  return attach(opened);
}

function attach(subscription: Subscription): TestSubscriber {
  const got: Got[] = [];
  const listeners = new Set<() => void>();
  let isBlocked = false;
  let writes = 0;
  let overflows = 0;
  const load = { events: 0, bytes: 0 };
  const port: Port = {
    load,
    write({ deliveries }) {
      writes += 1;
      for (const { payload } of deliveries) {
        const { data } = JSON.parse(payload) as { data: Record<string, Record<string, unknown>> };
        const [event] = Object.values(data);
        got.push({ ...event, cursor: Number(event?.['cursor']) } as Got);
      }
    },
    isBlocked: () => isBlocked,
    onDrain(run) {
      listeners.add(run);
      return () => void listeners.delete(run);
    },
    overflow() {
      overflows += 1;
      void subscription.return();
    },
  };
  subscription.attach(port);
  return {
    subscription,
    got,
    writes: () => writes,
    overflows: () => overflows,
    load,
    block: () => (isBlocked = true),
    unblock() {
      isBlocked = false;
      for (const listener of listeners) listener();
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const cursorsOf = ({ got }: TestSubscriber): number[] => got.map(({ cursor }) => cursor);
const facts = 'subscription ($after: Int) { facts(after: $after) { cursor key value } }';
const prices = 'subscription { prices { cursor key value } }';

test('subscribers with the same operation share one stream and one execution an event', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const all = [
    await subscribe(pipeline, log, facts),
    await subscribe(pipeline, log, facts, { variables: { after: 0 } }),
    await subscribe(pipeline, log, 'subscription { facts(after: 0) { cursor, key, value } }'),
    await subscribe(pipeline, log, 'subscription { facts { cursor key value } }'),
  ];
  await settle();
  assert.equal(log.open(), 1);
  for (let value = 0; value < 10; value += 1) log.append('a', value);
  await settle();
  assert.equal(log.resolved(), 10);
  for (const one of all) assert.deepEqual(cursorsOf(one), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.ok(
    all.every((one) => one.writes() < 10),
    'events of one moment leave in one write',
  );
  for (const one of all) await one.subscription.return();
  assert.equal(log.open(), 0);
});

test('another selection, variable or account is another stream', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const named = 'subscription ($name: String) { facts(name: $name) { cursor value } }';
  await subscribe(pipeline, log, facts);
  await subscribe(pipeline, log, 'subscription { facts { cursor value } }');
  await subscribe(pipeline, log, named, { variables: { name: 'a' } });
  await subscribe(pipeline, log, named, { variables: { name: 'b' } });
  await subscribe(pipeline, log, named, { variables: { name: 'b', unused: 1 } });
  await subscribe(pipeline, log, facts, { accountId: 1 });
  await subscribe(pipeline, log, facts, { accountId: 2 });
  await subscribe(pipeline, log, facts, { accountId: 2 });
  assert.equal(log.open(), 6);
  log.append('a', 1);
  await settle();
  assert.equal(log.resolved(), 6);
});

test('events of another moment are loaded anew (T15)', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const one = await subscribe(pipeline, log, 'subscription { facts { cursor count } }');
  for (let value = 1; value <= 3; value += 1) {
    log.append('a', value);
    await settle();
  }
  assert.deepEqual(
    one.got.map((event) => (event as Got & { count: number }).count),
    [1, 2, 3],
  );
});

test('the one who came first may leave: the others go on', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const first = await subscribe(pipeline, log, facts);
  const second = await subscribe(pipeline, log, facts);
  await first.subscription.return();
  log.append('a', 1);
  await settle();
  assert.deepEqual([cursorsOf(first), cursorsOf(second)], [[], [1]]);
});

test('who joins a live view is told the present first, then what changes, without a hole', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const first = await subscribe(pipeline, log, prices);
  log.append('a', 1);
  log.append('b', 2);
  log.append('a', 3);
  await settle();
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  log.gate = () => gate;
  const second = await subscribe(pipeline, log, prices);
  log.append('b', 4); // while the present is being executed
  await settle();
  assert.deepEqual(second.got, []);
  open();
  await settle();
  assert.deepEqual(
    first.got.map(({ value }) => value),
    [1, 2, 3, 4],
  );
  const seen = second.got.map(({ key, value }) => [key, value]);
  assert.deepEqual(seen.at(-1), ['b', 4]);
  assert.deepEqual(seen[0], ['a', 3]);
});

test('a subscriber of prices who does not read gets the latest of each key, the others are not held up (T1)', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const slow = await subscribe(pipeline, log, prices);
  const quick = await subscribe(pipeline, log, prices);
  await settle();
  slow.block();
  for (let value = 1; value <= 2_000; value += 1) log.append(value % 2 === 0 ? 'even' : 'odd', value);
  await settle();
  assert.equal(quick.got.length, 2_000);
  assert.deepEqual([slow.got.length, slow.load.events, slow.overflows()], [0, 2, 0]);
  slow.unblock();
  assert.deepEqual(
    slow.got.map(({ value }) => value),
    [1_999, 2_000],
  );
  assert.deepEqual(slow.load, { events: 0, bytes: 0 });
});

test('a view without keys begins anew from the present for who does not read', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const slow = await subscribe(pipeline, log, 'subscription { list { cursor key value } }');
  await settle();
  slow.block();
  for (let value = 1; value <= 600; value += 1) log.append(value % 2 === 0 ? 'even' : 'odd', value);
  await settle();
  assert.deepEqual([slow.got.length, slow.load.events, slow.overflows()], [0, 0, 0]);
  slow.unblock();
  log.append('odd', 601);
  await settle();
  assert.deepEqual(slow.got.map(({ value }) => value).slice(0, 3), [599, 600, 601]);
});

test('a durable subscriber who does not read is ended at 500 events, the others are not held up', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const slow = await subscribe(pipeline, log, facts);
  const quick = await subscribe(pipeline, log, facts);
  await settle();
  slow.block();
  for (let value = 1; value <= 500; value += 1) log.append('a', value);
  await settle();
  assert.deepEqual([slow.load.events, slow.overflows()], [500, 0]);
  log.append('a', 501);
  await settle();
  assert.deepEqual([slow.load.events, slow.overflows(), quick.got.length], [0, 1, 501]);
});

test('a durable subscriber who does not read is ended at a megabyte', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  const slow = await subscribe(pipeline, log, 'subscription { facts { cursor text } }');
  await settle();
  slow.block();
  for (let value = 1; value <= 11; value += 1) log.append('a', value);
  await settle();
  assert.deepEqual([slow.load, slow.overflows()], [{ events: 0, bytes: 0 }, 1]);
});

test('who resumes beyond what the others have been given yet gets no event that he has', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  await subscribe(pipeline, log, facts);
  await settle();
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  log.gate = () => gate;
  for (let value = 1; value <= 3; value += 1) log.append('a', value);
  await settle();
  const resumed = await subscribe(pipeline, log, facts, { variables: { after: 2 } });
  await settle();
  open();
  await settle();
  assert.deepEqual(cursorsOf(resumed), [3]);
});

test('a cursor beyond the end of the log ends the operation with the error', async () => {
  const [pipeline, log] = [createTestPipeline(), createSharedLog()];
  await subscribe(pipeline, log, facts);
  const { subscription } = await subscribe(pipeline, log, facts, { variables: { after: 7 } });
  await assert.rejects(subscription.next(), /Internal error/);
  assert.equal(log.open(), 1);
});

test('whoever resumes, whenever: every event after the cursor, once, in order (T2)', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ do: fc.constant('join' as const), back: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ do: fc.constant('turn' as const), turns: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ do: fc.constant('leave' as const), which: fc.nat() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
      const [pipeline, log] = [createTestPipeline(), createSharedLog()];
      log.gate = () => new Promise((resolve) => setImmediate(resolve));
      const subscribers: { from: number; joining: Promise<TestSubscriber> }[] = [];
      for (const each of steps) {
        if (each.do === 'append') for (let at = 0; at < each.count; at += 1) log.append('a', at);
        else if (each.do === 'join') {
          const from = Math.max(0, log.events.length - each.back);
          subscribers.push({ from, joining: subscribe(pipeline, log, facts, { variables: { after: from } }) });
        } else if (each.do === 'leave' && subscribers.length > 1) {
          const [left] = subscribers.splice(each.which % subscribers.length, 1);
          await (await left?.joining)?.subscription.return();
        } else if (each.do === 'turn')
          for (let turn = 0; turn < each.turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      }
      for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      for (const { from, joining } of subscribers) {
        const wanted = log.events.slice(from).map(({ cursor }) => cursor);
        assert.deepEqual(cursorsOf(await joining), wanted);
      }
    }),
    { numRuns: 60 },
  );
});
