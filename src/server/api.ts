import type { GraphQLSchema } from 'graphql';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import type { ErrorLog } from '../graphql/errors.ts';
import { defaultLimits, type Limits } from '../graphql/limits.ts';
import { createPipeline, type OperationScope, type Pipeline } from '../graphql/pipeline.ts';
import { useSignedInOnly } from '../graphql/plugins/anonymous.ts';
import { type OperationContext, useOperationPipeline } from '../graphql/plugins/operation.ts';
import type { Clock } from '../lib/clock.ts';
import type { Authenticate, Viewer } from '../lib/viewer.ts';
import { type Carrier, type Check, createCheck, isStill, sessionCookieOf } from './credential.ts';
import { useHttp, useHttpRules } from './http-plugins.ts';
import { useRecheck } from './recheck.ts';
import { createDoor, type Door } from './door.ts';
import { createEventStreams, type EventStreams } from './sse.ts';

/**
 * The API without a port: Yoga reads and writes by our rules, the pipeline decides. A request that cannot be read is
 * answered with a code and a status of its own before anything runs; a foreign origin gets no CORS header; an answer
 * nobody wants to read (406) is never computed.
 */
export interface Api {
  readonly yoga: YogaServerInstance<OperationContext, object>;
  readonly pipeline: Pipeline;
  /** The short way of usual requests, past Yoga. */
  readonly door: Door;
  readonly streams: EventStreams;
  /** Says who a request or a socket is from; asked again later, whether that still holds. */
  check(carrier: Carrier): Check;
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
  /** Sets the session's cookie with the answer, for so long in ms; absent over WebSocket, whose answers have no headers. */
  readonly setSessionCookie?: (token: string, lifeMs: number) => void;
}

/** Makes the context of one operation of somebody (null: anonymous); may throw an AppError to refuse it. */
export type CreateContext = (seed: OperationSeed & { readonly viewer: Viewer | null }) => object | Promise<object>;

/** How an API knows who asks. */
export interface ApiAccess {
  readonly authenticate: Authenticate;
  /** Origin of our own pages, such as https://api.example: the cookie counts for them only. */
  readonly publicOrigin: string | null;
  /** Whether anonymous requests may only sign in. */
  readonly isSignedInOnly?: boolean;
}

/** What an API is made of. */
export interface ApiDeps {
  readonly schema: GraphQLSchema;
  readonly context: CreateContext;
  readonly clock: Clock;
  readonly log: ErrorLog;
  readonly corsOrigins: readonly string[];
  /** Absent: everybody is anonymous. */
  readonly access?: ApiAccess;
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
    plugins: [
      useHttp({ ...deps, streams }),
      useOperationPipeline(pipeline),
      useRecheck(deps.clock),
      ...(deps.access?.isSignedInOnly ? [useSignedInOnly()] : []),
      useHttpRules(pipeline),
    ],
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
  return {
    yoga,
    pipeline,
    door: createDoor(deps, pipeline),
    streams,
    check: (carrier) => createCheck(deps.access, carrier),
  };
}

async function createContext(deps: ApiDeps, initial: { request: Request } & OperationContext): Promise<object> {
  const { seed: given, operation, request } = initial as { request: Request } & ServerContext;
  const header = (name: string): string | null => request.headers.get(name);
  const seed = given ?? seedOf(operation, header, deps.access?.publicOrigin ?? null);
  const check = createCheck(deps.access, seed);
  const viewer = await check();
  if (viewer !== null) operation.isStillAllowed = () => isStill(viewer, check);
  const lastEventId = given ? null : header('last-event-id'); // a reconnecting EventSource sends it by itself
  return { ...(await deps.context({ ...seed, viewer })), lastEventId };
}

/** What the context of an operation over HTTP is made from. */
export function seedOf(
  operation: OperationScope,
  header: OperationSeed['header'],
  publicOrigin: string | null,
): OperationSeed {
  return {
    requestId: operation.requestId,
    signal: operation.abort.signal,
    transport: 'HTTP',
    header,
    connectionParams: {},
    setSessionCookie: (token, lifeMs) => {
      Object.assign(operation.headers ?? {}, { 'set-cookie': sessionCookieOf(token, lifeMs, publicOrigin) });
    },
  };
}
