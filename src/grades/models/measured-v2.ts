import { type GradeModel, standardBands } from '../model.ts';
import { measuredV1 } from './measured-v1.ts';
import { ranked } from './ranked.ts';

/**
 * `measured-v2`, the current Trader Grade. Inputs were chosen on the first half of the study's span and on an earlier
 * market, groups weighed by their skill up to the end of that half (walk-forward weights, rounded to 0.05); it ranked
 * better than `measured-v1` in the second half and on a second exchange. See docs/grading.md.
 */
export const measuredV2: GradeModel = {
  kind: 'TRADER',
  version: 'measured-v2',
  title: 'Trader Grade (measured, second version)',
  description:
    'Which tokens are likelier to beat the median token over the next days to weeks: percentile ranks of five groups ' +
    'with measured skill (risk, lottery, attention, age, reversal). A rank, not a price target.',
  interval: 'ONE_DAY',
  universe: measuredV1.universe,
  factors: [
    ranked({
      key: 'risk.idiosyncraticVolatility',
      group: 'risk',
      description:
        'Standard deviation of the daily returns not explained by the benchmark: residuals of least squares on the ' +
        "benchmark's returns over 90 days, at least 60 pairs. Missing when the benchmark has no candle at this close.",
      feature: 'idiosyncraticVolatility',
      weight: 0.125,
    }),
    ranked({
      key: 'risk.dailyRange',
      group: 'risk',
      description: 'Mean of ln(high / low) over the last 7 days: how wide days have been lately.',
      feature: 'dailyRangeWeek',
      weight: 0.125,
    }),
    ranked({
      key: 'lottery.largestIdiosyncraticGain',
      group: 'lottery',
      description:
        'Largest daily return of the last 30 days beyond what the benchmark explains (the line of ' +
        'risk.idiosyncraticVolatility): lottery-like tokens tend to disappoint.',
      feature: 'largestIdiosyncraticGain',
      weight: 0.125,
    }),
    ranked({
      key: 'lottery.upperWick',
      group: 'lottery',
      description:
        'Mean of (high - max(open, close)) / close over the last 30 days: spikes within the day that were sold.',
      feature: 'upperWick',
      weight: 0.125,
    }),
    ranked({
      key: 'reversal.fiveDays',
      group: 'reversal',
      description: 'Return over the last 5 days: what ran up tends to lag next.',
      feature: 'returnFiveDays',
      weight: 0.1,
    }),
    ranked({
      key: 'attention.volumeRatio',
      group: 'attention',
      description: 'Mean volume of the last 7 days over the mean of the last 60: a crowd has arrived when high.',
      feature: 'volumeRatio',
      weight: 0.125,
    }),
    ranked({
      key: 'attention.chasing',
      group: 'attention',
      description:
        'Correlation over 60 days of the daily return with ln(volume / volume of the day before), at least 45 pairs: ' +
        'high where volume comes with gains, as when buyers chase.',
      feature: 'returnVolumeCorrelation',
      weight: 0.125,
    }),
    ranked(
      {
        key: 'age.listingDays',
        group: 'age',
        description: 'Days from the open of the first known candle to this close.',
        feature: 'listingAgeDays',
        weight: 0.15,
      },
      'HIGHER_IS_BETTER',
    ),
  ],
  bands: standardBands,
};
