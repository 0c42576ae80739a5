import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { recordFacts } from '../../src/facts/store.ts';
import type { CandleInterval } from '../../src/lib/interval.ts';
import type { NewCandle } from '../../src/prices/candle.ts';
import { isStaleQuote, type Quote } from '../../src/prices/quote.ts';
import { pastQuote, quoteByToken, refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { recordCandles } from '../../src/prices/store.ts';
import type { MetricName } from '../../src/sources/fact.ts';
import { createTestDb } from '../support/db.ts';
import { candleOf, candlesOf, seedSeries, seedToken, store } from './seed.ts';

const db = await createTestDb({ after });
const hour = 3_600_000;
const day = 24 * hour;
const monday = Date.parse('2025-06-02T00:00:00Z');
const now = Date.parse('2026-01-01T00:00:00Z');

/** The quote of a new token with one series of these candles. */
async function quoteOf(make: (seriesId: number) => NewCandle[], supply?: string): Promise<Quote | null> {
  const tokenId = await seedToken(db, supply === undefined ? {} : { circulatingSupply: supply, maxSupply: '1000' });
  const { id } = await seedSeries(db, tokenId);
  await store(db, make(id), now);
  await refreshDefaults(db, [tokenId]);
  await refreshQuotes(db, [tokenId], now);
  return quoteByToken({ db }).load(tokenId);
}

/** Prices 1000, 1001, … of `count` candles. */
const climb = (count: number): string[] => Array.from({ length: count }, (_, index) => String(1000 + index));

test('changes are against the closes 1 hour, 24 hours and 7 days before', async () => {
  const quote = await quoteOf((id) => candlesOf(id, 'ONE_HOUR', monday, climb(170)));
  assert.equal(quote?.priceUsd, '1169');
  assert.equal(quote.observedAt, monday + 170 * hour);
  assert.equal(quote.interval, 'ONE_HOUR');
  assert.ok(Math.abs((quote.changePct1h ?? 0) - (1169 / 1168 - 1) * 100) < 1e-12);
  assert.ok(Math.abs((quote.changePct24h ?? 0) - (1169 / 1145 - 1) * 100) < 1e-12);
  assert.ok(Math.abs((quote.changePct7d ?? 0) - (1169 / 1001 - 1) * 100) < 1e-12);
});

const references: readonly [string, CandleInterval, readonly (string | null)[], (number | null)[]][] = [
  ['one candle has nothing before it', 'ONE_HOUR', ['1'], [null, null, null]],
  ['an hour with no candle falls back to the one before', 'ONE_HOUR', ['1', null, '4'], [300, null, null]],
  [
    'a candle that closed more than an hour earlier is no reference for the hour',
    'ONE_HOUR',
    ['1', null, null, '4'],
    [null, null, null],
  ],
  ['daily candles know no hour', 'ONE_DAY', ['1', '2', '4'], [null, 100, null]],
  ['one missing day is bridged, two are not', 'ONE_DAY', ['1', null, '4'], [null, 300, null]],
  ['a reference a full day older than wanted is none', 'ONE_DAY', ['1', null, null, '4'], [null, null, null]],
  ['seven days', 'ONE_DAY', ['2', '1', '1', '1', '1', '1', '1', '4'], [null, 300, 100]],
];

for (const [name, interval, prices, expected] of references) {
  test(`change: ${name}`, async () => {
    const quote = await quoteOf((id) => candlesOf(id, interval, monday, prices));
    assert.deepEqual([quote?.changePct1h, quote?.changePct24h, quote?.changePct7d], expected);
  });
}

const volumes = (
  id: number,
  interval: CandleInterval,
  from: number,
  amounts: readonly (string | null)[],
): NewCandle[] =>
  candlesOf(
    id,
    interval,
    from,
    amounts.map(() => '2'),
  ).map((candle, index) => ({ ...candle, volumeQuote: amounts[index] ?? null }));

test('volume is that of the last 24 hourly candles, of finer ones too', async () => {
  const amounts = ['1000', ...Array.from({ length: 24 }, () => '0.10')];
  assert.equal(Number((await quoteOf((id) => volumes(id, 'ONE_HOUR', monday, amounts)))?.volume24hUsd), 2.4);
  const minutes = Array.from({ length: 25 * 12 }, (_, index) => (index < 12 ? '1000' : '0.5'));
  assert.equal(Number((await quoteOf((id) => volumes(id, 'FIVE_MINUTES', monday, minutes)))?.volume24hUsd), 144);
});

test('volume of a daily series is that of the last day; unknown where the source does not tell or does not reach back', async () => {
  assert.equal((await quoteOf((id) => volumes(id, 'ONE_DAY', monday, ['5', '7.50'])))?.volume24hUsd, '7.50');
  assert.equal((await quoteOf((id) => volumes(id, 'ONE_DAY', monday, [null, null])))?.volume24hUsd, null);
  assert.equal((await quoteOf((id) => volumes(id, 'ONE_HOUR', monday, ['5', '5'])))?.volume24hUsd, null);
});

test("market cap is the source's own, else its supply times the price, else the registry's, exactly", async () => {
  const withFacts = (facts: Partial<NewCandle>) => (id: number) => [candleOf(id, 'ONE_DAY', monday, '0.30', facts)];
  const capOf = async (facts: Partial<NewCandle>, supply?: string): Promise<string | null | undefined> =>
    (await quoteOf(withFacts(facts), supply))?.marketCapUsd;
  assert.equal(await capOf({ marketCapUsd: '123.45', supply: '7' }, '9'), '123.45');
  assert.equal(Number(await capOf({ supply: '7' }, '9')), 2.1);
  assert.equal(await capOf({}, '123456789012345678901.5'), '37037036703703703670.450');
  assert.equal(await capOf({}), null);
});

test('facts tell the market cap where the source does not: the supply first, each while it is fresh, as known then', async () => {
  const tokenId = await seedToken(db, { circulatingSupply: '9' });
  const { id, sourceName } = await seedSeries(db, tokenId);
  await store(db, candlesOf(id, 'ONE_DAY', monday, Array<string>(50).fill('0.30')), monday + 60 * day);
  await refreshDefaults(db, [tokenId]);
  const fact = (metric: MetricName, dayNumber: number, value: string) => {
    const asOf = monday + dayNumber * day;
    return { tokenId, sourceName, metric, asOf, value, knownAt: asOf + day };
  };
  await recordFacts(db, [fact('MARKET_CAP_USD', 2, '800'), fact('CIRCULATING_SUPPLY', 5, '7')], monday + 60 * day);
  await recordFacts(db, [fact('CIRCULATING_SUPPLY', 5, '8')], monday + 61 * day);
  await refreshQuotes(db, [tokenId], now);
  assert.equal(Number((await quoteByToken({ db }).load(tokenId))?.marketCapUsd), 2.7); // both facts are too old for now
  const capAt = async (days: number, knownAt: number | null = null): Promise<number> => {
    const quote = await pastQuote({ db }).load({ tokenId, asOf: monday + days * day, knownAt });
    return Number(quote?.marketCapUsd ?? Number.NaN);
  };
  assert.deepEqual(
    [await capAt(1), await capAt(2), await capAt(5), await capAt(36), await capAt(37)],
    [Number.NaN, 800, 2.4, 2.4, Number.NaN],
  );
  assert.deepEqual([await capAt(6, monday + 60 * day), await capAt(6, monday + 61 * day)], [2.1, 2.4]);
});

test('real facts say nothing about simulated prices', async () => {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId, { sourceName: 'invented', sourceKind: 'SIMULATED' });
  const { sourceName } = await seedSeries(db, await seedToken(db));
  await store(db, [candleOf(id, 'ONE_DAY', monday, '1')], now);
  await recordFacts(
    db,
    [{ tokenId, sourceName, metric: 'CIRCULATING_SUPPLY', asOf: monday, value: '5', knownAt: monday }],
    now,
  );
  await refreshDefaults(db, [tokenId]);
  await refreshQuotes(db, [tokenId], now);
  assert.equal((await quoteByToken({ db }).load(tokenId))?.marketCapUsd, null);
});

test('a market cap of some days ago still counts, one of a fortnight ago does not', async () => {
  const capAfter = async (days: number): Promise<string | null | undefined> => {
    const quote = await quoteOf((id) => [
      candleOf(id, 'ONE_DAY', monday, '1', { marketCapUsd: '77' }),
      candleOf(id, 'ONE_DAY', monday + days * day, '1'),
    ]);
    return quote?.marketCapUsd;
  };
  assert.deepEqual([await capAfter(5), await capAfter(14)], ['77', null]);
});

test('the price is the newest candle, whichever interval has it', async () => {
  const quote = await quoteOf((id) => [
    ...candlesOf(id, 'ONE_HOUR', monday, ['1', '2']),
    candleOf(id, 'ONE_DAY', monday + 5 * day, '9'),
  ]);
  assert.deepEqual([quote?.priceUsd, quote?.interval, quote?.observedAt], ['9', 'ONE_DAY', monday + 6 * day]);
});

test('an open candle is observed when it was last heard of', async () => {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId, { sourceKind: 'EXCHANGE' });
  const heardAt = monday + 20_000;
  await db.transaction((tx) =>
    recordCandles(tx, [candleOf(id, 'ONE_MINUTE', monday, '5', { isFinal: false })], heardAt),
  );
  await refreshDefaults(db, [tokenId]);
  await refreshQuotes(db, [tokenId], heardAt);
  assert.equal((await quoteByToken({ db }).load(tokenId))?.observedAt, heardAt);
});

test('a price that moves within a minute is compared with what a look at all candles would find', async () => {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId, { sourceKind: 'EXCHANGE' });
  const minute = 60_000;
  await store(db, candlesOf(id, 'ONE_DAY', monday - 10 * day, climb(9)), now);
  const minutes = [
    ...candlesOf(id, 'ONE_MINUTE', monday - 2 * hour, ['7']), // counts up to the first whole minute
    ...candlesOf(id, 'ONE_MINUTE', monday - hour + minute, ['8']), // and this one from the second
  ];
  await db.transaction((tx) => recordCandles(tx, minutes, now));
  await refreshDefaults(db, [tokenId]);
  const changes = new Set<number | null>();
  const offsets = [5, 20, 40, 60, 60.001, 61, 90, 119.999, 120, 121, 185, 186];
  for (const [n, offset] of offsets.entries()) {
    const heardAt = monday + offset * 1000;
    const openTime = Math.floor((heardAt - 1) / minute) * minute; // an exact minute is the close of one
    const open = candleOf(id, 'ONE_MINUTE', openTime, String(9 + n), { isFinal: false });
    await db.transaction((tx) => recordCandles(tx, [open], heardAt));
    assert.deepEqual(await refreshQuotes(db, [tokenId], heardAt, [tokenId]), [tokenId]);
    assert.deepEqual(await refreshQuotes(db, [tokenId], heardAt), [], `${offset} s`);
    const quote = await quoteByToken({ db }).load(tokenId);
    assert.equal(quote?.observedAt, heardAt);
    changes.add(rounded((9 + n) / (1 + (quote.changePct1h ?? Number.NaN) / 100)));
  }
  assert.deepEqual(changes, new Set([7, Number.NaN, 8]));
});

test('within a minute a moved price is compared without a look at past candles, a written hour with one', async () => {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId, { sourceKind: 'EXCHANGE' });
  const write = (price: string, heardAt: number): Promise<unknown> =>
    db.transaction((tx) => recordCandles(tx, [candleOf(id, 'ONE_MINUTE', monday, price, { isFinal: false })], heardAt));
  await store(db, candlesOf(id, 'ONE_HOUR', monday - 2 * hour, ['10', '20']), now);
  await refreshDefaults(db, [tokenId]);
  await write('30', monday + 1_000);
  await refreshQuotes(db, [tokenId], now);
  await db.execute('UPDATE candle SET close = low WHERE series_id = $1', [id]);
  await db.execute(`UPDATE candle SET close = 5, low = 5 WHERE series_id = $1 AND interval = 'ONE_HOUR'`, [id]);
  const changeOf = async (moved: readonly number[]): Promise<number | null> => {
    await refreshQuotes(db, [tokenId], now, moved);
    return (await quoteByToken({ db }).load(tokenId))?.changePct1h ?? null;
  };
  await write('40', monday + 2_000);
  assert.equal(await changeOf([tokenId]), 300);
  assert.equal(await changeOf([]), 700);
});

test('refreshing again writes nothing; list keys follow the quote', async () => {
  const tokenId = await seedToken(db, { circulatingSupply: '10' });
  const { id } = await seedSeries(db, tokenId);
  await store(db, volumes(id, 'ONE_DAY', monday, ['3', '4']), now);
  await refreshDefaults(db, [tokenId]);
  assert.deepEqual(await refreshQuotes(db, [tokenId], now), [tokenId]);
  assert.deepEqual(await refreshQuotes(db, [tokenId], now + 1), []);
  const [keys] = await db.query(
    'SELECT market_cap_key AS cap, volume_key AS volume, change_key AS change FROM token_stat WHERE token_id = $1',
    [tokenId],
  );
  assert.deepEqual(keys, { cap: '20', volume: '4', change: 0 });
  const [row] = await db.query<{ at: number }>('SELECT updated_at AS at FROM quote WHERE token_id = $1', [tokenId]);
  assert.equal(row?.at, now);
});

const rounded = (value: number | null): number | null => (value === null ? null : Number(value.toFixed(5)));

test('a past quote uses only candles that had closed, the finest newest one first', async () => {
  const tokenId = await seedToken(db, { circulatingSupply: '10' });
  const { id } = await seedSeries(db, tokenId);
  await store(
    db,
    [...candlesOf(id, 'ONE_DAY', monday - 2 * day, ['1', '2']), ...candlesOf(id, 'ONE_HOUR', monday, climb(30))],
    now,
  );
  await refreshDefaults(db, [tokenId]);
  const ctx = { db };
  const instants = [monday - day - 1, monday - day, monday + hour - 1, monday + hour, monday + 25 * hour, now];
  const quotes = await pastQuote(ctx).loadMany(instants.map((asOf) => ({ tokenId, asOf, knownAt: null })));
  assert.deepEqual(
    quotes.map((quote) =>
      quote instanceof Error || quote === null ? null : [quote.priceUsd, quote.observedAt, rounded(quote.changePct24h)],
    ),
    [
      null,
      ['1', monday - day, null],
      ['2', monday, 100],
      ['1000', monday + hour, 99900],
      ['1024', monday + 25 * hour, 2.4],
      ['1029', monday + 30 * hour, 2.38806],
    ],
  );
  assert.ok(
    quotes.every((quote) => quote === null || quote instanceof Error || quote.marketCapUsd === null),
    'supply of today is not known then',
  );
});

test('a quote as known at an instant undoes later corrections and leaves out what was learned later', async () => {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId);
  const [first, fixed, late] = [monday + 3 * day, monday + 5 * day, monday + 9 * day];
  const volume = { volumeQuote: '10' };
  const daily = (at: number, price: string, facts = {}): NewCandle => candleOf(id, 'ONE_DAY', at, price, facts);
  await store(
    db,
    [daily(monday, '100'), daily(monday + day, '110', volume), daily(monday + 2 * day, '120', volume)],
    first,
  );
  await store(db, [daily(monday + day, '50'), daily(monday + 2 * day, '90', { volumeQuote: '77' })], fixed);
  await store(db, [daily(monday + 3 * day, '200')], late);
  await refreshDefaults(db, [tokenId]);
  const read = async (asOf: number, knownAt: number | null): Promise<unknown[] | null> => {
    const quote = await pastQuote({ db }).load({ tokenId, asOf, knownAt });
    return quote && [quote.priceUsd, rounded(quote.changePct24h), quote.volume24hUsd, quote.observedAt - monday];
  };
  const [before, after] = [
    ['120', 9.09091, '10', 3 * day],
    ['90', 80, '77', 3 * day],
  ];
  assert.deepEqual(await read(first, first), before);
  assert.deepEqual(await read(late, first), before, 'nothing newer was known');
  assert.deepEqual(await read(first, fixed - 1), before);
  assert.deepEqual(await read(first, fixed), after);
  assert.deepEqual(await read(first, null), after, 'without it, as we know it now');
  assert.deepEqual(await read(late, late - 1), after);
  assert.deepEqual(await read(late, late), ['200', rounded((200 / 90 - 1) * 100), null, 4 * day]);
  assert.equal(await read(first, first - 1), null);
});

test('quotes with and without `knownAt` are two statements', async () => {
  const statements: string[] = [];
  const stop = db.onStatement((text) => statements.push(text));
  const keys = [null, now, null, now - 1].map((knownAt, index) => ({ tokenId: index + 1, asOf: now, knownAt }));
  await pastQuote({ db }).loadMany(keys);
  stop();
  assert.equal(statements.length, 2);
});

test('a quote is old after twice its interval, or after 15 minutes', () => {
  const quote = (interval: CandleInterval): Quote => ({ interval, observedAt: 0, asOf: null }) as Quote;
  const limits: [CandleInterval, number][] = [
    ['ONE_MINUTE', 15 * 60_000],
    ['FIVE_MINUTES', 15 * 60_000],
    ['ONE_HOUR', 2 * hour],
    ['ONE_DAY', 2 * day],
  ];
  for (const [interval, limit] of limits) {
    assert.deepEqual(
      [isStaleQuote(quote(interval), limit), isStaleQuote(quote(interval), limit + 1)],
      [false, true],
      interval,
    );
  }
  assert.equal(
    isStaleQuote({ ...quote('ONE_DAY'), asOf: day }, 999 * day),
    false,
    'a past quote is judged at its instant',
  );
});
