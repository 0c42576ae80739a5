import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createSchema } from '../../src/schema.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { candlesOf, seedSeries, seedToken, store } from '../prices/seed.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';

// What resolvers refuse has the form of what is refused before anything runs.

const db = await createTestDb({ after });
const api = createTestApi({ after: (run) => after(run as () => void) }, { schema: createSchema(), db });
const tokenId = await seedToken(db);
const { id } = await seedSeries(db, tokenId);
const firstOpen = Date.parse('2025-06-02');
await store(db, candlesOf(id, 'ONE_MINUTE', firstOpen, ['1']), firstOpen + 86_400_000);
await refreshDefaults(db, [tokenId]);
const [{ slug } = { slug: '' }] = await db.query<{ slug: string }>('SELECT slug FROM token');

const wide = 'interval: ONE_MINUTE, from: "2025-06-02", to: "2025-06-10", gaps: NULL';
const refused: readonly [source: string, name: string, limit: number, value: number, field: string][] = [
  [
    `{ token(slug: "${slug}") { candles(interval: ONE_DAY, limit: 1501) { close } } }`,
    'candles',
    1500,
    1501,
    'token.candles(limit)',
  ],
  [
    `{ t: token(slug: "${slug}") { c: candles(interval: ONE_DAY, limit: 0) { close } } }`,
    'candles',
    1500,
    0,
    't.c(limit)',
  ],
  [`{ token(slug: "${slug}") { candles(${wide}) { close } } }`, 'candles', 1500, 1501, 'token.candles(from)'],
  [
    `{ tokenBatch(slugs: ["${slug}"]) { nodes { candleSeries(interval: ONE_DAY, limit: 5001) { close } } } }`,
    'candleSeries',
    5000,
    5001,
    'tokenBatch.nodes.candleSeries(limit)',
  ],
  [
    `{ token(slug: "${slug}") { indicatorSeries(name: "rsi", limit: 1501) { name } } }`,
    'indicatorSeries',
    1500,
    1501,
    'token.indicatorSeries(limit)',
  ],
  ['{ searchTokens(query: "x", first: 51) { isAmbiguous } }', 'searchTokens', 50, 51, 'searchTokens(first)'],
  ['{ tokens(first: 101) { totalCount } }', 'page', 100, 101, 'tokens(first)'],
  [
    `subscription { quotes(slugs: ["${slug}"], throttleMs: 99) { priceUsd } }`,
    'throttleMs',
    60_000,
    99,
    'quotes(throttleMs)',
  ],
];

for (const [source, name, limit, value, field] of refused)
  test(`${field} of ${value} is refused, naming ${name}`, async () => {
    const accept = source.startsWith('subscription') ? 'text/event-stream' : 'application/graphql-response+json';
    const { errors } = await api.query(source, {}, { headers: { accept } });
    assert.deepEqual(
      errors?.map(({ extensions }) => extensions),
      [{ code: 'LIMIT_EXCEEDED', name, limit, value, field }],
    );
  });
