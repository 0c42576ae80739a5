import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getIntrospectionQuery } from 'graphql';
import { defaultLimits } from '../../src/graphql/limits.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { tinySchema } from '../support/tiny-schema.ts';

const after = { after: () => undefined };
const { query, api, logged } = createTestApi(after, { schema: tinySchema });

function nest(levels: number): string {
  return `{ token ${'{ self '.repeat(levels - 2)}{ slug }${' }'.repeat(levels - 2)} }`;
}

const fragments = Array.from(
  { length: 30 },
  (_, at) => `fragment F${at} on Token { a: self { ...F${at + 1} } b: self { ...F${at + 1} } }`,
);
const bomb = `{ token { ...F0 } } ${fragments.join(' ')} fragment F30 on Token { slug }`;

const refusals = [
  ['more tokens than a document may have', `{ ${'hello '.repeat(2_000)} }`, {}, 'tokens', 2_002, ''],
  ['20,000 nested braces', '{a'.repeat(20_000), {}, 'tokens', 20_000, ''],
  [
    'fields nested too deep',
    nest(13),
    {},
    'depth',
    13,
    'token.self.self.self.self.self.self.self.self.self.self.self.slug',
  ],
  [
    'too many aliases',
    `query Q { token { ${Array.from({ length: 31 }, (_, at) => `a${at}: slug`).join(' ')} } }`,
    {},
    'aliases',
    31,
    'query Q',
  ],
  [
    'a thousand aliases through one fragment',
    `query Q { ${'...A '.repeat(40)} } fragment A on Query { a: hello }`,
    {},
    'aliases',
    40,
    'query Q',
  ],
  ['too many directives on a field', `{ hello ${'@include(if: true) '.repeat(6)} }`, {}, 'directives', 6, 'hello'],
  ['too many root fields', `{ ${'hello '.repeat(21)} }`, {}, 'rootFields', 21, 'query'],
  [
    'object fields repeated so often that validation would take a second',
    `{ token { ${'self { self { slug } } '.repeat(150)} } }`,
    {},
    'comparisons',
    22_350,
    'query',
  ],
  ['a page above 100', '{ tokens(first: 101) { nodes { slug } } }', {}, 'page', 101, 'tokens(first)'],
  ['a page below 1', '{ tokens(last: 0) { nodes { slug } } }', {}, 'page', 0, 'tokens(last)'],
  [
    'a page above 100 in a variable (T12)',
    'query ($n: Int) { tokens(first: $n) { nodes { slug } } }',
    { n: 2_000_000_000 },
    'page',
    2_000_000_000,
    'tokens(first)',
  ],
  [
    'a limit in a variable (T12)',
    'query ($n: Int) { a: token { candles(limit: $n) { close } } }',
    { n: 5_000 },
    'cost',
    5_001,
    'a',
  ],
  [
    'a list of 251 slugs',
    'query ($s: [String!]!) { tokenBatch(slugs: $s) { slug } }',
    { s: Array(251).fill('x') },
    'inputList',
    251,
    'tokenBatch(slugs)',
  ],
  [
    'pages multiplied by each other',
    '{ tokens(first: 100) { nodes { signals(first: 100) { nodes { id } } } } }',
    {},
    'cost',
    10_100,
    'tokens',
  ],
] as const;

for (const [what, source, variables, name, value, field] of refusals)
  test(`${what}: refused as LIMIT_EXCEEDED, naming the limit, the value and the field`, async () => {
    const before = process.cpuUsage(); // not the clock: a busy machine makes nothing dearer
    const { status, data, errors } = await query(source, variables);
    const { user, system } = process.cpuUsage(before);
    assert.ok((user + system) / 1_000 < 500, 'a refusal is cheap');
    assert.equal(status, 400);
    assert.equal(data, undefined);
    assert.equal(errors?.length, 1);
    const { extensions, message } = errors[0]!;
    assert.deepEqual(extensions, { code: 'LIMIT_EXCEEDED', name, value, field, limit: defaultLimits[name] });
    assert.ok(message.includes(String(value)) && message.includes(String(defaultLimits[name])), message);
  });

test('a fragment bomb is refused before it is validated', async () => {
  const { errors, status } = await query(bomb);
  assert.equal(status, 400);
  assert.equal(errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED');
});

test('fragments in a circle are refused by validation', async () => {
  const { errors, status } = await query(
    '{ token { ...A } } fragment A on Token { self { ...B } } fragment B on Token { self { ...A } }',
  );
  assert.equal(status, 400);
  assert.equal(errors?.[0]?.extensions.code, 'GRAPHQL_VALIDATION_FAILED');
});

const allowed = [
  ['the bounds themselves', nest(12), 11],
  [
    '50 tokens with quote and two grades',
    '{ tokens(first: 50) { nodes { quote { priceUsd } t: grade(kind: "T") { value } i: grade(kind: "I") { value } } } }',
    200,
  ],
  [
    '20 tokens with 24 candles, 5 signals and two grades',
    '{ tokens(first: 20) { edges { node { candles(limit: 24) { close } signals(first: 5) { edges { node { id } } pageInfo { hasNextPage } } t: grade(kind: "T") { value } i: grade(kind: "I") { value } } } pageInfo { hasNextPage } } }',
    20 + 20 * (24 + 5 + 2),
  ],
  ['a page without a size counts 20', '{ tokens { nodes { quote { priceUsd } } } }', 40],
  ['a list without a page argument counts 5', '{ token { factors { value } } }', 6],
  ['slugs count one by one', '{ tokenBatch(slugs: ["a", "b", "c"]) { quote { priceUsd } } }', 6],
  ['what is skipped costs nothing', '{ tokens(first: 100) @skip(if: true) { nodes { quote { priceUsd } } } hello }', 0],
  ['introspection costs nothing', '{ __schema { types { name fields { name } } } }', 0],
] as const;

for (const [what, source, requested] of allowed)
  test(`${what}: allowed at a cost of ${requested}`, async () => {
    const { status, errors, extensions } = await query(source);
    assert.deepEqual(
      { status, errors, extensions },
      { status: 200, errors: undefined, extensions: { cost: { requested } } },
    );
  });

test('the introspection query of GraphiQL passes although it is deep', async () => {
  const { status, errors } = await query(
    getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true, schemaDescription: true }),
  );
  assert.deepEqual([status, errors], [200, undefined]);
});

test('cost is counted anew for each set of variables', async () => {
  const source = 'query ($n: Int) { tokens(first: $n) { nodes { slug } } }';
  assert.deepEqual((await query(source, { n: 3 })).extensions, { cost: { requested: 3 } });
  assert.deepEqual((await query(source, { n: 7 })).extensions, { cost: { requested: 7 } });
});

test('every answer carries the cost, a refusal too', async () => {
  for (const source of ['{', '{ nope }', '{ bug }', 'query A { hello } query B { hello }'])
    assert.deepEqual((await query(source)).extensions, { cost: { requested: 0 } }, source);
});

const coded = [
  ['a syntax error', '{', {}, 400, 'GRAPHQL_PARSE_FAILED'],
  ['an unknown field', '{ nope }', {}, 400, 'GRAPHQL_VALIDATION_FAILED'],
  ['a missing variable', 'query ($n: Int!) { count(to: $n) }', {}, 400, 'BAD_USER_INPUT'],
  ['a variable of the wrong type', 'query ($n: Int!) { count(to: $n) }', { n: 'x' }, 400, 'BAD_USER_INPUT'],
  [
    'a variable that is null at the wrong place',
    'query ($n: Int = 1) { count(to: $n) }',
    { n: null },
    400,
    'BAD_USER_INPUT',
  ],
  ['two operations and no name', 'query A { hello } query B { hello }', {}, 400, 'OPERATION_RESOLUTION_FAILURE'],
  ['a document without an operation', 'fragment A on Query { hello }', {}, 400, 'OPERATION_RESOLUTION_FAILURE'],
] as const;

for (const [what, source, variables, status, code] of coded)
  test(`${what} is ${status} ${code}`, async () => {
    const answer = await query(source, variables);
    assert.deepEqual([answer.status, answer.errors?.[0]?.extensions.code, answer.data], [status, code, undefined]);
  });

test('a refusal never echoes a megabyte of input', async () => {
  const big = 'x'.repeat(700_000);
  const { errors } = await query('query ($n: Int!) { count(to: $n) }', { n: big });
  assert.ok(JSON.stringify(errors).length < 64_000);
});

test('the same text is prepared once', () => {
  assert.equal(api.pipeline.prepare('{ hello }'), api.pipeline.prepare('{ hello }'));
});

const internals = ['bug', 'required', 'wrongType', 'uncoded'];
for (const nodeEnv of [undefined, 'development', 'production'])
  test(`what is not meant for clients is masked with NODE_ENV ${nodeEnv} (T14)`, async (t) => {
    const before = process.env['NODE_ENV'];
    t.after(() => (process.env['NODE_ENV'] = before));
    if (nodeEnv === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = nodeEnv;
    for (const field of internals) {
      logged.length = 0;
      const { errors } = await query(`{ ${field} }`, {}, { headers: { 'x-request-id': 'req-7' } });
      assert.deepEqual(errors, [
        {
          message: 'Internal error; quote the request id req-7 when you report it.',
          locations: [{ line: 1, column: 3 }],
          path: [field],
          extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'req-7' },
        },
      ]);
      assert.deepEqual([logged.length, logged[0]?.['requestId']], [1, 'req-7']);
    }
  });

test('an AppError shows its sentence, code and facts but not its cause (T7)', async () => {
  const { errors, data, status } = await query('{ refused hello }');
  assert.deepEqual([status, data], [200, { refused: null, hello: 'hello world' }]);
  assert.deepEqual(errors?.[0]?.extensions, { code: 'BAD_CURSOR', argument: 'after' });
  assert.ok(!JSON.stringify(errors).includes('secret'));
});

test('a dependency that is down makes the whole answer 503', async () => {
  const { status, errors } = await query('{ down hello }');
  assert.deepEqual([status, errors?.[0]?.extensions.code], [503, 'SERVICE_UNAVAILABLE']);
});

test('a query that runs ten seconds is answered TIMEOUT and its signal aborted', async () => {
  const clock = createTestClock(0);
  let started: (signal: AbortSignal) => void = () => undefined;
  const start = new Promise<AbortSignal>((resolve) => (started = resolve));
  const late = createTestApi(after, {
    schema: tinySchema,
    clock,
    context: (seed) => {
      started(seed.signal);
      return { slow: new Promise(() => undefined) };
    },
  });
  const pending = late.query('{ slow }');
  const signal = await start;
  await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(9_999);
  assert.equal(signal.aborted, false);
  await clock.advance(1);
  const { status, errors, data } = await pending;
  assert.deepEqual([status, errors?.[0]?.extensions.code, data], [504, 'TIMEOUT', undefined]);
  assert.equal(signal.aborted, true);
});
