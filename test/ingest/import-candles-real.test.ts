import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { parseInterval } from '../../src/lib/interval.ts';
import { importCandles } from '../../src/ingest/import-candles.ts';
import { type CandleValidator, createCandleValidator } from '../../src/prices/validate.ts';
import { readCandleFile } from '../../src/sources/candle-file.ts';
import { listCsvFiles } from '../../src/sources/csv-file.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

/** What the checks make of real series. The data is not part of the project: without it these tests skip. */

const root = join(process.env['TOKENGRAPH_TEST_DATA'] ?? resolve('../shared/data'), 'ohlcv');
const skip = existsSync(root) ? false : `no market data in ${root}; set TOKENGRAPH_TEST_DATA`;
const now = Date.parse('2026-01-01T00:00:00Z');

/** Faults by reason over every file of a folder. */
async function faultsOf(folder: string): Promise<Record<string, string[]>> {
  const faults: Record<string, string[]> = {};
  for (const path of await listCsvFiles([join(root, folder)])) {
    const interval = parseInterval(path.split('/').at(-2) ?? '') ?? 'ONE_DAY';
    const validator: CandleValidator = createCandleValidator(interval, now);
    for await (const rows of readCandleFile(path)) {
      for (const row of rows) {
        const reason = row.kind === 'bad' ? 'UNPARSEABLE' : validator.check(row.candle)?.reason;
        if (reason !== undefined) (faults[reason] ??= []).push(`${path.split('/').at(-1)}:${row.line}`);
      }
    }
  }
  return faults;
}

const clean = [
  'binance-spot',
  'binance-usdm-perp',
  'binance-usdm-perp-1y',
  'binance-usdm-perp-3y',
  'binance-usdm-perp-week',
  'bitfinex-spot',
  'bitstamp-cdd',
];

for (const folder of clean) {
  test(`nothing that really happened in ${folder} is refused`, { skip }, async () => {
    assert.deepEqual(await faultsOf(folder), {});
  });
}

for (const folder of ['bybit-linear-perp', 'yahoo-usd-composite']) {
  test(`of ${folder} only a row with a zero price is refused`, { skip }, async () => {
    const faults = await faultsOf(folder);
    assert.deepEqual(Object.keys(faults), ['NON_POSITIVE_PRICE']);
    assert.equal(faults['NON_POSITIVE_PRICE']?.length, 1);
  });
}

test('known garbage is refused and the rest of its series is kept', { skip }, async () => {
  const db = await createTestDb({ after });
  const deps = { db, clock: createTestClock(now) };
  const request = { paths: [join(root, 'dirty-yahoo')], createMissing: true };
  const { rowsRead, inserted, quarantined } = await importCandles(deps, request);
  const refused = Object.values(quarantined).reduce((sum, count) => sum + count, 0);
  assert.equal(inserted + refused, rowsRead);
  assert.equal(quarantined.NON_POSITIVE_PRICE, 648);
  assert.ok((quarantined.JUMP ?? 0) >= 3, JSON.stringify(quarantined));
  const [widest] = await db.query<{ high: number }>(
    `SELECT max(c.high)::float8 AS high FROM candle c JOIN series s ON s.id = c.series_id WHERE s.market_symbol = 'COMP/USD'`,
  );
  assert.ok((widest?.high ?? 0) < 0.01, 'neither the 169 nor the 349 USD of the source');
  const again = await importCandles(deps, request);
  assert.deepEqual([again.inserted, again.changed, again.folded], [0, 0, 0]);
});
