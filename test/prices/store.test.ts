import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { Exact } from '../../src/lib/decimal.ts';
import { type CandleInterval, candleIntervals, coarserThan, intervalMs } from '../../src/lib/interval.ts';
import type { NewCandle } from '../../src/prices/candle.ts';
import { foldCandles } from './plain-fold.ts';
import { listBars, type SeriesBar } from '../../src/prices/bar-store.ts';
import { recordCandles } from '../../src/prices/store.ts';
import { createTestDb } from '../support/db.ts';
import { candleOf, candlesOf, seedSeries, seedToken, store, type StoredRow, storedCandles } from './seed.ts';

const db = await createTestDb({ after });
const monday = Date.parse('2025-06-02T00:00:00Z');
const now = Date.parse('2026-01-01T00:00:00Z');
const tokenId = await seedToken(db);

/** Values without trailing zeros, so that equal numbers are equal text. */
const plain = (text: string | null): string | null => (text === null ? null : new Exact(text).toFixed());

/** What a candle says, for comparing stored rows with computed ones. */
function sayings(
  rows: readonly Pick<
    StoredRow,
    'openTime' | 'open' | 'high' | 'low' | 'close' | 'volumeBase' | 'volumeQuote' | 'isFinal'
  >[],
): unknown[] {
  return rows.map(({ openTime, open, high, low, close, volumeBase, volumeQuote, isFinal }) => ({
    openTime,
    prices: [open, high, low, close, volumeBase, volumeQuote].map(plain),
    isFinal,
  }));
}

const price = fc.integer({ min: 1, max: 10 ** 9 }).map((value) => (value / 1e4).toFixed(4));
const volume = fc.option(price, { nil: null });

/** Candles of one interval within one month, at most one a bucket. */
const someCandles = (interval: CandleInterval): fc.Arbitrary<NewCandle[]> =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: Math.min(4_000, (28 * 86_400_000) / intervalMs(interval) - 1) }), {
      minLength: 1,
      maxLength: 40,
    })
    .chain((buckets) =>
      fc.tuple(
        ...buckets.map((bucket) =>
          fc.tuple(fc.constant(bucket), fc.array(price, { minLength: 4, maxLength: 4 }), volume, volume),
        ),
      ),
    )
    .map((rows) =>
      rows.map(([bucket, prices, volumeBase, volumeQuote]) => {
        const sorted = prices.toSorted((a, b) => Number(a) - Number(b)) as [string, string, string, string];
        const [low, open, close, high] = sorted;
        return candleOf(0, interval, monday + bucket * intervalMs(interval), close, {
          open,
          high,
          low,
          volumeBase,
          volumeQuote,
        });
      }),
    );

test('whatever comes in whatever order, a coarser candle is the fold of its finer ones', async () => {
  const batches = fc.shuffledSubarray(['ONE_MINUTE', 'FIVE_MINUTES', 'ONE_HOUR', 'ONE_DAY'] as const, { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(
      batches.chain((intervals) => fc.tuple(...intervals.map((interval) => someCandles(interval)))),
      async (files) => {
        const { id } = await seedSeries(db, tokenId);
        for (const file of files)
          await store(
            db,
            file.map((candle) => ({ ...candle, seriesId: id })),
            now,
          );
        const rows = await storedCandles(db, id);
        const own = (interval: CandleInterval): StoredRow[] => rows.filter((row) => row.interval === interval);
        for (const [index, coarse] of candleIntervals.entries()) {
          const finer = candleIntervals[index - 1];
          if (finer === undefined) continue;
          const expected = foldCandles(own(finer), coarse, now);
          const buckets = new Set(expected.map(({ openTime }) => openTime));
          const folded = own(coarse).filter(({ openTime }) => buckets.has(openTime));
          assert.deepEqual(sayings(folded), sayings(expected));
          assert.ok(folded.every(({ isNative }) => !isNative));
          assert.ok(own(coarse).every(({ openTime, isNative }) => buckets.has(openTime) || isNative));
        }
        for (const interval of new Set(rows.map((row) => row.interval))) {
          const group = own(interval);
          const [span] = await db.query<{ first: number; last: number; count: number }>(
            `SELECT first_open_time AS first, last_open_time AS last, candle_count AS count FROM series_interval WHERE series_id = $1 AND interval = $2::text::"CandleInterval"`,
            [id, interval],
          );
          assert.deepEqual(span, { first: group[0]?.openTime, last: group.at(-1)?.openTime, count: group.length });
        }
      },
    ),
    { numRuns: 25 },
  );
});

test('the order of the files does not matter to what is stored', async () => {
  const minutes = candlesOf(0, 'ONE_MINUTE', monday + 3_600_000, ['1', '3', '2']);
  const hours = candlesOf(0, 'ONE_HOUR', monday, ['7', '8', '9']);
  const results = [];
  for (const files of [
    [minutes, hours],
    [hours, minutes],
  ]) {
    const { id } = await seedSeries(db, tokenId);
    for (const file of files)
      await store(
        db,
        file.map((candle) => ({ ...candle, seriesId: id })),
        now,
      );
    results.push((await storedCandles(db, id)).map((row) => ({ ...row, revision: 0 })));
  }
  assert.deepEqual(results[0], results[1]);
  const hourCloses = results[0]?.filter(({ interval }) => interval === 'ONE_HOUR').map(({ close }) => close);
  assert.deepEqual(hourCloses, ['7', '2', '9']);
});

test('digits are kept exactly', async () => {
  const { id } = await seedSeries(db, tokenId);
  const long = `${'9'.repeat(59)}.${'123456789'.repeat(2)}1`;
  await store(
    db,
    [
      candleOf(id, 'ONE_DAY', monday, '0.0290900', {
        high: long,
        volumeBase: '0.000000000000000000100',
        volumeQuote: long,
      }),
    ],
    now,
  );
  const [row] = await storedCandles(db, id);
  assert.equal(row?.open, '0.0290900');
  assert.equal(row?.high, long);
  assert.equal(row?.volumeBase, '0.000000000000000000100');
  assert.equal(row?.volumeQuote, long);
});

test('10,000 random decimals come back as they went in', async () => {
  const { id } = await seedSeries(db, tokenId);
  const digits = fc.stringMatching(/^[1-9][0-9]{0,58}\.[0-9]{18}$/);
  const texts = fc.sample(digits, { numRuns: 10_000, seed: 7 });
  const candles = texts.map((text, index) => candleOf(id, 'ONE_MINUTE', monday + index * 60_000, text));
  await db.transaction((tx) => recordCandles(tx, candles, now));
  assert.deepEqual(
    (await storedCandles(db, id)).map(({ close }) => close),
    texts,
  );
});

test('the same candles again write nothing', async () => {
  const { id } = await seedSeries(db, tokenId);
  const candles = candlesOf(id, 'ONE_HOUR', monday, ['1', '2.50', null, '3']);
  assert.deepEqual(await store(db, candles, now), { inserted: 3, changed: 0, unchanged: 0, shadowed: 0 });
  const before = await storedCandles(db, id);
  assert.deepEqual(await store(db, candles, now + 1000), { inserted: 0, changed: 0, unchanged: 3, shadowed: 0 });
  assert.deepEqual(await storedCandles(db, id), before);
});

test('a closed candle that changes keeps its former values with the span in which we believed them', async () => {
  const { id } = await seedSeries(db, tokenId);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '1')], now);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '2')], now + 10);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '3')], now + 20);
  const [row] = await storedCandles(db, id);
  assert.deepEqual([row?.close, row?.revision, row?.learnedAt], ['3', 2, now + 20]);
  const former = await db.query(
    'SELECT revision, close, learned_at AS "learnedAt", replaced_at AS "replacedAt" FROM candle_revision WHERE series_id = $1 ORDER BY revision',
    [id],
  );
  assert.deepEqual(former, [
    { revision: 0, close: '1', learnedAt: now, replacedAt: now + 10 },
    { revision: 1, close: '2', learnedAt: now + 10, replacedAt: now + 20 },
  ]);
});

test('a correction of a finer candle corrects the coarser ones too', async () => {
  const { id } = await seedSeries(db, tokenId);
  await store(db, candlesOf(id, 'ONE_DAY', monday, ['1', '2', '3']), now);
  await store(db, [candleOf(id, 'ONE_DAY', monday + 86_400_000, '9')], now + 10);
  const week = (await storedCandles(db, id)).find(({ interval }) => interval === 'ONE_WEEK');
  assert.deepEqual([week?.high, week?.close, week?.revision], ['9', '3', 1]);
});

test('an open candle changes without a revision, and never replaces a closed one', async () => {
  const { id } = await seedSeries(db, tokenId);
  const open = (close: string): NewCandle => candleOf(id, 'ONE_WEEK', monday, close, { isFinal: false });
  const record = (candle: NewCandle, at: number): Promise<unknown> =>
    db.transaction((tx) => recordCandles(tx, [candle], at));
  await record(open('1'), now);
  await record(open('2'), now + 1);
  await record(candleOf(id, 'ONE_WEEK', monday, '3'), now + 2);
  await record(open('2'), now + 3);
  const [row] = await storedCandles(db, id);
  assert.deepEqual([row?.close, row?.isFinal, row?.revision, row?.learnedAt], ['3', true, 0, now + 2]);
  assert.deepEqual(await db.query('SELECT 1 FROM candle_revision WHERE series_id = $1', [id]), []);
});

test('a candle of the source is left out where finer ones make up its bucket', async () => {
  const { id } = await seedSeries(db, tokenId);
  await store(db, candlesOf(id, 'ONE_HOUR', monday, ['1', '2']), now);
  const summary = await store(db, candlesOf(id, 'ONE_DAY', monday, ['50', '60']), now);
  assert.deepEqual(summary, { inserted: 1, changed: 0, unchanged: 0, shadowed: 1 });
  const days = (await storedCandles(db, id)).filter(({ interval }) => interval === 'ONE_DAY');
  assert.deepEqual(
    days.map(({ close, isNative }) => [close, isNative]),
    [
      ['2', false],
      ['60', true],
    ],
  );
});

test('a market cap told later is added without a revision and without a new date of knowledge', async () => {
  const { id } = await seedSeries(db, tokenId);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '1')], now);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '1', { marketCapUsd: '99' })], now + 10);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '1')], now + 20);
  const [row] = await storedCandles(db, id);
  assert.deepEqual([row?.marketCapUsd, row?.revision, row?.learnedAt], ['99', 0, now]);
});

test('of two candles of one bucket in one call the later counts', async () => {
  const { id } = await seedSeries(db, tokenId);
  await store(db, [candleOf(id, 'ONE_WEEK', monday, '1'), candleOf(id, 'ONE_WEEK', monday, '2')], now);
  assert.deepEqual(
    (await storedCandles(db, id)).map(({ close }) => close),
    ['2'],
  );
});

test('a fold is closed once its bucket lies before the given instant', async () => {
  const { id } = await seedSeries(db, tokenId);
  const at = monday + 3 * 3_600_000;
  await store(db, candlesOf(id, 'ONE_HOUR', monday, ['1', '2', '3']), at);
  const open = (await storedCandles(db, id)).filter(({ isFinal }) => !isFinal).map(({ interval }) => interval);
  assert.deepEqual(open, coarserThan('ONE_HOUR'));
});

test('bars are the closed candles, by time and then by series', async () => {
  const [a, b] = [await seedSeries(db, tokenId), await seedSeries(db, tokenId)];
  const hour = 3_600_000;
  await store(
    db,
    [
      ...candlesOf(a.id, 'ONE_HOUR', monday, ['1', '2', null, '4']),
      ...candlesOf(b.id, 'ONE_HOUR', monday + hour, ['0.50', '6']),
    ],
    now,
  );
  await db.transaction((tx) =>
    recordCandles(tx, [candleOf(a.id, 'ONE_HOUR', monday + 4 * hour, '9', { isFinal: false })], now),
  );
  const read = async (...range: [number | null, number | null]): Promise<unknown[]> => {
    const bars: SeriesBar[] = [];
    for await (const batch of listBars(db, [a.id, b.id], 'ONE_HOUR', ...range)) bars.push(...batch);
    return bars.map(({ seriesId, bar, closeText }) => {
      return [seriesId === a.id ? 'a' : 'b', (bar.openTime - monday) / hour, bar.close, closeText];
    });
  };
  const all = [
    ['a', 0, 1, '1'],
    ['a', 1, 2, '2'],
    ['b', 1, 0.5, '0.50'],
    ['b', 2, 6, '6'],
    ['a', 3, 4, '4'],
  ];
  assert.deepEqual(await read(null, null), all);
  assert.deepEqual(await read(monday + hour, monday + 3 * hour), all.slice(1, 4));
  assert.equal((await listBars(db, [], 'ONE_HOUR').next()).done, true);
});
