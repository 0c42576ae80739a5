import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestApi, testUrl } from '../support/api.ts';
import { tinySchema } from '../support/tiny-schema.ts';

const { yoga, query } = createTestApi(
  { after: () => undefined },
  { schema: tinySchema, corsOrigins: ['https://app.example'] },
);

const json = { 'content-type': 'application/json' };

interface Reply {
  status: number;
  code: unknown;
  body: { data?: unknown; errors?: { message: string; extensions: Record<string, unknown> }[] };
  headers: Headers;
}

async function send(init: RequestInit, search = ''): Promise<Reply> {
  const response = await yoga.fetch(`${testUrl}${search}`, init);
  const text = await response.text();
  const body = text ? JSON.parse(text) : {};
  return { status: response.status, code: body.errors?.[0]?.extensions.code, body, headers: response.headers };
}

function post(body: RequestInit['body'], headers: Record<string, string> = json): Promise<Reply> {
  return send({ method: 'POST', headers, body: body ?? null });
}

const hello = JSON.stringify({ query: '{ hello }' });
const deepJson = `{"query":"query($s:[String!]!){tokenBatch(slugs:$s){slug}}","variables":{"s":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;

const badBodies: [string, RequestInit['body'], number, string][] = [
  ['no body', null, 400, 'BAD_REQUEST'],
  ['an empty body', '', 400, 'BAD_REQUEST'],
  ['half a body', '{"query":"{ hello', 400, 'BAD_REQUEST'],
  ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 400, 'BAD_REQUEST'],
  ['an array', `[${hello}]`, 400, 'BAD_REQUEST'],
  ['an empty array', '[]', 400, 'BAD_REQUEST'],
  ['null', 'null', 400, 'BAD_REQUEST'],
  ['a number', '1', 400, 'BAD_REQUEST'],
  ['text', '"{ hello }"', 400, 'BAD_REQUEST'],
  ['no query', '{"variables":{}}', 400, 'BAD_REQUEST'],
  ['an empty query', '{"query":""}', 400, 'BAD_REQUEST'],
  ['a query that is a number', '{"query":1}', 400, 'BAD_REQUEST'],
  ['a query that is an object', '{"query":{}}', 400, 'BAD_REQUEST'],
  ['variables that are text', '{"query":"{hello}","variables":"x"}', 400, 'BAD_REQUEST'],
  ['variables that are an array', '{"query":"{hello}","variables":[1]}', 400, 'BAD_REQUEST'],
  ['extensions that are text', '{"query":"{hello}","extensions":"x"}', 400, 'BAD_REQUEST'],
  ['an operationName that is a number', '{"query":"{hello}","operationName":7}', 400, 'BAD_REQUEST'],
  ['an unknown operationName', '{"query":"query A {hello}","operationName":"B"}', 400, 'OPERATION_RESOLUTION_FAILURE'],
  ['a subscription without an event stream', '{"query":"subscription {tick {value}}"}', 406, 'NOT_ACCEPTABLE'],
  ['a blank document', '{"query":"   "}', 400, 'GRAPHQL_PARSE_FAILED'],
  ['a control character', '{"query":"{ \\u0000 }"}', 400, 'GRAPHQL_PARSE_FAILED'],
  [
    'a prototype as a variable',
    '{"query":"query($n:Int!){count(to:$n)}","variables":{"__proto__":{"n":1}}}',
    400,
    'BAD_USER_INPUT',
  ],
  ['JSON nested 50,000 deep', deepJson, 400, 'BAD_USER_INPUT'],
  [
    'a number too large for Int',
    '{"query":"query($n:Int!){count(to:$n)}","variables":{"n":1e300}}',
    400,
    'BAD_USER_INPUT',
  ],
  ['an absurd page', '{"query":"{tokens(first:2147483647){nodes{slug}}}"}', 400, 'LIMIT_EXCEEDED'],
  ['20,000 braces', JSON.stringify({ query: '{a'.repeat(20_000) }), 400, 'LIMIT_EXCEEDED'],
  ['20,000 brackets', JSON.stringify({ query: `{count(to:${'['.repeat(20_000)}` }), 400, 'LIMIT_EXCEEDED'],
  [
    '10,000 aliases',
    JSON.stringify({ query: `{${Array.from({ length: 10_000 }, (_, at) => `a${at}:hello`).join(' ')}}` }),
    400,
    'LIMIT_EXCEEDED',
  ],
  [
    'a body of more than a megabyte (T9)',
    JSON.stringify({ query: `{ hello } #${'x'.repeat(1_048_576)}` }),
    413,
    'PAYLOAD_TOO_LARGE',
  ],
];

for (const [what, body, status, code] of badBodies)
  test(`${what}: ${status} ${code}, nothing echoed`, async () => {
    const reply = await post(body, { ...json, accept: 'application/graphql-response+json' });
    assert.deepEqual([reply.status, reply.code], [status, code], JSON.stringify(reply.body).slice(0, 300));
    for (const { extensions } of reply.body.errors ?? []) {
      assert.equal(typeof extensions['code'], 'string');
      assert.equal('originalError' in extensions, false, 'T7');
    }
    assert.ok(JSON.stringify(reply.body).length < 64_000);
  });

test('a stream of more than a megabyte without a length is refused too', async () => {
  const chunk = new TextEncoder().encode('x'.repeat(300_000));
  const body = new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < 5; sent += 1) controller.enqueue(chunk);
      controller.close();
    },
  });
  const reply = await send({ method: 'POST', headers: json, body, duplex: 'half' } as RequestInit);
  assert.deepEqual([reply.status, reply.code], [413, 'PAYLOAD_TOO_LARGE']);
});

for (const type of [
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/graphql',
  'application/json; charset=utf-16',
  '',
])
  test(`a POST of "${type}" is 415 (T8)`, async () => {
    const { status, code } = await post('query=%7Bhello%7D', { 'content-type': type });
    assert.deepEqual([status, code], [415, 'UNSUPPORTED_MEDIA_TYPE']);
  });

test('application/json may name its charset', async () => {
  const { status } = await post(hello, { 'content-type': 'Application/JSON; charset=UTF-8' });
  assert.equal(status, 200);
});

for (const method of ['PUT', 'DELETE', 'PATCH'])
  test(`${method} is 405`, async () => {
    const { status, code, headers } = await send({ method, headers: json, body: hello });
    assert.deepEqual([status, code, headers.get('allow')], [405, 'METHOD_NOT_ALLOWED', 'GET, POST']);
  });

test('a query by GET is answered', async () => {
  const { status, body } = await send(
    {},
    `?query=${encodeURIComponent('query ($n: Int!) { count(to: $n) }')}&variables={"n":4}`,
  );
  assert.deepEqual([status, body.data], [200, { count: 4 }]);
});

const badSearches = [
  ['variables that are not JSON (T6)', '?query={hello}&variables={', 400, 'BAD_REQUEST'],
  ['extensions that are not JSON (T6)', '?query={hello}&extensions=[', 400, 'BAD_REQUEST'],
  ['variables that are an array', '?query={hello}&variables=[]', 400, 'BAD_REQUEST'],
  ['no query', '?variables={}', 400, 'BAD_REQUEST'],
  ['nothing', '', 400, 'BAD_REQUEST'],
  ['a broken escape', '?query=%7Bhello%', 400, 'GRAPHQL_PARSE_FAILED'],
  ['a mutation', '?query=mutation{touch}', 405, 'METHOD_NOT_ALLOWED'],
] as const;

for (const [what, search, status, code] of badSearches)
  test(`GET with ${what}: ${status} ${code}`, async () => {
    const reply = await send({}, search);
    assert.deepEqual([reply.status, reply.code], [status, code]);
    if (status === 405) assert.equal(reply.headers.get('allow'), 'POST');
  });

const accepts = [
  [null, 'application/json'],
  ['*/*', 'application/json'],
  ['application/*', 'application/json'],
  ['application/json', 'application/json'],
  ['application/graphql-response+json', 'application/graphql-response+json'],
  ['application/json;q=0.2, application/graphql-response+json;q=0.9', 'application/graphql-response+json'],
  ['application/graphql-response+json;q=0.2, application/json;q=0.9', 'application/json'],
  ['text/html;q=0.9, application/json;q=0.1', 'application/json'],
  ['application/graphql-response+json;q=0, */*', 'application/json'],
  ['APPLICATION/JSON; charset=utf-8', 'application/json'],
] as const;

for (const [accept, type] of accepts)
  test(`Accept: ${accept} is answered as ${type} (T10)`, async () => {
    const { status, headers } = await post(hello, accept === null ? json : { ...json, accept });
    assert.deepEqual([status, headers.get('content-type')], [200, `${type}; charset=utf-8`]);
  });

for (const accept of ['image/png', 'application/json;q=0', 'application/json; charset=utf-16'])
  test(`Accept: ${accept} is 406 and nothing runs`, async () => {
    const { status, code } = await post(hello, { ...json, accept });
    assert.deepEqual([status, code], [406, 'NOT_ACCEPTABLE']);
  });

test('keys of a request that we do not know are ignored (T10)', async () => {
  const { status, body } = await post(
    JSON.stringify({ query: '{ hello }', id: 7, doc_id: null, extensions: { any: 1 } }),
  );
  assert.deepEqual([status, body.data], [200, { hello: 'hello world' }]);
});

test('null for what is optional is as good as leaving it out', async () => {
  const { status } = await post('{"query":"{ hello }","variables":null,"operationName":null,"extensions":null}');
  assert.equal(status, 200);
});

const failures = ['{', '{ nope }', 'query ($n: Int!) { count(to: $n) }'];
for (const source of failures)
  test(`"${source}" is 200 for who names application/json, as GraphQL over HTTP wants, and 400 for everybody else`, async () => {
    const statuses: number[] = [];
    for (const accept of ['application/json', '*/*', 'application/graphql-response+json'])
      statuses.push((await post(JSON.stringify({ query: source }), { ...json, accept })).status);
    assert.deepEqual(statuses, [200, 400, 400]);
  });

test('a limit is 400 for every client (T11)', async () => {
  for (const accept of ['application/json', '*/*', 'application/graphql-response+json', 'text/event-stream']) {
    const { status, code, body } = await post(JSON.stringify({ query: '{ tokens(first: 1000) { nodes { slug } } }' }), {
      ...json,
      accept,
    });
    assert.deepEqual([status, code], [400, 'LIMIT_EXCEEDED']);
    assert.ok(!body.errors?.[0]?.message.includes('Syntax'));
  }
});

test('a request keeps its id, and gets one when it brings none or a strange one', async () => {
  const given = await query('{ hello }', {}, { headers: { 'x-request-id': 'abc-1' } });
  assert.equal(given.headers.get('x-request-id'), 'abc-1');
  for (const strange of ['', 'a b', 'x'.repeat(200), '<script>']) {
    const { headers } = await query('{ hello }', {}, { headers: { 'x-request-id': strange } });
    assert.match(headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
  }
});

const origins = [
  ['an origin that is configured', 'https://app.example', 'https://app.example'],
  ['the same origin', 'http://tokengraph.test', 'http://tokengraph.test'],
  ['a foreign origin', 'https://evil.example', null],
  ['an opaque origin', 'null', null],
] as const;

for (const [what, origin, allowed] of origins)
  test(`CORS: ${what} is ${allowed ? 'allowed' : 'not allowed'}, never with credentials (T8)`, async () => {
    const headers = { origin, host: 'tokengraph.test' };
    for (const init of [
      { method: 'POST', headers: { ...json, ...headers }, body: hello },
      { method: 'OPTIONS', headers: { ...headers, 'access-control-request-method': 'POST' } },
    ]) {
      const reply = await send(init);
      assert.equal(reply.headers.get('access-control-allow-origin'), allowed);
      assert.equal(reply.headers.get('access-control-allow-credentials'), null);
      assert.match(reply.headers.get('vary') ?? '', /origin/);
    }
  });
