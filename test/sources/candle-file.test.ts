import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { AppError } from '../../src/lib/errors.ts';
import { candleFileHeader, type FileRow, readCandleFile } from '../../src/sources/candle-file.ts';
import { listCsvFiles } from '../../src/sources/csv-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'candle-file-'));
after(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function row(minute: number, price = '1.50'): string {
  const time = new Date(Date.UTC(2025, 0, 1, 0, minute)).toISOString().replace('.000', '');
  return `BTC/USDT,1m,${time},${price},2,1,1.5,10,,,`;
}

async function readAll(path: string): Promise<{ rows: FileRow[]; error: unknown }> {
  const rows: FileRow[] = [];
  try {
    for await (const batch of readCandleFile(path)) rows.push(...batch);
    return { rows, error: null };
  } catch (error) {
    return { rows, error };
  }
}

function assertBreaks(error: unknown, message: RegExp): void {
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, 'BAD_USER_INPUT');
  assert.match(error.message, message);
}

describe('a candle file', () => {
  it('gives its rows with digits untouched, empty cells as null, scientific notation as plain text', async () => {
    const text = `${candleFileHeader}\r\n1000FLOKI/USDT:USDT,1d,2024-01-10T00:00:00Z,0.0290900,3.7e-05,1E2,.5,,15380500.9111600,,19.0\r\n`;
    const { rows, error } = await readAll(write('plain.csv', text));
    assert.equal(error, null);
    assert.deepEqual(rows, [
      {
        kind: 'candle',
        line: 2,
        candle: {
          symbol: '1000FLOKI/USDT:USDT',
          interval: 'ONE_DAY',
          openTime: Date.UTC(2024, 0, 10),
          open: '0.0290900',
          high: '0.000037',
          low: '100',
          close: '0.5',
          volumeBase: null,
          volumeQuote: '15380500.9111600',
          marketCapUsd: null,
          supply: '19.0',
        },
      },
    ]);
  });

  it('reads quoted cells, a last line without its end, and a zone offset', async () => {
    const text = `${candleFileHeader}\n"BTC/USDT",1h,"2025-01-01T02:00:00+02:00",1,2,1,1.5,10,,,`;
    const { rows } = await readAll(write('quoted.csv', text));
    assert.ok(rows[0]?.kind === 'candle');
    assert.equal(rows[0].candle.openTime, Date.UTC(2025, 0, 1));
    assert.equal(rows[0].candle.symbol, 'BTC/USDT');
  });

  const time = '2025-01-01T00:00:00Z';
  const badRows: [string, string, RegExp][] = [
    ['a word for a number', `BTC/USDT,1m,${time},abc,2,1,1,1,,,`, /open is not a number: "abc"/],
    ['NaN', `BTC/USDT,1m,${time},1,NaN,1,1,1,,,`, /high is not a number/],
    ['Infinity', `BTC/USDT,1m,${time},1,2,1,1,Infinity,,,`, /volume_base is not a number/],
    ['an exponent that would fill memory', `BTC/USDT,1m,${time},1e999999999,2,1,1,1,,,`, /open is not a number/],
    ['a missing price', `BTC/USDT,1m,${time},1,2,1,,1,,,`, /close is empty/],
    ['too few columns', `BTC/USDT,1m,${time},1,2,1,1`, /has 7 columns instead of 11/],
    ['too many columns', `BTC/USDT,1m,${time},1,2,1,1,1,,,,`, /has 12 columns instead of 11/],
    ['an unknown interval', `BTC/USDT,7m,${time},1,2,1,1,1,,,`, /interval is unknown: "7m"/],
    ['an inherited name for an interval', `BTC/USDT,constructor,${time},1,2,1,1,1,,,`, /interval is unknown/],
    ['a time without zone', 'BTC/USDT,1m,2025-01-01T00:00:00,1,2,1,1,1,,,', /open_time_iso/],
    ['a day that does not exist', 'BTC/USDT,1m,2025-02-30T00:00:00Z,1,2,1,1,1,,,', /open_time_iso/],
    ['an hour that does not exist', 'BTC/USDT,1m,2025-02-10T25:00:00Z,1,2,1,1,1,,,', /open_time_iso/],
    ['a symbol without quote', `BTC,1m,${time},1,2,1,1,1,,,`, /symbol is not like/],
    ['quotes that do not match', `"BTC/USDT,1m,${time},1,2,1,1,1,,,`, /quotes/],
  ];
  for (const [what, line, reason] of badRows) {
    it(`sets aside ${what} and reads on`, async () => {
      const { rows, error } = await readAll(write('bad.csv', [candleFileHeader, line, row(1)].join('\n')));
      assert.equal(error, null);
      assert.deepEqual(
        rows.map(({ kind, line: at }) => [kind, at]),
        [
          ['bad', 2],
          ['candle', 3],
        ],
      );
      assert.ok(rows[0]?.kind === 'bad');
      assert.equal(rows[0].raw, line);
      assert.match(rows[0].reason, reason);
    });
  }

  it('is read in batches of the asked size, every line once', async () => {
    const lines = Array.from({ length: 4_503 }, (_, minute) => row(minute));
    const path = write('many.csv.gz', gzipSync([candleFileHeader, ...lines].join('\n')));
    const sizes: number[] = [];
    const seen: number[] = [];
    for await (const batch of readCandleFile(path)) {
      sizes.push(batch.length);
      seen.push(...batch.map(({ line }) => line));
    }
    assert.deepEqual(sizes, [2_000, 2_000, 503]);
    assert.deepEqual(
      seen,
      Array.from({ length: 4_503 }, (_, index) => index + 2),
    );
  });

  it('that is a cut gzip fails only after every whole row before the cut', async () => {
    // Random digits so that the compressed data is long and the cut falls far inside.
    const lines = Array.from({ length: 20_000 }, (_, minute) => row(minute, `1.${(minute * 7_919_993) % 999_983}`));
    const whole = gzipSync([candleFileHeader, ...lines].join('\n'));
    const path = write('cut.csv.gz', whole.subarray(0, whole.length >> 1));
    const { rows, error } = await readAll(path);
    assertBreaks(error, /cut\.csv\.gz cannot be read beyond line \d+: unexpected end of file/);
    const stopped = Number(/line (\d+)/.exec((error as Error).message)?.[1]);
    assert.equal(rows.length, stopped - 1);
    assert.ok(rows.length > 8_000 && rows.length < 12_000, `${rows.length} rows of half a file`);
    assert.ok(rows.every(({ kind }) => kind === 'candle'));
  });

  const broken: [string, string, string | Buffer, number, RegExp][] = [
    ['without header', 'headless.csv', `${row(0)}\n${row(1)}`, 0, /headless\.csv: line 1 must be the header/],
    ['that is empty', 'empty.csv', '', 0, /line 1 must be the header/],
    ['that is an empty gzip', 'empty.csv.gz', gzipSync(''), 0, /line 1 must be the header/],
    ['named .gz that is none', 'text.csv.gz', 'hello', 0, /text\.csv\.gz cannot be read: incorrect header check/],
    [
      'that is a gzip without saying so',
      'hidden.csv',
      gzipSync('x'.repeat(99)),
      0,
      /line 1 holds bytes that are not text/,
    ],
    [
      'that turns into bytes',
      'bytes.csv',
      Buffer.concat([Buffer.from(`${candleFileHeader}\n${row(0)}\n${row(1)}\nBTC`), Buffer.from([0, 255, 0])]),
      2,
      /line 4 holds bytes that are not text/,
    ],
    [
      'of one endless line',
      'endless.csv',
      `${candleFileHeader}\n${row(0)}\n${'x'.repeat(300_000)}`,
      1,
      /line 3 is longer/,
    ],
  ];
  for (const [what, name, content, good, message] of broken) {
    it(`${what} is refused with its name and place`, async () => {
      const { rows, error } = await readAll(write(name, content));
      assertBreaks(error, message);
      assert.equal(rows.length, good);
    });
  }

  it('that does not exist, or is a folder, is refused', async () => {
    assertBreaks((await readAll(join(folder, 'nowhere.csv'))).error, /nowhere\.csv cannot be read/);
    assertBreaks((await readAll(folder)).error, /cannot be read/);
  });
});

describe('listing candle files', () => {
  it('expands folders to all depths, sorted, each file once, leaving other files out', async () => {
    const root = join(folder, 'set');
    mkdirSync(join(root, '1m'), { recursive: true });
    const names = ['1m/b.csv.gz', '1m/a.csv', 'c.csv', 'README.md'];
    for (const name of names) writeFileSync(join(root, name), '');
    const found = await listCsvFiles([root, join(root, 'c.csv')]);
    assert.deepEqual(
      found,
      ['1m/a.csv', '1m/b.csv.gz', 'c.csv'].map((name) => join(root, name)),
    );
  });

  it('refuses a missing path and a folder without candle files', async () => {
    const bare = join(folder, 'bare');
    mkdirSync(bare);
    await assert.rejects(listCsvFiles([join(folder, 'gone')]), /gone does not exist/);
    await assert.rejects(listCsvFiles([bare]), /bare holds no \.csv or \.csv\.gz file/);
  });
});

const data = resolve(process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data', 'ohlcv');
const skip = existsSync(data) ? false : 'no real data: set TOKENGRAPH_TEST_DATA';

it('real candle files are read without a bad row', { skip }, async () => {
  const listed = await listCsvFiles([data]);
  const files = listed.filter((path) => /\/BTC-|1000PEPE|dirty|bitfinex/.test(path));
  let count = 0;
  for (const path of files) {
    const { rows, error } = await readAll(path);
    assert.equal(error, null);
    assert.deepEqual(
      rows.filter(({ kind }) => kind === 'bad'),
      [],
      path,
    );
    count += rows.length;
  }
  assert.ok(count > 50_000, `${count} rows in ${files.length} files`);
});
