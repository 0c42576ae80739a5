import { createT3, Ema, EmaBlend, Hma, Kama, Sma, Trima, Wma } from './averages.ts';
import { bars, defineIndicator, factor, type IndicatorDefinition, OnClose } from './definition.ts';

/** Moving averages of the close, in the unit of the price. VWMA and VWAP stand with the volume indicators. */
export const movingAverages: readonly IndicatorDefinition[] = [
  defineIndicator({
    name: 'sma',
    title: 'Simple Moving Average',
    description: 'Mean of the last closes.',
    params: [bars('period', 20)],
    warmupBars: (period) => period,
    create: (period) => new OnClose(new Sma(period)),
  }),
  defineIndicator({
    name: 'ema',
    title: 'Exponential Moving Average',
    description: 'Average whose weights decay by 2 / (period + 1), seeded by the simple average of the first closes.',
    params: [bars('period', 20)],
    warmupBars: (period) => period,
    create: (period) => new OnClose(new Ema(period)),
  }),
  defineIndicator({
    name: 'wma',
    title: 'Weighted Moving Average',
    description: 'Average with linearly rising weights, the newest close heaviest.',
    params: [bars('period', 20)],
    warmupBars: (period) => period,
    create: (period) => new OnClose(new Wma(period)),
  }),
  defineIndicator({
    name: 'dema',
    title: 'Double Exponential Moving Average',
    description: '2·EMA − EMA of EMA: an EMA with less lag.',
    params: [bars('period', 20)],
    warmupBars: (period) => 2 * period - 1,
    create: (period) => new OnClose(new EmaBlend(period, [2, -1])),
  }),
  defineIndicator({
    name: 'tema',
    title: 'Triple Exponential Moving Average',
    description: '3·EMA − 3·EMA² + EMA³: an EMA with still less lag.',
    params: [bars('period', 20)],
    warmupBars: (period) => 3 * period - 2,
    create: (period) => new OnClose(new EmaBlend(period, [3, -3, 1])),
  }),
  defineIndicator({
    name: 't3',
    title: 'Tillson T3',
    description: 'Smooth average of low lag, blended from six chained EMAs.',
    params: [bars('period', 5), factor('volumeFactor', 0.7, 0, 1)],
    warmupBars: (period) => 6 * period - 5,
    create: (period, volumeFactor) => new OnClose(createT3(period, volumeFactor)),
  }),
  defineIndicator({
    name: 'trima',
    title: 'Triangular Moving Average',
    description: 'Simple average of a simple average: the middle of the window weighs most.',
    params: [bars('period', 20)],
    warmupBars: (period) => period,
    create: (period) => new OnClose(new Trima(period)),
  }),
  defineIndicator({
    name: 'hma',
    title: 'Hull Moving Average',
    description: 'WMA over ⌊√n⌋ of 2·WMA(⌊n/2⌋) − WMA(n), lengths cut as on TradingView.',
    params: [bars('period', 9, 2)],
    warmupBars: (period) => period + Math.floor(Math.sqrt(period)) - 1,
    create: (period) => new OnClose(new Hma(period)),
  }),
  defineIndicator({
    name: 'kama',
    title: 'Kaufman Adaptive Moving Average',
    description: 'Average that follows straight moves fast and noise slowly.',
    params: [bars('period', 10), bars('fast', 2), bars('slow', 30)],
    warmupBars: (period) => period + 1,
    create: (period, fast, slow) => new OnClose(new Kama(period, fast, slow)),
  }),
];
