import type { Context } from '../graphql/context.ts';
import { builder } from '../graphql/builder.ts';
import { type EventGap, EventGapRef } from '../graphql/event-gap.ts';
import { type EventOf, followTopic } from '../graphql/topic-stream.ts';
import { findMatchingTokens, type SignalConditions } from './page-store.ts';
import { readSignalFilter, SignalFilterInput, SignalRef } from './schema.ts';
import { listSignalsById, type SignalRow } from './store.ts';

/**
 * The subscription `signals`: every issued, closed and withdrawn signal in the order of commit, resumable. The filter is read
 * once, at the start; what the event says decides without a statement, conditions on the signal and its token take one
 * for each chunk of events. An event whose signal was purged is left out.
 */

/** A signal was issued, its outcome was recorded, or it was withdrawn. */
export interface SignalEvent {
  readonly kind: 'ISSUED' | 'CLOSED' | 'WITHDRAWN';
  /** Sequence number in the log. */
  readonly cursor: number;
  /** Epoch ms. */
  readonly publishedAt: number;
  readonly signal: SignalRow;
}

/** A filter with its slugs resolved; null: any token. */
export interface SignalSelection {
  readonly tokenIds: ReadonlySet<number> | null;
  readonly conditions: SignalConditions;
}

/** The public events of a chunk of the log, null where the selection leaves one out or its row is gone. */
export async function loadSignalEvents(
  { db }: Pick<Context, 'db'>,
  { tokenIds, conditions }: SignalSelection,
  chunk: readonly EventOf<'signals'>[],
): Promise<(SignalEvent | null)[]> {
  const isWanted = ({ payload }: EventOf<'signals'>): boolean =>
    (tokenIds?.has(payload.tokenId) ?? true) &&
    (conditions.directions?.includes(payload.direction) ?? true) &&
    (conditions.strategies?.includes(payload.strategy) ?? true);
  const wanted = chunk.filter(isWanted);
  if (wanted.length === 0) return chunk.map(() => null);
  const [signals, matching] = await Promise.all([
    listSignalsById(db, [...new Set(wanted.map(({ payload }) => payload.signalId))]),
    findMatchingTokens(db, [...new Set(wanted.map(({ payload }) => payload.tokenId))], conditions),
  ]);
  const byId = new Map(signals.filter((signal) => isIn(conditions, signal)).map((signal) => [signal.id, signal]));
  return chunk.map((event) => {
    const signal =
      isWanted(event) && matching.has(event.payload.tokenId) ? byId.get(event.payload.signalId) : undefined;
    if (!signal) return null;
    return { kind: event.payload.action, cursor: event.seq, publishedAt: event.publishedAt, signal };
  });
}

const isIn = ({ from, to }: SignalConditions, { issuedAt }: SignalRow): boolean =>
  (from === null || issuedAt >= from) && (to === null || issuedAt < to);

const SignalIssued = builder.objectRef<SignalEvent>('SignalIssued').implement({
  description: 'A signal was issued; a correction is one that supersedes another.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Resume after this event with `after`.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When the event was published.' }),
    signal: t.expose('signal', { type: SignalRef, description: 'The signal.' }),
  }),
});

const SignalClosed = builder.objectRef<SignalEvent>('SignalClosed').implement({
  description: 'A signal ended: its outcome is known.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Resume after this event with `after`.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When the event was published.' }),
    signal: t.expose('signal', { type: SignalRef, description: 'The signal, with its `outcome`.' }),
  }),
});

const SignalWithdrawn = builder.objectRef<SignalEvent>('SignalWithdrawn').implement({
  description: 'A signal no longer stands: candles were corrected, and its strategy does not give it any more.',
  fields: (t) => ({
    cursor: t.expose('cursor', { type: 'Cursor', description: 'Resume after this event with `after`.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When the event was published.' }),
    signal: t.expose('signal', { type: SignalRef, description: 'The signal, with its `withdrawnAt`.' }),
  }),
});

const SignalEventUnion = builder.unionType('SignalEvent', {
  description: 'What a stream of signals brings.',
  types: [SignalIssued, SignalClosed, SignalWithdrawn, EventGapRef],
  resolveType: (event: SignalEvent | EventGap) =>
    ({ ISSUED: 'SignalIssued', CLOSED: 'SignalClosed', WITHDRAWN: 'SignalWithdrawn', GAP: 'EventGap' })[event.kind],
});

builder.subscriptionField('signals', (t) =>
  t.field({
    type: SignalEventUnion,
    description:
      'Signals as they are issued, closed and withdrawn, in order, none lost and none twice: stored events after the cursor, then live ones. Without `after` from now on. Events are kept 90 days.',
    args: {
      filter: t.arg({ type: SignalFilterInput, description: 'Which signals; all when not given.' }),
      after: t.arg({ type: 'Cursor', description: 'The `cursor` of the last event received.' }),
    },
    subscribe: async (_root, { filter, after }, ctx) => {
      const selection = await readSignalFilter(ctx, filter);
      const wanted = { ...selection, tokenIds: selection.tokenIds && new Set(selection.tokenIds) };
      return followTopic(ctx, 'signals', after ?? null, (chunk) => loadSignalEvents(ctx, wanted, chunk));
    },
    resolve: (event) => event,
  }),
);
