import type { Bar } from './bar.ts';
import { bars, defineIndicator, type IndicatorDefinition } from './definition.ts';
import { type Machine, ratio } from './machine.ts';
import { RollingSum } from './window.ts';

/** Volume on rising closes minus volume on falling ones; the first bar counts in full, as in TA-Lib. */
class OnBalanceVolume implements Machine {
  close: number | null = null;
  total = 0;

  update(bar: Bar): readonly (number | null)[] {
    if (this.close === null || bar.close > this.close) this.total += bar.volume;
    else if (bar.close < this.close) this.total -= bar.volume;
    this.close = bar.close;
    return [this.total];
  }
}

/** Volume weighted by where in its range the bar closed (−1..1), added up; a bar without range adds nothing. */
class AccumulationDistribution implements Machine {
  total = 0;

  update(bar: Bar): readonly (number | null)[] {
    const range = bar.high - bar.low;
    if (range > 0) this.total += ((bar.close - bar.low - (bar.high - bar.close)) / range) * bar.volume;
    return [this.total];
  }
}

/** RSI of money: flows of rising typical prices in all flows. */
class MoneyFlow implements Machine {
  readonly rising: RollingSum;
  readonly falling: RollingSum;
  typical: number | null = null;

  constructor(period: number) {
    this.rising = new RollingSum(period);
    this.falling = new RollingSum(period);
  }

  update(bar: Bar): readonly (number | null)[] {
    const typical = (bar.high + bar.low + bar.close) / 3;
    const previous = this.typical;
    this.typical = typical;
    if (previous === null) return [null];
    const flow = typical * bar.volume;
    const rising = this.rising.update(typical > previous ? flow : 0);
    const falling = this.falling.update(typical < previous ? flow : 0);
    return [rising === null || falling === null ? null : ratio(100 * rising, rising + falling)];
  }
}

/** Average price weighted by volume over the last bars: of the close (VWMA) or of the typical price (VWAP). */
class VolumeWeightedAverage implements Machine {
  readonly values: RollingSum;
  readonly volumes: RollingSum;
  /** Share of the close in the price; the rest is split between high and low. */
  readonly closeShare: number;

  constructor(period: number, closeShare: number) {
    this.values = new RollingSum(period);
    this.volumes = new RollingSum(period);
    this.closeShare = closeShare;
  }

  update(bar: Bar): readonly (number | null)[] {
    const price = bar.close * this.closeShare + ((bar.high + bar.low) * (1 - this.closeShare)) / 2;
    const value = this.values.update(price * bar.volume);
    const volume = this.volumes.update(bar.volume);
    return [value === null || volume === null ? null : ratio(value, volume)];
  }
}

/** Indicators that read volume; null, or unchanged, where there is none. */
export const volumeIndicators: readonly IndicatorDefinition[] = [
  defineIndicator({
    name: 'obv',
    title: 'On-Balance Volume',
    description: 'Volume added on rising closes and taken off on falling ones, from the first bar of the series on.',
    params: [],
    warmupBars: () => 1,
    create: () => new OnBalanceVolume(),
  }),
  defineIndicator({
    name: 'ad',
    title: 'Accumulation/Distribution',
    description: 'Volume weighted by where in its range the bar closed, added up from the first bar of the series on.',
    params: [],
    warmupBars: () => 1,
    create: () => new AccumulationDistribution(),
  }),
  defineIndicator({
    name: 'mfi',
    title: 'Money Flow Index',
    description: 'Share of rising typical prices in the traded value, 0..100; null where nothing moved or traded.',
    params: [bars('period', 14)],
    warmupBars: (period) => period + 1,
    create: (period) => new MoneyFlow(period),
  }),
  defineIndicator({
    name: 'vwma',
    title: 'Volume-Weighted Moving Average',
    description: 'Mean of the last closes weighted by volume; null where nothing traded.',
    params: [bars('period', 20)],
    warmupBars: (period) => period,
    create: (period) => new VolumeWeightedAverage(period, 1),
  }),
  defineIndicator({
    name: 'vwap',
    title: 'Rolling Volume-Weighted Average Price',
    description: 'Mean of the last typical prices weighted by volume; rolling, since crypto has no session.',
    params: [bars('period', 14)],
    warmupBars: (period) => period,
    create: (period) => new VolumeWeightedAverage(period, 1 / 3),
  }),
];
