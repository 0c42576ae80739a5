import assert from 'node:assert/strict';
import { request as sendRaw } from 'node:http';
import { after, test } from 'node:test';
import type { Authenticate, Viewer } from '../../src/lib/viewer.ts';
import { AppError } from '../../src/lib/errors.ts';
import { startTestServer } from '../support/server.ts';
import { tinySchema } from '../support/tiny-schema.ts';

// The short way of usual requests gives what Yoga's way gives: the same requests through both.

const authenticate: Authenticate = async (credential) => {
  if (credential === null) return null;
  if (credential.text !== 'good') throw new AppError('UNAUTHENTICATED', 'The token is not valid.');
  return { accountId: 1, plan: 'FREE', via: 'KEY' };
};

const hooks = { after: (fn: () => unknown) => after(fn) };
const options = {
  schema: tinySchema,
  context: ({ signal, requestId, viewer }: { signal: AbortSignal; requestId: string; viewer: Viewer | null }) => ({
    signal,
    requestId,
    viewer,
  }),
  config: { host: '127.0.0.1', port: 0, corsOrigins: ['https://app.example'] },
};
const access = { authenticate, publicOrigin: null };
const open = await startTestServer(hooks, { ...options, access });
const closed = await startTestServer(hooks, { ...options, access: { ...access, isSignedInOnly: true } });

interface Reply {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** Sends a body as it is; `path` with a query string goes Yoga's way. */
function send(base: string, path: string, body: string | Buffer, headers: Record<string, string>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body);
    const request = sendRaw(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': length, 'x-request-id': 'same', ...headers },
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { date: _date, 'keep-alive': _keepAlive, connection: _connection, ...others } = response.headers;
        resolve({ status: response.statusCode ?? 0, headers: others, body: Buffer.concat(chunks).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const json = (value: unknown): string => JSON.stringify(value);
const counted = 'query Q($n: Int!) { count(to: $n) }';

const requests: [string, string | Buffer, Record<string, string>?][] = [
  ['a query', json({ query: '{ hello }' })],
  [
    'a query for a client that names the GraphQL type',
    json({ query: '{ hello }' }),
    { accept: 'application/graphql-response+json' },
  ],
  ['a query for a client that takes anything', json({ query: '{ hello }' }), { accept: '*/*' }],
  ['a query for a client that would rather have events', json({ query: '{ hello }' }), { accept: 'text/event-stream' }],
  ['a query for a client that takes nothing of ours', json({ query: '{ hello }' }), { accept: 'image/png' }],
  ['a query with variables', json({ query: counted, variables: { n: 3 }, operationName: 'Q' })],
  ['a mutation', json({ query: 'mutation { touch }' })],
  ['a mutation of another origin', json({ query: 'mutation { touch }' }), { origin: 'https://elsewhere.example' }],
  ['a query of an allowed origin', json({ query: '{ hello }' }), { origin: 'https://app.example' }],
  ['a field that fails', json({ query: '{ refused hello }' })],
  ['a syntax error', json({ query: '{ hello' })],
  ['an unknown field', json({ query: '{ nope }' }), { accept: 'application/graphql-response+json' }],
  ['an unknown field for an old client', json({ query: '{ nope }' }), { accept: 'application/json' }],
  ['an unknown operation', json({ query: 'query A { hello }', operationName: 'B' })],
  ['several operations, one picked', json({ query: 'query A { hello } query B { again: hello }', operationName: 'B' })],
  ['a wrong variable', json({ query: counted, variables: { n: 'x' } })],
  ['too many tokens', json({ query: `{ ${'hello '.repeat(2_001)} }` })],
  ['an absurd page', json({ query: '{ tokens(first: 101) { nodes { slug } } }' })],
  ['too high a cost', json({ query: '{ tokens(first: 100) { nodes { signals(first: 100) { nodes { id } } } } }' })],
  ['an empty query', json({ query: '' })],
  ['no body', ''],
  ['half a body', '{"query":"{ hello'],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['an array', json([{ query: '{ hello }' }])],
  ['wrong variables', json({ query: '{ hello }', variables: 'x' })],
  ['a content type that is not JSON', json({ query: '{ hello }' }), { 'content-type': 'text/plain' }],
  ['another charset', json({ query: '{ hello }' }), { 'content-type': 'application/json; charset=latin1' }],
  ['a good key', json({ query: '{ hello }' }), { 'x-api-key': 'good' }],
  ['a bad key', json({ query: '{ hello }' }), { authorization: 'Bearer bad' }],
  ['a bad key and an unknown field', json({ query: '{ nope }' }), { authorization: 'Bearer bad' }],
  [
    'a subscription without an event stream',
    json({ query: 'subscription { tick { value } }' }),
    { accept: 'application/json' },
  ],
  [
    'a subscription for a client that takes anything',
    json({ query: 'subscription { tick(to: 2) { value } }' }),
    { accept: '*/*' },
  ],
];

for (const [name, server] of [
  ['open', open],
  ['signed-in only', closed],
] as const)
  for (const [what, body, headers = {}] of requests)
    test(`${what} has one outcome on both ways (${name})`, async () => {
      const short = await send(server.url, '/graphql', body, headers);
      const long = await send(server.url, '/graphql?way=long', body, headers);
      assert.deepEqual(short, long);
    });

test('a body of more than a megabyte is refused on both ways', async () => {
  const body = json({ query: `{ hello } #${'x'.repeat(1_048_576)}` });
  const short = await send(open.url, '/graphql', body, {});
  assert.equal(short.status, 413);
  assert.deepEqual(short, await send(open.url, '/graphql?way=long', body, {}));
});

test('a client that leaves before its body is sent leaves nothing behind', async () => {
  const request = sendRaw(`${open.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': 100 },
  });
  request.on('error', () => {});
  request.write('{"query"');
  await new Promise((resolve) => setTimeout(resolve, 50));
  request.destroy();
  assert.equal((await send(open.url, '/graphql', json({ query: '{ hello }' }), {})).status, 200);
  assert.deepEqual(
    open.logged.filter(({ err }) => /abort|close/i.test(String(err))),
    [],
  );
});
