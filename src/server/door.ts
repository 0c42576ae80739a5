import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExecutionResult, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import type { GraphQLParams } from 'graphql-yoga';
import { type ErrorScope, presentError, presentResult } from '../graphql/errors.ts';
import {
  createOperationAbort,
  type OperationScope,
  type Pipeline,
  type Prepared,
  withCost,
} from '../graphql/pipeline.ts';
import { assertSignedIn } from '../graphql/plugins/anonymous.ts';
import { createAnswerMemory } from './answer-memory.ts';
import { type AcceptedType, chooseMediaType, mediaTypes } from './accept.ts';
import { corsHeaders } from './cors.ts';
import { createCheck } from './credential.ts';
import { notAcceptable, requestIdOf } from './http-plugins.ts';
import { type ApiDeps, seedOf } from './operation-context.ts';
import { bodyBytesMax, isJsonType, parseBody, toParams } from './request.ts';
import { type Answer, answerOf, typeOf } from './response.ts';

/**
 * The short way of the usual request: one query or mutation, as JSON by POST, answered as JSON. Yoga's way costs more
 * than most queries themselves: it makes objects of the Fetch standard and runs hooks. Both go through the same pipeline
 * in the same order (parse, pick, validate, who asks, admit, execute) and give the same status, headers and body; a test
 * sends a corpus of requests through both. What is not usual goes on to Yoga: GET, event streams, subscriptions, bodies
 * that are too large or of a length not told, whatever is not understood at first sight.
 */
export interface Door {
  /** Whether a request goes this way; asked before anything of its body is read. */
  takes(request: IncomingMessage): boolean;
  /** Answers a request that it takes, or hands it over where it asks for a subscription. */
  serve(request: IncomingMessage, response: ServerResponse, handOver: HandOver): Promise<void>;
}

/** Goes on with a request whose body was read already. */
export type HandOver = (params: GraphQLParams) => Promise<void>;

type ReadHeader = (name: string) => string | null;

/** One request on its way. */
interface Exchange {
  readonly header: ReadHeader;
  readonly operation: OperationScope;
  readonly errors: ErrorScope;
  readonly accepted: AcceptedType;
}

/** Makes the door of an API. */
export function createDoor(deps: ApiDeps, pipeline: Pipeline): Door {
  const acceptedBy = createAcceptMemo();
  const memory = deps.answers ? createAnswerMemory(deps.answers) : null;
  return {
    takes(request) {
      const { 'content-length': length = '', 'content-type': type = '', accept } = request.headers;
      const isUsual = request.method === 'POST' && request.url === '/graphql' && /^\d{1,7}$/.test(length);
      if (!isUsual || Number(length) > bodyBytesMax || !isJsonType(type)) return false;
      const accepted = acceptedBy(accept);
      return accepted !== null && accepted.type !== mediaTypes.events;
    },
    async serve(request, response, handOver) {
      const sent = await readBody(request);
      const accepted = acceptedBy(request.headers.accept);
      if (sent === null || accepted === null) return; // the client left
      const exchange = openExchange(deps, request, response, accepted);
      const reply = (result: ExecutionResult): Buffer => send(deps, exchange, response, answerTo(exchange, result));
      try {
        const memo = memory?.recall(sent) ?? null;
        if (memo?.isKept) {
          const { viewer } = await seeWho(deps, exchange);
          const body = viewer || !deps.access?.isSignedInOnly ? await memo.read() : null;
          if (body !== null)
            return void send(deps, exchange, response, { status: 200, headers: typeOf(accepted), body });
        }
        const params = toParams(parseBody(sent));
        const prepared = pipeline.prepare(params.query ?? '');
        if (!prepared.document) return void reply({ errors: prepared.errors });
        const operation = pipeline.pick(prepared, params.operationName);
        if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
          if (!chooseMediaType(exchange.header('accept'), true)) throw notAcceptable('text/event-stream');
          return await handOver(params);
        }
        exchange.operation.prepared = prepared;
        const asked = { exchange, prepared, operation, params };
        const isQuery = operation.operation === OperationTypeNode.QUERY;
        if (!memo || !isQuery) return void reply(await answer(deps, pipeline, asked));
        const watch = await memo.begin();
        let body: Buffer | null = null;
        try {
          const result = await answer(deps, pipeline, asked, watch.context);
          const bytes = reply(result);
          if (!result.errors?.length) body = bytes;
        } finally {
          await watch.end(body);
        }
      } catch (error) {
        reply({ errors: [presentError(error, exchange.errors)] });
      }
    },
  };
}

/** Clients send few different Accept headers, and each always. */
function createAcceptMemo(): (header: string | undefined) => AcceptedType | null {
  const known = new Map<string, AcceptedType | null>();
  const knownMax = 1_000;
  return (header = '') => {
    const found = known.get(header);
    if (found !== undefined) return found;
    const accepted = chooseMediaType(header, false);
    if (known.size < knownMax && header.length < 200) known.set(header, accepted);
    return accepted;
  };
}

/** The whole body; null where the client left before it was sent. */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks)));
    request.once('error', () => resolve(null));
    request.once('close', () => resolve(null)); // after `end` this says nothing any more
  });
}

function openExchange(
  { log }: ApiDeps,
  { headers }: IncomingMessage,
  response: ServerResponse,
  accepted: AcceptedType,
): Exchange {
  const header: ReadHeader = (name) => {
    const value = headers[name];
    return (Array.isArray(value) ? value.join(', ') : value) ?? null;
  };
  const requestId = requestIdOf(header('x-request-id'));
  const abort = createOperationAbort();
  response.once('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  return { header, accepted, operation: { requestId, abort, headers: {} }, errors: { requestId, log } };
}

interface Asked {
  readonly exchange: Exchange;
  readonly prepared: Prepared;
  readonly operation: OperationDefinitionNode;
  readonly params: GraphQLParams;
}

/** Who asks, and what the context is made from. Throws UNAUTHENTICATED where what is shown is not valid. */
async function seeWho({ access }: ApiDeps, { operation, header }: Exchange) {
  const seed = seedOf(operation, header, access?.publicOrigin ?? null);
  return { seed, viewer: await createCheck(access, seed)() };
}

async function answer(
  deps: ApiDeps,
  pipeline: Pipeline,
  { exchange, prepared, operation, params }: Asked,
  watch: (context: object) => object = (context) => context,
): Promise<ExecutionResult> {
  if (prepared.errors.length > 0) return { errors: prepared.errors };
  const scope = exchange.operation;
  const { seed, viewer } = await seeWho(deps, exchange);
  if (deps.access?.isSignedInOnly) assertSignedIn(prepared, viewer);
  const context = { ...(await deps.context({ ...seed, viewer })), lastEventId: exchange.header('last-event-id') };
  scope.admission = pipeline.admit(prepared, operation, params.variables);
  if (scope.admission.errors.length > 0 || !prepared.document) return { errors: scope.admission.errors };
  return pipeline.run(
    {
      schema: pipeline.schema,
      document: prepared.document,
      contextValue: watch(context),
      variableValues: params.variables,
      operationName: params.operationName,
    },
    scope,
  );
}

function answerTo({ operation, errors, accepted }: Exchange, result: ExecutionResult): Answer {
  return answerOf(withCost(presentResult(result, errors), operation), accepted);
}

/** Sends an answer and returns the body as it was sent. */
function send(
  { corsOrigins }: ApiDeps,
  { header, operation }: Exchange,
  response: ServerResponse,
  { status, headers, body }: Omit<Answer, 'body'> & { readonly body: string | Buffer },
): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  response
    .writeHead(status, {
      ...headers,
      'content-length': bytes.length,
      ...corsHeaders(header, corsOrigins, false),
      'x-request-id': operation.requestId,
      ...operation.headers,
    })
    .end(bytes);
  return bytes;
}
