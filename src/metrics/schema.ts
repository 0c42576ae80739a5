import { builder } from '../graphql/builder.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { TokenRef } from '../tokens/schema.ts';
import './correlation-schema.ts';
import './scenario-schema.ts';
import { QuantMetricsRef } from './quant-metrics-schema.ts';
import { benchmarkDefault, closesDefault, closesMax, loadTokenMetrics } from './token-metrics.ts';

/** The public face of metrics: what hangs on a token. */

builder.objectFields(TokenRef, (t) => ({
  quantMetrics: t.field({
    type: QuantMetricsRef,
    description: `Its risk and return, computed from the closed candles of its default series that open in the window; the newest ${closesDefault} without \`from\`, at most ${closesMax}.`,
    extensions: { cost: { item: 5 } },
    args: {
      from: t.arg({ type: 'DateTime', description: 'Candles that open at this time or later.' }),
      to: t.arg({ type: 'DateTime', description: 'Candles that open before this time.' }),
      interval: t.arg({ type: CandleIntervalEnum, defaultValue: 'ONE_DAY', description: 'The length of a period.' }),
      riskFreeRate: t.arg.float({
        defaultValue: 0,
        description: 'Yearly risk-free rate as a fraction, -1 to 10: 0.05 is 5 %.',
      }),
      benchmark: t.arg.string({
        defaultValue: benchmarkDefault,
        description: 'Slug of the token that `beta`, `alpha` and `correlation` compare with; null for none.',
      }),
      periodsPerYear: t.arg.float({
        description: 'Periods a year to annualise with; as many as the interval has in 365 days when not given.',
      }),
    },
    resolve: ({ id }, { interval, riskFreeRate, from, to, benchmark, periodsPerYear }, ctx) =>
      loadTokenMetrics(ctx, id, {
        from: from ?? null,
        to: to ?? null,
        interval: interval ?? 'ONE_DAY',
        riskFreeRate: riskFreeRate ?? 0,
        benchmark: benchmark ?? null,
        periodsPerYear: periodsPerYear ?? null,
      }),
  }),
}));
