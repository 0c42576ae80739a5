import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { startTestServer } from '../support/server.ts';
import { tinySchema } from '../support/tiny-schema.ts';

// One operation over HTTP, SSE and WebSocket: the same answer, the same refusal (T4).

const { url, wsUrl } = await startTestServer({ after: (fn) => after(fn as () => void) }, { schema: tinySchema });

interface Outcome {
  results: unknown[];
  /** Code and facts of the refusal; null when the operation ran. */
  refusal: Record<string, unknown> | null;
}

type Operation = { query: string; variables?: Record<string, unknown>; operationName?: string };

async function overHttp(operation: Operation): Promise<Outcome> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify(operation),
  });
  const body = (await response.json()) as { errors?: { extensions: Record<string, unknown> }[] };
  return response.ok
    ? { results: [body], refusal: null }
    : { results: [], refusal: body.errors?.[0]?.extensions ?? {} };
}

async function overWs(operation: Operation): Promise<Outcome> {
  const client = createWsClient({ url: wsUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
  const results: unknown[] = [];
  try {
    for await (const result of client.iterate(operation)) results.push(result);
    return { results, refusal: null };
  } catch (errors) {
    assert.ok(Array.isArray(errors), String(errors));
    return { results, refusal: errors[0].extensions };
  } finally {
    await client.dispose();
  }
}

async function overSse(operation: Operation): Promise<Outcome> {
  const client = createSseClient({ url: `${url}/graphql`, retryAttempts: 0 });
  const results: unknown[] = [];
  try {
    for await (const result of client.iterate(operation)) results.push(result);
    return { results, refusal: null };
  } catch (error) {
    const { response } = error as { response: Response };
    const body = (await response.json()) as { errors: { extensions: Record<string, unknown> }[] };
    return { results, refusal: body.errors[0]?.extensions ?? {} };
  } finally {
    client.dispose();
  }
}

const everywhere: [string, Operation][] = [
  ['a query', { query: '{ hello }' }],
  ['a query with variables', { query: 'query Q($n: Int!) { count(to: $n) }', variables: { n: 3 }, operationName: 'Q' }],
  ['a mutation', { query: 'mutation { touch }' }],
  ['a field that fails', { query: '{ refused hello }' }],
  ['a syntax error (T3)', { query: '{ hello' }],
  ['an unknown field', { query: '{ nope }' }],
  ['an unknown operation', { query: 'query A { hello }', operationName: 'B' }],
  ['a wrong variable', { query: 'query Q($n: Int!) { count(to: $n) }', variables: { n: 'x' } }],
  ['too many tokens', { query: `{ ${'hello '.repeat(2_001)} }` }],
  ['20,000 braces', { query: '{a'.repeat(20_000) }],
  ['too many root fields', { query: `{ ${'hello '.repeat(21)} }` }],
  [
    'a page in a variable (T12)',
    { query: 'query ($n: Int) { tokens(first: $n) { nodes { slug } } }', variables: { n: 101 } },
  ],
  ['too high a cost', { query: '{ tokens(first: 100) { nodes { signals(first: 100) { nodes { id } } } } }' }],
  ['an empty query', { query: '' }],
];

for (const [what, operation] of everywhere)
  test(`${what} has one outcome on HTTP, WebSocket and SSE`, async () => {
    const expected = await overHttp(operation);
    assert.ok(expected.refusal === null || typeof expected.refusal['code'] === 'string');
    assert.deepEqual(await overWs(operation), expected);
    assert.deepEqual(await overSse(operation), expected);
  });

const subscriptions: [string, Operation][] = [
  ['a subscription that ends', { query: 'subscription { tick(to: 3) { cursor value } }' }],
  ['a subscription that is refused', { query: 'subscription { refused { value } }' }],
  ['a subscription with an unknown field', { query: 'subscription { tick { nope } }' }],
  ['a subscription of too many tokens', { query: `subscription { tick { ${'value '.repeat(2_001)} } }` }],
];

for (const [what, operation] of subscriptions)
  test(`${what} has one outcome on WebSocket and SSE`, async () => {
    assert.deepEqual(await overWs(operation), await overSse(operation));
  });

test('a subscription delivers each event with its cost, then completes', async () => {
  const { results } = await overWs({ query: 'subscription { tick(to: 2) { value } }' });
  const extensions = { cost: { requested: 1 } };
  assert.deepEqual(results, [
    { data: { tick: { value: 1 } }, extensions },
    { data: { tick: { value: 2 } }, extensions },
  ]);
});

test('a stream that fails in the middle is masked on both', async () => {
  const ws = await overWs({ query: 'subscription { broken { value } }' });
  assert.equal(ws.results.length, 1);
  assert.equal(ws.refusal?.['code'], 'INTERNAL_SERVER_ERROR');
  const sse = await overSse({ query: 'subscription { broken { value } }' });
  assert.equal(sse.results.length, 2);
  assert.ok(!JSON.stringify([ws, sse]).includes('secret'));
  assert.ok(JSON.stringify(sse.results[1]).includes('INTERNAL_SERVER_ERROR'));
});
