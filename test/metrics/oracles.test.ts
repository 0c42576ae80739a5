import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import {
  downsideOf,
  fallsOf,
  maxDrawdownOf,
  meanOf,
  omegaOf,
  regressionOf,
  sharpeOf,
  sortinoOf,
  tailRatioOf,
} from '../../src/lib/statistics.ts';
import { computeQuantMetrics } from '../../src/metrics/quant-metrics.ts';
import { simpleReturns } from '../../src/metrics/returns.ts';
import { chainOf, computeOf, readBybit, readCsv, readJson, sampleOf, skip } from './oracles.ts';

/** The worst error met of each table. */
const worst: Record<string, number> = {};

/** Equal to a tolerance relative to 1 or the expected value, whichever is larger; null is equal to NaN. */
function assertClose(actual: number | null, expected: number, tolerance: number, name: string): void {
  if (Number.isNaN(expected)) return assert.equal(actual, null, name);
  assert.ok(actual !== null, `${name}: null instead of ${expected}`);
  const error = Math.abs(actual - expected) / Math.max(1, Math.abs(expected));
  const table = name.split(':')[0] ?? '';
  worst[table] = Math.max(worst[table] ?? 0, error);
  assert.ok(error <= tolerance, `${name}: ${actual} instead of ${expected} (${error})`);
}

type Cell = number | 'NaN';
type Series = { readonly values: readonly Cell[]; readonly index?: readonly string[] };
type Argument = number | string | { readonly $series: string } | Series;
interface Case {
  readonly test: string;
  readonly case: number;
  readonly args: Readonly<Record<string, Argument>> & { readonly expected: Cell | readonly Cell[] };
}
interface Cases {
  readonly series: Readonly<Record<string, Series>>;
  readonly cases: readonly Case[];
}

const periods: Readonly<Record<string, number>> = { daily: 252, weekly: 52, monthly: 12, yearly: 1 };

/** The arguments of a case, with series as numbers; what a date lacks in either of two series is left out of both. */
class Arguments {
  private readonly table: Cases;
  private readonly args: Case['args'];

  constructor(table: Cases, args: Case['args']) {
    this.table = table;
    this.args = args;
  }

  private find(name: string): Series | number {
    const argument = this.args[name];
    if (typeof argument === 'number') return argument;
    if (typeof argument !== 'object') return 0;
    return '$series' in argument ? (this.table.series[argument.$series] as Series) : argument;
  }

  get periodsPerYear(): number {
    const { period } = this.args;
    return typeof period === 'string' ? (periods[period] ?? 252) : 252;
  }

  /** The returns where one that is not known counts as 0, as where they compound. */
  filled(): number[] {
    return (this.find('returns') as Series).values.map((value) => Number(value) || 0);
  }

  returns(name = 'returns'): number[] {
    return (this.find(name) as Series).values.map(Number).filter((value) => !Number.isNaN(value));
  }

  number(name: string): number {
    const found = this.find(name);
    return typeof found === 'number' ? found : 0;
  }

  /** The returns less another argument, which may be a number or a series of its own dates. */
  excess(name: string): number[] {
    const found = this.find(name);
    if (typeof found === 'number') return this.returns().map((value) => value - found);
    return this.pairs(name).map(([own, other]) => own - other);
  }

  pairs(name: string): [own: number, other: number][] {
    const own = this.find('returns') as Series;
    const other = this.find(name) as Series;
    const at = new Map(other.values.map((value, position) => [other.index?.[position] ?? String(position), value]));
    return own.values
      .map((value, position): [number, number] => [
        Number(value),
        Number(at.get(own.index?.[position] ?? String(position)) ?? Number.NaN),
      ])
      .filter((pair) => !pair.some(Number.isNaN));
  }
}

const alphaBeta = (args: Arguments): (number | null)[] => {
  const pairs = args.pairs('benchmark');
  const [own, other] = [pairs.map(([value]) => value), pairs.map(([, value]) => value)];
  const { beta } = regressionOf(own, other);
  const [meanOwn, meanOther] = [meanOf(own), meanOf(other)];
  const alpha =
    beta === null || meanOwn === null || meanOther === null ? null : (1 + meanOwn - beta * meanOther) ** 252 - 1;
  return [alpha, beta];
};

const sample = (args: Arguments): ReturnType<typeof sampleOf> =>
  sampleOf(args.filled(), { periodsPerYear: args.periodsPerYear });

/** What of empyrical is computed here too; the other cases of the table are of functions that are not ours. */
const ours: Readonly<Record<string, (args: Arguments) => (number | null)[]>> = {
  test_simple_returns: (args) => simpleReturns({ times: [], levels: args.returns('prices') }).map((value) => value),
  test_cum_returns_final: (args) => [args.returns().length === 0 ? null : computeOf('cumulativeReturn', sample(args))],
  test_max_drawdown: (args) => [maxDrawdownOf(args.returns())],
  test_annual_ret: (args) => [computeOf('cagr', sample(args))],
  test_cagr: (args) => [computeOf('cagr', sample(args))],
  test_annual_volatility: (args) => [computeOf('volatility', sampleOf(args.returns(), args))],
  test_calmar: (args) => [computeOf('calmar', sample(args))],
  test_omega: (args) => {
    const threshold = (1 + args.number('required_return')) ** (1 / 252) - 1;
    return [omegaOf(args.excess('risk_free'), threshold)];
  },
  test_sharpe_ratio: (args) => [sharpeOf(args.excess('risk_free'), { periodsPerYear: 252 })],
  test_downside_risk: (args) => {
    const downside = downsideOf(args.excess('required_return'));
    return [downside === null ? null : downside * Math.sqrt(args.periodsPerYear)];
  },
  test_sortino: (args) => [sortinoOf(args.excess('required_return'), { periodsPerYear: args.periodsPerYear })],
  test_alpha_beta: alphaBeta,
  test_alpha: (args) => alphaBeta(args).slice(0, 1),
  test_beta: (args) => alphaBeta(args).slice(1),
  test_tail_ratio: (args) => [tailRatioOf(args.filled().toSorted((a, b) => a - b))],
};

/** Its tests compare eight decimals, and print as many but in one. */
const isCoarse = (name: string): boolean => name === 'test_cum_returns_final';
const toleranceOf = (name: string): number => (isCoarse(name) ? 1e-5 : 1e-8);
const tableOf = (name: string): string => (isCoarse(name) ? 'empyrical, printed with four digits' : 'empyrical');

describe('empyrical', { skip }, () => {
  if (skip !== false) return;
  const table = readJson('empyrical-cases.json.gz') as Cases;
  for (const one of table.cases) {
    const compute = ours[one.test];
    if (compute === undefined) continue;
    it(`${one.test} ${one.case}`, () => {
      const expected = [one.args.expected].flat().map(Number);
      const actual = compute(new Arguments(table, one.args));
      assert.equal(actual.length, expected.length);
      for (const [position, value] of expected.entries())
        assertClose(
          actual[position] ?? null,
          value,
          toleranceOf(one.test),
          `${tableOf(one.test)}: ${one.test} ${one.case}`,
        );
    });
  }
});

describe('Bacon and Steiner', { skip }, () => {
  if (skip !== false) return;
  interface Table {
    readonly bacon_returns: readonly number[];
    readonly benchmark_returns: readonly number[];
    readonly bacon_equity: readonly number[];
    readonly steiner_equity: readonly number[];
    readonly steiner_drawdown_series: readonly number[];
    readonly sharpe_portfolio_rf0: number;
    readonly sharpe_benchmark_rf0: number;
    readonly bacon_max_drawdown: number;
    readonly steiner_max_drawdown: number;
  }
  const table = readJson('lequant40-bacon-steiner.json') as Table;
  const depthOf = (levels: readonly number[]): number =>
    -(computeOf('maxDrawdown', { ...sampleOf(simpleReturns({ times: [], levels })) }) ?? Number.NaN);

  for (const [name, returns] of [
    ['sharpe_portfolio_rf0', table.bacon_returns],
    ['sharpe_benchmark_rf0', table.benchmark_returns],
  ] as const)
    it(name, () => {
      // The table's note says that the deviation is that of a population; its figures are of a sample, as ours.
      assertClose(sharpeOf(returns, { periodsPerYear: 1 }), table[name], 1e-8, `Bacon: ${name}`);
    });
  it('deepest falls', () => {
    assertClose(depthOf(table.bacon_equity), table.bacon_max_drawdown, 1e-8, 'Bacon: fall');
    assertClose(depthOf(table.steiner_equity), table.steiner_max_drawdown, 1e-12, 'Steiner: fall');
  });
  it('the fall at each level', () => {
    const falls = fallsOf(table.steiner_equity);
    for (const [position, expected] of table.steiner_drawdown_series.entries())
      assertClose(-(falls[position] ?? Number.NaN), expected, 1e-12, `Steiner: ${position}`);
  });
});

/** PerformanceAnalytics has moments by n; ours are corrected for bias. */
const correctSkew = (skew: number, n: number): number => (skew * Math.sqrt(n * (n - 1))) / (n - 2);
const correctKurtosis = (kurtosis: number, n: number): number =>
  ((n - 1) / ((n - 2) * (n - 3))) * ((n + 1) * kurtosis + 6);

describe('PerformanceAnalytics on daily closes of eight perpetuals', { skip }, () => {
  if (skip !== false) return;
  const bitcoin = readBybit('BTC');
  for (const row of readCsv('performanceanalytics-bybit-1d.csv')) {
    it(row['asset'] ?? '', () => {
      const cell = (name: string): number => Number(row[name]);
      const n = cell('n');
      const series = readBybit(row['asset'] ?? '');
      const metrics = computeQuantMetrics({ series, benchmark: bitcoin, riskFreeRate: 0, periodsPerYear: 365 });
      assert.deepEqual([metrics.n, metrics.missing], [n, []]);
      const { values } = metrics;
      const root = Math.sqrt(365);
      const expected: [keyof typeof values, number][] = [
        ['cumulativeReturn', cell('cum_return')],
        ['cagr', cell('ann_return_geom_365')],
        ['volatility', cell('ann_stdev_365')],
        ['downsideDeviation', cell('downside_dev_daily_MAR0') * root],
        ['sharpe', cell('sharpe_daily') * root],
        ['sortino', cell('sortino_daily_MAR0') * root],
        ['maxDrawdown', -cell('max_drawdown')],
        ['calmar', cell('calmar_365')],
        ['ulcerIndex', cell('ulcer_index')],
        ['painIndex', cell('pain_index')],
        ['var95', cell('var95_hist')],
        ['var95Normal', cell('var95_gauss')],
        ['cvar95', cell('es95_hist')],
        ['omega', cell('omega_L0')],
        ['profitFactor', cell('omega_L0')],
        ['skew', correctSkew(cell('skew'), n)],
        ['excessKurtosis', correctKurtosis(cell('exkurt'), n)],
        ['beta', cell('beta_btc')],
        ['correlation', cell('corr_btc')],
      ];
      for (const [name, value] of expected) assertClose(values[name], value, 1e-11, `PerformanceAnalytics: ${name}`);
    });
  }
});

test('a chain of returns gives them back', () => {
  const returns = [0.1, -0.5, 0.02];
  const back = simpleReturns(chainOf(returns, 12));
  for (const [index, value] of returns.entries()) assertClose(back[index] ?? null, value, 1e-12, `chain: ${index}`);
});

test('worst errors', { skip }, (t) => {
  for (const [table, error] of Object.entries(worst)) t.diagnostic(`${table}: ${error.toExponential(1)}`);
});
