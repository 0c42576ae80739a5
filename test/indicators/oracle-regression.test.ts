import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeSeries } from '../../src/indicators/catalog.ts';
import { barsOfRows, readCsv, readJson, type Row, skip } from './oracle-data.ts';

/** TA-Lib's own regression tables: single values at a row counted from the first one the function gives. */
interface RegressionTable {
  readonly fields: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Which of our columns a row speaks of; null where we have no such function. */
type Locate = (row: Row) => { name: string; params: number[]; outputs: readonly number[] } | null;

const averages: Readonly<Record<string, string>> = {
  TA_MAType_SMA: 'sma',
  TA_MAType_EMA: 'ema',
  TA_MAType_WMA: 'wma',
  TA_MAType_DEMA: 'dema',
  TA_MAType_TEMA: 'tema',
  TA_MAType_TRIMA: 'trima',
  TA_MAType_KAMA: 'kama',
  TA_MAType_T3: 't3',
};

const tables: Readonly<Record<string, Locate>> = {
  test_ma: (row) => {
    const name = row['id'] === 'TA_ANY_MA_TEST' ? averages[row['optInMAType_1']!] : undefined;
    return name === undefined ? null : { name, params: [Number(row['optInTimePeriod'])], outputs: [0] };
  },
  test_rsi: (row) => ({
    name: row['theFunction'] === 'TA_CMO_TEST' ? 'cmo' : 'rsi',
    params: [Number(row['optInTimePeriod'])],
    outputs: [0],
  }),
  test_stddev: (row) =>
    row['optInNbDeviation_1'] === '1.0'
      ? { name: 'stddev', params: [Number(row['optInTimePeriod'])], outputs: [0] }
      : null,
  test_bbands: (row) =>
    row['optInMethod_3'] === 'TA_MAType_SMA'
      ? { name: 'bbands', params: [Number(row['optInTimePeriod']), Number(row['optInNbDevUp'])], outputs: [0, 1, 2] }
      : null,
  test_trange: (row) =>
    row['doAverage'] === '0'
      ? { name: 'trange', params: [], outputs: [0] }
      : { name: 'atr', params: [Number(row['optInTimePeriod'])], outputs: [0] },
};

/** Functions whose value depends on where they started; the others only see their window. */
const isRecursive = new Set(['ema', 'dema', 'tema', 't3', 'kama', 'rsi', 'cmo', 'atr']);

/** Rows after which another start (later, or Metastock's first-price seed) no longer shows in the printed digits. */
const fadedAfter = 150;

/** What TA-Lib's own regression run allows: the tables are not exact to all the digits they print. */
const tolerance = 0.01;

/** A row can be compared if it succeeded with output and its start is ours, or has faded. */
function isComparable(row: Row, name: string, index: number): boolean {
  if (row['expectedRetCode'] !== 'TA_SUCCESS' || row['expectedNbElement'] === '0') return false;
  if (!isRecursive.has(name) || index >= fadedAfter) return true;
  return (
    row['startIdx'] === '0' &&
    (row['unstablePeriod'] ?? '0') === '0' &&
    row['compatibility'] !== 'TA_COMPATIBILITY_METASTOCK'
  );
}

for (const [file, locate] of Object.entries(tables)) {
  test(`TA-Lib’s regression table ${file} is met within its own tolerance`, { skip }, (t) => {
    const bars = barsOfRows(readCsv('talib-regtest/bars252.csv'));
    const { fields, rows } = readJson(`talib-regtest/${file}.json`) as RegressionTable;
    const compared = new Map<string, { count: number; worst: number }>();
    for (const cells of rows) {
      const row: Row = Object.fromEntries(fields.map((field, i) => [field, cells[i]!]));
      const place = locate(row);
      if (!place) continue;
      for (const output of place.outputs) {
        const suffix = ['oneOfTheExpectedOutReal', `oneOfTheExpectedOutReal${output}`].find(
          (key) => row[key] !== undefined,
        )!;
        const cell = row[suffix]!;
        const index = Number(row['expectedBegIdx']) + Number(row[suffix.replace('Real', 'RealIndex')]);
        if (!isComparable(row, place.name, index)) continue;
        const actual: number | null | undefined = computeSeries(place.name, place.params, bars)[output]![index];
        assert.equal(typeof actual, 'number', `${place.name} at ${index}`);
        const error = Math.abs(actual! - Number(cell));
        assert.ok(error <= tolerance, `${place.name}(${place.params.join()}) at ${index}: ${actual}, table ${cell}`);
        const { count, worst } = compared.get(place.name) ?? { count: 0, worst: 0 };
        compared.set(place.name, { count: count + 1, worst: Math.max(worst, error / Math.abs(Number(cell))) });
      }
    }
    assert.ok(compared.size > 0);
    for (const [name, { count, worst }] of compared) {
      t.diagnostic(`talib-regtest/${file} ${name}: ${count} rows, worst ${worst.toExponential(1)}`);
    }
  });
}
