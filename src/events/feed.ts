/**
 * The process's one reader of the event log. It reads each event once, when woken and every 200 ms, and hands it to
 * every subscriber of its topic through a bounded queue.
 *
 * Invariants: a subscriber is given every event after its cursor once, in the order of commit, or a gap that says what
 * is missing. Nothing grows without bound: who does not keep up is set back to reading stored pages, and who takes
 * nothing for a minute while events wait is ended with SLOW_CONSUMER and may resume.
 * - Late: while the database is away subscribers wait; the reader tries again with back-off and goes on where it was.
 * - Doubled: a wake-up without news costs one look into the log.
 * - Wrong: a cursor from the future is refused with BAD_CURSOR at the first item.
 */
import type { Sql } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { minuteMs } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import { createQueue } from '../lib/queue.ts';
import { retryDelayMs } from '../lib/retry.ts';
import { stoppable, whenAborted } from '../lib/stoppable.ts';
import type { EventFeed, FeedItem } from './replay.ts';
import { findFloor, findLastSeq, listEvents } from './store.ts';
import { listStored, readBatches, type Subscriber } from './subscriber.ts';
import { retentionMs, type StoredEvent, type Topic, type TopicPayloads } from './topics.ts';
import type { EventBus } from './wake.ts';

/** A feed with its lifetime. */
export interface RunningEventFeed extends EventFeed {
  /** Finds the end of the log and follows it; subscribers may come after that. Throws when the database is away. */
  start(): Promise<void>;
  /** Ends every subscription, without an error. */
  close(): void;
}

/** What the feed needs. */
export interface EventFeedDeps {
  readonly db: Sql;
  readonly bus: Pick<EventBus, 'onWake'>;
  readonly clock: Clock;
  readonly log?: Pick<Log, 'info' | 'warn'>;
}

const topics = Object.keys(retentionMs) as Topic[];
const queueMax = 500;
const pageSize = 500;
const pollMs = 200;
/** A reader that has seen nothing for so long may have been overtaken by pruning, which leaves at least an hour. */
const blindMs = 10 * minuteMs;
/** A subscriber that takes nothing for so long while more waits than its queue holds is ended. */
const slowMs = minuteMs;

/** The feed of a process; see the module text. */
export function createEventFeed(deps: EventFeedDeps): RunningEventFeed {
  const { clock, bus } = deps;
  const subscribers = new Map<Topic, Set<Subscriber>>(topics.map((topic) => [topic, new Set()]));
  const all = (): Subscriber[] => [...subscribers.values()].flatMap((set) => [...set]);
  const reader = createReader(deps, (topic) => subscribers.get(topic) ?? new Set());
  let endings: (() => void)[] = [];
  let isClosed = false;

  function open<Item>(
    topic: Topic,
    afterSeq: number | null,
    outer: AbortSignal,
    run: (subscriber: Subscriber, signal: AbortSignal) => AsyncGenerator<Item, void, undefined>,
  ): AsyncGenerator<Item, void, undefined> {
    if (isClosed) throw new AppError('SERVICE_UNAVAILABLE', 'The server is shutting down; connect again.');
    const subscriber: Subscriber = {
      topic,
      queue: createQueue(queueMax),
      position: afterSeq ?? reader.position(),
      isBehind: afterSeq !== null,
      takenAt: clock.now(),
    };
    // Registered now and not at the first item, so that a caller who then reads a snapshot misses nothing.
    subscribers.get(topic)?.add(subscriber);
    return stoppable(outer, (signal) => {
      whenAborted(signal, () => {
        subscribers.get(topic)?.delete(subscriber);
        subscriber.queue.clear();
        subscriber.queue.end();
      });
      return run(subscriber, signal);
    });
  }

  return {
    async start() {
      await reader.start();
      const ask = (): Promise<void> => reader.ask();
      endings = [bus.onWake(() => void ask()), clock.every(pollMs, ask)];
    },
    close() {
      isClosed = true;
      for (const end of endings) end();
      reader.stop();
      for (const { queue } of all()) {
        queue.clear();
        queue.end();
      }
    },
    subscribe: (topic, afterSeq, signal) =>
      open(topic, afterSeq, signal, (subscriber, inner) => listItems(deps, subscriber, inner)),
    position: reader.position,
    replay: (topic, from, until, outer) =>
      stoppable(outer, (signal) => listStored(deps, topic, { from, until }, signal)),
    wakeups: (topic, signal) => open(topic, null, signal, (subscriber, inner) => listWakeups(deps, subscriber, inner)),
  };
}

async function* listItems<T extends Topic>(
  deps: EventFeedDeps,
  subscriber: Subscriber,
  signal: AbortSignal,
): AsyncGenerator<FeedItem<T>, void, undefined> {
  for await (const batch of readBatches<T>(deps, subscriber, signal)) {
    for (const item of batch) {
      if (signal.aborted) return;
      yield item;
      subscriber.takenAt = deps.clock.now();
    }
  }
}

async function* listWakeups<T extends Topic>(
  deps: EventFeedDeps,
  subscriber: Subscriber,
  signal: AbortSignal,
): AsyncGenerator<readonly TopicPayloads[T][], void, undefined> {
  for await (const batch of readBatches<T>(deps, subscriber, signal)) {
    if (batch[0]?.kind === 'gap') yield [];
    const payloads = batch.flatMap((item) => (item.kind === 'event' ? [item.event.payload as TopicPayloads[T]] : []));
    if (payloads.length > 0) yield payloads;
  }
}

/** Reads the log from one position on and hands out what it reads. */
interface Reader {
  /** Up to where events have been handed out. */
  position(): number;
  start(): Promise<void>;
  /** Reads what is new; resolves when that is done. Asked while it reads, it looks once more. Never rejects. */
  ask(): Promise<void>;
  stop(): void;
}

function createReader(
  { db, clock, log }: EventFeedDeps,
  subscribersOf: (topic: Topic) => ReadonlySet<Subscriber>,
): Reader {
  let position: number | null = null;
  let readAt = 0;
  let failures = 0;
  let retryAt = 0;
  let isAsked = false;
  let isStopped = false;
  let reading: Promise<void> | null = null;

  async function readNew(from: number): Promise<void> {
    if (clock.now() - readAt > blindMs) await setBackOvertaken(from);
    for (let after = from; ; ) {
      const events = await listEvents(db, topics, after, pageSize);
      readAt = clock.now();
      for (const event of events) {
        for (const subscriber of subscribersOf(event.topic)) handOut(subscriber, event, readAt);
        position = after = event.seq;
      }
      if (events.length < pageSize || isStopped) return;
    }
  }
  async function setBackOvertaken(from: number): Promise<void> {
    for (const topic of topics) {
      const floor = await findFloor(db, topic);
      if (floor === null || floor.seq <= from) continue;
      for (const subscriber of subscribersOf(topic)) setBack(subscriber, clock.now());
    }
  }
  async function drain(): Promise<void> {
    while (isAsked) {
      isAsked = false;
      if (position === null || isStopped || clock.now() < retryAt) return; // the next poll comes soon
      try {
        await readNew(position);
        if (failures > 0) log?.info({ failures }, 'reading the event log again');
        failures = 0;
      } catch (error) {
        failures += 1;
        retryAt = clock.now() + retryDelayMs(failures);
        if (failures === 1) log?.warn({ reason: messageOf(error) }, 'the event log cannot be read; trying again');
      }
    }
  }
  return {
    position() {
      if (position === null) throw new Error('the event feed has not been started');
      return position;
    },
    async start() {
      position = await findLastSeq(db);
      readAt = clock.now();
    },
    ask() {
      isAsked = true;
      reading ??= drain().finally(() => {
        reading = null;
      });
      return reading;
    },
    stop() {
      isStopped = true;
    },
  };
}

function handOut(subscriber: Subscriber, event: StoredEvent, nowMs: number): void {
  if (!subscriber.isBehind) {
    if (!subscriber.queue.push(event)) setBack(subscriber, nowMs);
    return;
  }
  if (nowMs - subscriber.takenAt <= slowMs) return;
  subscriber.isBehind = false;
  subscriber.queue.fail(
    new AppError('SLOW_CONSUMER', 'Events were not read fast enough; connect again and resume from the last cursor.'),
  );
}

/** It forgets what is queued and reads the log itself from its own position. */
function setBack(subscriber: Subscriber, nowMs: number): void {
  if (subscriber.isBehind) return;
  subscriber.isBehind = true;
  subscriber.takenAt = nowMs;
  subscriber.queue.clear();
  subscriber.queue.wake();
}
