import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import * as fc from 'fast-check';
import { Exact } from '../../src/lib/decimal.ts';
import { hourMs, minuteMs } from '../../src/lib/interval.ts';
import { pastQuote, quoteByToken, refreshQuotes, venuesOfQuote } from '../../src/prices/quote-store.ts';
import { type NewSeries, refreshDefaults } from '../../src/prices/series-store.ts';
import { recordCandles } from '../../src/prices/store.ts';
import type { QuoteVenue } from '../../src/prices/venue-store.ts';
import { createTestDb } from '../support/db.ts';
import { candleOf, seedSeries, seedToken } from './seed.ts';

/** One price of several venues: which take part, and what comes out. */

const db = await createTestDb({ after });
const at = Date.parse('2026-06-01T12:00:00Z');

beforeEach(() => db.execute('TRUNCATE series, source CASCADE'));

interface Venue {
  readonly price: string;
  /** Traded in the hour before, in the quote currency. */
  readonly volume?: string | null;
  /** The price closed so long before. */
  readonly ageMs?: number;
  readonly facts?: Partial<NewSeries>;
}

/** Venues v1, v2 … of a token, each with an hour and then a minute. */
async function seedVenues(tokenId: number, venues: readonly Venue[]): Promise<void> {
  for (const [index, { price, volume = '100', ageMs = 0, facts }] of venues.entries()) {
    const { id } = await seedSeries(db, tokenId, {
      sourceName: `v${index + 1}`,
      sourceKind: 'EXCHANGE',
      marketSymbol: `T${tokenId}/USD`,
      quoteSymbol: 'USD',
      ...facts,
    });
    const candles = [
      candleOf(id, 'ONE_HOUR', at - 2 * hourMs, '1', { volumeQuote: volume }),
      candleOf(id, 'ONE_MINUTE', at - ageMs - minuteMs, price),
    ];
    await db.transaction((tx) => recordCandles(tx, candles, at - ageMs));
  }
}

interface Made {
  readonly price: string | undefined;
  readonly source: string | undefined;
  readonly method: string | undefined;
  readonly venues: readonly QuoteVenue[];
}

async function made(venues: readonly Venue[]): Promise<Made> {
  const tokenId = await seedToken(db);
  await seedVenues(tokenId, venues);
  return refreshed(tokenId);
}

async function refreshed(tokenId: number): Promise<Made> {
  await refreshDefaults(db, [tokenId]);
  await refreshQuotes(db, [tokenId], at);
  const quote = await quoteByToken({ db }).load(tokenId);
  const told = await venuesOfQuote({ db }).load({ tokenId, asOf: null, knownAt: null });
  const past = await pastQuote({ db }).load({ tokenId, asOf: at, knownAt: null });
  const pastTold = await venuesOfQuote({ db }).load({ tokenId, asOf: at, knownAt: null });
  assert.deepEqual(
    [past?.priceUsd, past?.method, past?.observedAt, pastTold],
    [quote?.priceUsd, quote?.method, quote?.observedAt, told],
  );
  return { price: quote?.priceUsd, source: quote?.source, method: quote?.method, venues: told };
}

const reasonsOf = ({ venues }: Made): Record<string, string | null> =>
  Object.fromEntries(venues.map(({ source, reason }) => [source, reason]));

test('one venue is its own price', async () => {
  const quote = await made([{ price: '100.50' }]);
  assert.deepEqual([quote.price, quote.source, quote.method], ['100.50', 'v1', 'SINGLE_VENUE']);
  assert.deepEqual(quote.venues, [
    {
      source: 'v1',
      marketSymbol: quote.venues[0]?.marketSymbol,
      priceUsd: '100.50',
      quoteSymbol: 'USD',
      pegRate: '1',
      pegSource: null,
      weightUsd: null,
      isUsed: true,
      reason: null,
      observedAt: at,
    },
  ]);
});

test('several venues are the median weighted by volume', async () => {
  const quote = await made([
    { price: '100', volume: '30' },
    { price: '100.2', volume: '30' },
    { price: '100.4', volume: '100' },
  ]);
  assert.deepEqual([quote.price, quote.source, quote.method], ['100.4', 'composite', 'WEIGHTED_MEDIAN']);
  assert.deepEqual(
    quote.venues.map(({ source, weightUsd, isUsed }) => [source, weightUsd, isUsed]),
    [
      ['v3', '100', true],
      ['v1', '30', true],
      ['v2', '30', true],
    ],
  );
});

const cases: readonly [string, Venue[], string, Record<string, string | null>][] = [
  ['of two equal weights the lower price', [{ price: '101' }, { price: '100' }], '100', { v1: null, v2: null }],
  [
    'where none has traded all weigh the same',
    [
      { price: '3', volume: null },
      { price: '3.01', volume: '0' },
      { price: '3.02', volume: null },
    ],
    '3.01',
    { v1: null, v2: null, v3: null },
  ],
  [
    'a venue without volume has no weight beside one with',
    [
      { price: '3', volume: null },
      { price: '3.01', volume: '1' },
    ],
    '3.01',
    { v1: null, v2: null },
  ],
  [
    'an outlier is left out, however much it trades',
    [{ price: '100' }, { price: '100.1' }, { price: '150', volume: '999999' }],
    '100',
    { v1: null, v2: null, v3: 'OUTLIER' },
  ],
  [
    'within one percent nobody is an outlier',
    [{ price: '100' }, { price: '100' }, { price: '101', volume: '999' }],
    '101',
    { v1: null, v2: null, v3: null },
  ],
  [
    'venues that all differ have no outlier',
    [{ price: '100' }, { price: '110' }, { price: '120' }],
    '110',
    { v1: null, v2: null, v3: null },
  ],
  [
    'of two nobody can tell who is wrong: the heavier one counts',
    [
      { price: '100', volume: '5' },
      { price: '150', volume: '4' },
    ],
    '100',
    { v1: null, v2: null },
  ],
  [
    'a venue that fell silent is left out',
    [{ price: '100', volume: '999', ageMs: 6 * minuteMs }, { price: '101' }],
    '101',
    { v1: 'STALE', v2: null },
  ],
  [
    'five minutes are no silence',
    [{ price: '100', volume: '999', ageMs: 5 * minuteMs }, { price: '101' }],
    '100',
    { v1: null, v2: null },
  ],
  [
    'perpetuals give way to spot markets',
    [{ price: '100', facts: { marketType: 'PERPETUAL' }, volume: '999' }, { price: '101' }],
    '101',
    { v1: 'PERPETUAL', v2: null },
  ],
  [
    'but not to silent ones',
    [
      { price: '100', facts: { marketType: 'PERPETUAL' } },
      { price: '101', ageMs: 6 * minuteMs },
    ],
    '100',
    { v1: null, v2: 'STALE' },
  ],
];

for (const [name, venues, price, reasons] of cases)
  test(`venues: ${name}`, async () => {
    const quote = await made(venues);
    assert.deepEqual([quote.price, reasonsOf(quote)], [price, reasons]);
  });

test('a stablecoin counts what its markets against USD say, else as one dollar, and the answer says so', async () => {
  const tether = await seedToken(db);
  const inTether = { quoteSymbol: 'USDT' };
  await seedVenues(tether, [
    { price: '0.90', facts: { marketSymbol: 'USDT/USD' } },
    { price: '0.95', facts: { marketSymbol: 'USDT/USD' } },
    { price: '0.99', facts: { marketSymbol: 'USDT/USD' } },
  ]);
  const converted = await made([{ price: '200.10', facts: inTether, volume: '1000' }]);
  assert.equal(converted.price, '190.0950');
  assert.deepEqual(
    converted.venues.map(({ quoteSymbol, pegRate, pegSource, priceUsd }) => [
      quoteSymbol,
      pegRate,
      pegSource,
      priceUsd,
    ]),
    [['USDT', '0.95', 'v1, v2, v3', '190.0950']],
  );
  const [assumed] = (await made([{ price: '200.10', facts: { quoteSymbol: 'USDC' } }])).venues;
  assert.deepEqual([assumed?.priceUsd, assumed?.pegRate, assumed?.pegSource], ['200.10', '1', null]);
  const [old] = (await made([{ price: '200.10', facts: inTether, ageMs: 16 * minuteMs }])).venues;
  assert.deepEqual([old?.pegRate, old?.pegSource], ['1', null], 'the market was not heard of at that time');
});

test('imports and simulated series are never mixed in', async () => {
  const alone = await made([{ price: '100' }, { price: '200', facts: { sourceKind: 'IMPORT' }, volume: '999' }]);
  assert.deepEqual([alone.price, alone.method, alone.venues.length], ['100', 'SINGLE_VENUE', 1]);
  const imports = [1, 2].map(
    (n): Venue => ({ price: `${n}00`, facts: { sourceName: `file${n}`, sourceKind: 'IMPORT' } }),
  );
  assert.equal((await made(imports)).method, 'SINGLE_VENUE');
});

test('changes are those of the default series, and of the heaviest venue where that is left out', async () => {
  const tokenId = await seedToken(db);
  await seedVenues(tokenId, [{ price: '2' }, { price: '2.01', volume: '999' }]);
  await refreshed(tokenId);
  const quote = await quoteByToken({ db }).load(tokenId);
  assert.deepEqual([quote?.priceUsd, quote?.changePct1h], ['2.01', 100]);
  const silent = await seedToken(db);
  await seedVenues(silent, [{ price: '9', ageMs: 6 * minuteMs }, { price: '3' }]);
  await refreshed(silent);
  assert.equal((await quoteByToken({ db }).load(silent))?.changePct1h, 200);
});

test('a quote as known then is made of what the venues had said by then', async () => {
  const tokenId = await seedToken(db);
  await seedVenues(tokenId, [{ price: '100' }, { price: '100.5', volume: '900' }]);
  const late = await seedSeries(db, tokenId, { sourceName: 'late', sourceKind: 'EXCHANGE', quoteSymbol: 'USD' });
  const candles = [
    candleOf(late.id, 'ONE_HOUR', at - 2 * hourMs, '1', { volumeQuote: '99999' }),
    candleOf(late.id, 'ONE_MINUTE', at - minuteMs, '101'),
  ];
  await db.transaction((tx) => recordCandles(tx, candles, at + hourMs));
  await refreshDefaults(db, [tokenId]);
  const read = async (knownAt: number | null): Promise<unknown[]> => {
    const venues = await venuesOfQuote({ db }).load({ tokenId, asOf: at, knownAt });
    return [(await pastQuote({ db }).load({ tokenId, asOf: at, knownAt }))?.priceUsd, venues.length];
  };
  assert.deepEqual(
    [await read(at), await read(at + hourMs), await read(null)],
    [
      ['100.5', 2],
      ['101', 3],
      ['101', 3],
    ],
  );
});

test('venues of many quotes take three statements: current, past, as known', async () => {
  const statements: string[] = [];
  const stop = db.onStatement((text) => statements.push(text));
  const keys = Array.from({ length: 60 }, (_, index) => ({
    tokenId: index + 1,
    asOf: index % 3 === 0 ? null : at,
    knownAt: index % 3 === 1 ? at : null,
  }));
  await venuesOfQuote({ db }).loadMany(keys);
  stop();
  assert.equal(statements.length, 3);
});

/** The rule, written the plain way. */
function plainQuote(venues: readonly { readonly price: string; readonly volume: string }[]): string | undefined {
  const byPrice = venues.map(({ price, volume }) => ({ price: new Exact(price), volume: new Exact(volume) }));
  byPrice.sort((a, b) => a.price.comparedTo(b.price));
  const middle = (list: Exact[]): Exact =>
    list.sort((a, b) => a.comparedTo(b))[Math.floor((list.length - 1) / 2)] ?? new Exact(0);
  const mid = middle(byPrice.map(({ price }) => price));
  const away = (price: Exact): Exact => price.minus(mid).abs();
  const deviation = middle(byPrice.map(({ price }) => away(price)));
  const limit = Exact.max(mid.times(0.01), deviation.times('4.4478'));
  const used = venues.length < 3 ? byPrice : byPrice.filter(({ price }) => away(price).lessThanOrEqualTo(limit));
  const isTraded = used.some(({ volume }) => volume.greaterThan(0));
  const share = (volume: Exact): Exact => (isTraded ? volume : new Exact(1));
  const sum = used.reduce((total, { volume }) => total.plus(share(volume)), new Exact(0));
  let below = new Exact(0);
  return used
    .find(({ volume }) => (below = below.plus(share(volume))).times(2).greaterThanOrEqualTo(sum))
    ?.price.toFixed();
}

test('whatever the venues say, the quote is that of the rule written the plain way', async () => {
  const venue = fc.record({
    price: fc.integer({ min: 9_500, max: 10_500 }).map((cents) => String(cents / 100)),
    volume: fc.integer({ min: 0, max: 50 }).map(String),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(venue, { minLength: 1, maxLength: 7 }), async (venues) => {
      const { price } = await made(venues);
      assert.equal(new Exact(price ?? 0).toFixed(), plainQuote(venues));
    }),
    { numRuns: 25 },
  );
});
