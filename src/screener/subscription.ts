import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { assertWithin } from '../lib/limits.ts';
import { sharedAs, type SharedStream } from '../lib/shared-stream.ts';
import { readFilter, readOrder } from '../tokens/inputs.ts';
import type { ScreenedToken } from '../tokens/list-store.ts';
import { TokenFilterInput, TokenOrderInput } from '../tokens/schema.ts';
import { TokenRef } from '../tokens/token-schema.ts';
import type { TokenFilter, TokenOrder } from '../tokens/token.ts';
import type { Edit } from './edits.ts';
import { createListPresent, type ScreenerEvent, streamScreener } from './stream.ts';

/** The subscription `screener`: a list of tokens that is kept current. Arguments are checked before the stream begins. */

const firstDefault = 20;
const firstMax = 100;
const throttleDefault = 1_000;
const throttleMin = 100;
const throttleMax = 60_000;

type EditOf<Kind extends ScreenerEvent['kind']> = Extract<Edit<ScreenedToken>, { kind: Kind }>;

const SnapshotRef = builder.objectRef<EditOf<'SNAPSHOT'>>('ScreenerSnapshot').implement({
  description:
    'The whole list. It comes first; one that comes later replaces everything before it, which happens when events were not read fast enough.',
  fields: (t) => ({
    tokens: t.field({
      type: [TokenRef],
      description: 'The tokens in order, as `tokens(filter, orderBy, first)` answers them.',
      resolve: ({ rows }) => [...rows],
    }),
  }),
});

const token = 'The token, with its quote and its grades as they are now.';

const EnteredRef = builder.objectRef<EditOf<'ENTERED'>>('ScreenerEntered').implement({
  description: 'A token came into the list: put it in at `position`.',
  fields: (t) => ({
    token: t.field({ type: TokenRef, description: token, resolve: ({ row }) => row }),
    position: t.exposeInt('position', { description: 'Its place in the list from now on, 0 being the first.' }),
  }),
});

const ChangedRef = builder.objectRef<EditOf<'CHANGED'>>('ScreenerChanged').implement({
  description:
    'A token of the list has another quote or grade, or another place: take it out at `previousPosition`, then put it in at `position`. Those it overtakes get no event.',
  fields: (t) => ({
    token: t.field({ type: TokenRef, description: token, resolve: ({ row }) => row }),
    position: t.exposeInt('position', { description: 'Its place from now on, 0 being the first.' }),
    previousPosition: t.exposeInt('previousPosition', { description: 'Its place until now; the same if it stays.' }),
  }),
});

const LeftRef = builder.objectRef<EditOf<'LEFT'>>('ScreenerLeft').implement({
  description: 'A token left the list: take it out at `previousPosition`.',
  fields: (t) => ({
    token: t.field({ type: TokenRef, description: 'The token.', resolve: ({ row }) => row }),
    previousPosition: t.exposeInt('previousPosition', { description: 'Its place until now, 0 being the first.' }),
  }),
});

const ScreenerEventUnion = builder.unionType('ScreenerEvent', {
  description: 'What a live screener brings. Events are applied in the order in which they come.',
  types: [SnapshotRef, EnteredRef, ChangedRef, LeftRef],
  resolveType: ({ kind }: ScreenerEvent) =>
    ({
      SNAPSHOT: 'ScreenerSnapshot',
      ENTERED: 'ScreenerEntered',
      CHANGED: 'ScreenerChanged',
      LEFT: 'ScreenerLeft',
    })[kind],
});

function follow(
  ctx: Context,
  { filter, order, first }: { filter: TokenFilter; order: TokenOrder; first: number },
  throttleMs: number,
): SharedStream<ScreenerEvent> {
  assertWithin(first, { name: 'page', argument: 'first', max: firstMax });
  assertWithin(throttleMs, { name: 'throttleMs', argument: 'throttleMs', min: throttleMin, max: throttleMax });
  const stream = streamScreener(ctx, { filter, order, first }, throttleMs, ctx.signal);
  return sharedAs(stream, { kind: 'LIVE', createPresent: createListPresent, keyOf: null });
}

builder.subscriptionField('screener', (t) =>
  t.field({
    type: ScreenerEventUnion,
    description:
      'A list of tokens, kept current: first the list, then who enters, who leaves, and whose place, quote or grade changes. Applied to the list, the events give what the query `tokens` answers at that moment.',
    args: {
      filter: t.arg({ type: TokenFilterInput, description: 'Which tokens; all when not given.' }),
      orderBy: t.arg({ type: TokenOrderInput, description: 'Largest market cap first when not given.' }),
      first: t.arg.int({ defaultValue: firstDefault, description: `How many, 1 to ${firstMax}.` }),
      throttleMs: t.arg.int({
        defaultValue: throttleDefault,
        description: `The list is looked at at most once in so many milliseconds, ${throttleMin} to ${throttleMax}.`,
      }),
    },
    subscribe: (_root, { filter, orderBy, first, throttleMs }, ctx) =>
      follow(
        ctx,
        { filter: readFilter(filter), order: readOrder(orderBy), first: first ?? firstDefault },
        throttleMs ?? throttleDefault,
      ),
    resolve: (event) => event,
  }),
);
