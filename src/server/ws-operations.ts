import type { ExecutionArgs, GraphQLError } from 'graphql';
import type { Context, OperationResult, ServerOptions, SubscribePayload } from 'graphql-ws';
import { codeOf, type ErrorLog, presentError } from '../graphql/errors.ts';
import { createOperationAbort, type OperationScope } from '../graphql/pipeline.ts';
import type { Port } from '../graphql/stream-outbox.ts';
import { AppError } from '../lib/errors.ts';
import { limitExceeded } from '../lib/limits.ts';
import type { Api } from './api.ts';
import { isStill } from './credential.ts';
import { toParams } from './request.ts';
import type { OperationSeed } from './operation-context.ts';
import type { SocketLimits } from './ws-limits.ts';

/** What is kept beside an open socket. */
export interface SocketFacts {
  readonly socketId: string;
  readonly header: (name: string) => string | null;
  /** Whether who opened the socket still is who they were; null until they said who they are, and for anonymous ones. */
  isStillAllowed: (() => Promise<boolean>) | null;
  readonly close: (code: number, reason: string) => void;
  /** Where the events of an operation go out. */
  readonly portOf: (operationId: string) => Port;
  /** Errors of operations that were refused after `subscribe`, to be sent as `error`, by operation id. */
  readonly refusals: Map<string, readonly GraphQLError[]>;
}

type Params = Record<string, unknown>;
type SocketContext = Context<Params, SocketFacts>;

interface Enveloped {
  execute(args: ExecutionArgs): OperationResult;
  subscribe(args: ExecutionArgs): OperationResult;
}
/** Arguments that carry the functions of their own operation. */
type SocketArgs = ExecutionArgs & { readonly enveloped: Enveloped; readonly operation: OperationScope };

/**
 * How graphql-ws runs an operation: through Yoga's envelop, that is through the same plugins as HTTP. Each operation has
 * a context of its own. What fails before execution is an `error` message; graphql-ws itself would close the socket on a
 * syntax error. Events of a subscription do not pass through graphql-ws, which only sees it end: `ws-port.ts`.
 */
export function createOperations(
  { api, log }: { api: Api; log: ErrorLog },
  limits: SocketLimits,
): ServerOptions<Params, SocketFacts> {
  return {
    connectionInitWaitTimeout: limits.initWaitMs,
    onConnect: (ctx) => admit(api, ctx),
    async onSubscribe(ctx, id, payload) {
      const requestId = requestIdOf(ctx, id);
      try {
        assertRoom(ctx, limits);
        const prepared = await prepare(api, ctx, { requestId, abort: createOperationAbort() }, payload);
        return 'schema' in prepared ? prepared : prepared.map((error) => presentError(error, { requestId, log }));
      } catch (error) {
        return [presentError(error, { requestId, log })];
      }
    },
    execute: (args) => (args as SocketArgs).enveloped.execute(args),
    subscribe: (args) => (args as SocketArgs).enveloped.subscribe(args),
    async onOperation(ctx, id, _payload, args, pending) {
      const result = await pending;
      if (id in ctx.subscriptions) (args as SocketArgs).operation.subscription?.attach(ctx.extra.portOf(id));
      if (Symbol.asyncIterator in result || 'data' in result || !result.errors?.length) return undefined;
      ctx.extra.refusals.set(id, result.errors);
      return refusal(result.errors[0] as GraphQLError);
    },
    onError(ctx, id, _payload, errors) {
      const scope = { requestId: requestIdOf(ctx, id), log };
      const all = (ctx.extra.refusals.get(id) ?? errors).map((error) => presentError(error, scope));
      ctx.extra.refusals.delete(id);
      if (all.some((error) => codeOf(error) === 'SLOW_CONSUMER'))
        setImmediate(() => ctx.extra.close(1013, 'The client reads too slowly; connect again and resume.'));
      return all.map((error) => error.toJSON());
    },
  };
}

/** Says no (4403) to a socket whose key or token is not valid. */
async function admit(api: Api, { extra, connectionParams }: SocketContext): Promise<boolean> {
  try {
    const check = api.check({ header: extra.header, connectionParams: connectionParams ?? {} });
    const viewer = await check();
    if (viewer !== null) extra.isStillAllowed = () => isStill(viewer, check);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return false;
    throw error;
  }
}

function requestIdOf(ctx: SocketContext, operationId: string): string {
  return `${ctx.extra.socketId}.${operationId.replaceAll(/[^\w-]/g, '').slice(0, 64)}`;
}

function assertRoom({ subscriptions }: SocketContext, { operations }: SocketLimits): void {
  const value = Object.keys(subscriptions).length; // the new one is already among them
  if (value <= operations) return;
  const sentence = `The socket already carries ${operations} operations; complete one, or open another socket.`;
  throw limitExceeded({ name: 'operations', limit: operations, value, field: '', sentence });
}

async function prepare(
  { yoga, pipeline }: Api,
  ctx: SocketContext,
  operation: OperationScope,
  payload: SubscribePayload,
): Promise<SocketArgs | readonly GraphQLError[]> {
  const params = toParams(payload);
  const seed: OperationSeed = {
    requestId: operation.requestId,
    signal: operation.abort.signal,
    transport: 'WEBSOCKET',
    header: ctx.extra.header,
    connectionParams: ctx.connectionParams ?? {},
  };
  const enveloped = yoga.getEnveloped({ operation, seed, params });
  const document = enveloped.parse(params.query ?? '');
  const errors = enveloped.validate(pipeline.schema, document);
  if (errors.length > 0) return errors;
  const contextValue = await enveloped.contextFactory();
  return {
    schema: pipeline.schema,
    document,
    contextValue,
    variableValues: params.variables,
    operationName: params.operationName,
    enveloped,
    operation,
  };
}

/** A stream that fails at once: the way to have graphql-ws send `error` after `subscribe` was taken. */
function refusal(error: GraphQLError): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
