import type { StoredEvent, Topic, TopicPayloads } from './topics.ts';

/** Where events come from for a subscriber: stored ones after a cursor, then live ones, nothing lost or doubled. */
export interface EventFeed {
  /**
   * Events of a topic after `afterSeq` (null: from now on) in commit order, until the signal aborts. When events after
   * the cursor have been pruned, the first item is a gap. A durable subscriber that falls too far behind gets a
   * SLOW_CONSUMER error and may resume from its last cursor.
   */
  subscribe<T extends Topic>(topic: T, afterSeq: number | null, signal: AbortSignal): AsyncGenerator<FeedItem<T>>;
  /** Where a subscription of this moment begins: up to where events have been handed out, all of them committed. */
  position(): number;
  /**
   * Stored events of a topic after `afterSeq` up to `untilSeq`, then no more; led by a gap where some have been pruned.
   * Throws BAD_CURSOR where `afterSeq` lies beyond the end of the log.
   */
  replay<T extends Topic>(
    topic: T,
    afterSeq: number,
    untilSeq: number,
    signal: AbortSignal,
  ): AsyncGenerator<FeedItem<T>>;
  /**
   * Wake-ups of a topic: each item tells all that was published since the last one was taken (payloads joined in a
   * list), so that a slow reader is conflated instead of queued. An empty list: wake-ups were pruned before this process
   * read them, and anything may have changed.
   */
  wakeups<T extends Topic>(topic: T, signal: AbortSignal): AsyncGenerator<readonly TopicPayloads[T][]>;
}

/** What a subscriber of the log receives. */
export type FeedItem<T extends Topic> =
  | { readonly kind: 'event'; readonly event: Extract<StoredEvent, { topic: T }> }
  | {
      readonly kind: 'gap';
      readonly seq: number;
      readonly fromMs: number;
      readonly toMs: number;
      readonly reason: string;
    };
