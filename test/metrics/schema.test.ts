import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { computeQuantMetrics } from '../../src/metrics/quant-metrics.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { createSchema } from '../../src/schema.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';
import { firstDay, seedTokens, walk } from './market.ts';

const days = 400;
const holed = walk(2, days).map((close, day) => (day === 350 ? null : close));
const db = await createTestDb({ after });
await seedTokens(db, [
  { slug: 'bitcoin', closes: walk(1, days) },
  { slug: 'holed', closes: holed },
  { slug: 'young', closes: walk(3, 20) },
  { slug: 'unreal', closes: walk(4, days), isSimulated: true },
  ...Array.from({ length: 20 }, (_, index) => ({ slug: `token-${index}`, closes: walk(10 + index, days - index) })),
]);
await db.execute(`INSERT INTO token (id, slug, symbol, name) VALUES (999, 'bare', 'BARE', 'Bare')`);
const api = createTestApi({ after: (run: unknown): void => after(run as () => void) }, { schema: createSchema(), db });

interface Metrics {
  readonly n: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly source: string | null;
  readonly missingCandles: number;
  readonly benchmarkN: number;
  readonly beta: number | null;
  readonly sharpe: number | null;
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
}
const fields = 'n from to source missingCandles benchmarkN beta sharpe missing { name reason }';

async function metricsOf(slug: string, args = ''): Promise<Metrics> {
  const { data, errors } = await api.query<{ token: { quantMetrics: Metrics } }>(
    `{ token(slug: "${slug}") { quantMetrics${args} { ${fields} } } }`,
  );
  assert.deepEqual(errors, undefined);
  return data!.token.quantMetrics;
}

test('metrics of a window are those of the candles that open in it', async () => {
  const [from, to] = [firstDay + 10 * dayMs, firstDay + 110 * dayMs];
  const args = `(from: "${new Date(from).toISOString()}", to: "${new Date(to).toISOString()}", riskFreeRate: 0.05)`;
  const metrics = await metricsOf('token-0', args);
  const seriesOf = (seed: number) => ({
    times: Array.from({ length: 100 }, (_, index) => from + (index + 1) * dayMs),
    levels: walk(seed, days).slice(10, 110),
  });
  const { values } = computeQuantMetrics({
    series: seriesOf(10),
    benchmark: seriesOf(1),
    riskFreeRate: 0.05,
    periodsPerYear: 365,
  });
  assert.deepEqual(metrics, {
    n: 99,
    from: new Date(from + dayMs).toISOString(),
    to: new Date(to).toISOString(),
    source: 'fixture',
    missingCandles: 0,
    benchmarkN: 99,
    beta: values.beta,
    sharpe: values.sharpe,
    missing: [],
  });
});

test('without a window they are of the newest year of closes, and holes are counted', async () => {
  const metrics = await metricsOf('holed');
  assert.deepEqual([metrics.n, metrics.missingCandles, metrics.benchmarkN], [365, 1, 365]);
  assert.equal(metrics.to, new Date(firstDay + days * dayMs).toISOString());
  const self = await metricsOf('bitcoin');
  assert.equal(self.beta, 1);
});

test('too short, no candles, no benchmark: null with a reason', async () => {
  const young = await metricsOf('young');
  assert.deepEqual([young.n, young.sharpe, young.missing[0]?.reason], [19, null, 'TOO_FEW_RETURNS']);
  const bare = await metricsOf('bare');
  assert.deepEqual([bare.n, bare.from, bare.to, bare.source], [0, null, null, null]);
  const alone = await metricsOf('token-1', '(benchmark: null)');
  assert.deepEqual(
    alone.missing,
    ['beta', 'alpha', 'correlation'].map((name) => ({ name, reason: 'NO_BENCHMARK' })),
  );
});

test('a simulated token is not compared with a real benchmark', async () => {
  const { missing, sharpe } = await metricsOf('unreal');
  assert.ok(sharpe !== null);
  assert.deepEqual(
    missing.map(({ name }) => name),
    ['beta', 'alpha', 'correlation'],
  );
});

test('another length of the year changes ratios by its root', async () => {
  const [daily, trading] = [await metricsOf('token-2'), await metricsOf('token-2', '(periodsPerYear: 252)')];
  assert.ok(Math.abs((trading.sharpe ?? 0) / (daily.sharpe ?? 1) - Math.sqrt(252 / 365)) < 1e-12);
});

const refused: [args: string, code: string][] = [
  ['(benchmark: "nope")', 'BAD_USER_INPUT'],
  ['(from: "2025-03-01", to: "2025-02-01")', 'BAD_USER_INPUT'],
  ['(riskFreeRate: 11)', 'LIMIT_EXCEEDED'],
  ['(periodsPerYear: 0)', 'LIMIT_EXCEEDED'],
];
for (const [args, code] of refused)
  test(`${args} is refused`, async () => {
    const { errors } = await api.query(`{ token(slug: "bitcoin") { quantMetrics${args} { n } } }`);
    assert.equal(errors?.[0]?.extensions.code, code);
  });

test('the metrics of twenty tokens are one statement beside that of the tokens', async () => {
  const slugs = Array.from({ length: 20 }, (_, index) => `token-${index}`);
  const { data, extensions } = await api.query<{ tokenBatch: { nodes: { quantMetrics: Metrics }[] } }>(
    'query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { quantMetrics(from: "2025-06-01") { n sharpe beta } } } }',
    { slugs },
  );
  assert.ok(
    data!.tokenBatch.nodes.every(({ quantMetrics }) => quantMetrics.sharpe !== null && quantMetrics.beta !== null),
  );
  assert.deepEqual([api.sql.length, extensions?.['cost']], [2, { requested: 120 }]);
});
