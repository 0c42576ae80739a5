import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { graphql } from 'graphql';
import { builder } from '../../src/graphql/builder.ts';
import type { Context } from '../../src/graphql/context.ts';
import { candlesMax } from '../../src/prices/read-store.ts';
import '../../src/prices/schema.ts';
import { recordQuarantine } from '../../src/prices/quarantine-store.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { candlesOf, seedSeries, seedToken, store } from './seed.ts';

const db = await createTestDb({ after });
// GraphQL wants a field on every type; the real ones belong to other files.
builder.subscriptionField('nothing', (t) => t.boolean({ subscribe: async function* () {}, resolve: () => true }));
const schema = builder.toSchema();
const monday = Date.parse('2025-06-02T00:00:00Z');
const hour = 3_600_000;
const now = monday + 20 * 24 * hour;

interface Asked {
  data: Record<string, never> | null | undefined;
  codes: unknown[];
  messages: string[];
  statements: string[];
}

async function ask(source: string): Promise<Asked> {
  const context = { db, clock: createTestClock(now), requestId: 'test' } as unknown as Context;
  const statements: string[] = [];
  const stop = db.onStatement((text) => statements.push(text));
  const { data, errors } = await graphql({ schema, source, contextValue: context });
  stop();
  const codes = (errors ?? []).map(
    (error) => (error.originalError as { code?: string } | undefined)?.code ?? error.message,
  );
  return {
    data: JSON.parse(JSON.stringify(data ?? null)),
    codes,
    messages: (errors ?? []).map(({ message }) => message),
    statements,
  };
}

async function slugOf(tokenId: number): Promise<string> {
  return (await db.prisma.token.findUniqueOrThrow({ where: { id: tokenId } })).slug;
}

async function seedPriced(prices: readonly (string | null)[], sourceName?: string): Promise<string> {
  const tokenId = await seedToken(db, { circulatingSupply: '100', maxSupply: '210' });
  const { id } = await seedSeries(db, tokenId, sourceName === undefined ? {} : { sourceName });
  await store(db, candlesOf(id, 'ONE_HOUR', monday, prices), now);
  await refreshDefaults(db, [tokenId]);
  await refreshQuotes(db, [tokenId], now);
  return slugOf(tokenId);
}

test('a quote comes whole, and says that it is old', async () => {
  const slug = await seedPriced(['1.50', '3.00'], 'whole');
  const { data, codes } =
    await ask(`{ token(slug: "${slug}") { quote { token { slug } priceUsd changePct1h changePct24h marketCapUsd fullyDilutedUsd
    volume24hUsd source observedAt isStale } } }`);
  assert.deepEqual(codes, []);
  assert.deepEqual(data, {
    token: {
      quote: {
        token: { slug },
        priceUsd: '3.00',
        changePct1h: 100,
        changePct24h: null,
        marketCapUsd: '300.00',
        fullyDilutedUsd: '630',
        volume24hUsd: null,
        source: 'whole',
        observedAt: '2025-06-02T02:00:00.000Z',
        isStale: true,
      },
    },
  });
});

test('a quote as of an instant knows only what had closed, and is fresh then', async () => {
  const slug = await seedPriced(['1', '2']);
  const { data } = await ask(`{ token(slug: "${slug}") {
    before: quote(asOf: "2025-06-02T00:59:59.999Z") { priceUsd }
    closed: quote(asOf: "2025-06-02T01:00:00Z") { priceUsd isStale }
  } }`);
  assert.deepEqual(data, { token: { before: null, closed: { priceUsd: '1', isStale: false } } });
});

test('fifty tokens with their quotes are two statements', async () => {
  for (let index = 0; index < 50; index += 1) await seedPriced(['1', '2']);
  const { data, codes, statements } = await ask(
    '{ tokens(first: 50) { nodes { slug quote { priceUsd isStale fullyDilutedUsd } } } }',
  );
  assert.deepEqual(codes, []);
  assert.equal((data as unknown as { tokens: { nodes: unknown[] } }).tokens.nodes.length, 50);
  assert.equal(statements.length, 2, statements.join('\n---\n'));
});

test('what quotes were made of is one more statement for all of them, and one for all past ones', async () => {
  const slugs: string[] = [];
  for (let index = 0; index < 20; index += 1) slugs.push(await seedPriced(['1', '2']));
  const venues = 'method venues { source priceUsd pegRate weightUsd isUsed reason observedAt }';
  const { data, codes, statements } = await ask(
    `{ tokenBatch(slugs: ${JSON.stringify(slugs)}) { nodes { quote { ${venues} } past: quote(asOf: "2025-06-02T01:00:00Z") { ${venues} } } } }`,
  );
  assert.deepEqual(codes, []);
  assert.equal(statements.length, 5, statements.join('\n---\n'));
  const { tokenBatch } = data as unknown as { tokenBatch: { nodes: Record<'past', { venues: unknown[] }>[] } };
  const [venue] = tokenBatch.nodes[0]?.past.venues ?? [];
  const { source, ...rest } = venue as Record<string, unknown>;
  assert.equal(typeof source, 'string');
  assert.deepEqual(rest, {
    priceUsd: '1',
    pegRate: '1',
    weightUsd: null,
    isUsed: true,
    reason: null,
    observedAt: '2025-06-02T01:00:00.000Z',
  });
});

test('candles of many tokens, ranges and intervals are one statement', async () => {
  const [one, other] = [await seedPriced(['1', null, '2']), await seedPriced(['3'])];
  const { data, codes, statements } = await ask(`{ tokenBatch(slugs: ["${one}", "${other}"]) { nodes {
    hours: candles(interval: ONE_HOUR, from: "2025-06-02", gaps: CARRY) { openTime closeTime close volumeQuote isFilled isFinal revision }
    days: candles(interval: ONE_DAY) { close }
    columns: candleSeries(interval: ONE_HOUR, limit: 2, gaps: NULL) { interval source openTime close isTruncated }
    none: candles(interval: ONE_MINUTE) { close }
    elsewhere: candles(interval: ONE_HOUR, source: "whole", gaps: NULL) { close }
  } } }`);
  assert.deepEqual(codes, []);
  assert.equal(statements.filter((text) => text.includes('candle c')).length, 1);
  const [first, second] = (data as unknown as { tokenBatch: { nodes: Record<string, unknown>[] } }).tokenBatch.nodes;
  const base = { volumeQuote: null, isFinal: true, isFilled: false, revision: 0 };
  assert.deepEqual(first?.['hours'], [
    { ...base, openTime: '2025-06-02T00:00:00.000Z', closeTime: '2025-06-02T01:00:00.000Z', close: '1' },
    {
      ...base,
      openTime: '2025-06-02T01:00:00.000Z',
      closeTime: '2025-06-02T02:00:00.000Z',
      close: '1',
      volumeQuote: '0',
      isFilled: true,
    },
    { ...base, openTime: '2025-06-02T02:00:00.000Z', closeTime: '2025-06-02T03:00:00.000Z', close: '2' },
  ]);
  assert.deepEqual(first?.['days'], [{ close: '2' }]);
  const { source, ...columns } = (first?.['columns'] ?? {}) as Record<string, unknown>;
  assert.match(String(source), /^source-/);
  assert.deepEqual(columns, {
    interval: 'ONE_HOUR',
    openTime: ['2025-06-02T01:00:00.000Z', '2025-06-02T02:00:00.000Z'],
    close: [null, '2'],
    isTruncated: true,
  });
  assert.deepEqual([first?.['none'], first?.['elsewhere'], second?.['days']], [[], [], [{ close: '3' }]]);
});

test('a gap policy of null is the default: gaps are left out', async () => {
  const slug = await seedPriced(['1', null, '2']);
  const { data, codes } = await ask(`{ token(slug: "${slug}") {
    candles(interval: ONE_HOUR, from: "2025-06-02", gaps: null) { close }
    candleSeries(interval: ONE_HOUR, from: "2025-06-02", gaps: null) { close }
  } }`);
  assert.deepEqual(codes, []);
  assert.deepEqual(data?.['token'], {
    candles: [{ close: '1' }, { close: '2' }],
    candleSeries: { close: ['1', '2'] },
  });
});

test('a source is read by name, and of its markets spot comes first', async () => {
  const tokenId = await seedToken(db);
  for (const [marketSymbol, marketType, price, sourceName] of [
    ['A/USDT:USDT', 'PERPETUAL', '1', 'both'],
    ['A/USDT', 'SPOT', '2', 'both'],
    ['A/USDT', 'SPOT', '3', 'alone'],
  ] as const) {
    const { id } = await seedSeries(db, tokenId, { sourceName, marketSymbol, marketType });
    await store(db, candlesOf(id, 'ONE_DAY', monday, [price]), now);
  }
  await refreshDefaults(db, [tokenId]);
  const { data } = await ask(`{ token(slug: "${await slugOf(tokenId)}") {
    both: candles(interval: ONE_DAY, source: "both") { close source }
    alone: candles(interval: ONE_DAY, source: "alone") { close source }
    candleSources { source marketSymbol interval candleCount missingCount isDefault }
  } }`);
  const token = (data as unknown as { token: Record<string, unknown[]> }).token;
  assert.deepEqual(
    [token['both'], token['alone']],
    [[{ close: '2', source: 'both' }], [{ close: '3', source: 'alone' }]],
  );
  assert.equal(token['candleSources']?.length, 6);
});

const refused: readonly [string, string, string][] = [
  ['a limit beyond the maximum', `candles(interval: ONE_HOUR, limit: ${candlesMax + 1}) { close }`, 'LIMIT_EXCEEDED'],
  ['a column limit beyond the maximum', 'candleSeries(interval: ONE_HOUR, limit: 5001) { close }', 'LIMIT_EXCEEDED'],
  [
    'a range upside down',
    'candles(interval: ONE_HOUR, from: "2025-06-03", to: "2025-06-02") { close }',
    'BAD_USER_INPUT',
  ],
  [
    'more gaps than a list may have',
    'candles(interval: ONE_MINUTE, from: "2025-06-02", to: "2025-06-10", gaps: NULL) { close }',
    'LIMIT_EXCEEDED',
  ],
];

for (const [name, field, code] of refused) {
  test(`${name} is ${code}`, async () => {
    const tokenId = await seedToken(db);
    const { id } = await seedSeries(db, tokenId);
    await store(db, candlesOf(id, 'ONE_MINUTE', monday, ['1']), now);
    await refreshDefaults(db, [tokenId]);
    const { codes } = await ask(`{ token(slug: "${await slugOf(tokenId)}") { ${field} } }`);
    assert.deepEqual(codes, [code]);
  });
}

test('a name of no source is refused with the names there are, in one statement; a source without candles is empty', async () => {
  const slug = await seedPriced(['1'], 'mine');
  await seedPriced(['1'], 'other');
  const read = (source: string): Promise<Asked> =>
    ask(`{ token(slug: "${slug}") {
      candles(interval: ONE_HOUR, source: "${source}") { close }
      candleSeries(interval: ONE_HOUR, source: "${source}", gaps: NULL) { source close isTruncated }
      coarse: candles(interval: ONE_MINUTE, source: "${source}") { close }
    } }`);
  const none = await read('nope');
  assert.deepEqual([...new Set(none.codes)], ['BAD_USER_INPUT']);
  assert.match(none.messages[0] ?? '', /"nope"\. There are: .*\bmine\b.*\bother\b/);
  const mine = await read('mine');
  assert.deepEqual([mine.codes, mine.data?.['token']?.['candles']], [[], [{ close: '1' }]]);
  const other = await read('other');
  assert.deepEqual(
    [other.codes, other.data?.['token']],
    [[], { candles: [], candleSeries: { source: null, close: [], isTruncated: false }, coarse: [] }],
  );
  for (const { statements } of [none, mine, other]) assert.equal(statements.length, 2, statements.join('\n---\n'));
});

test('the quarantine is paged, newest first', async () => {
  const row = (index: number) => ({
    sourceName: 'dirty',
    marketSymbol: 'A/USD',
    reason: 'HIGH_BELOW_LOW' as const,
    detail: 'd',
    raw: `row ${index}`,
    location: 'file:1',
  });
  for (let index = 0; index < 5; index += 1) await recordQuarantine(db, [row(index)], now + index);
  assert.equal(await recordQuarantine(db, [row(0)], now + 99), 0, 'the same row is kept once');
  const page = async (args: string) => {
    const { data, codes } = await ask(
      `{ quarantinedCandles(source: "dirty", ${args}) { nodes { raw reason } pageInfo { endCursor startCursor hasNextPage } } }`,
    );
    assert.deepEqual(codes, []);
    return (
      data as unknown as {
        quarantinedCandles: {
          nodes: { raw: string }[];
          pageInfo: { endCursor: string; startCursor: string; hasNextPage: boolean };
        };
      }
    ).quarantinedCandles;
  };
  const first = await page('first: 3');
  const second = await page(`first: 3, after: "${first.pageInfo.endCursor}"`);
  const back = await page(`last: 2, before: "${second.pageInfo.startCursor}"`);
  const texts = (part: typeof first): string[] => part.nodes.map(({ raw }) => raw);
  assert.deepEqual(texts(first), ['row 4', 'row 3', 'row 2']);
  assert.deepEqual([texts(second), second.pageInfo.hasNextPage], [['row 1', 'row 0'], false]);
  assert.deepEqual(texts(back), ['row 3', 'row 2']);
});
