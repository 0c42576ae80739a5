import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { recordFacts } from '../../src/facts/store.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { ask } from '../grades/api.ts';
import { seedTokens } from '../grades/seed.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
await seedTokens(db, 20);
await db.execute(`INSERT INTO source (id, name, kind) VALUES (2, 'second', 'IMPORT')`);
const day = Date.UTC(2025, 0, 2);
const fact = { tokenId: 1, metric: 'NVT', sourceName: 'fixture', asOf: day, knownAt: day + dayMs } as const;
await recordFacts(
  db,
  [
    { ...fact, value: '10.50' },
    { ...fact, value: '11', asOf: day + dayMs, knownAt: day + 2 * dayMs },
    { ...fact, value: '9', sourceName: 'second' },
    { ...fact, value: '7', metric: 'MVRV' },
  ],
  day + 5 * dayMs,
);
await recordFacts(db, [{ ...fact, value: '12' }], day + 6 * dayMs);

const field = 'facts(metrics: $metrics, from: $from, to: $to, limit: $limit, knownAt: $knownAt, source: $source)';
const query = `query ($slugs: [String!]!, $metrics: [Metric!]!, $from: DateTime, $to: DateTime, $limit: Int, $knownAt: DateTime, $source: String) {
  tokenBatch(slugs: $slugs) { nodes { ${field} { metric asOf value source knownAt isCorrection } } } }`;

const read = async (variables: Record<string, unknown>): Promise<[string, string, string, boolean][]> => {
  const { data } = await ask(db, query, { slugs: ['token-1'], metrics: ['NVT'], ...variables });
  return data.tokenBatch.nodes[0].facts.map((one: Record<string, string>) => [
    one['metric'],
    one['asOf']?.slice(0, 10),
    `${one['value']} ${one['source']}`,
    one['isCorrection'],
  ]);
};

test('facts come by metric and day, of a corrected day the newest number, exact', async () => {
  assert.deepEqual(await read({ metrics: ['MVRV', 'NVT', 'MVRV'] }), [
    ['MVRV', '2025-01-02', '7 fixture', false],
    ['NVT', '2025-01-02', '12 fixture', true],
    ['NVT', '2025-01-02', '9 second', false],
    ['NVT', '2025-01-03', '11 fixture', false],
  ]);
});

test('knownAt leaves out what came later: corrections and days that were not out', async () => {
  assert.deepEqual(await read({ knownAt: '2025-01-03T00:00:00Z' }), [
    ['NVT', '2025-01-02', '10.50 fixture', false],
    ['NVT', '2025-01-02', '9 second', false],
  ]);
  assert.deepEqual(await read({ knownAt: '2025-01-02T23:59:59Z' }), []);
});

test('from, to, limit and source narrow it; the limit keeps the newest', async () => {
  assert.deepEqual(await read({ limit: 1 }), [['NVT', '2025-01-03', '11 fixture', false]]);
  assert.deepEqual(await read({ to: '2025-01-03T00:00:00Z', source: 'second' }), [
    ['NVT', '2025-01-02', '9 second', false],
  ]);
  assert.deepEqual(await read({ from: '2025-01-04T00:00:00Z' }), []);
  const { code } = await ask(db, query, { slugs: ['token-1'], metrics: ['NVT'], limit: 1001 });
  assert.equal(code, 'LIMIT_EXCEEDED');
  const upsideDown = { slugs: ['token-1'], metrics: ['NVT'], from: '2025-01-04', to: '2025-01-03' };
  assert.equal((await ask(db, query, upsideDown)).code, 'BAD_USER_INPUT');
});

test('twenty tokens take one statement for all their facts', async () => {
  const slugs = Array.from({ length: 20 }, (_, index) => `token-${index + 1}`);
  const { data, statements } = await ask(db, query, { slugs, metrics: ['NVT', 'MVRV'] });
  assert.equal(data.tokenBatch.nodes.length, 20);
  assert.equal(statements.filter((text) => text.includes('FROM fact')).length, 1);
});
