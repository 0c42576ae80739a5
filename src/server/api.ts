import type { GraphQLSchema } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { ErrorLog } from '../graphql/errors.ts';
import { defaultLimits, type Limits } from '../graphql/limits.ts';
import { createPipeline, type Pipeline } from '../graphql/pipeline.ts';
import { type OperationContext, useOperationPipeline } from '../graphql/plugins/operation.ts';
import type { Clock } from '../lib/clock.ts';
import { useHttp, useHttpRules } from './http-plugins.ts';
import { createEventStreams, type EventStreams } from './sse.ts';

/**
 * The API without a port: Yoga reads and writes by our rules, the pipeline decides. A request that cannot be read is
 * answered with a code and a status of its own before anything runs; a foreign origin gets no CORS header; an answer
 * nobody wants to read (406) is never computed.
 */
export interface Api {
  readonly yoga: YogaServerInstance<OperationContext, object>;
  readonly pipeline: Pipeline;
  readonly streams: EventStreams;
}

/** What the context of an operation is made from. */
export interface OperationSeed {
  readonly requestId: string;
  /** Aborted when the client leaves or completes, when the query times out, when the server stops. */
  readonly signal: AbortSignal;
  readonly transport: 'HTTP' | 'WEBSOCKET';
  /** Headers of the request or of the socket's upgrade, by lower-case name. */
  readonly header: (name: string) => string | null;
  /** Payload of `connection_init`; empty over HTTP. */
  readonly connectionParams: Readonly<Record<string, unknown>>;
}

/** Makes the context of one operation; may throw an AppError to refuse it. */
export type CreateContext = (seed: OperationSeed) => object | Promise<object>;

/** What an API is made of. */
export interface ApiDeps {
  readonly schema: GraphQLSchema;
  readonly context: CreateContext;
  readonly clock: Clock;
  readonly log: ErrorLog;
  readonly corsOrigins: readonly string[];
  /** The promised figures, unless a test shrinks them. */
  readonly limits?: Limits;
}

/** What a transport gives to Yoga: the operation's scope, and what its context is made from. */
export interface ServerContext extends OperationContext {
  readonly seed?: OperationSeed;
}

/** Makes the API of a schema. */
export function createApi(deps: ApiDeps): Api {
  const pipeline = createPipeline({ ...deps, limits: deps.limits ?? defaultLimits });
  const streams = createEventStreams(deps.clock);
  const yoga = createYoga<OperationContext, object>({
    schema: deps.schema,
    context: (initial) => createContext(deps, initial),
    plugins: [useHttp({ ...deps, streams }), useOperationPipeline(pipeline), useHttpRules(pipeline)],
    maskedErrors: false, // our own masking is always on: errors.ts
    logging: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    parserAndValidationCache: false,
    maxRequestBodySize: false,
    disposeOnProcessTerminate: false,
  });
  return { yoga, pipeline, streams };
}

async function createContext({ context }: ApiDeps, initial: { request: Request } & OperationContext): Promise<object> {
  const { seed } = initial as ServerContext;
  if (seed) return context(seed);
  const lastEventId = initial.request.headers.get('last-event-id'); // a reconnecting EventSource sends it by itself
  return { ...(await context(seedOf(initial))), lastEventId };
}

function seedOf({ request, operation }: { request: Request } & OperationContext): OperationSeed {
  return {
    requestId: operation.requestId,
    signal: operation.abort.signal,
    transport: 'HTTP',
    header: (name) => request.headers.get(name),
    connectionParams: {},
  };
}
