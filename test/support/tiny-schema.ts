import {
  GraphQLBoolean,
  GraphQLError,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { AppError } from '../../src/lib/errors.ts';

/** A small schema of the public one's shape, with fields that fail in every way, to test what serves it. */

const Grade = new GraphQLObjectType({ name: 'Grade', fields: { value: { type: GraphQLFloat } } });
const Quote = new GraphQLObjectType({ name: 'Quote', fields: { priceUsd: { type: GraphQLString } } });
const Candle = new GraphQLObjectType({ name: 'Candle', fields: { close: { type: GraphQLString } } });
const Signal = new GraphQLObjectType({ name: 'Signal', fields: { id: { type: GraphQLID } } });

function connection(node: GraphQLObjectType): GraphQLObjectType {
  const edge = new GraphQLObjectType({
    name: `${node.name}Edge`,
    fields: { cursor: { type: GraphQLString }, node: { type: node } },
  });
  const pageInfo = new GraphQLObjectType({
    name: `${node.name}PageInfo`,
    fields: { hasNextPage: { type: GraphQLBoolean } },
  });
  return new GraphQLObjectType({
    name: `${node.name}Connection`,
    fields: {
      nodes: { type: list(node) },
      edges: { type: list(edge) },
      pageInfo: { type: pageInfo },
    },
  });
}

function list(type: GraphQLOutputType) {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}

const page = { first: { type: GraphQLInt }, last: { type: GraphQLInt }, after: { type: GraphQLString } };
const slugs = { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(GraphQLString))) };

const SignalConnection = connection(Signal);
const Token: GraphQLObjectType = new GraphQLObjectType({
  name: 'Token',
  fields: () => ({
    slug: { type: GraphQLString },
    self: { type: Token },
    quote: { type: Quote },
    grade: { type: Grade, args: { kind: { type: GraphQLString } } },
    candles: { type: list(Candle), args: { limit: { type: GraphQLInt } } },
    signals: { type: SignalConnection, args: page },
    factors: { type: list(Grade), resolve: () => [] },
  }),
});

function fails(message: string, make: () => unknown = () => new Error(message)) {
  return { type: GraphQLString, resolve: () => Promise.reject(make()) };
}

/** How a test steers the slow field and the subscriptions. */
export interface TinyContext {
  /** Resolves when the slow field may answer. */
  readonly slow?: Promise<void>;
  /** Called with the operation's signal when a subscription starts. */
  readonly onSubscribe?: (signal: AbortSignal) => void;
  /** Called for each event that is taken from `tick`. */
  readonly onTick?: () => void;
  /** Called when a subscription's generator ends. */
  readonly onEnd?: () => void;
  readonly signal: AbortSignal;
}

const Query = new GraphQLObjectType<unknown, TinyContext>({
  name: 'Query',
  fields: {
    hello: {
      type: GraphQLString,
      args: { name: { type: GraphQLString } },
      resolve: (_, { name }) => `hello ${name ?? 'world'}`,
    },
    count: { type: GraphQLInt, args: { to: { type: new GraphQLNonNull(GraphQLInt) } }, resolve: (_, { to }) => to },
    token: { type: Token, args: { slug: { type: GraphQLString } }, resolve: (_, { slug }) => ({ slug }) },
    tokens: { type: connection(Token), args: page, resolve: () => ({ nodes: [], edges: [], pageInfo: {} }) },
    tokenBatch: {
      type: list(Token),
      args: { slugs },
      resolve: (_, args) => args.slugs.map((slug: string) => ({ slug })),
    },
    slow: {
      type: GraphQLString,
      resolve: (_source, _args, { slow }) => (slow ?? Promise.resolve()).then(() => 'done'),
    },
    bug: fails('secret connection string'),
    required: { type: new GraphQLNonNull(GraphQLString), resolve: () => null },
    wrongType: { type: GraphQLInt, resolve: () => 'secret text' },
    refused: fails(
      '',
      () =>
        new AppError('BAD_CURSOR', 'The cursor is not one of ours.', {
          cause: new Error('secret'),
          extensions: { argument: 'after' },
        }),
    ),
    down: fails('', () => new AppError('SERVICE_UNAVAILABLE', 'The database does not answer.')),
    coded: fails('', () => new GraphQLError('Not this way.', { extensions: { code: 'BAD_USER_INPUT' } })),
    uncoded: fails('', () => new GraphQLError('secret detail')),
  },
});

const Mutation = new GraphQLObjectType<unknown, TinyContext>({
  name: 'Mutation',
  fields: {
    touch: { type: GraphQLString, resolve: () => 'touched' },
    never: { type: GraphQLString, resolve: () => new Promise(() => undefined) },
  },
});

const Tick = new GraphQLObjectType({
  name: 'Tick',
  fields: { cursor: { type: GraphQLString }, value: { type: GraphQLInt }, text: { type: GraphQLString } },
});

async function* countTo(to: number, context: TinyContext): AsyncGenerator<{ tick: object }> {
  context.onSubscribe?.(context.signal);
  try {
    for (let value = 1; value <= to; value += 1) {
      context.onTick?.();
      yield { tick: { value, cursor: `c${value}`, text: 'x'.repeat(100_000) } };
    }
  } finally {
    context.onEnd?.();
  }
}

async function* silent(context: TinyContext): AsyncGenerator<{ tick: object }> {
  context.onSubscribe?.(context.signal);
  await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
  context.onEnd?.();
  yield* [];
}

async function* broken(make: () => Error): AsyncGenerator<object> {
  yield { broken: { value: 1 } };
  throw make();
}

const Subscription = new GraphQLObjectType<unknown, TinyContext>({
  name: 'Subscription',
  fields: {
    tick: {
      type: Tick,
      args: { to: { type: GraphQLInt } },
      subscribe: (_, { to }, context) => countTo(to ?? 3, context),
    },
    silent: { type: Tick, subscribe: (_source, _args, context) => silent(context) },
    broken: { type: Tick, subscribe: () => broken(() => new Error('secret')) },
    late: {
      type: Tick,
      subscribe: () => broken(() => new AppError('SLOW_CONSUMER', 'Too far behind.')),
      resolve: () => ({ value: 1 }),
    },
    refused: {
      type: Tick,
      subscribe: () => Promise.reject(new AppError('BAD_CURSOR', 'The cursor is not one of ours.')),
    },
  },
});

/** The schema. */
export const tinySchema = new GraphQLSchema({ query: Query, mutation: Mutation, subscription: Subscription });
