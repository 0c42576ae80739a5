import { builder } from '../graphql/builder.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import {
  type MetricsGround,
  type MissingStatistic,
  type QuantMetrics,
  returnsMin,
  type StatisticAbsence,
  statisticNames,
  statistics,
} from './quant-metrics.ts';

/** The type QuantMetrics: one for every series of returns there is. */

const StatisticAbsenceEnum = builder.enumType('StatisticAbsence', {
  description: 'Why a statistic is null.',
  values: {
    TOO_FEW_RETURNS: { description: `There are fewer than ${returnsMin} returns in the window.` },
    NO_VARIATION: { description: 'The returns, or those of the benchmark, do not vary.' },
    NO_LOSSES: { description: 'It divides by losses, and there was none.' },
    NO_BENCHMARK: {
      description: `There are fewer than ${returnsMin} returns of the benchmark over the same spans; simulated prices are never compared with real ones.`,
    },
    UNDEFINED: { description: 'The numbers leave it undefined, such as a percentile of zero to divide by.' },
  } satisfies Record<StatisticAbsence, { description: string }>,
});

const MissingStatisticRef = builder.objectRef<MissingStatistic>('MissingStatistic').implement({
  description: 'A statistic that is null, and why.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The field that is null.' }),
    reason: t.expose('reason', { type: StatisticAbsenceEnum, description: 'Why.' }),
    detail: t.exposeString('detail', { description: 'The reason in a sentence.' }),
  }),
});

/** Metrics of a series of returns. */
export const QuantMetricsRef = builder.objectRef<QuantMetrics & MetricsGround>('QuantMetrics');

const method =
  'Simple returns from each close to the next; holes are bridged. The risk-free return of a period is the yearly rate by the periods a year; ratios are annualised with the root of the periods a year; percentiles are linear between neighbours.';

QuantMetricsRef.implement({
  description: `Risk and return over a window. Ratios and returns are fractions in floating point. What cannot be told is null and named in \`missing\`; everything is under ${returnsMin} returns.`,
  fields: (t) => ({
    n: t.exposeInt('n', { description: 'How many returns they are computed from.' }),
    from: t.expose('from', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the first close; null where there is none.',
    }),
    to: t.expose('to', { type: 'DateTime', nullable: true, description: 'Time of the last close.' }),
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The length of a period.' }),
    method: t.string({ description: 'How they are computed, in words.', resolve: () => method }),
    source: t.exposeString('source', {
      nullable: true,
      description: 'Where the prices come from; null where there are none.',
    }),
    missingCandles: t.exposeInt('missingCandles', {
      description: 'Periods between the first and the last close that have no candle; the return over them is one.',
    }),
    riskFreeRate: t.exposeFloat('riskFreeRate', { description: 'The yearly risk-free rate, a fraction.' }),
    periodsPerYear: t.exposeFloat('periodsPerYear', { description: 'Periods a year that ratios are annualised with.' }),
    benchmark: t.exposeString('benchmark', {
      nullable: true,
      description: 'Slug of the token compared with; null for none.',
    }),
    benchmarkN: t.exposeInt('benchmarkN', {
      description: 'How many returns have one of the benchmark over the same span.',
    }),
    maxDrawdownPeakAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The close that the deepest fall began at; null where nothing fell.',
      resolve: ({ drawdown }) => drawdown?.peakAt ?? null,
    }),
    maxDrawdownTroughAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The close that it ended at; null where nothing fell.',
      resolve: ({ drawdown }) => drawdown?.troughAt ?? null,
    }),
    maxDrawdownRecoveryAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The first close at or above its peak again; null where nothing fell, and while it lasts.',
      resolve: ({ drawdown }) => drawdown?.recoveryAt ?? null,
    }),
    missing: t.field({
      type: [MissingStatisticRef],
      description: 'The statistics that are null, and why.',
      resolve: ({ missing }) => [...missing],
    }),
    ...Object.fromEntries(
      statisticNames.map((name) => [
        name,
        t.float({
          nullable: true,
          description: statistics[name].description,
          resolve: ({ values }) => values[name],
        }),
      ]),
    ),
  }),
});
