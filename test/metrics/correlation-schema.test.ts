import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dayMs } from '../../src/lib/interval.ts';
import { createSchema } from '../../src/schema.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';
import { firstDay, seedTokens, walk } from './market.ts';

const days = 200;
const up = walk(1, days);
const down = up.map((close) => Number((10_000 / close).toPrecision(12)));
const db = await createTestDb({ after });
await seedTokens(db, [
  { slug: 'up', closes: up },
  { slug: 'twin', closes: up.map((close) => close * 2) },
  { slug: 'down', closes: down },
  { slug: 'young', closes: walk(3, 20) },
  { slug: 'unreal', closes: up, isSimulated: true },
  { slug: 'unreal-too', closes: down, isSimulated: true },
  ...Array.from({ length: 50 }, (_, index) => ({ slug: `token-${index}`, closes: walk(10 + index, days) })),
]);
const api = createTestApi({ after: (run: unknown): void => after(run as () => void) }, { schema: createSchema(), db });

interface Matrix {
  readonly tokens: readonly { readonly slug: string }[];
  readonly values: readonly (readonly (number | null)[])[];
  readonly counts: readonly (readonly number[])[];
  readonly missing: readonly { a: { slug: string }; b: { slug: string }; n: number; reason: string }[];
  readonly from: string;
  readonly to: string;
}
const matrix = `query ($slugs: [String!]!, $method: CorrelationMethod) {
  correlationMatrix(slugs: $slugs, method: $method) {
    tokens { slug } values counts from to missing { a { slug } b { slug } n reason }
  }
}`;

async function matrixOf(slugs: readonly string[], method = 'PEARSON'): Promise<Matrix> {
  const { data, errors } = await api.query<{ correlationMatrix: Matrix }>(matrix, { slugs, method });
  assert.equal(errors, undefined);
  return data!.correlationMatrix;
}

test('a matrix of 90 returns, in the order asked for, each token once', async () => {
  for (const method of ['PEARSON', 'SPEARMAN']) {
    const { tokens, values, counts, from, to, missing } = await matrixOf(['down', 'UP', 'twin', 'up'], method);
    assert.deepEqual(
      tokens.map(({ slug }) => slug),
      ['down', 'up', 'twin'],
    );
    assert.deepEqual(
      values.map((row) => row.map((value) => Number(value?.toFixed(9)))),
      [
        [1, -1, -1],
        [-1, 1, 1],
        [-1, 1, 1],
      ],
    );
    assert.ok(counts.flat().every((n) => n === 90));
    assert.deepEqual(
      [to, from],
      [days, days - 90].map((day) => new Date(firstDay + day * dayMs).toISOString()),
    );
    assert.deepEqual(missing, []);
  }
});

test('pairs that cannot be told are null and named', async () => {
  const { values, missing } = await matrixOf(['up', 'young', 'unreal']);
  assert.deepEqual(
    values.map((row) => row.map((value) => value !== null)),
    [
      [true, false, false],
      [false, false, false],
      [false, false, true],
    ],
  );
  const pairs = missing.map(({ a, b, n, reason }) => `${a.slug} ${b.slug} ${n} ${reason}`);
  assert.deepEqual(pairs, [
    'up young 0 TOO_FEW_OBSERVATIONS',
    'young young 0 TOO_FEW_OBSERVATIONS',
    'up unreal 90 REAL_AND_SIMULATED',
    'young unreal 0 TOO_FEW_OBSERVATIONS',
  ]);
});

test('a window that holds more than is read, too many tokens and unknown ones are refused', async () => {
  const codeOf = async (slugs: readonly string[]): Promise<unknown> =>
    (await api.query(matrix, { slugs })).errors?.[0]?.extensions.code;
  assert.equal(await codeOf(['up', 'nope']), 'BAD_USER_INPUT');
  assert.equal(await codeOf(Array.from({ length: 101 }, () => 'up')), 'LIMIT_EXCEEDED');
  assert.equal(await codeOf([]), 'LIMIT_EXCEEDED');
});

test('fifty tokens are two statements', async () => {
  const slugs = Array.from({ length: 50 }, (_, index) => `token-${index}`);
  const { values } = await matrixOf(slugs);
  assert.equal(api.sql.length, 2);
  assert.ok(values.flat().every((value) => value !== null));
});

interface Side {
  readonly token: { readonly slug: string };
  readonly value: number;
}
interface Correlations {
  readonly most: readonly Side[];
  readonly least: readonly Side[];
  readonly compared: number;
  readonly leftOut: number;
}
const correlations =
  'correlations(first: 2) { compared leftOut most { token { slug } value n } least { token { slug } value } }';

test('a token is compared with those of its universe, the nearest and the farthest first', async () => {
  const { data } = await api.query<Record<string, { correlations: Correlations }>>(
    `{ up: token(slug: "up") { ${correlations} } unreal: token(slug: "unreal") { ${correlations} } young: token(slug: "young") { ${correlations} } }`,
  );
  const { up: real, unreal, young } = data!;
  assert.deepEqual([real!.correlations.compared, real!.correlations.leftOut], [53, 1]);
  assert.deepEqual([real!.correlations.most[0]?.token.slug, real!.correlations.least[0]?.token.slug], ['twin', 'down']);
  assert.deepEqual(
    unreal!.correlations.most.map(({ token }) => token.slug),
    ['unreal-too'],
  );
  assert.deepEqual([young!.correlations.most, young!.correlations.compared], [[], 53]);
});

test('the correlations of twenty tokens take four statements', async () => {
  const slugs = Array.from({ length: 20 }, (_, index) => `token-${index}`);
  const { data } = await api.query<{ tokenBatch: { nodes: { correlations: Correlations }[] } }>(
    `query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { ${correlations} } } }`,
    { slugs },
  );
  assert.ok(data!.tokenBatch.nodes.every((node) => node.correlations.most.length === 2));
  assert.equal(api.sql.length, 4);
});
