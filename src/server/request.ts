import type { GraphQLParams } from 'graphql-yoga';
import { AppError } from '../lib/errors.ts';

/**
 * Reading a GraphQL request: JSON by POST, the query string by GET, nothing else. Forms are refused because a browser
 * sends them across origins without asking. Top-level keys that GraphQL over HTTP does not know are ignored.
 */

/** Largest request body, in bytes. */
export const bodyBytesMax = 1_048_576;

/** Checks method and content type before a body is read. Throws METHOD_NOT_ALLOWED or UNSUPPORTED_MEDIA_TYPE. */
export function assertReadable(request: Request): void {
  if (request.method === 'GET') return;
  if (request.method !== 'POST')
    throw new AppError('METHOD_NOT_ALLOWED', `${request.method} is not understood here; use POST or GET.`);
  const given = request.headers.get('content-type') ?? '';
  if (isJsonType(given)) return;
  const shown = given === '' ? 'no content type' : `"${given.slice(0, 100)}"`;
  throw new AppError('UNSUPPORTED_MEDIA_TYPE', `Send the request as application/json in UTF-8; got ${shown}.`);
}

/** Whether a content type is JSON as we read it: in UTF-8. */
export function isJsonType(contentType: string): boolean {
  const [type = '', ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const isUtf8 = parameters.every((part) => !part.startsWith('charset=') || /^charset="?utf-8"?$/.test(part));
  return type === 'application/json' && isUtf8;
}

/** The operation a request asks for. Throws BAD_REQUEST or PAYLOAD_TOO_LARGE. */
export async function readParams(request: Request): Promise<GraphQLParams> {
  return toParams(request.method === 'GET' ? readQueryString(request.url) : await readBody(request));
}

function readQueryString(url: string): Record<string, unknown> {
  const start = url.indexOf('?');
  const search = new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
  return {
    query: search.get('query') ?? undefined,
    operationName: search.get('operationName') || undefined,
    variables: parseJson(search.get('variables'), 'The query parameter `variables`'),
    extensions: parseJson(search.get('extensions'), 'The query parameter `extensions`'),
  };
}

function parseJson(text: string | null, what: string): unknown {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('BAD_REQUEST', `${what} is not valid JSON.`);
  }
}

async function readBody(request: Request): Promise<unknown> {
  const announced = Number(request.headers.get('content-length') ?? 0);
  if (announced > bodyBytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (request.body)
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array | string>) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.byteLength;
      if (length > bodyBytesMax) throw tooLarge();
      chunks.push(bytes);
    }
  return parseBody(Buffer.concat(chunks));
}

/** What a body says. Throws BAD_REQUEST where it is empty or not JSON in UTF-8. */
export function parseBody(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0)
    throw new AppError('BAD_REQUEST', 'The request has no body; send a JSON object with a `query`.');
  return parseJson(decode(bytes), 'The request body');
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new AppError('BAD_REQUEST', 'The request body is not valid UTF-8.');
  }
}

function tooLarge(): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', `The request body is larger than ${bodyBytesMax} bytes.`, {
    extensions: { limit: bodyBytesMax },
  });
}

/** Checks the four keys of a request, as it comes over HTTP or in a `subscribe` message; others are ignored. */
export function toParams(value: unknown): GraphQLParams {
  if (Array.isArray(value)) throw new AppError('BAD_REQUEST', 'Batches are refused; send one operation a request.');
  if (!isObject(value)) throw new AppError('BAD_REQUEST', 'The request must be a JSON object with a `query`.');
  const { query, operationName, variables, extensions } = value;
  if (typeof query !== 'string' || query === '')
    throw new AppError('BAD_REQUEST', 'The request needs `query`: the text of a GraphQL document.');
  if (operationName != null && typeof operationName !== 'string')
    throw new AppError('BAD_REQUEST', '`operationName` must be text.');
  if (variables != null && !isObject(variables)) throw new AppError('BAD_REQUEST', '`variables` must be an object.');
  if (extensions != null && !isObject(extensions)) throw new AppError('BAD_REQUEST', '`extensions` must be an object.');
  return {
    query,
    ...(operationName ? { operationName } : {}),
    ...(variables ? { variables } : {}),
    ...(extensions ? { extensions } : {}),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
