import type { EventFeed, FeedItem } from '../events/replay.ts';
import type { StoredEvent, Topic } from '../events/topics.ts';
import { decodeSeqCursor } from '../lib/cursor.ts';
import { chunksOf } from '../lib/chunks.ts';
import { AppError } from '../lib/errors.ts';
import { type Durable, sharedAs, type SharedStream } from '../lib/shared-stream.ts';
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
 * it sends its first request again, so the later of the two counts. Throws BAD_CURSOR where `lastEventId` is none.
 * `load` answers a chunk of consecutive events with one item each, null for an event that is filtered out or whose row
 * is gone. Order is the order of commit; a gap is passed on where it stands. `return()` ends the stream at once, even
 * while the log is silent. It can be shared: who asks for the same differs only in his cursor.
 */
export function followTopic<T extends Topic, Item extends Durable>(
  { events, lastEventId }: FollowDeps,
  topic: T,
  after: number | null,
  load: (chunk: readonly EventOf<T>[]) => Promise<readonly (Item | null)[]>,
): SharedStream<Item | EventGap> {
  const start = laterOf(after, lastEventId);
  const position = events.position(); // where the subscription below begins
  return sharedAs(
    stoppable(null, (signal) => readItems(events.subscribe(topic, start, signal), load)),
    {
      kind: 'DURABLE',
      after: start,
      position,
      replay: (from, until) => stoppable(null, (signal) => readItems(events.replay(topic, from, until, signal), load)),
    },
  );
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
  for await (const chunk of chunksOf(feed, chunkMax)) {
    const loaded = await load(chunk.flatMap((item) => (item.kind === 'event' ? [item.event] : [])));
    let next = 0;
    for (const item of chunk) {
      const told = item.kind === 'gap' ? gapOf(item) : loaded[next++];
      if (told != null) yield told;
    }
  }
}
