import type { ExecutionResult } from 'graphql';
import { codeOf, type ErrorLog, type ErrorScope, presentResult } from '../graphql/errors.ts';
import { type OperationScope, withCost } from '../graphql/pipeline.ts';
import { errorCodes } from '../lib/errors.ts';
import { type AcceptedType, mediaTypes } from './accept.ts';
import type { EventStreams } from './sse.ts';

/** Codes of requests that were well-formed but could not be executed: 200 for clients that name application/json. */
const graphqlCodes = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);

/**
 * HTTP status of a result. Data makes 200, unless a dependency is down: then load balancers and clients must see 503. A
 * request that failed as a whole has the highest status among its codes. GraphQL over HTTP wants 200 for errors of the
 * document when the client named application/json, whose status an old client takes for the transport's.
 */
export function statusOf(result: ExecutionResult, accepted: AcceptedType | null): number {
  const codes = (result.errors ?? []).map(codeOf);
  if (codes.includes('SERVICE_UNAVAILABLE')) return errorCodes.SERVICE_UNAVAILABLE;
  if (result.data != null || codes.length === 0) return 200;
  const isLegacy = accepted?.isNamed === true && accepted.type === mediaTypes.json;
  if (isLegacy && codes.every((code) => graphqlCodes.has(code))) return 200;
  return Math.max(...codes.map((code) => errorCodes[code]));
}

/** What Yoga hands over to be written. */
export type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

/** What makes a response. */
export interface ResponseDeps {
  readonly streams: EventStreams;
  readonly log: ErrorLog;
  readonly operation: OperationScope;
  /** The media type to answer in; null when the client takes none, which is answered as JSON. */
  readonly accepted: AcceptedType | null;
  readonly ResponseOf: typeof Response;
}

/** Headers of an event stream; the last one keeps proxies from collecting events. */
const eventHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** The response of a result. An operation that could not start is answered as JSON, also to who asked for events. */
export function createResponse(result: Result, deps: ResponseDeps): Response {
  const { accepted, operation, log } = deps;
  const scope = { requestId: operation.requestId, log };
  if (Symbol.asyncIterator in result) return createStream(result, scope, deps);
  const presented = withCost(presentResult(result, scope), operation);
  const { status, headers, body } = answerOf(presented, accepted);
  if (accepted?.type === mediaTypes.events && status === 200) return createStream(presented, scope, deps);
  return new deps.ResponseOf(body, { status, headers });
}

/** An answer in JSON, ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The answer that a presented result is. */
export function answerOf(presented: ExecutionResult, accepted: AcceptedType | null): Answer {
  return {
    status: statusOf(presented, accepted),
    headers: { ...typeOf(accepted), ...headersOf(presented) },
    body: JSON.stringify(presented),
  };
}

/** The header that tells the type of an answer in JSON. */
export function typeOf(accepted: AcceptedType | null): { readonly 'content-type': string } {
  const type = accepted?.type === mediaTypes.graphql ? mediaTypes.graphql : mediaTypes.json;
  return { 'content-type': `${type}; charset=utf-8` };
}

function createStream(result: Result, scope: ErrorScope, { streams, operation, ResponseOf }: ResponseDeps): Response {
  return new ResponseOf(streams.open(result, operation.subscription ?? null, scope) as unknown as BodyInit, {
    status: 200,
    headers: eventHeaders,
  });
}

function headersOf({ errors }: ExecutionResult): Record<string, string> {
  const error = errors?.find((given) => codeOf(given) === 'METHOD_NOT_ALLOWED');
  if (!error) return {};
  const { allow } = error.extensions;
  return { allow: typeof allow === 'string' ? allow : 'GET, POST' };
}
