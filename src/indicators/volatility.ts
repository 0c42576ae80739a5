import { Sma, WilderAverage } from './averages.ts';
import type { Bar } from './bar.ts';
import { bars, defineIndicator, factor, type IndicatorDefinition, OnClose } from './definition.ts';
import { feed, finite, type Machine, ratio } from './machine.ts';
import { Channel, RollingStdDev } from './window.ts';

/** True range: the bar's range widened to the close before; null on the first bar, which has none (TA-Lib). */
class TrueRange implements Machine {
  close: number | null = null;

  update(bar: Bar): readonly [number | null] {
    const previous = this.close;
    this.close = bar.close;
    return [previous === null ? null : Math.max(bar.high, previous) - Math.min(bar.low, previous)];
  }
}

class AverageTrueRange implements Machine {
  readonly range = new TrueRange();
  readonly average: WilderAverage;
  /** 1 for percent of the close (NATR), 0 for the price unit. */
  readonly percent: number;

  constructor(period: number, percent: number) {
    this.average = new WilderAverage(period);
    this.percent = percent;
  }

  update(bar: Bar): readonly (number | null)[] {
    const atr = feed(this.average, this.range.update(bar)[0]);
    return [atr === null || this.percent === 0 ? atr : ratio(100 * atr, bar.close)];
  }
}

class BollingerBands implements Machine {
  readonly mean: Sma;
  readonly deviation: RollingStdDev;
  readonly multiplier: number;

  constructor(period: number, multiplier: number) {
    this.mean = new Sma(period);
    this.deviation = new RollingStdDev(period);
    this.multiplier = multiplier;
  }

  update(bar: Bar): readonly (number | null)[] {
    const middle = this.mean.update(bar.close);
    const sigma = this.deviation.update(bar.close);
    if (middle === null || sigma === null) return [null, null, null, null, null];
    const reach = this.multiplier * sigma;
    const lower = middle - reach;
    return [middle + reach, middle, lower, ratio(bar.close - lower, 2 * reach), ratio(2 * reach, middle)];
  }
}

class Donchian implements Machine {
  readonly channel: Channel;

  constructor(period: number) {
    this.channel = new Channel(period);
  }

  update(bar: Bar): readonly (number | null)[] {
    const middle = this.channel.update(bar.high, bar.low);
    return [this.channel.upper, middle, this.channel.lower];
  }
}

/** Annualised sample deviation of log returns: `period` closes make period − 1 returns, as in R's TTR. */
class CloseVolatility implements Machine {
  readonly deviation: RollingStdDev;
  readonly scale: number;
  close: number | null = null;

  constructor(period: number, barsPerYear: number) {
    this.deviation = new RollingStdDev(period - 1, 1);
    this.scale = Math.sqrt(barsPerYear);
  }

  update(bar: Bar): readonly (number | null)[] {
    const change = this.close === null ? null : Math.log(bar.close / this.close);
    this.close = bar.close;
    const sigma = feed(this.deviation, change);
    return [sigma === null ? null : finite(this.scale * sigma)];
  }
}

/** Annualised deviation from ranges within bars: root of the mean of `high·ln(H/L)² + close·ln(C/O)²`. */
class RangeVolatility implements Machine {
  readonly mean: Sma;
  readonly scale: number;
  readonly highWeight: number;
  readonly closeWeight: number;

  constructor(period: number, barsPerYear: number, weights: { readonly high: number; readonly close: number }) {
    this.mean = new Sma(period);
    this.scale = barsPerYear;
    this.highWeight = weights.high;
    this.closeWeight = weights.close;
  }

  update(bar: Bar): readonly (number | null)[] {
    const range = Math.log(bar.high / bar.low);
    const body = Math.log(bar.close / bar.open);
    const mean = this.mean.update(this.highWeight * range * range + this.closeWeight * body * body);
    return [mean === null ? null : finite(Math.sqrt(this.scale * mean))];
  }
}

const parkinson = { high: 1 / (4 * Math.LN2), close: 0 };
const garmanKlass = { high: 0.5, close: 1 - 2 * Math.LN2 };
const perYear = factor('barsPerYear', 365, 1, 600_000);

/** Indicators of how much the price moves, whichever way. */
export const volatilityIndicators: readonly IndicatorDefinition[] = [
  defineIndicator({
    name: 'trange',
    title: 'True Range',
    description: 'Range of the bar widened to the close before, in the price unit.',
    params: [],
    warmupBars: () => 2,
    create: () => new TrueRange(),
  }),
  defineIndicator({
    name: 'atr',
    title: 'Average True Range',
    description: 'Wilder average of the true range, in the price unit.',
    params: [bars('period', 14)],
    warmupBars: (period) => period + 1,
    create: (period) => new AverageTrueRange(period, 0),
  }),
  defineIndicator({
    name: 'natr',
    title: 'Normalised Average True Range',
    description: 'ATR in percent of the close.',
    params: [bars('period', 14)],
    warmupBars: (period) => period + 1,
    create: (period) => new AverageTrueRange(period, 1),
  }),
  defineIndicator({
    name: 'bbands',
    title: 'Bollinger Bands',
    description:
      'Simple average and bands of population sigma around it; place of the close in them (percentB, 0 = lower, 1 = upper) and their width over the middle (bandwidth).',
    params: [bars('period', 20, 2), factor('multiplier', 2, 0.1, 10)],
    outputs: ['upper', 'middle', 'lower', 'percentB', 'bandwidth'],
    warmupBars: (period) => period,
    create: (period, multiplier) => new BollingerBands(period, multiplier),
  }),
  defineIndicator({
    name: 'stddev',
    title: 'Standard Deviation',
    description: 'Population standard deviation of the last closes, in the price unit.',
    params: [bars('period', 20, 2)],
    warmupBars: (period) => period,
    create: (period) => new OnClose(new RollingStdDev(period)),
  }),
  defineIndicator({
    name: 'donchian',
    title: 'Donchian Channel',
    description: 'Highest high, lowest low and their middle, the current bar included, in the price unit.',
    params: [bars('period', 20)],
    outputs: ['upper', 'middle', 'lower'],
    warmupBars: (period) => period,
    create: (period) => new Donchian(period),
  }),
  defineIndicator({
    name: 'volatility',
    title: 'Close-to-Close Volatility',
    description: 'Sample deviation of log returns, annualised, as a ratio (0.5 = 50 %).',
    params: [bars('period', 20, 3), perYear],
    warmupBars: (period) => period,
    create: (period, barsPerYear) => new CloseVolatility(period, barsPerYear),
  }),
  defineIndicator({
    name: 'parkinson',
    title: 'Parkinson Volatility',
    description: 'Volatility from highs and lows, annualised, as a ratio.',
    params: [bars('period', 20), perYear],
    warmupBars: (period) => period,
    create: (period, barsPerYear) => new RangeVolatility(period, barsPerYear, parkinson),
  }),
  defineIndicator({
    name: 'garmanklass',
    title: 'Garman-Klass Volatility',
    description: 'Volatility from open, high, low and close, annualised, as a ratio.',
    params: [bars('period', 20), perYear],
    warmupBars: (period) => period,
    create: (period, barsPerYear) => new RangeVolatility(period, barsPerYear, garmanKlass),
  }),
];
