import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dayMs } from '../../src/lib/interval.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { createSchema } from '../../src/schema.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb, type TestScope } from '../support/db.ts';
import { firstDay, type SeededToken, seedTokens } from '../metrics/market.ts';

const days = 260;
const now = firstDay + days * dayMs;
const scope: TestScope = { after: (run: unknown): void => after(run as () => void) };
const rising = Array.from({ length: days }, (_, day) => 100 + day);
const falling = rising.toReversed();

async function apiOf(tokens: readonly SeededToken[]) {
  const db = await createTestDb(scope);
  await seedTokens(db, tokens);
  await refreshQuotes(
    db,
    tokens.map((_, index) => index + 1),
    now,
  );
  return { db, api: createTestApi(scope, { schema: createSchema(), db, clock: createTestClock(now) }) };
}

const real: SeededToken[] = [
  { slug: 'bitcoin', closes: rising, supply: '10' },
  { slug: 'ethereum', closes: falling, supply: '100' },
  ...Array.from({ length: 10 }, (_, index) => ({ slug: `riser-${index}`, closes: rising })),
  { slug: 'dead', closes: rising.slice(0, 100), supply: '1000000' },
];
const { db, api } = await apiOf([...real, { slug: 'unreal', closes: rising, supply: '1', isSimulated: true }]);

await db.execute(
  `INSERT INTO grade_model (id, kind, version, definition, published_at) VALUES (1, 'TRADER', 'test-v1', '{}', '2025-01-01')`,
);
await db.execute(`INSERT INTO grade_model_switch (kind, model_id, switched_at) VALUES ('TRADER', 1, '2025-01-01')`);
await db.execute(
  `INSERT INTO grade (model_id, token_id, series_id, as_of, published_at, value, band, coverage, factors)
   SELECT 1, t, t, at, at, v, b::"GradeBand", 1, ARRAY[0, v, 1, v]
   FROM (VALUES (1, 0, 70, 'BUY'), (2, 0, 30, 'SELL'), (3, 0, 80, 'BUY'), (4, 5, 90, 'STRONG_BUY'), (14, 0, 10, 'SELL')) AS u(t, ago, v, b)
   CROSS JOIN LATERAL (SELECT $1::timestamptz - ago * interval '1 day' AS at) a`,
  [new Date(now)],
);
await db.execute(
  `INSERT INTO strategy (id, name, version, definition, published_at) VALUES (1, 'trend-votes-1d', 1, '{}', '2025-01-01')`,
);
await db.execute(
  `INSERT INTO signal (strategy_id, token_id, series_id, direction, price_usd, confidence, issued_at, published_at, evidence)
   SELECT 1, t, t, d::"SignalDirection", 1, 1, at, at, '{}'
   FROM (SELECT t, 'BULLISH' AS d, 30 AS ago FROM generate_series(1, 11) t UNION ALL VALUES (1, 'BEARISH', 5)) u
   CROSS JOIN LATERAL (SELECT $1::timestamptz - ago * interval '1 day' AS at) a`,
  [new Date(now)],
);

interface Market {
  readonly [field: string]: unknown;
  readonly isSimulated: boolean;
}
const fields = `isSimulated tokenCount marketCapUsd marketCapCount volume24hUsd volumeCount bitcoinDominancePct risenCount fallenCount
  grades { kind n mean bands { band count } } trends { days n above share } signals { strategy bullish bearish neutral }
  signal { direction score inputs { name n } }`;

test('the real market is summed in four statements: without the simulated, and without what is a week behind', async () => {
  const { data, errors } = await api.query<{ market: Market }>(`{ market { ${fields} } }`);
  assert.equal(errors, undefined);
  assert.equal(api.sql.length, 4);
  const last = 100 + days - 1;
  const score = (2 * (11 / 12) - 1 + (2 * (11 / 12) - 1) + 9 / 11) / 3;
  assert.deepEqual(data!.market, {
    isSimulated: false,
    tokenCount: 12,
    marketCapUsd: String(last * 10 + 100 * 100),
    marketCapCount: 2,
    volume24hUsd: '12000',
    volumeCount: 12,
    bitcoinDominancePct: ((last * 10) / (last * 10 + 100 * 100)) * 100,
    risenCount: 11,
    fallenCount: 1,
    grades: [
      {
        kind: 'TRADER',
        n: 3,
        mean: 60,
        bands: [
          { band: 'BUY', count: 2 },
          { band: 'SELL', count: 1 },
        ],
      },
    ],
    trends: [50, 200].map((length) => ({ days: length, n: 12, above: 11, share: 11 / 12 })),
    signals: [{ strategy: 'trend-votes-1d', bullish: 10, bearish: 1, neutral: 0 }],
    signal: {
      direction: 'BULLISH',
      score,
      inputs: [
        { name: 'above50Days', n: 12 },
        { name: 'above200Days', n: 12 },
        { name: 'signals', n: 11 },
      ],
    },
  });
});

test('as of a time it knows only what had closed by then', async () => {
  const at = firstDay + 60 * dayMs;
  const { data } = await api.query<{ market: Market }>(
    `{ market(asOf: "${new Date(at).toISOString()}") { asOf tokenCount marketCapUsd grades { n } trends { n above } signals { bullish } } }`,
  );
  assert.equal(api.sql.length, 4);
  assert.deepEqual(data!.market, {
    asOf: new Date(at).toISOString(),
    tokenCount: 13,
    marketCapUsd: String((100 + 59) * (10 + 1_000_000) + (100 + days - 60) * 100),
    grades: [],
    trends: [
      { n: 13, above: 12 },
      { n: 0, above: 0 },
    ],
    signals: [],
  });
});

test('without a real token the simulated market answers; without any it is empty', async () => {
  const simulated = await apiOf([{ slug: 'bitcoin', closes: rising, supply: '10', isSimulated: true }]);
  const ask = '{ market { isSimulated tokenCount bitcoinDominancePct signal { direction reason } } }';
  const { data } = await simulated.api.query<{ market: Market }>(ask);
  assert.deepEqual(
    [data!.market.isSimulated, data!.market['tokenCount'], data!.market['bitcoinDominancePct']],
    [true, 1, 100],
  );
  const none = await (await apiOf([])).api.query<{ market: Market }>(ask);
  assert.deepEqual([none.data!.market['tokenCount'], none.data!.market['bitcoinDominancePct']], [0, null]);
});
