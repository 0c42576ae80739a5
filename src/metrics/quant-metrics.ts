import { type CandleInterval, dayMs } from '../lib/interval.ts';
import {
  type Drawdown,
  deviationOf,
  downsideOf,
  drawdownOf,
  excessKurtosisOf,
  fallsOf,
  meanOf,
  omegaOf,
  profitFactorOf,
  quantileOf,
  type Regression,
  regressionOf,
  sharpeOf,
  skewOf,
  sortinoOf,
  tailRatioOf,
} from '../lib/statistics.ts';
import { type LevelSeries, pairReturns, type ReturnPairs, simpleReturns } from './returns.ts';

/**
 * Quant metrics of a series of returns. Pure, and the same for a token, a portfolio or an index. A statistic that cannot
 * be told is null and has a reason; none is ever NaN or Infinity.
 */

/** Fewest returns (and fewest pairs with the benchmark) that anything is said of. */
export const returnsMin = 30;

/** Why a statistic is null. */
export type StatisticAbsence = 'TOO_FEW_RETURNS' | 'NO_VARIATION' | 'NO_LOSSES' | 'NO_BENCHMARK' | 'UNDEFINED';

const absences: Readonly<Record<StatisticAbsence, string>> = {
  TOO_FEW_RETURNS: `There are fewer than ${returnsMin} returns.`,
  NO_VARIATION: 'The returns do not vary.',
  NO_LOSSES: 'There is no loss to divide by.',
  NO_BENCHMARK: `There is no benchmark with ${returnsMin} returns over the same spans.`,
  UNDEFINED: 'The numbers leave it undefined.',
};

/** A statistic that could not be told. */
export interface MissingStatistic {
  readonly name: StatisticName;
  readonly reason: StatisticAbsence;
  readonly detail: string;
}

/** What the metrics are computed from. */
export interface QuantMetricsInput {
  readonly series: LevelSeries;
  /** Null: none asked for, or none there. */
  readonly benchmark: LevelSeries | null;
  /** Yearly, a fraction; a period's is this by `periodsPerYear`. */
  readonly riskFreeRate: number;
  readonly periodsPerYear: number;
}

/** The metrics of one series. */
export interface QuantMetrics {
  /** Returns, which is one less than levels. */
  readonly n: number;
  /** Returns that have one of the benchmark beside them. */
  readonly benchmarkN: number;
  /** Epoch ms of the first and the last level; null without any. */
  readonly from: number | null;
  readonly to: number | null;
  readonly values: Readonly<Record<StatisticName, number | null>>;
  /** Those of `values` that are null, in their order. */
  readonly missing: readonly MissingStatistic[];
  /** Times of the deepest fall, epoch ms; null where nothing fell, `recoveryAt` also while it lasts. */
  readonly drawdown: { readonly peakAt: number; readonly troughAt: number; readonly recoveryAt: number | null } | null;
}

/** What metrics were computed from, told beside them. */
export interface MetricsGround {
  readonly interval: CandleInterval;
  /** Where the prices come from; null where there is no series. */
  readonly source: string | null;
  /** Candles that are not there between the first and the last. */
  readonly missingCandles: number;
  /** Slug of the token compared with; null for none. */
  readonly benchmark: string | null;
  readonly riskFreeRate: number;
  readonly periodsPerYear: number;
}

/** A series made ready: what several statistics need, once. */
export interface Sample {
  readonly returns: readonly number[];
  readonly ascending: readonly number[];
  readonly levels: readonly number[];
  readonly days: number;
  readonly drawdown: Drawdown | null;
  readonly riskFree: number;
  readonly periodsPerYear: number;
  readonly pairs: ReturnPairs;
  readonly regression: Regression | null;
}

interface Statistic {
  /** For people: what it is, its unit, its formula. */
  readonly description: string;
  /** Why it is null when it is. */
  readonly absence: StatisticAbsence;
  readonly compute: (sample: Sample) => number | null;
}

const tail = 0.05;
/** The 5 % quantile of the standard normal distribution. */
const normalTail = -1.6448536269514722;

const growthOf = ({ levels }: Sample): number => (levels.at(-1) ?? 0) / (levels[0] ?? 0);
const cagrOf = (sample: Sample): number => growthOf(sample) ** (365 / sample.days) - 1;

/** Every statistic, in the order it is shown. Fractions, not percent. */
export const statistics = {
  cumulativeReturn: {
    description: 'Return over the whole span: last close by first, less 1.',
    absence: 'UNDEFINED',
    compute: (sample) => growthOf(sample) - 1,
  },
  cagr: {
    description: 'Compound annual growth: (last by first)^(365 / days) - 1.',
    absence: 'UNDEFINED',
    compute: cagrOf,
  },
  volatility: {
    description: 'Standard deviation of the returns (n - 1), times the root of the periods a year.',
    absence: 'UNDEFINED',
    compute: ({ returns, periodsPerYear }) => (deviationOf(returns) ?? Number.NaN) * Math.sqrt(periodsPerYear),
  },
  downsideDeviation: {
    description: 'Root mean square, over all returns, of their shortfall below the risk-free return, annualised.',
    absence: 'UNDEFINED',
    compute: ({ returns, riskFree, periodsPerYear }) =>
      (downsideOf(returns, riskFree) ?? Number.NaN) * Math.sqrt(periodsPerYear),
  },
  sharpe: {
    description:
      'Sharpe ratio: mean excess over the risk-free return by the standard deviation of the returns, annualised.',
    absence: 'NO_VARIATION',
    compute: ({ returns, riskFree, periodsPerYear }) => sharpeOf(returns, { riskFree, periodsPerYear }),
  },
  sortino: {
    description: 'Sortino ratio: mean excess over the risk-free return by the downside deviation, annualised.',
    absence: 'NO_LOSSES',
    compute: ({ returns, riskFree, periodsPerYear }) => sortinoOf(returns, { riskFree, periodsPerYear }),
  },
  maxDrawdown: {
    description: 'Deepest fall of closes from their highest so far, 0 or below: -0.4 is a fall by 40 %.',
    absence: 'UNDEFINED',
    compute: ({ drawdown }) => drawdown?.depth ?? 0,
  },
  calmar: {
    description: 'Calmar ratio: compound annual growth by the deepest fall, without its sign.',
    absence: 'NO_LOSSES',
    compute: (sample) => (sample.drawdown === null ? null : cagrOf(sample) / Math.abs(sample.drawdown.depth)),
  },
  ulcerIndex: {
    description: 'Root mean square of how far each close lies below the highest before it.',
    absence: 'UNDEFINED',
    compute: ({ levels }) => downsideOf(fallsOf(levels).slice(1)),
  },
  painIndex: {
    description: 'Mean of how far each close lies below the highest before it.',
    absence: 'UNDEFINED',
    compute: ({ levels }) => -(meanOf(fallsOf(levels).slice(1)) ?? Number.NaN),
  },
  skew: {
    description: 'Skewness of the returns, corrected for bias (G1): below 0 the losses are the longer tail.',
    absence: 'NO_VARIATION',
    compute: ({ returns }) => skewOf(returns),
  },
  excessKurtosis: {
    description: 'Kurtosis of the returns above that of a normal distribution, corrected for bias (G2).',
    absence: 'NO_VARIATION',
    compute: ({ returns }) => excessKurtosisOf(returns),
  },
  tailRatio: {
    description: '95th percentile of the returns by the 5th, without signs: above 1 the gains are the longer tail.',
    absence: 'UNDEFINED',
    compute: ({ ascending }) => tailRatioOf(ascending),
  },
  profitFactor: {
    description: 'Sum of the gains by the sum of the losses.',
    absence: 'NO_LOSSES',
    compute: ({ returns }) => profitFactorOf(returns),
  },
  omega: {
    description: 'Omega ratio: sum of the excesses over the risk-free return by the sum of the shortfalls below it.',
    absence: 'NO_LOSSES',
    compute: ({ returns, riskFree }) => omegaOf(returns, riskFree),
  },
  var95: {
    description: 'Value at risk, historical: the 5th percentile of the returns; -0.05 is a loss of 5 % in one period.',
    absence: 'UNDEFINED',
    compute: ({ ascending }) => quantileOf(ascending, tail),
  },
  var95Normal: {
    description:
      'Value at risk as if the returns were normal: mean - 1.645 times their standard deviation (by n), one period.',
    absence: 'NO_VARIATION',
    compute: ({ returns }) => normalVar(returns),
  },
  cvar95: {
    description: 'Expected shortfall: mean of the returns that are not above `var95`.',
    absence: 'UNDEFINED',
    compute: ({ ascending }) => {
      const bound = quantileOf(ascending, tail) ?? Number.NaN;
      return meanOf(ascending.filter((value) => value <= bound));
    },
  },
  beta: {
    description: 'Slope of the returns on those of the benchmark over the same spans.',
    absence: 'NO_BENCHMARK',
    compute: ({ regression }) => regression?.beta ?? null,
  },
  alpha: {
    description:
      'What was earned beyond beta times the benchmark, both in excess of the risk-free return: mean a period, compounded to a year.',
    absence: 'NO_BENCHMARK',
    compute: ({ pairs, regression, riskFree, periodsPerYear }) => {
      const [own, other] = [meanOf(pairs.own), meanOf(pairs.other)];
      const beta = regression?.beta ?? null;
      if (own === null || other === null || beta === null) return null;
      return (1 + (own - riskFree) - beta * (other - riskFree)) ** periodsPerYear - 1;
    },
  },
  correlation: {
    description: "Pearson's correlation with the returns of the benchmark over the same spans.",
    absence: 'NO_BENCHMARK',
    compute: ({ regression }) => regression?.correlation ?? null,
  },
} as const satisfies Record<string, Statistic>;

/** A statistic's name in the API. */
export type StatisticName = keyof typeof statistics;

/** Their names in order. */
export const statisticNames = Object.keys(statistics) as StatisticName[];

function normalVar(returns: readonly number[]): number | null {
  const [mean, deviation] = [meanOf(returns), deviationOf(returns)];
  if (mean === null || deviation === null || deviation === 0) return null;
  return mean + normalTail * deviation * Math.sqrt((returns.length - 1) / returns.length);
}

/** The metrics of a series. Every statistic is null under {@link returnsMin} returns. */
export function computeQuantMetrics(input: QuantMetricsInput): QuantMetrics {
  const { times } = input.series;
  const sample = createSample(input);
  const values = {} as Record<StatisticName, number | null>;
  const missing: MissingStatistic[] = [];
  for (const name of statisticNames) {
    const [value, reason] = judge(name, sample);
    values[name] = value;
    if (reason !== null) missing.push({ name, reason, detail: absences[reason] });
  }
  const timeOf = (index: number): number => times[index] ?? 0;
  const fall = values.maxDrawdown === null ? null : sample.drawdown;
  return {
    n: sample.returns.length,
    benchmarkN: sample.pairs.own.length,
    from: times[0] ?? null,
    to: times.at(-1) ?? null,
    values,
    missing,
    drawdown: fall && {
      peakAt: timeOf(fall.peak),
      troughAt: timeOf(fall.trough),
      recoveryAt: fall.recovery === null ? null : timeOf(fall.recovery),
    },
  };
}

/** Makes a series ready for the statistics, whatever its length. */
export function createSample({ series, benchmark, riskFreeRate, periodsPerYear }: QuantMetricsInput): Sample {
  const { times, levels } = series;
  const returns = simpleReturns(series);
  const pairs = benchmark === null ? { own: [], other: [] } : pairReturns(series, benchmark);
  return {
    returns,
    ascending: returns.toSorted((a, b) => a - b),
    levels,
    days: ((times.at(-1) ?? 0) - (times[0] ?? 0)) / dayMs,
    drawdown: drawdownOf(levels),
    riskFree: riskFreeRate / periodsPerYear,
    periodsPerYear,
    pairs,
    regression: pairs.own.length < returnsMin ? null : regressionOf(pairs.own, pairs.other),
  };
}

function judge(name: StatisticName, sample: Sample): [value: number | null, reason: StatisticAbsence | null] {
  if (sample.returns.length < returnsMin) return [null, 'TOO_FEW_RETURNS'];
  const statistic: Statistic = statistics[name];
  const value = statistic.compute(sample);
  if (value !== null) return Number.isFinite(value) ? [value, null] : [null, 'UNDEFINED'];
  const isStill = statistic.absence === 'NO_BENCHMARK' && sample.regression !== null;
  return [null, isStill ? 'NO_VARIATION' : statistic.absence];
}
