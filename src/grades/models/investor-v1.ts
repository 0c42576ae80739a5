import { type GradeModel, standardBands } from '../model.ts';
import { ranked } from './ranked.ts';

const group = 1 / 3;

/**
 * `investor-v1`, the Investor Grade: three groups of a third each, their inputs chosen by the study in
 * docs/grading.md for a month and longer. Facts (fees, supply, addresses) are known for few tokens; without any the
 * other inputs carry the grade and its coverage is two thirds.
 */
export const investorV1: GradeModel = {
  kind: 'INVESTOR',
  version: 'investor-v1',
  title: 'Investor Grade',
  description:
    'Which tokens are likelier to beat the median token over the next months: percentile ranks of valuation, ' +
    'fundamental and strength, a third each. Inputs that are not known of a token lower its coverage. A rank, not a ' +
    'price target.',
  interval: 'ONE_DAY',
  universe: {
    description: 'Tokens with 180 daily candles since the last hole of more than 7 days, whose price is not pegged.',
    historyBarsMin: 180,
    gapBarsMax: 7,
    returnSpreadMin: 0.002,
  },
  factors: [
    ranked(
      {
        key: 'valuation.feesToCap',
        group: 'valuation',
        description:
          'Fees of a year (mean of a day over 90 days, at least 60 known, times 365) over the market capitalisation: ' +
          'what users pay for what the token is worth. Within its narrative where enough tokens have it.',
        feature: 'feesToCap',
        peers: 'NARRATIVE',
        weight: group / 4,
      },
      'HIGHER_IS_BETTER',
    ),
    ranked({
      key: 'valuation.volumeToCap',
      group: 'valuation',
      description:
        'Mean volume of a day over the last 30 days, of the series the grade reads, over the market capitalisation: ' +
        'what is traded a lot for its size is dear. Within its narrative where enough tokens have it.',
      feature: 'volumeToCap',
      peers: 'NARRATIVE',
      weight: group / 4,
    }),
    ranked({
      key: 'valuation.lotteryPremium',
      group: 'valuation',
      description:
        'Largest daily return of the last 30 days beyond what the benchmark explains: buyers overpay for lottery tickets.',
      feature: 'largestIdiosyncraticGain',
      weight: group / 4,
    }),
    ranked({
      key: 'valuation.chasing',
      group: 'valuation',
      description:
        'Correlation over 60 days of the daily return with the change of ln(volume): where buyers chase the price it is dear.',
      feature: 'returnVolumeCorrelation',
      weight: group / 4,
    }),
    ranked(
      {
        key: 'fundamental.listingAge',
        group: 'fundamental',
        description: 'Days from the open of the first known candle to this close.',
        feature: 'listingAgeDays',
        weight: group / 4,
      },
      'HIGHER_IS_BETTER',
    ),
    ranked({
      key: 'fundamental.volumeTrend',
      group: 'fundamental',
      description: 'Mean volume of the last 30 days over the mean of the last 180: a crowd that has come leaves again.',
      feature: 'volumeTrend',
      weight: group / 4,
    }),
    ranked({
      key: 'fundamental.supplyInflation',
      group: 'fundamental',
      description:
        'Circulating supply over the one 90 days before (at most seven days off, of the same source), minus 1: what is ' +
        'unlocked or issued has to be bought.',
      feature: 'supplyInflation',
      weight: group / 4,
    }),
    ranked({
      key: 'fundamental.activityGrowth',
      group: 'fundamental',
      description:
        'Active addresses of a day, mean of 30 days over the mean of 365, minus 1: a run-up of activity is attention, ' +
        'and less followed.',
      feature: 'activityGrowth',
      weight: group / 4,
    }),
    ranked({
      key: 'strength.dailyRange',
      group: 'strength',
      description: 'Mean of ln(high / low) over the last 30 days.',
      feature: 'dailyRangeMonth',
      weight: group / 3,
    }),
    ranked({
      key: 'strength.idiosyncraticVolatility',
      group: 'strength',
      description:
        'Standard deviation of the daily returns not explained by the benchmark, over 90 days, at least 60 pairs. ' +
        'Missing when the benchmark has no candle at this close.',
      feature: 'idiosyncraticVolatility',
      weight: group / 3,
    }),
    ranked(
      {
        key: 'strength.maxDrawdownYear',
        group: 'strength',
        description: 'Deepest fall from a peak within the last 365 closes, at least 180 of them, <= 0: -0.3 is -30 %.',
        feature: 'maxDrawdownYear',
        weight: group / 3,
      },
      'HIGHER_IS_BETTER',
    ),
  ],
  bands: standardBands,
};
