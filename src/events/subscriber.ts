import type { Sql } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { BoundedQueue } from '../lib/queue.ts';
import { retrying } from '../lib/retry.ts';
import type { FeedItem } from './replay.ts';
import { findLastSeq, findTimeOf, readTopic } from './store.ts';
import type { StoredEvent, Topic } from './topics.ts';

/**
 * One subscriber of the log: stored events after its position, then live ones.
 *
 * Live events are taken into the queue before each page is read, and those that the page already had are dropped by
 * their number: so there is neither a hole nor a double where the two meet. A subscriber whose queue overflows forgets
 * it and reads pages again. Only the reader of the log changes `isBehind` to true.
 */
export interface Subscriber {
  readonly topic: Topic;
  readonly queue: BoundedQueue<StoredEvent>;
  /** Up to where it has been given events. */
  position: number;
  /** Whether it must read stored events; live ones are not queued for it then. */
  isBehind: boolean;
  /** When it last took something, epoch ms. */
  takenAt: number;
}

interface Deps {
  readonly db: Sql;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
}

const pageSize = 500;

/** What there is for the subscriber, in batches of at most a page, until the signal aborts or its queue ends. */
export async function* readBatches<T extends Topic>(
  deps: Deps,
  subscriber: Subscriber,
  signal: AbortSignal,
): AsyncGenerator<FeedItem<T>[], void, undefined> {
  if (subscriber.isBehind) await retrying(deps.clock, signal, () => assertPast(deps, subscriber.position));
  while (!signal.aborted) {
    const items = subscriber.isBehind
      ? await retrying(deps.clock, signal, () => readStored<T>(deps, subscriber))
      : await takeLive<T>(subscriber);
    subscriber.takenAt = deps.clock.now();
    if (items !== null && items.length > 0) yield items;
    else if (subscriber.queue.isEnded) return;
  }
}

async function assertPast({ db }: Deps, position: number): Promise<void> {
  if (position > 0 && position > (await findLastSeq(db)))
    throw new AppError(
      'BAD_CURSOR',
      'The cursor lies beyond the end of the log: it comes from another installation, or from before a restore. Start again without it.',
    );
}

/** Items after a position, led by a gap where events have been pruned, and up to where they reach. */
interface Page<T extends Topic> {
  readonly items: FeedItem<T>[];
  readonly position: number;
  /** Whether more may follow. */
  readonly isFull: boolean;
}

async function readPage<T extends Topic>(db: Sql, topic: T, after: number): Promise<Page<T>> {
  const { floor, events } = await readTopic(db, topic, after, pageSize);
  const items: FeedItem<T>[] = events.map((event) => ({ kind: 'event', event }));
  if (floor.seq > after) items.unshift(await describeGap(db, after, floor));
  const position = Math.max(after, floor.seq, events.at(-1)?.seq ?? 0);
  return { items, position, isFull: events.length === pageSize };
}

/** The next page after the subscriber's position. */
async function readStored<T extends Topic>({ db }: Deps, subscriber: Subscriber): Promise<FeedItem<T>[]> {
  subscriber.queue.clear();
  subscriber.isBehind = false; // from here on live events are queued: the page is newer than the first of them
  try {
    const page = await readPage(db, subscriber.topic as T, subscriber.position);
    subscriber.position = page.position;
    if (page.isFull) subscriber.isBehind = true;
    return page.items;
  } catch (error) {
    subscriber.isBehind = true;
    throw error;
  }
}

/** Stored events of a topic after a position up to another, in order; see {@link EventFeed.replay}. */
export async function* listStored<T extends Topic>(
  deps: Deps,
  topic: T,
  { from, until }: { readonly from: number; readonly until: number },
  signal: AbortSignal,
): AsyncGenerator<FeedItem<T>, void, undefined> {
  await retrying(deps.clock, signal, () => assertPast(deps, from));
  for (let position = from; position < until; ) {
    const after = position;
    const page = await retrying(deps.clock, signal, () => readPage(deps.db, topic, after));
    if (page === null) return;
    for (const item of page.items) {
      if (item.kind === 'event' && item.event.seq > until) return;
      yield item;
    }
    if (!page.isFull) return;
    position = page.position;
  }
}

async function describeGap<T extends Topic>(
  db: Sql,
  position: number,
  floor: { readonly seq: number; readonly at: number },
): Promise<FeedItem<T>> {
  const fromMs = Math.min(await findTimeOf(db, position), floor.at);
  const reason = 'Events are kept for a limited time, and those after the cursor have been removed.';
  return { kind: 'gap', seq: floor.seq, fromMs, toMs: floor.at, reason };
}

async function takeLive<T extends Topic>(subscriber: Subscriber): Promise<FeedItem<T>[]> {
  const events = (await subscriber.queue.takeAll()).filter(({ seq }) => seq > subscriber.position);
  subscriber.position = events.at(-1)?.seq ?? subscriber.position;
  return events.map((event) => ({ kind: 'event', event }) as FeedItem<T>);
}
