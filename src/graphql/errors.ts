import { type ExecutionResult, GraphQLError } from 'graphql';
import { AppError, type ErrorCode, errorCodes } from '../lib/errors.ts';

/**
 * What a client may see of a failure. Always on, whatever NODE_ENV says: an {@link AppError} and a GraphQLError with a
 * code are public, everything else is a bug, answered with the request id only and logged with all there is. Every
 * error that leaves has `extensions.code`, none has an `originalError`. Presenting twice changes nothing.
 */

/** The part of a logger used here; pino's fits. */
export interface ErrorLog {
  error(facts: object, message: string): void;
}

/** The request an error belongs to. */
export interface ErrorScope {
  readonly requestId: string;
  readonly log: ErrorLog;
}

const presented = new WeakSet<GraphQLError>();
/** Refusals echo input; no message may carry a megabyte back. */
const messageLengthMax = 500;

/** Gives a GraphQLError of graphql-js the code that says at which step it arose; one that has a code keeps it. */
export function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  if (typeof error.extensions['code'] === 'string') return error;
  return new GraphQLError(error.message, {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions: { ...error.extensions, code },
  });
}

/** The public form of anything thrown. */
export function presentError(error: unknown, scope: ErrorScope): GraphQLError {
  if (error instanceof GraphQLError && presented.has(error)) return error;
  const located = error instanceof GraphQLError ? error : null;
  const { message, extensions } = publicFacts(error) ?? mask(error, scope);
  const result = new GraphQLError(shorten(message), {
    nodes: located?.nodes ?? null,
    source: located?.source ?? null,
    positions: located?.positions ?? null,
    path: located?.path ?? null,
    extensions,
  });
  presented.add(result);
  return result;
}

/** A result with its errors in public form; the same object when there are none. */
export function presentResult(result: ExecutionResult, scope: ErrorScope): ExecutionResult {
  if (!result.errors?.length) return result;
  return { ...result, errors: result.errors.map((error) => presentError(error, scope)) };
}

/** The code of a presented error; a code of somebody else's plugin counts as BAD_REQUEST. */
export function codeOf(error: GraphQLError): ErrorCode {
  const code = error.extensions['code'];
  if (typeof code !== 'string') return 'INTERNAL_SERVER_ERROR';
  return code in errorCodes ? (code as ErrorCode) : 'BAD_REQUEST';
}

interface PublicFacts {
  readonly message: string;
  readonly extensions: Record<string, unknown>;
}

/** GraphQLErrors wrap what a resolver threw, sometimes more than once. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError) root = root.originalError;
  return root;
}

function publicFacts(error: unknown): PublicFacts | null {
  const root = rootOf(error);
  if (root instanceof AppError)
    return { message: root.message, extensions: { ...root.extensions, ...placeOf(root, error), code: root.code } };
  if (!(error instanceof GraphQLError) || typeof error.extensions['code'] !== 'string') return null;
  const { http: _http, unexpected: _unexpected, originalError: _original, ...extensions } = error.extensions;
  return { message: error.message, extensions };
}

/** A resolver knows its argument, the error around what it threw knows the way there. */
function placeOf({ extensions: { field } }: AppError, error: unknown): { field?: string } {
  if (typeof field !== 'string' || !field.startsWith('(') || !(error instanceof GraphQLError)) return {};
  const names = (error.path ?? []).filter((step) => typeof step === 'string');
  return { field: `${names.join('.')}${field}` };
}

function mask(error: unknown, { requestId, log }: ErrorScope): PublicFacts {
  log.error({ err: rootOf(error), requestId, path: error instanceof GraphQLError ? error.path : undefined }, 'masked');
  return {
    message: `Internal error; quote the request id ${requestId} when you report it.`,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  };
}

function shorten(message: string): string {
  return message.length > messageLengthMax ? `${message.slice(0, messageLengthMax)}…` : message;
}
