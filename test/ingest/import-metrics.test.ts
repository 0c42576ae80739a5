import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { importMetrics, type MetricImportSummary } from '../../src/ingest/import-metrics.ts';
import { hourMs } from '../../src/lib/interval.ts';
import { candleFileHeader } from '../../src/sources/candle-file.ts';
import { metricFileHeader } from '../../src/sources/metric-file.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const clock = createTestClock(Date.parse('2026-01-01T00:00:00Z'));
const root = mkdtempSync(join(tmpdir(), 'tokengraph-metrics-'));
after(() => rmSync(root, { recursive: true, force: true }));
const snapshotHeader = 'coingecko_id,symbol,interval,snapshot_time_iso,price_usd,volume_24h_usd,market_cap_usd';

for (const [slug, symbol] of [
  ['bitcoin', 'BTC'],
  ['chronobank', 'TIME'],
  ['terrausd', 'USTC'],
  ['imx', 'IMX'],
])
  await db.prisma.token.create({ data: { slug: slug ?? '', symbol: symbol ?? '', name: slug ?? '' } });

function write(name: string, lines: readonly string[]): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  const text = `${lines.join('\n')}\n`;
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

const run = (path: string, options: { lagMs?: number } = {}): Promise<MetricImportSummary> =>
  importMetrics({ db, clock }, { paths: [path], ...options });

/** What is stored of a source: slug, metric, day's close, value, known at, and the value it corrects. */
function stored(source: string): Promise<Record<string, unknown>[]> {
  return db.query(
    `SELECT t.slug, f.metric, to_char(f.as_of, 'YYYY-MM-DD') AS day, f.value, to_char(f.known_at, 'YYYY-MM-DD HH24:MI') AS known,
       old.value AS corrects
     FROM fact f JOIN token t ON t.id = f.token_id JOIN source o ON o.id = f.source_id LEFT JOIN fact old ON old.id = f.supersedes
     WHERE o.name = $1 ORDER BY t.slug, f.metric, f.as_of, f.known_at, f.id`,
    [source],
  );
}

test('a snapshot of 00:00 is the close of the day before, keyed by id and never by ticker alone', async () => {
  const path = write('gecko/2021.csv.gz', [
    snapshotHeader,
    'bitcoin,BTC,1d,2021-01-02T00:00:00Z,29352.1,3.9e10,545593282215.2498',
    'bitcoin,BTC,1d,2021-01-03T00:05:00Z,29352.1,1,2',
    'terrausd,UST,1d,2021-01-02T00:00:00Z,1,,0',
    'terrausd,UST,1d,2021-01-03T00:00:00Z,1,5,70',
    'immutable-x,IMX,1d,2021-01-02T00:00:00Z,1,,80',
    'wonderland,TIME,1d,2021-01-02T00:00:00Z,1,1,1',
    'nowhere,NIX,1d,2021-01-02T00:00:00Z,1,1,1',
  ]);
  const { rowsPerSecond: _, ...summary } = await run(path);
  assert.deepEqual(summary, {
    files: 1,
    rowsRead: 7,
    inserted: 5,
    corrected: 0,
    unchanged: 0,
    quarantined: { UNALIGNED_OPEN_TIME: 2 },
    failedFiles: [],
    subjects: {
      unknown: ['nowhere (NIX)'],
      undecided: [{ name: 'wonderland (TIME)', slugs: ['chronobank'] }],
      ambiguous: [],
      renamed: [{ name: 'terrausd', slug: 'terrausd', symbols: ['UST', 'USTC'] }],
    },
  });
  const known = '2021-01-02 00:00';
  const first = { metric: 'MARKET_CAP_USD', day: '2021-01-02', known, corrects: null };
  assert.deepEqual(await stored('gecko'), [
    { ...first, slug: 'bitcoin', value: '545593282215.2498' },
    { ...first, slug: 'bitcoin', metric: 'VOLUME_24H_USD', value: '39000000000' },
    { ...first, slug: 'imx', value: '80' },
    { ...first, slug: 'terrausd', day: '2021-01-03', known: '2021-01-03 00:00', value: '70' },
    { ...first, slug: 'terrausd', metric: 'VOLUME_24H_USD', day: '2021-01-03', known: '2021-01-03 00:00', value: '5' },
  ]);
});

test('a candle file counts at the close of its candles, a snapshot in it at its time', async () => {
  const path = write('candles/a.csv', [
    candleFileHeader,
    'BTC/USD,1d,2021-01-02T00:00:00Z,,,,100,,7,900,9',
    'BTC/USD,1d,2021-01-02T00:00:00Z,99,101,98,100,1,100,901,9',
  ]);
  const { inserted } = await run(path);
  assert.equal(inserted, 5);
  assert.deepEqual(
    (await stored('candles')).map(({ metric, day, value }) => [metric, day, value]),
    [
      ['CIRCULATING_SUPPLY', '2021-01-02', '9'],
      ['CIRCULATING_SUPPLY', '2021-01-03', '9'],
      ['MARKET_CAP_USD', '2021-01-02', '900'],
      ['MARKET_CAP_USD', '2021-01-03', '901'],
      ['VOLUME_24H_USD', '2021-01-02', '7'],
    ],
  );
});

test('a file of one asset is named by its ticker, and its day is out a day after its close', async () => {
  write('chain/_metrics.csv', ['id,name', 'TxCnt,Transactions']);
  write('chain/btc.csv', ['time,PriceUSD,TxCnt,CapMVRVCur', '2021-01-01,29000,300000,2.5', '2021-01-02,29000,,0']);
  const { files, inserted, quarantined } = await run(join(root, 'chain'));
  assert.deepEqual([files, inserted, quarantined], [1, 2, { NON_POSITIVE_VALUE: 1 }]);
  assert.deepEqual(
    (await stored('chain')).map(({ metric, day, known }) => [metric, day, known]),
    [
      ['MVRV', '2021-01-02', '2021-01-03 00:00'],
      ['TRANSACTIONS', '2021-01-02', '2021-01-03 00:00'],
    ],
  );
});

test('bad numbers are kept with their reason; the first number of a day counts', async () => {
  const path = write('own/a.csv', [
    metricFileHeader,
    'bitcoin,FEES_USD,2025-06-02T00:00:00Z,5,',
    'bitcoin,FEES_USD,2025-06-02T00:00:00Z,6,',
    'bitcoin,FEES_USD,2025-06-03T00:00:00Z,-1,',
    'bitcoin,FEES_USD,2027-01-01T00:00:00Z,1,',
    'bitcoin,FEES_USD,2025-06-04T00:00:00Z,1,2025-06-03T00:00:00Z',
    'bitcoin,FEES,2025-06-05T00:00:00Z,1,',
    'bitcoin,FEES_USD,2025-06-06T00:00:00Z,much,',
    'bitcoin,FEES_USD,2025-06-07T00:00:00Z,0,2025-06-07T06:00:00Z',
  ]);
  const { inserted, quarantined } = await run(path, { lagMs: 2 * hourMs });
  assert.equal(inserted, 2);
  assert.deepEqual(quarantined, { DUPLICATE_OPEN_TIME: 1, NEGATIVE_VOLUME: 1, IN_FUTURE: 2, UNPARSEABLE: 2 });
  assert.deepEqual(
    (await stored('own')).map(({ value, known }) => [value, known]),
    [
      ['5', '2025-06-02 02:00'],
      ['0', '2025-06-07 06:00'],
    ],
  );
  const again = await run(path, { lagMs: 2 * hourMs });
  assert.deepEqual([again.inserted, again.corrected, again.unchanged], [0, 0, 2]);
});

test('another number for a day is a correction, known from when it came, and the old one stays', async () => {
  const rows = (value: string): string[] => [metricFileHeader, `bitcoin,NVT,2025-06-02T00:00:00Z,${value},`];
  const path = write('fix/a.csv', rows('40'));
  await run(path);
  write('fix/a.csv', rows('41.0'));
  assert.equal((await run(path)).corrected, 1);
  write('fix/a.csv', rows('41'));
  assert.equal((await run(path)).unchanged, 1);
  assert.deepEqual(
    (await stored('fix')).map(({ value, known, corrects }) => [value, known, corrects]),
    [
      ['40', '2025-06-02 00:00', null],
      ['41.0', '2026-01-01 00:00', '40'],
    ],
  );
  await assert.rejects(db.execute('UPDATE fact SET value = 1'), /immutable/);
});

test('a file of no known layout or without its end is reported and the others go on', async () => {
  write('broken/a.csv', ['no,header']);
  write('broken/b.csv', [metricFileHeader, 'bitcoin,NVT,2025-06-02T00:00:00Z,40,']);
  const { failedFiles, inserted } = await run(join(root, 'broken'));
  assert.equal(inserted, 1);
  assert.match(failedFiles[0]?.message ?? '', /line 1 is no known header\. Known: "slug,metric/);
});
