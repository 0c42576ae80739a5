import { type FactorDefinition, type FeatureName, type GradeModel, standardBands } from '../model.ts';

/** A fifth of the quant group's 0.2. */
function quantFactor(feature: FeatureName, description: string): FactorDefinition {
  return {
    key: `quant.${feature}`,
    group: 'quant',
    description,
    feature,
    normalisation: 'PERCENTILE',
    direction: 'HIGHER_IS_BETTER',
    weight: 0.04,
  };
}

/**
 * `technical-v1`, the description traders know: 0.8 technical votes, 0.2 quant. Every one of the 26 votes weighs the
 * same, 0.8 / 26; they are shown as two factors, so a vote that cannot be cast yet lowers the coverage by its share.
 */
export const technicalV1: GradeModel = {
  kind: 'TRADER',
  version: 'technical-v1',
  title: 'Trader Grade (technical)',
  description:
    'A technical description: 0.8 of 26 chart votes (15 moving averages, 11 oscillators), 0.2 of risk-adjusted ' +
    'performance over 90 days. Across tokens its measured skill over days to weeks is negative; read it as a ' +
    'description of the chart, not as a ranking of what comes next.',
  interval: 'ONE_DAY',
  universe: {
    description: 'Tokens with 90 daily candles since the last hole of more than 7 days, whose price is not pegged.',
    historyBarsMin: 90,
    gapBarsMax: 7,
    returnSpreadMin: 0.002,
  },
  factors: [
    {
      key: 'ta.movingAverages',
      group: 'ta',
      description:
        'Mean of the votes of 15 moving averages: SMA and EMA 10/20/30/50/100/200, Hull 9, VWMA 20, Ichimoku 9-26-52.',
      feature: 'movingAverageVotes',
      normalisation: 'VOTES',
      direction: 'HIGHER_IS_BETTER',
      weight: (0.8 * 15) / 26,
    },
    {
      key: 'ta.oscillators',
      group: 'ta',
      description:
        'Mean of the votes of 11 oscillators: RSI 14, Stochastic 14-3-3, CCI 20, ADX 14, AO, Momentum 10, ' +
        'MACD 12-26-9, StochRSI 3-3-14-14, Williams %R 14, Bull Bear Power 13, UO 7-14-28.',
      feature: 'oscillatorVotes',
      normalisation: 'VOTES',
      direction: 'HIGHER_IS_BETTER',
      weight: (0.8 * 11) / 26,
    },
    quantFactor('sharpe', 'Sharpe ratio of the last 90 daily returns, no risk-free rate, 365 days a year.'),
    quantFactor('sortino', 'Sortino ratio of the last 90 daily returns, target 0, 365 days a year.'),
    quantFactor(
      'maxDrawdown',
      'Deepest fall from a peak of closes within the last 90 daily returns, <= 0: -0.3 is -30 %.',
    ),
    quantFactor('profitFactor', 'Sum of the gains over the sum of the losses of the last 90 daily returns.'),
    quantFactor('tailRatio', '95th percentile of the last 90 daily returns over the absolute 5th.'),
  ],
  bands: standardBands,
};
