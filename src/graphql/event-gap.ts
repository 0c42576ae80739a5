import type { FeedItem } from '../events/replay.ts';
import type { Topic } from '../events/topics.ts';
import { builder } from './builder.ts';

/** Events that a resumed stream cannot have any more: the log keeps them for a stated time only. */
export interface EventGap {
  readonly kind: 'GAP';
  /** Sequence number to resume from, past the gap. */
  readonly cursor: number;
  /** Epoch ms: the newest event that is missing. */
  readonly publishedAt: number;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** An event gap as the feed tells it. */
export function gapOf(item: Extract<FeedItem<Topic>, { kind: 'gap' }>): EventGap {
  const { seq, fromMs, toMs, reason } = item;
  return { kind: 'GAP', cursor: seq, publishedAt: toMs, from: fromMs, to: toMs, reason };
}

/** The one gap type of all durable subscriptions. */
export const EventGapRef = builder.objectRef<EventGap>('EventGap').implement({
  description:
    'Events after the cursor that are no longer kept, so they cannot be replayed. It comes first, then the stream goes on; read what changed in between with a query.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Resume from here: past the gap.' }),
    publishedAt: t.expose('publishedAt', {
      type: 'DateTime',
      description: 'When the newest missing event was published.',
    }),
    from: t.expose('from', { type: 'DateTime', description: 'Start of the time whose events are missing.' }),
    to: t.expose('to', { type: 'DateTime', description: 'End of the time whose events are missing.' }),
    reason: t.exposeString('reason', { description: 'Why they are missing, in a sentence.' }),
  }),
});
