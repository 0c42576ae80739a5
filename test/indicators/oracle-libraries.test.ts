import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeSeries, indicatorCatalog } from '../../src/indicators/catalog.ts';
import { barsOfRows, numbersOf, readCsv, readJson, skip } from './oracle-data.ts';
import { compareColumns } from './series.ts';

/** An expected column: the indicator, its parameters, the output it must equal, and how its convention differs. */
interface Expectation {
  readonly column: string;
  readonly name: string;
  readonly params?: readonly number[];
  readonly output?: string;
  /** First row compared, for a library that seeds differently. */
  readonly from?: number;
  /** Relative, 1e-9 unless the table is less exact. */
  readonly tolerance?: number;
  /** Turns our value into what the column holds. */
  readonly map?: (x: number, first: { readonly volume: number }) => number;
}

const talib: readonly Expectation[] = [
  { column: 'sma20', name: 'sma', params: [20] },
  { column: 'sma50', name: 'sma', params: [50] },
  { column: 'ema12', name: 'ema', params: [12] },
  { column: 'ema26', name: 'ema', params: [26] },
  { column: 'ema200', name: 'ema', params: [200] },
  { column: 'wma20', name: 'wma', params: [20] },
  { column: 'rsi14', name: 'rsi' },
  { column: 'macd_12_26_9', name: 'macd', output: 'macd' },
  { column: 'macd_12_26_9', name: 'apo' },
  { column: 'macd_signal', name: 'macd', output: 'signal' },
  { column: 'macd_hist', name: 'macd', output: 'histogram' },
  { column: 'bb_upper_20_2', name: 'bbands', output: 'upper' },
  { column: 'bb_middle', name: 'bbands', output: 'middle' },
  { column: 'bb_lower', name: 'bbands', output: 'lower' },
  { column: 'atr14', name: 'atr' },
  { column: 'natr14', name: 'natr' },
  { column: 'trange', name: 'trange' },
  { column: 'adx14', name: 'adx', output: 'adx' },
  { column: 'plus_di14', name: 'adx', output: 'plusDi' },
  { column: 'minus_di14', name: 'adx', output: 'minusDi' },
  { column: 'stoch_slowk_14_3_3', name: 'stoch', output: 'k' },
  { column: 'stoch_slowd', name: 'stoch', output: 'd' },
  { column: 'stochrsi_fastk_14_5_3', name: 'stochrsi', params: [14, 5, 1, 3], output: 'k' },
  { column: 'stochrsi_fastd', name: 'stochrsi', params: [14, 5, 1, 3], output: 'd' },
  { column: 'cci20', name: 'cci' },
  { column: 'willr14', name: 'willr' },
  { column: 'mfi14', name: 'mfi' },
  { column: 'obv', name: 'obv' },
  { column: 'roc10', name: 'roc' },
  { column: 'mom10', name: 'mom' },
  { column: 'stddev20_pop', name: 'stddev' },
  { column: 'linreg_slope14', name: 'linregslope' },
  { column: 'psar_002_02', name: 'psar' },
  { column: 'kama30', name: 'kama', params: [30] },
  { column: 'tema20', name: 'tema', params: [20] },
  { column: 'aroonosc14', name: 'aroon', output: 'oscillator' },
  { column: 'ad', name: 'ad' },
  { column: 'trix15', name: 'trix' },
  { column: 'ultosc_7_14_28', name: 'uo' },
];

const ttr: readonly Expectation[] = [
  { column: 'sma20', name: 'sma', params: [20] },
  { column: 'ema12', name: 'ema', params: [12] },
  { column: 'rsi14', name: 'rsi' },
  { column: 'macd', name: 'macd', output: 'macd', from: 200, tolerance: 1e-6 },
  { column: 'macd_signal', name: 'macd', output: 'signal', from: 200, tolerance: 1e-6 },
  { column: 'bb_dn', name: 'bbands', output: 'lower' },
  { column: 'bb_mavg', name: 'bbands', output: 'middle' },
  { column: 'bb_up', name: 'bbands', output: 'upper' },
  { column: 'pctB', name: 'bbands', output: 'percentB' },
  { column: 'tr', name: 'trange' },
  { column: 'atr14', name: 'atr' },
  { column: 'DIp', name: 'adx', output: 'plusDi' },
  { column: 'DIn', name: 'adx', output: 'minusDi' },
  { column: 'adx14', name: 'adx', output: 'adx' },
  { column: 'vol_cc_20_365', name: 'volatility' },
  { column: 'vol_parkinson_20_365', name: 'parkinson' },
  { column: 'vol_gk_20_365', name: 'garmanklass' },
  { column: 'momentum10', name: 'mom' },
  { column: 'cci20', name: 'cci' },
];

/** Skender's tables: one file each, over quotes-default.csv. */
const skender: readonly (Expectation & { readonly file: string })[] = [
  { file: 'sma', column: 'sma', name: 'sma', params: [20] },
  { file: 'ema', column: 'ema', name: 'ema', params: [20] },
  { file: 'wma', column: 'wma', name: 'wma', params: [14] },
  { file: 'rsi', column: 'rsi', name: 'rsi' },
  { file: 'roc', column: 'roc', name: 'roc', params: [14] },
  { file: 'roc', column: 'momentum', name: 'mom', params: [14] },
  { file: 'stdev', column: 'stdDev', name: 'stddev', params: [14] },
  { file: 'stdev', column: 'mean', name: 'sma', params: [14] },
  { file: 'bb', column: 'sma', name: 'bbands', output: 'middle' },
  { file: 'bb', column: 'upperBand', name: 'bbands', output: 'upper' },
  { file: 'bb', column: 'lowerBand', name: 'bbands', output: 'lower' },
  { file: 'bb', column: 'percentB', name: 'bbands', output: 'percentB' },
  { file: 'bb', column: 'width', name: 'bbands', output: 'bandwidth' },
  { file: 'bb', column: 'zScore', name: 'bbands', output: 'percentB', map: (percentB) => 4 * percentB - 2 },
  { file: 'stoch', column: 'k', name: 'stoch', output: 'k' },
  { file: 'stoch', column: 'd', name: 'stoch', output: 'd' },
  // Skender's first sums hold one bar more than TA-Lib's; the difference fades by 13/14 a bar.
  { file: 'adx', column: 'adx', name: 'adx', output: 'adx', from: 350, tolerance: 1e-6 },
  { file: 'adx', column: 'pdi', name: 'adx', output: 'plusDi', from: 350, tolerance: 1e-6 },
  { file: 'adx', column: 'mdi', name: 'adx', output: 'minusDi', from: 350, tolerance: 1e-6 },
  // Skender starts from 0, TA-Lib from the first bar's volume.
  { file: 'obv', column: 'obv', name: 'obv', map: (obv, first) => obv - first.volume },
];

type Table = readonly Readonly<Record<string, unknown>>[];

function expectColumn(expectation: Expectation, bars: ReturnType<typeof barsOfRows>, table: Table): string {
  const { column, name, params, output, from = 0, tolerance = 1e-9, map = (x: number) => x } = expectation;
  const index = output === undefined ? 0 : indicatorCatalog[name]!.outputs.indexOf(output);
  const actual = computeSeries(name, params, bars)[index]!.map((x) => (x === null ? null : map(x, bars[0]!)));
  const expected = numbersOf(table, column).map((x, i) => (i < from ? null : x));
  const { compared, worst } = compareColumns(actual, expected);
  assert.ok(compared > 100, `${column}: only ${compared} rows compared`);
  assert.ok(worst <= tolerance, `${column}: ${name} is off by ${worst}`);
  return `${column} = ${name}${output === undefined ? '' : `.${output}`}: ${compared} rows, worst ${worst.toExponential(1)}`;
}

for (const file of ['bybit-1d-BTC', 'bybit-1d-ETH', 'binance-perp-1h-SOL-first2000']) {
  test(`TA-Lib agrees on every column of ${file}`, { skip }, (t) => {
    const rows = readCsv(`talib/${file}.csv.gz`);
    const bars = barsOfRows(rows);
    for (const expectation of talib) t.diagnostic(`talib/${file} ${expectColumn(expectation, bars, rows)}`);
  });
}

test('R’s TTR agrees on every column, MACD once its other seed has faded', { skip }, (t) => {
  const bars = barsOfRows(readCsv('talib/bybit-1d-ETH.csv.gz'));
  const rows = readCsv('r-ttr/bybit-1d-ETH.csv.gz');
  assert.deepEqual(
    numbersOf(rows, 'close'),
    bars.map((bar) => bar.close),
  );
  for (const expectation of ttr) t.diagnostic(`r-ttr ${expectColumn(expectation, bars, rows)}`);
});

test('Skender’s Stock.Indicators agrees on every table', { skip }, (t) => {
  const bars = barsOfRows(readCsv('skender/quotes-default.csv'));
  for (const expectation of skender) {
    const table = readJson(`skender/${expectation.file}.standard.json.gz`) as Table;
    t.diagnostic(`skender/${expectation.file} ${expectColumn(expectation, bars, table)}`);
  }
});
