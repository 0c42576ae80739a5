import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ema, WilderAverage } from '../../src/indicators/averages.ts';
import { computeSeries, indicatorCatalog } from '../../src/indicators/catalog.ts';
import { restore } from '../../src/indicators/machine.ts';
import { GainLoss } from '../../src/indicators/oscillators.ts';
import { barsOfRows, numbersOf, readCsv, type Row, skip, unitOf } from './oracle-data.ts';

/** StockCharts' worked tables. They print few digits and compute from rounded inputs: `units` of the last digit. */
interface Worked {
  readonly file: string;
  readonly name: string;
  readonly params: readonly number[];
  /** Columns of the table to our outputs. */
  readonly columns: Readonly<Record<string, string>>;
  readonly units?: number;
  readonly from?: number;
  readonly scale?: number;
}

const worked: readonly Worked[] = [
  { file: 'cs-accum', name: 'ad', params: [], columns: { ADLine: 'ad' } },
  {
    file: 'cs-bbands',
    name: 'bbands',
    params: [20, 2],
    columns: { HighBand: 'upper', MiddleBand: 'middle', LowBand: 'lower', PercentageBand: 'percentB' },
  },
  { file: 'cs-bbands', name: 'bbands', params: [20, 2], columns: { WidthBand: 'bandwidth' }, scale: 100 },
  { file: 'cs-bbands', name: 'stddev', params: [20], columns: { '20-day Standard Deviation': 'stddev' } },
  { file: 'cs-cci', name: 'cci', params: [20], columns: { CCI: 'cci' } },
  {
    file: 'cs-dc',
    name: 'donchian',
    params: [20],
    columns: { upper_band: 'upper', lower_band: 'lower', middle_band: 'middle' },
  },
  { file: 'cs-kama', name: 'kama', params: [10, 2, 30], columns: { KAMA: 'kama' }, from: 10 },
  { file: 'cs-mfi', name: 'mfi', params: [14], columns: { MFI: 'mfi' } },
  { file: 'cs-obv', name: 'obv', params: [], columns: { OBV: 'obv' } },
  { file: 'cs-percentr', name: 'willr', params: [14], columns: { 'Williams_%R': 'willr' } },
  // The table picks its first side otherwise: compared from its first reversal on.
  { file: 'cs-psar', name: 'psar', params: [0.02, 0.2], columns: { psar_up: 'psar', psar_down: 'psar' }, from: 8 },
  { file: 'cs-roc', name: 'roc', params: [12], columns: { ROC: 'roc' } },
  // The table averages what it has before 14 bars are there.
  { file: 'cs-vwap', name: 'vwap', params: [14], columns: { vwap: 'vwap' }, from: 13 },
  { file: 'cs-wma', name: 'wma', params: [9], columns: { WMA: 'wma' }, from: 8 },
];

/** Compares cells with values row by row; returns what was compared, for the report. */
function compareCells(
  rows: readonly Row[],
  column: string,
  actual: readonly (number | null)[],
  units: number,
  from = 0,
): string {
  let compared = 0;
  let worst = 0;
  rows.forEach((row, i) => {
    const cell = row[column] ?? '';
    if (cell === '' || i < from) return;
    const want = Number(cell);
    const error = Math.abs((actual[i] ?? Number.NaN) - want);
    assert.ok(
      error <= units * unitOf(cell) + 1e-14 * Math.abs(want),
      `${column} row ${i}: ${actual[i]}, table ${cell}`,
    );
    compared++;
    worst = Math.max(worst, error / Math.max(Math.abs(want), unitOf(cell)));
  });
  assert.ok(compared >= 5, `${column}: only ${compared} rows`);
  return `${column}: ${compared} rows, worst ${worst.toExponential(1)}`;
}

for (const { file, name, params, columns, units = 1, from = 0, scale = 1 } of worked) {
  test(`StockCharts’ ${file} is met by ${name} to its printed digits`, { skip }, (t) => {
    const rows = readCsv(`stockcharts/${file}.csv`);
    const series = computeSeries(name, params, barsOfRows(rows));
    for (const [column, output] of Object.entries(columns)) {
      const values = series[indicatorCatalog[name]!.outputs.indexOf(output)]!.map((x) =>
        x === null ? null : x * scale,
      );
      t.diagnostic(`stockcharts/${file} ${name} ${compareCells(rows, column, values, units, from)}`);
    }
  });
}

test('StockCharts’ cs-atr is Wilder’s average of its true ranges, the first bar’s range included', { skip }, (t) => {
  const rows = readCsv('stockcharts/cs-atr.csv');
  const [ranges] = computeSeries('trange', [], barsOfRows(rows));
  const first = Number(rows[0]!['High']) - Number(rows[0]!['Low']);
  t.diagnostic(`stockcharts/cs-atr trange ${compareCells(rows, 'TR', [first, ...ranges!.slice(1)], 10)}`);
  const average = new WilderAverage(14);
  const atr = [first, ...ranges!.slice(1)].map((range) => average.update(range!));
  t.diagnostic(`stockcharts/cs-atr WilderAverage ${compareCells(rows, 'ATR', atr, 1, 13)}`);
});

test('StockCharts’ cs-rsi follows our RSI once its averages start from the table’s zeros', { skip }, (t) => {
  const rows = readCsv('stockcharts/cs-rsi.csv');
  const [first, ...closes] = numbersOf(rows, 'Close').map((x) => x!);
  const zero = { period: 14, alpha: 1 / 14, count: 14, value: 0 };
  const rsi = new GainLoss(14, 0);
  restore(rsi, { gains: zero, losses: zero, lossSign: 0, last: first });
  const values = [null, ...closes.map((x) => rsi.update(x))];
  t.diagnostic(`stockcharts/cs-rsi GainLoss ${compareCells(rows, 'RSI', values, 1)}`);
});

test('StockCharts’ cs-macd follows our EMA once that starts from the table’s first value', { skip }, (t) => {
  const rows = readCsv('stockcharts/cs-macd.csv');
  const seeded = (period: number, value: number): Ema => {
    const ema = new Ema(period);
    restore(ema, { period, alpha: 2 / (period + 1), count: period, value });
    return ema;
  };
  const closes = numbersOf(rows, 'Close').map((x) => x!);
  for (const [column, period] of [
    ['short_ema', 12],
    ['long_ema', 26],
  ] as const) {
    const ema = seeded(period, closes[0]!);
    t.diagnostic(
      `stockcharts/cs-macd Ema(${period}) ${compareCells(
        rows,
        column,
        closes.map((x) => ema.update(x)),
        1,
      )}`,
    );
  }
  const line = numbersOf(rows, 'MACD_line');
  const begin = rows.findIndex((row) => row['MACD_signal'] !== '');
  const signal = seeded(9, Number(rows[begin]!['MACD_signal']));
  const values = line.map((x, i) => (i > begin && x !== null ? signal.update(x) : null));
  t.diagnostic(`stockcharts/cs-macd Ema(9) ${compareCells(rows, 'MACD_signal', values, 50, begin + 1)}`);
});
