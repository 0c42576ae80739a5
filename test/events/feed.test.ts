import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed, type RunningEventFeed } from '../../src/events/feed.ts';
import type { FeedItem } from '../../src/events/replay.ts';
import { appendEvents, pruneEvents } from '../../src/events/store.ts';
import type { NewEvent } from '../../src/events/topics.ts';
import type { EventBus } from '../../src/events/wake.ts';
import type { Sql } from '../../src/db/client.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const startMs = Date.UTC(2026, 0, 1);
const dayMs = 86_400_000;

beforeEach(() => db.execute('TRUNCATE event, event_floor'));

const grade = (gradeId: number): NewEvent => ({
  topic: 'grades',
  payload: { gradeId, tokenId: 1, kind: 'TRADER', previousId: null },
});
const prices = (tokenId: number): NewEvent => ({ topic: 'prices', payload: { seriesIds: [], tokenIds: [tokenId] } });

function append(events: readonly NewEvent[], atMs = startMs): Promise<number[]> {
  return db.transaction((tx) => appendEvents(tx, events, atMs));
}

interface Process {
  readonly feed: RunningEventFeed;
  readonly bus: EventBus;
  readonly clock: TestClock;
}

async function startFeed(t: { after(run: () => void): void }, sql: Sql = db): Promise<Process> {
  const bus = createMemoryBus();
  const clock = createTestClock(startMs);
  const feed = createEventFeed({ db: sql, bus, clock });
  await feed.start();
  t.after(() => feed.close());
  return { feed, bus, clock };
}

/** A database that is away when it is told to be. */
function createFlaky(): { readonly sql: Sql; down(isDown: boolean): void } {
  let isDown = false;
  const sql: Sql = {
    query: <Row extends object>(text: string, params?: readonly unknown[]) =>
      isDown ? Promise.reject(new AppError('SERVICE_UNAVAILABLE', 'away')) : db.query<Row>(text, params),
    execute: (text, params) => db.execute(text, params),
  };
  return { sql, down: (value) => (isDown = value) };
}

/** What a subscriber was told: grade ids, or GAP. */
const told = (item: FeedItem<'grades'>): number | string => (item.kind === 'gap' ? 'GAP' : item.event.payload.gradeId);

async function take<Item>(stream: AsyncGenerator<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < count) {
    const { done, value } = await stream.next();
    if (done) break;
    items.push(value);
  }
  return items;
}

const ids = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('a subscriber from now on gets what is appended afterwards, and only its topic', async (t) => {
  const { feed, bus, clock } = await startFeed(t);
  await append([grade(1)]);
  await clock.advance(200);
  const stream = feed.subscribe('grades', null, new AbortController().signal);
  await append([prices(7), grade(2), grade(3)]);
  await bus.wake();
  assert.deepEqual((await take(stream, 2)).map(told), [2, 3]);
});

test('the log is read every 200 ms though nobody wakes', async (t) => {
  const { feed, clock } = await startFeed(t);
  const stream = feed.subscribe('grades', null, new AbortController().signal);
  await append([grade(1)]);
  const items = take(stream, 1);
  await clock.advance(200);
  assert.deepEqual((await items).map(told), [1]);
});

test('resuming after every position gives exactly the rest, stored and live', async (t) => {
  const { feed, bus } = await startFeed(t);
  const seqs = await append(ids(1, 12).map(grade));
  await bus.wake();
  const streams = [0, ...seqs].map((seq) => feed.subscribe('grades', seq, new AbortController().signal));
  const reading = streams.map((stream, index) => take(stream, 15 - index));
  await append(ids(13, 15).map(grade));
  await bus.wake();
  for (const [index, items] of (await Promise.all(reading)).entries())
    assert.deepEqual(items.map(told), ids(index + 1, 15));
});

test('no event is lost when the transaction that began to write first commits last', async (t) => {
  const { feed, bus } = await startFeed(t);
  const stream = feed.subscribe('grades', null, new AbortController().signal);
  let finishFirst = (): void => {};
  let wrote = (): void => {};
  const written = new Promise<void>((resolve) => (wrote = resolve));
  const first = db.transaction(async (tx) => {
    await appendEvents(tx, [grade(1)], startMs);
    wrote();
    await new Promise<void>((resolve) => (finishFirst = resolve));
  });
  await written;
  const others = [2, 3].map((id) => append([grade(id)]).then(() => bus.wake()));
  await bus.wake();
  finishFirst();
  await Promise.all([first, ...others]);
  await bus.wake();
  const items = await take(stream, 3);
  assert.deepEqual(new Set(items.map(told)), new Set([1, 2, 3]));
  const seqs = items.map((item) => (item.kind === 'event' ? item.event.seq : 0));
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  );
});

test('concurrent writers and readers: every reader sees every event once, in one order', async (t) => {
  const { feed, bus } = await startFeed(t);
  const streams = ids(1, 3).map(() => feed.subscribe('grades', null, new AbortController().signal));
  const reading = streams.map((stream) => take(stream, 40));
  await Promise.all(ids(1, 40).map((id) => append([grade(id)]).then(() => bus.wake())));
  const [first, ...rest] = (await Promise.all(reading)).map((items) => items.map(told));
  assert.deepEqual(
    first?.toSorted((a, b) => Number(a) - Number(b)),
    ids(1, 40),
  );
  for (const other of rest) assert.deepEqual(other, first);
});

test('1,100 events that a subscriber has not taken neither crash nor get lost', async (t) => {
  const { feed, bus } = await startFeed(t);
  const live = feed.subscribe('grades', null, new AbortController().signal);
  const stored = feed.subscribe('grades', 0, new AbortController().signal);
  await append(ids(1, 1100).map(grade));
  await bus.wake();
  await append(ids(1101, 1103).map(grade));
  await bus.wake();
  assert.deepEqual((await take(live, 1103)).map(told), ids(1, 1103));
  assert.deepEqual((await take(stored, 1103)).map(told), ids(1, 1103));
});

test('a subscriber that takes nothing for a minute while more waits than it may hold is ended', async (t) => {
  const { feed, bus, clock } = await startFeed(t);
  const stream = feed.subscribe('grades', null, new AbortController().signal);
  const healthy = feed.subscribe('grades', null, new AbortController().signal);
  await append(ids(1, 600).map(grade));
  await clock.advance(200);
  await take(healthy, 600);
  await clock.advance(61_000);
  await append([grade(601)]);
  await bus.wake();
  assert.deepEqual((await take(healthy, 1)).map(told), [601]);
  await assert.rejects(stream.next(), (error) => error instanceof AppError && error.code === 'SLOW_CONSUMER');
});

test('a cursor below what was pruned gets a gap first, with its time, then the rest', async (t) => {
  const { feed } = await startFeed(t);
  const [first = 0] = await append([grade(1)], startMs - 40 * dayMs);
  const [, last = 0] = await append([grade(2), grade(3)], startMs - 35 * dayMs);
  await append([grade(4)], startMs);
  await pruneEvents(db, startMs);
  const [gap, next] = await take(feed.subscribe('grades', first, new AbortController().signal), 2);
  assert.deepEqual(gap && { ...gap, reason: '' }, {
    kind: 'gap',
    seq: last,
    fromMs: 0,
    toMs: startMs - 35 * dayMs,
    reason: '',
  });
  assert.deepEqual(next && told(next), 4);
  const [only] = await take(feed.subscribe('grades', last, new AbortController().signal), 1);
  assert.deepEqual(only && told(only), 4);
});

test('a live subscriber overtaken by pruning is told that anything may have changed', async (t) => {
  const away = createFlaky();
  const { feed, clock } = await startFeed(t, away.sql);
  const stream = feed.wakeups('prices', new AbortController().signal);
  away.down(true);
  await append([prices(1)], startMs - 2 * 3_600_000);
  await pruneEvents(db, startMs);
  await clock.advance(11 * 60_000);
  away.down(false);
  await append([prices(2)]);
  const taken = take(stream, 2);
  await clock.advance(10_000);
  assert.deepEqual(await taken, [[], [{ seriesIds: [], tokenIds: [2] }]]);
});

test('a cursor from the future is refused', async (t) => {
  const { feed } = await startFeed(t);
  const [seq = 0] = await append([grade(1)]);
  const stream = feed.subscribe('grades', seq + 1000, new AbortController().signal);
  await assert.rejects(stream.next(), (error) => error instanceof AppError && error.code === 'BAD_CURSOR');
});

test('wake-ups of a slow reader come as one', async (t) => {
  const { feed, bus, clock } = await startFeed(t);
  const stream = feed.wakeups('prices', new AbortController().signal);
  for (const tokenId of [1, 2, 3]) {
    await append([prices(tokenId)]);
    await bus.wake();
    await clock.advance(200);
  }
  assert.deepEqual(
    (await stream.next()).value?.flatMap(({ tokenIds }: { tokenIds: readonly number[] }) => tokenIds),
    [1, 2, 3],
  );
});

test('two processes on one database both see all', async (t) => {
  const [one, two] = [await startFeed(t), await startFeed(t)];
  const streams = [one, two].map(({ feed }) => feed.subscribe('grades', null, new AbortController().signal));
  await append(ids(1, 5).map(grade));
  await one.bus.wake();
  await two.clock.advance(200);
  for (const stream of streams) assert.deepEqual((await take(stream, 5)).map(told), ids(1, 5));
});

test('subscribers outlive a database that goes away, and miss nothing', async (t) => {
  const away = createFlaky();
  const { feed, bus, clock } = await startFeed(t, away.sql);
  const live = feed.subscribe('grades', null, new AbortController().signal);
  away.down(true);
  const stored = feed.subscribe('grades', 0, new AbortController().signal);
  const reading = [take(live, 2), take(stored, 2)];
  await append([grade(1)]);
  await bus.wake();
  await clock.advance(1_000);
  away.down(false);
  await append([grade(2)]);
  await clock.advance(10_000);
  for (const items of await Promise.all(reading)) assert.deepEqual(items.map(told), [1, 2]);
});

test('an aborted subscription ends at once and lets go of everything', async (t) => {
  const { feed, bus } = await startFeed(t);
  const controller = new AbortController();
  const added = t.mock.method(controller.signal, 'addEventListener');
  const removed = t.mock.method(controller.signal, 'removeEventListener');
  const streams = ids(1, 5).map((id) => feed.subscribe('grades', id % 2 ? null : 0, controller.signal));
  const pending = streams.slice(1).map((stream) => stream.next());
  await streams[1]?.return(undefined);
  controller.abort();
  for (const item of await Promise.all(pending)) assert.equal(item.done, true);
  assert.equal((await streams[0]?.next())?.done, true);
  assert.ok(removed.mock.callCount() >= added.mock.callCount());
  await append(ids(1, 2000).map(grade));
  await bus.wake();
});

test('closing the feed ends every subscription', async (t) => {
  const { feed } = await startFeed(t);
  const pending = [
    feed.subscribe('grades', null, new AbortController().signal).next(),
    feed.wakeups('prices', new AbortController().signal).next(),
  ];
  feed.close();
  for (const item of await Promise.all(pending)) assert.equal(item.done, true);
});
