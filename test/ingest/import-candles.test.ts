import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Db } from '../../src/db/client.ts';
import { type CandleImportSummary, importCandles } from '../../src/ingest/import-candles.ts';
import { AppError } from '../../src/lib/errors.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { refreshDefaults } from '../../src/prices/series-store.ts';
import { candleFileHeader } from '../../src/sources/candle-file.ts';
import { candlesOf, seedSeries, store, storedCandles } from '../prices/seed.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const clock = createTestClock(Date.parse('2026-01-01T00:00:00Z'));
const root = mkdtempSync(join(tmpdir(), 'tokengraph-import-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** Writes a candle file below the temporary folder; its path. */
function write(
  name: string,
  rows: readonly string[],
  bytes: (text: string) => Buffer | string = (text) => text,
): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes(`${[candleFileHeader, ...rows].join('\n')}\n`));
  return path;
}

const dayRow = (symbol: string, day: number, price: string, rest = ',,,'): string =>
  `${symbol},1d,2025-06-${String(day).padStart(2, '0')}T00:00:00Z,${price},${price},${price},${price},${rest}`;

async function seedNamed(slug: string, symbol: string, marketCapRank: number | null = null): Promise<number> {
  return (await db.prisma.token.create({ data: { slug, symbol, name: symbol, marketCapRank } })).id;
}

function run(
  paths: readonly string[],
  facts: { sourceName?: string; createMissing?: boolean } = {},
  target: Db = db,
): Promise<CandleImportSummary> {
  return importCandles({ db: target, clock }, { paths, createMissing: false, ...facts });
}

async function seriesOf(
  sourceName: string,
): Promise<{ id: number; tokenId: number; unitExponent: number; marketSymbol: string }[]> {
  return db.query(
    `SELECT s.id, s.token_id AS "tokenId", s.unit_exponent AS "unitExponent", s.market_symbol AS "marketSymbol"
     FROM series s JOIN source o ON o.id = s.source_id WHERE o.name = $1 ORDER BY s.market_symbol`,
    [sourceName],
  );
}

/** How many rows each table holds that an import writes. */
async function counts(): Promise<unknown> {
  const tables = [
    'candle',
    'candle_revision',
    'candle_quarantine',
    'series',
    'series_interval',
    'default_series',
    'quote',
    'event',
    'source',
    'token',
  ];
  return db.query(`SELECT ${tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`).join(', ')}`);
}

test('a folder becomes a source with candles, folds, a default, a quote and events; again it writes nothing', async () => {
  const tokenId = await seedNamed('alpha', 'AAA');
  write('venue/1d/AAA-USDT.csv.gz', [dayRow('AAA/USDT', 2, '0.0290900'), dayRow('AAA/USDT', 3, '0.03')], (text) =>
    gzipSync(text),
  );
  const summary = await run([join(root, 'venue')]);
  const { rowsPerSecond: _, ...rest } = summary;
  assert.deepEqual(rest, {
    files: 1,
    rowsRead: 2,
    inserted: 2,
    changed: 0,
    unchanged: 0,
    folded: 1,
    shadowed: 0,
    quarantined: {},
    unknownSymbols: [],
    ambiguousSymbols: [],
    failedFiles: [],
  });
  const [series] = await seriesOf('venue');
  assert.equal(series?.tokenId, tokenId);
  const rows = await storedCandles(db, series.id);
  assert.deepEqual(
    rows.map(({ interval, open, close }) => [interval, open, close]),
    [
      ['ONE_DAY', '0.0290900', '0.0290900'],
      ['ONE_DAY', '0.03', '0.03'],
      ['ONE_WEEK', '0.0290900', '0.03'],
    ],
  );
  const [quote] = await db.query('SELECT price_usd AS price FROM quote WHERE token_id = $1', [tokenId]);
  assert.deepEqual(quote, { price: '0.03' });
  const events = await db.query<{ payload: unknown }>(`SELECT payload FROM event WHERE topic = 'prices' ORDER BY seq`);
  assert.deepEqual(
    events.map(({ payload }) => payload),
    [
      { seriesIds: [series.id], tokenIds: [] },
      { seriesIds: [], tokenIds: [tokenId] },
    ],
  );
  const before = await counts();
  const again = await run([join(root, 'venue')]);
  assert.deepEqual([again.inserted, again.changed, again.unchanged, again.folded], [0, 0, 2, 0]);
  assert.deepEqual(await counts(), before);
});

test('units of 1000 coins are converted exactly and say so', async () => {
  await seedNamed('pepe', 'PEPE');
  await run([
    write('units/a.csv', ['1000PEPE/USDT:USDT,1d,2025-06-02T00:00:00Z,0.0123400,0.02,0.01,0.015,12.5,0.15,,']),
  ]);
  const [series] = await seriesOf('units');
  assert.deepEqual([series?.unitExponent, series?.marketSymbol], [3, '1000PEPE/USDT:USDT']);
  const [row] = await storedCandles(db, series?.id ?? 0);
  assert.deepEqual(
    [row?.open, row?.high, row?.volumeBase, row?.volumeQuote],
    ['0.0000123400', '0.00002', '12500', '0.15'],
  );
});

test('bad rows are kept with their reason and never stop the good ones', async () => {
  await seedNamed('bad', 'BAD');
  const path = write('bad/1d.csv', [
    dayRow('BAD/USD', 2, '10'),
    'BAD/USD,1d,2025-06-03T00:00:00Z,10,9,11,10,,,,',
    'BAD/USD,1d,2025-06-04T00:00:00Z,10,11,9,12,,,,',
    dayRow('BAD/USD', 5, '0'),
    dayRow('BAD/USD', 6, '10', '-1,,,'),
    'BAD/USD,1d,2025-06-07T01:00:00Z,10,10,10,10,,,,',
    dayRow('BAD/USD', 2, '11'),
    dayRow('BAD/USD', 8, '10000'),
    'BAD/USD,1d,2026-01-01T00:00:00Z,10,10,10,10,,,,',
    'BAD/USD,1d,2026-01-02T00:00:00Z,10,10,10,10,,,,',
    'BAD/USD,1d,yesterday,10,10,10,10,,,,',
    dayRow('BAD/USD', 9, '12'),
  ]);
  const { inserted, quarantined } = await run([path]);
  assert.equal(inserted, 2);
  const once = [
    'HIGH_BELOW_LOW',
    'OPEN_OR_CLOSE_OUTSIDE_RANGE',
    'NON_POSITIVE_PRICE',
    'NEGATIVE_VOLUME',
    'UNALIGNED_OPEN_TIME',
    'DUPLICATE_OPEN_TIME',
    'JUMP',
    'NOT_CLOSED',
    'IN_FUTURE',
    'UNPARSEABLE',
  ];
  assert.deepEqual(quarantined, Object.fromEntries(once.map((reason) => [reason, 1])));
  const kept = await db.query<{ location: string; raw: string }>(
    `SELECT location, raw FROM candle_quarantine WHERE source_name = 'bad' AND reason = 'JUMP'`,
  );
  assert.deepEqual(kept, [
    { location: `${path}:9`, raw: 'BAD/USD,1d,2025-06-08T00:00:00.000Z,10000,10000,10000,10000,,,,' },
  ]);
  const before = await counts();
  await run([path]);
  assert.deepEqual(await counts(), before);
});

test('a file that breaks keeps its good rows, is reported, and the others go on', async () => {
  await seedNamed('broken', 'BRK');
  const rows = Array.from({ length: 5000 }, (_, index) => {
    const time = new Date(Date.parse('2020-01-01T00:00:00Z') + index * 60_000).toISOString();
    return `BRK/USDT,1m,${time},${1 + (index % 7)},9,1,${1 + (index % 5)},${index},,,`;
  });
  const cut = write('breaks/a.csv.gz', rows, (text) => gzipSync(text).subarray(0, -2000));
  write('breaks/b.csv', [dayRow('BRK/USDT', 2, '5')]);
  const none = join(root, 'breaks/c.csv');
  writeFileSync(none, 'no,header\n');
  const { failedFiles, inserted, files } = await run([join(root, 'breaks')]);
  assert.equal(files, 3);
  assert.deepEqual(
    failedFiles.map(({ file }) => file),
    [cut, none],
  );
  assert.ok(inserted > 100 && inserted < 5001, `${inserted} rows`);
  const [series] = await seriesOf('breaks');
  assert.ok(
    (await storedCandles(db, series?.id ?? 0)).some(
      ({ interval, openTime }) => interval === 'ONE_DAY' && openTime === Date.parse('2025-06-02T00:00:00Z'),
    ),
  );
});

test('an import that is killed in the middle is completed by the next one', async () => {
  const tokenId = await seedNamed('killed', 'KIL');
  const rows = Array.from({ length: 9000 }, (_, index) => {
    const time = new Date(Date.parse('2021-01-01T00:00:00Z') + index * 3_600_000).toISOString();
    return `KIL/USDT,1h,${time},${1 + (index % 7)},9,1,${1 + (index % 5)},1,,,`;
  });
  const path = write('kills/1h.csv', rows);
  let transactions = 0;
  const dying: Db = {
    ...db,
    transaction: (work) => {
      transactions += 1;
      if (transactions > 3) throw new Error('killed'); // the market is opened, two batches are stored
      return db.transaction(work);
    },
  };
  await assert.rejects(run([path], {}, dying), /killed/);
  const [series] = await seriesOf('kills');
  const half = await storedCandles(db, series?.id ?? 0);
  assert.equal(half.filter(({ interval }) => interval === 'ONE_HOUR').length, 8000);
  assert.equal(
    half.filter(({ interval }) => interval === 'ONE_DAY').length,
    Math.ceil(8000 / 24),
    'whole batches with their folds',
  );
  const { inserted, unchanged } = await run([path]);
  assert.deepEqual([inserted, unchanged], [1000, 8000]);
  assert.equal((await db.query('SELECT 1 FROM quote WHERE token_id = $1', [tokenId])).length, 1);
});

test('a run after one that died before the end still chooses defaults and quotes', async () => {
  const tokenId = await seedNamed('unsettled', 'UNS');
  const path = write('unsettled/1d.csv', [dayRow('UNS/USDT', 2, '5')]);
  let transactions = 0;
  const dying: Db = {
    ...db,
    transaction: (work) => {
      transactions += 1;
      if (transactions > 2) throw new Error('killed'); // the market is opened, its rows are stored
      return db.transaction(work);
    },
  };
  await assert.rejects(run([path], {}, dying), /killed/);
  assert.equal((await run([path])).unchanged, 1);
  assert.equal((await db.query('SELECT 1 FROM quote WHERE token_id = $1', [tokenId])).length, 1);
});

test('unknown coins are left out and named, or made when asked for', async () => {
  const path = write('unknown/1d.csv', [dayRow('NOVEL/USDT', 2, '5')]);
  const left = await run([path]);
  assert.deepEqual([left.unknownSymbols, left.inserted, left.rowsRead], [['NOVEL'], 0, 1]);
  const made = await run([path], { createMissing: true });
  assert.deepEqual([made.unknownSymbols, made.inserted], [[], 1]);
});

test('of several tokens with one symbol the best ranked is chosen, and that is said', async () => {
  await seedNamed('twin-small', 'TWN', 900);
  const large = await seedNamed('twin-large', 'TWN', 9);
  const { ambiguousSymbols } = await run([write('twins/1d.csv', [dayRow('TWN/USDT', 2, '5')])]);
  assert.deepEqual(ambiguousSymbols, [{ symbol: 'TWN', slug: 'twin-large', others: ['twin-small'] }]);
  assert.equal((await seriesOf('twins'))[0]?.tokenId, large);
});

test('a market that is not priced in dollars is left out with the reason', async () => {
  await seedNamed('euro', 'EURO');
  const { failedFiles, inserted } = await run([
    write('euros/1d.csv', [dayRow('EURO/EUR', 2, '5'), dayRow('EURO/USDC', 2, '6')]),
  ]);
  assert.equal(inserted, 1);
  assert.match(failedFiles[0]?.message ?? '', /EURO\/EUR is not priced in US dollars/);
});

test("real candles replace the token's simulated ones", async () => {
  const tokenId = await seedNamed('invented', 'INV');
  const simulated = await seedSeries(db, tokenId, { sourceKind: 'SIMULATED', sourceName: 'simulated' });
  await store(db, candlesOf(simulated.id, 'ONE_DAY', Date.parse('2025-06-20T00:00:00Z'), ['900', '901']), clock.now());
  await refreshDefaults(db, [tokenId]);
  await refreshQuotes(db, [tokenId], clock.now());
  await run([write('real/1d.csv', [dayRow('INV/USDT', 2, '5')])]);
  assert.deepEqual(await storedCandles(db, simulated.id), []);
  const [quote] = await db.query('SELECT price_usd AS price FROM quote WHERE token_id = $1', [tokenId]);
  assert.deepEqual(quote, { price: '5' });
});

test('a name of a live source is refused for an import', async () => {
  const tokenId = await seedNamed('taken', 'TKN');
  await seedSeries(db, tokenId, { sourceKind: 'EXCHANGE', sourceName: 'binance' });
  const { failedFiles, inserted } = await run([write('taken/1d.csv', [dayRow('TKN/USDT', 2, '5')])], {
    sourceName: 'binance',
  });
  assert.equal(inserted, 0);
  assert.match(failedFiles[0]?.message ?? '', /belongs to a source that is not of kind IMPORT/);
});

test('a path that does not exist is an error before anything is written', async () => {
  await assert.rejects(
    run([join(root, 'nowhere')]),
    (error) => error instanceof AppError && error.code === 'BAD_USER_INPUT',
  );
});
