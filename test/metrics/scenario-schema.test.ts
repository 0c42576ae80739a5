import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { computeBootstrap } from '../../src/metrics/bootstrap.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb, type TestScope } from '../support/db.ts';
import { firstDay, seedTokens, walk } from './market.ts';

const days = 150;
const scope: TestScope = { after: (run: unknown): void => after(run as () => void) };
const db = await createTestDb(scope);
const tokens = [
  ...Array.from({ length: 20 }, (_, index) => ({
    slug: `token-${index}`,
    closes: walk(10 + index, days),
    supply: '10',
  })),
  { slug: 'young', closes: walk(3, 20) },
  { slug: 'unreal', closes: walk(4, days), supply: '1000000', isSimulated: true },
];
await seedTokens(db, tokens);
await refreshQuotes(
  db,
  tokens.map((_, index) => index + 1),
  firstDay + days * dayMs,
);
await db.execute(`INSERT INTO token (id, slug, symbol, name) VALUES (999, 'bare', 'BARE', 'Bare')`);
const work = createWorkPool({ clock: systemClock });
after(() => work.close());
const jobs: string[] = [];
const counted: typeof work = {
  ...work,
  run(name, ...rest) {
    jobs.push(name);
    return work.run(name, ...rest);
  },
};
const api = createTestApi(scope, { schema: createSchema(), db, context: () => ({ work: counted }) });

interface Scenario {
  readonly kind: string;
  readonly outlook: string | null;
  readonly horizonDays: number | null;
  readonly totalMarketCapUsd: string | null;
  readonly priceUsd: string | null;
  readonly changePct: number | null;
  readonly reason: string | null;
  readonly n: number;
  readonly seed: number | null;
}
const fields = 'kind outlook horizonDays totalMarketCapUsd priceUsd changePct reason n seed';

async function scenariosOf(slug: string, args = ''): Promise<Scenario[]> {
  const { data, errors } = await api.query<{ token: { scenarios: Scenario[] } }>(
    `{ token(slug: "${slug}") { scenarios${args} { ${fields} } } }`,
  );
  assert.equal(errors, undefined);
  return data!.token.scenarios;
}

test('bear, base and bull are percentiles of paths of its own returns, the same every time', async () => {
  const scenarios = await scenariosOf('token-0', '(horizonDays: [30], seed: 9)');
  assert.deepEqual(await scenariosOf('token-0', '(horizonDays: [30], seed: 9)'), scenarios);
  const closes = walk(10, days);
  const returns = Float64Array.from(closes.slice(1), (close, index) => Math.log1p(close / closes[index]! - 1));
  const [[drawn] = []] = computeBootstrap({ returns: [returns], horizons: [30], quantiles: [0.1, 0.5, 0.9], seed: 9 });
  const outlooks = scenarios.filter(({ kind }) => kind === 'BOOTSTRAP');
  assert.deepEqual(
    outlooks.map(({ outlook, n, seed }) => [outlook, n, seed]),
    [
      ['BEAR', 149, 9],
      ['BASE', 149, 9],
      ['BULL', 149, 9],
    ],
  );
  for (const [index, { changePct }] of outlooks.entries())
    assert.ok(Math.abs(changePct! - Math.expm1(drawn![index]!) * 100) < 1e-6, `${changePct}`);
});

test('the grid stands on the market of its own kind', async () => {
  const last = (seed: number): number => walk(seed, days).at(-1)!;
  const real = Array.from({ length: 20 }, (_, index) => last(10 + index) * 10).reduce((sum, cap) => sum + cap, 0);
  const [half] = await scenariosOf('token-3');
  assert.ok(Math.abs(Number(half?.totalMarketCapUsd) / real - 0.5) < 1e-9);
  const [unreal] = await scenariosOf('unreal', '(dominancePct: [100])');
  assert.ok(Math.abs(Number(unreal?.totalMarketCapUsd) / (last(4) * 1_000_000) - 0.5) < 1e-9);
});

test('what is missing is said', async () => {
  const young = await scenariosOf('young', '(horizonDays: [7])');
  assert.deepEqual(
    young.map(({ reason }) => reason),
    ['NO_MARKET_CAP', ...Array(3).fill('TOO_LITTLE_HISTORY')],
  );
  const bare = await scenariosOf('bare', '(horizonDays: [7])');
  assert.deepEqual(
    bare.map(({ reason }) => reason),
    Array(4).fill('NO_PRICE'),
  );
});

for (const args of [
  '(horizonDays: [0])',
  '(horizonDays: [731])',
  '(dominancePct: [101])',
  '(seed: -1)',
  '(horizonDays: [])',
])
  test(`${args} is refused`, async () => {
    const { errors } = await api.query(`{ token(slug: "young") { scenarios${args} { reason } } }`);
    assert.equal(errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED');
    if (args.endsWith('[])')) assert.equal(errors[0].message, '`horizonDays` takes 1 to 10 items; got 0.');
  });

test('the scenarios of twenty tokens are four statements and one job', async () => {
  jobs.length = 0;
  const slugs = Array.from({ length: 20 }, (_, index) => `token-${index}`);
  const { data, errors } = await api.query<{ tokenBatch: { nodes: { scenarios: Scenario[] }[] } }>(
    'query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { scenarios(horizonDays: [7, 90]) { priceUsd } } } }',
    { slugs },
  );
  assert.equal(errors, undefined);
  assert.equal(data!.tokenBatch.nodes.length, 20);
  assert.deepEqual([api.sql.length, jobs], [4, ['bootstrap']]);
});
