import { GraphQLInt, GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { latestByKey, sharedAs, type SharedStream } from '../../src/lib/shared-stream.ts';
import { stoppable, whenAborted } from '../../src/lib/stoppable.ts';
import { defineLoader } from '../../src/lib/loader.ts';
import { createQueue } from '../../src/lib/queue.ts';

/** A schema whose subscriptions are shared: `prices` is a live view, `facts` a durable log, `list` a view without keys. */

/** An event of any of the streams; `key` is what a price is the price of. */
export interface SharedEvent {
  readonly cursor: number;
  readonly key: string;
  readonly value: number;
}

/** What a test writes to, and sees of. */
export interface SharedLog {
  readonly events: SharedEvent[];
  append(key: string, value: number): SharedEvent;
  /** Streams that are open. */
  readonly open: () => number;
  /** How often a field of an event was resolved. */
  readonly resolved: () => number;
  /** Awaited before a field of an event is resolved, and before a page is read. */
  gate: () => Promise<void>;
  stream(kind: 'PRICES' | 'FACTS' | 'LIST', after: number | null): SharedStream<SharedEvent>;
  resolve(event: SharedEvent): Promise<number>;
}

/** A log in memory. */
export function createSharedLog(): SharedLog {
  const events: SharedEvent[] = [];
  const queues = new Set<ReturnType<typeof createQueue<SharedEvent>>>();
  let resolvedCount = 0;
  const log: SharedLog = {
    events,
    append(key, value) {
      const event = { cursor: events.length + 1, key, value };
      events.push(event);
      for (const queue of queues) queue.push(event);
      return event;
    },
    open: () => queues.size,
    resolved: () => resolvedCount,
    gate: () => Promise.resolve(),
    stream(kind, after) {
      const queue = createQueue<SharedEvent>(100_000);
      queues.add(queue);
      for (const event of after === null ? [] : events.slice(after)) queue.push(event);
      const stream = stoppable(null, (signal) => {
        whenAborted(signal, () => {
          queues.delete(queue);
          queue.clear();
          queue.end();
        });
        return queue[Symbol.asyncIterator]() as AsyncGenerator<SharedEvent, void, undefined>;
      });
      const keyOf = ({ key }: SharedEvent): string => key;
      if (kind === 'FACTS') return sharedAs(stream, { kind: 'DURABLE', after, position: events.length, replay });
      return sharedAs(stream, {
        kind: 'LIVE',
        createPresent: () => latestByKey(keyOf),
        keyOf: kind === 'PRICES' ? keyOf : null,
      });
    },
    async resolve({ value }) {
      resolvedCount += 1;
      await log.gate();
      return value;
    },
  };
  async function* replay(from: number, until: number): AsyncGenerator<SharedEvent, void, undefined> {
    if (from > events.length) throw new Error('beyond the end');
    for (let at = from; at < until; at += 3) {
      await log.gate();
      yield* events.slice(at, Math.min(until, at + 3));
    }
  }
  return log;
}

interface LogContext {
  readonly log: SharedLog;
}

/** How many events there are, as a loader first saw it. */
const eventCount = defineLoader(async ({ log }: LogContext, keys: readonly number[]) =>
  keys.map(() => log.events.length),
);

const Event = new GraphQLObjectType<SharedEvent, LogContext>({
  name: 'Event',
  fields: {
    cursor: { type: new GraphQLNonNull(GraphQLString), resolve: ({ cursor }) => String(cursor) },
    key: { type: new GraphQLNonNull(GraphQLString) },
    value: { type: GraphQLInt, resolve: (event, _args, { log }) => log.resolve(event) },
    count: { type: GraphQLInt, resolve: (_event, _args, context) => eventCount(context).load(0) },
    text: { type: GraphQLString, resolve: () => 'x'.repeat(100_000) },
  },
});

const field = (kind: 'PRICES' | 'FACTS' | 'LIST') => ({
  type: Event,
  args: { after: { type: GraphQLInt }, name: { type: GraphQLString } },
  subscribe: (_root: unknown, { after }: { after?: number | null }, { log }: LogContext) =>
    log.stream(kind, after ?? null),
  resolve: (event: unknown) => event,
});

/** The schema; its context carries a `log`. */
export const sharedSchema = new GraphQLSchema({
  query: new GraphQLObjectType({ name: 'Query', fields: { hello: { type: GraphQLString, resolve: () => 'hello' } } }),
  subscription: new GraphQLObjectType<unknown, LogContext>({
    name: 'Subscription',
    fields: { prices: field('PRICES'), facts: field('FACTS'), list: field('LIST') },
  }),
});
