import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { defaultLimits } from '../graphql/limits.ts';
import { createPipeline, type Pipeline } from '../graphql/pipeline.ts';
import { useSignedInOnly } from '../graphql/plugins/anonymous.ts';
import { type OperationContext, useOperationPipeline } from '../graphql/plugins/operation.ts';
import { type Carrier, type Check, createCheck, isStill } from './credential.ts';
import { useHttp, useHttpRules } from './http-plugins.ts';
import { type ApiDeps, type OperationSeed, seedOf } from './operation-context.ts';
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
