import type { EventFeed, FeedItem } from '../events/replay.ts';
import type { StoredEvent, Topic } from '../events/topics.ts';
import { decodeSeqCursor } from '../lib/cursor.ts';
import { AppError } from '../lib/errors.ts';
import { stoppable } from '../lib/stoppable.ts';
import { type EventGap, gapOf } from './event-gap.ts';

/** From the log to public events: what is at hand together is loaded together, so a replay is a statement per chunk. */

/** Events of a topic. */
export type EventOf<T extends Topic> = Extract<StoredEvent, { topic: T }>;

const chunkMax = 200;

/** What following needs of the context. */
export interface FollowDeps {
  readonly events: EventFeed;
  readonly lastEventId?: string | null;
}

/**
 * Follows a durable topic after a cursor (null: from now on), or after what a reconnecting client has received since:
 * it sends its first request again, so the later of the two counts. Throws BAD_CURSOR where `lastEventId` is none. `load` answers a chunk of consecutive events with one
 * item each, null for an event that is filtered out or whose row is gone. Order is the order of commit; a gap is passed
 * on where it stands. `return()` ends the stream at once, even while the log is silent.
 */
export function followTopic<T extends Topic, Item>(
  { events, lastEventId }: FollowDeps,
  topic: T,
  after: number | null,
  load: (chunk: readonly EventOf<T>[]) => Promise<readonly (Item | null)[]>,
): AsyncGenerator<Item | EventGap, void, undefined> {
  const start = laterOf(after, lastEventId);
  return stoppable(null, (signal) => readItems(events.subscribe(topic, start, signal), load));
}

function laterOf(after: number | null, lastEventId: string | null | undefined): number | null {
  if (!lastEventId) return after;
  const received = decodeSeqCursor(lastEventId);
  if (received === null)
    throw new AppError(
      'BAD_CURSOR',
      "The header Last-Event-ID is not one of our cursors; send an event's `id` as it was.",
    );
  return Math.max(received, after ?? 0);
}

async function* readItems<T extends Topic, Item>(
  feed: AsyncGenerator<FeedItem<T>>,
  load: (chunk: readonly EventOf<T>[]) => Promise<readonly (Item | null)[]>,
): AsyncGenerator<Item | EventGap, void, undefined> {
  for await (const chunk of chunksOf(feed)) {
    const loaded = await load(chunk.flatMap((item) => (item.kind === 'event' ? [item.event] : [])));
    let next = 0;
    for (const item of chunk) {
      const told = item.kind === 'gap' ? gapOf(item) : loaded[next++];
      if (told != null) yield told;
    }
  }
}

/** Joins items that the source has at hand: those it gives before the event loop turns, at most {@link chunkMax}. */
async function* chunksOf<Item>(source: AsyncGenerator<Item>): AsyncGenerator<Item[], void, undefined> {
  try {
    let coming = source.next();
    for (;;) {
      const first = await coming;
      if (first.done === true) return;
      const chunk = [first.value];
      coming = source.next();
      while (chunk.length < chunkMax) {
        const next = await Promise.race([coming.catch(() => null), turnOfLoop()]);
        if (next === null || next.done === true) break;
        chunk.push(next.value);
        coming = source.next();
      }
      coming.catch(() => {}); // a failed source is told after what it gave: when its turn is awaited
      yield chunk;
    }
  } finally {
    void source.return(undefined);
  }
}

function turnOfLoop(): Promise<null> {
  return new Promise((resolve) => {
    setImmediate(resolve, null);
  });
}
