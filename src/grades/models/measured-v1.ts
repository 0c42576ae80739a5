import { type GradeModel, standardBands } from '../model.ts';

/**
 * `measured-v1`, the first measured Trader Grade: six groups whose ranks went with higher later returns across tokens in both
 * halves of the study behind it. Equal weights: weights fitted walk-forward to each group's past skill ranked hardly
 * better out of sample (rank correlation over 7 days 0.099 against 0.097, over 1 day 0.071 against 0.070). It ranks what is likelier to beat the median token over the next days;
 * it is not a trading profit.
 */
export const measuredV1: GradeModel = {
  kind: 'TRADER',
  version: 'measured-v1',
  title: 'Trader Grade (measured)',
  description:
    'Which tokens are likelier to beat the median token over the next days to weeks: equal-weight percentile ranks of ' +
    'six groups with measured skill (risk, lottery, reversal, shape, attention, age). A rank, not a price target.',
  interval: 'ONE_DAY',
  universe: {
    description: 'Tokens with 90 daily candles since the last hole of more than 7 days, whose price is not pegged.',
    historyBarsMin: 90,
    gapBarsMax: 7,
    returnSpreadMin: 0.002,
  },
  factors: [
    {
      key: 'risk.idiosyncraticVolatility',
      group: 'risk',
      description:
        'Standard deviation of the daily returns not explained by the benchmark: residuals of least squares on the ' +
        "benchmark's returns over 90 days, at least 60 pairs. Missing when the benchmark has no candle at this close.",
      feature: 'idiosyncraticVolatility',
      normalisation: 'PERCENTILE',
      direction: 'LOWER_IS_BETTER',
      weight: 1 / 6,
    },
    {
      key: 'lottery.largestGain',
      group: 'lottery',
      description: 'Largest daily return of the last 30 days: lottery-like tokens tend to disappoint.',
      feature: 'largestGain',
      normalisation: 'PERCENTILE',
      direction: 'LOWER_IS_BETTER',
      weight: 1 / 6,
    },
    {
      key: 'reversal.rsi',
      group: 'reversal',
      description: 'RSI over 14 days (Wilder): what ran up tends to lag next.',
      feature: 'rsi',
      normalisation: 'PERCENTILE',
      direction: 'LOWER_IS_BETTER',
      weight: 1 / 6,
    },
    {
      key: 'shape.returnSkew',
      group: 'shape',
      description: 'Bias-corrected skewness of the daily returns of the last 60 days.',
      feature: 'returnSkew',
      normalisation: 'PERCENTILE',
      direction: 'LOWER_IS_BETTER',
      weight: 1 / 6,
    },
    {
      key: 'attention.volumeRatio',
      group: 'attention',
      description: 'Mean volume of the last 7 days over the mean of the last 60: a crowd has arrived when high.',
      feature: 'volumeRatio',
      normalisation: 'PERCENTILE',
      direction: 'LOWER_IS_BETTER',
      weight: 1 / 6,
    },
    {
      key: 'age.listingDays',
      group: 'age',
      description: 'Days from the open of the first known candle to this close.',
      feature: 'listingAgeDays',
      normalisation: 'PERCENTILE',
      direction: 'HIGHER_IS_BETTER',
      weight: 1 / 6,
    },
  ],
  bands: standardBands,
};
