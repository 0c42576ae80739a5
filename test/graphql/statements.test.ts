import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { publishModels } from '../../src/grades/model-store.ts';
import { recordGrades } from '../../src/grades/record-store.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { createSchema } from '../../src/schema.ts';
import { gradeOf, investorV1, seedTokens } from '../grades/seed.ts';
import { candlesOf, store } from '../prices/seed.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';

const count = 50;
const asOf = Date.UTC(2025, 0, 2);
const db = await createTestDb({ after });
const api = createTestApi({ after: (run) => after(run as () => void) }, { schema: createSchema(), db });

await seedTokens(db, count);
const ids = Array.from({ length: count }, (_, n) => n + 1);
await store(
  db,
  ids.flatMap((id) => candlesOf(id, 'ONE_HOUR', asOf, [`${id}`])),
  asOf,
);
await refreshQuotes(db, ids, asOf);
const models = await publishModels(db, [measuredV1, investorV1], [measuredV1, investorV1], asOf);
const grades = models.flatMap(({ id: modelId }, model) =>
  ids.map((tokenId) => gradeOf({ modelId, tokenId, asOf, value: tokenId + model / 2 })),
);
await db.transaction((tx) => recordGrades(tx, grades, asOf));

interface Listed {
  readonly tokens: {
    readonly nodes: readonly {
      readonly quote: { readonly priceUsd: string; readonly source: string };
      readonly trader: { readonly value: number };
      readonly investor: { readonly value: number };
    }[];
  };
}

test('fifty tokens with their quotes and both their grades take at most four statements', async () => {
  const { data, errors } = await api.query<Listed>(
    `{ tokens(first: ${count}) { nodes {
      slug symbol name
      quote { priceUsd changePct24h marketCapUsd observedAt isStale source }
      trader: grade(kind: TRADER) { value band asOf change24h }
      investor: grade(kind: INVESTOR) { value band asOf change24h }
    } } }`,
  );
  assert.equal(errors, undefined);
  const told = data?.tokens.nodes.map(({ quote, trader, investor }) => [
    quote.priceUsd,
    quote.source,
    trader.value,
    investor.value,
  ]);
  const expected = ids.map((id) => [`${id}`, 'fixture', id, id + 0.5]);
  assert.deepEqual(told, expected);
  assert.ok(api.sql.length <= 4, api.sql.join('\n---\n'));
});

test('twenty tokens with grades and factors, signal, levels and risk take at most six statements', async () => {
  const { data, errors, extensions } = await api.query<{ tokens: { nodes: unknown[] } }>(
    `{ tokens(first: 20) { nodes {
      slug
      trader: grade(kind: TRADER) { value band factors { key raw score weight contribution } }
      investor: grade(kind: INVESTOR) { value band factors { key raw score weight contribution } }
      latestSignal { direction confidence evidence }
      levels(first: 5) { levels { price strength } reason n }
      quantMetrics(from: "2024-10-04") { n volatility sharpe maxDrawdown var95 beta missing { name reason } }
    } } }`,
  );
  assert.equal(errors, undefined);
  assert.equal(data?.tokens.nodes.length, 20);
  assert.ok(api.sql.length <= 6, api.sql.join('\n---\n'));
  const cost = extensions?.['cost'] as { requested: number } | undefined;
  assert.ok(cost !== undefined && cost.requested <= 1000);
});
