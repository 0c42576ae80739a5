import type { EventFeed, FeedItem } from '../../src/events/replay.ts';
import type { StoredEvent, Topic, TopicPayloads } from '../../src/events/topics.ts';

/** A log that a test writes: what is pushed is delivered, in order, to the one subscriber. */
export interface FakeFeed {
  readonly feed: EventFeed;
  /** Who subscribed, in order. */
  readonly subscribed: { topic: Topic; afterSeq: number | null; signal: AbortSignal }[];
  push(...items: FeedItem<Topic>[]): void;
  fail(error: Error): void;
}

/** An event of the log; published at second `seq` of 2025. */
export function eventOf<T extends Topic>(seq: number, topic: T, payload: TopicPayloads[T]): FeedItem<Topic> {
  const event = { seq, publishedAt: Date.UTC(2025, 0, 1) + seq * 1000, topic, payload } as unknown as StoredEvent;
  return { kind: 'event', event };
}

/** A feed without a database. Everything pushed before a read is at hand together, as stored events are. */
export function createFakeFeed(): FakeFeed {
  const queue: (FeedItem<Topic> | Error)[] = [];
  const subscribed: FakeFeed['subscribed'] = [];
  let wake = (): void => {};
  const put = (...items: (FeedItem<Topic> | Error)[]): void => {
    queue.push(...items);
    wake();
  };
  async function* items(signal: AbortSignal): AsyncGenerator<FeedItem<Topic>> {
    while (!signal.aborted) {
      const item = queue.shift();
      if (item instanceof Error) throw item;
      if (item !== undefined) yield item;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
    }
  }
  return {
    subscribed,
    push: put,
    fail: put,
    feed: {
      subscribe(topic, afterSeq, signal) {
        subscribed.push({ topic, afterSeq, signal });
        return items(signal) as never;
      },
      position: () => 0,
      replay() {
        throw new Error('nothing here is replayed');
      },
      wakeups() {
        throw new Error('nothing here wakes up');
      },
    },
  };
}
