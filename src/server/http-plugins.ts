import { randomUUID } from 'node:crypto';
import { OperationTypeNode } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { ErrorLog } from '../graphql/errors.ts';
import { createOperationAbort, type OperationScope, type Pipeline } from '../graphql/pipeline.ts';
import { AppError } from '../lib/errors.ts';
import { chooseMediaType } from './accept.ts';
import { corsHeaders } from './cors.ts';
import { assertReadable, readParams } from './request.ts';
import { createResponse, type Result } from './response.ts';
import type { EventStreams } from './sse.ts';

/** What reading and writing HTTP needs. */
export interface HttpDeps {
  readonly streams: EventStreams;
  readonly log: ErrorLog;
  readonly corsOrigins: readonly string[];
}

interface Exchange {
  readonly operation: OperationScope;
  /** What the door has read of the body. */
  readonly params?: GraphQLParams;
}

/** The id a client gave its request, when it can be logged as it is; else a new one. */
export function requestIdOf(given: string | null | undefined): string {
  return given && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Reads requests and writes responses by our rules in place of Yoga's. */
export function useHttp({ streams, log, corsOrigins }: HttpDeps): Plugin<object, Exchange> {
  return {
    onRequest(hook) {
      const { request, serverContext, fetchAPI } = hook;
      const requestId = requestIdOf(request.headers.get('x-request-id'));
      Object.assign(serverContext, {
        operation: { requestId, abort: createOperationAbort(), headers: {} } satisfies OperationScope,
      });
      if (request.method === 'OPTIONS') hook.endResponse(new fetchAPI.Response(null, { status: 204 }));
    },
    onRequestParse(hook) {
      const { request } = hook;
      assertReadable(request);
      if (!acceptedFor(request, false) && !acceptedFor(request, true)) throw notAcceptable();
      const { params } = hook.serverContext as Exchange;
      hook.setRequestParser(params ? () => params : readParams);
    },
    onResultProcess(hook) {
      const { request } = hook;
      const { operation } = hook.serverContext;
      hook.setResultProcessor((result, fetchAPI) => {
        const accepted = acceptedFor(request, false) ?? acceptedFor(request, true);
        return createResponse(result as Result, { streams, log, operation, accepted, ResponseOf: fetchAPI.Response });
      }, '');
    },
    onResponse({ request, response, serverContext }) {
      const isPreflight = request.method === 'OPTIONS';
      const headers = corsHeaders((name) => request.headers.get(name), corsOrigins, isPreflight);
      for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
      response.headers.set('x-request-id', serverContext.operation.requestId);
      for (const [name, value] of Object.entries(serverContext.operation.headers ?? {}))
        response.headers.set(name, value);
    },
  };
}

function acceptedFor(request: Request, isSubscription: boolean) {
  return chooseMediaType(request.headers.get('accept'), isSubscription);
}

/** Refuses a client that takes nothing of what there is. */
export function notAcceptable(
  what = 'application/json, application/graphql-response+json or text/event-stream',
): AppError {
  return new AppError('NOT_ACCEPTABLE', `The Accept header must allow ${what}.`);
}

/**
 * What HTTP forbids an operation that is otherwise fine: a mutation by GET, a subscription without an event stream. Also
 * picks the operation, on every transport, so that a wrong name is refused before anything is built for it.
 */
export function useHttpRules(pipeline: Pipeline): Plugin<Exchange> {
  return {
    onParse() {
      return ({ context }) => {
        const { request, operation, params } = context;
        if (!operation.prepared) return;
        const { operation: kind } = pipeline.pick(operation.prepared, params.operationName);
        if (!request) return;
        if (kind === OperationTypeNode.MUTATION && request.method === 'GET')
          throw new AppError('METHOD_NOT_ALLOWED', 'A mutation must be sent by POST.', {
            extensions: { allow: 'POST' },
          });
        if (kind === OperationTypeNode.SUBSCRIPTION && !acceptedFor(request, true))
          throw notAcceptable('text/event-stream');
      };
    },
  };
}
