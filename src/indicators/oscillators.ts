import { Sma, WilderAverage } from './averages.ts';
import type { Bar } from './bar.ts';
import { bars, defineIndicator, type IndicatorDefinition, OnClose } from './definition.ts';
import { feed, type Machine, ratio, type ScalarMachine } from './machine.ts';
import { Channel, Lag, RollingSum, Window } from './window.ts';

/** Wilder-smoothed gains and losses of a series: RSI (0..100) and CMO (−100..100). Null where nothing ever moved. */
export class GainLoss implements ScalarMachine {
  readonly gains: WilderAverage;
  readonly losses: WilderAverage;
  /** What a loss counts in the numerator: 0 makes it RSI, −1 CMO. */
  readonly lossSign: number;
  last: number | null = null;

  constructor(period: number, lossSign: number) {
    this.gains = new WilderAverage(period);
    this.losses = new WilderAverage(period);
    this.lossSign = lossSign;
  }

  update(x: number): number | null {
    const change = this.last === null ? null : x - this.last;
    this.last = x;
    if (change === null) return null;
    const gain = this.gains.update(Math.max(0, change));
    const loss = this.losses.update(Math.max(0, -change));
    return gain === null || loss === null ? null : ratio(100 * (gain + this.lossSign * loss), gain + loss);
  }
}

/** Change over `period` numbers: the difference (momentum), or in percent of the earlier one (rate of change). */
export class Change implements ScalarMachine {
  readonly lag: Lag;
  /** 1 for percent, 0 for the difference. */
  readonly percent: number;

  constructor(period: number, percent: number) {
    this.lag = new Lag(period);
    this.percent = percent;
  }

  update(x: number): number | null {
    const earlier = this.lag.update(x);
    if (earlier === null) return null;
    return this.percent === 1 ? ratio(100 * (x - earlier), earlier) : x - earlier;
  }
}

/** Two averages in a row over a position in a channel: the K and D lines, 0..100. */
class KdLines {
  readonly k: Sma;
  readonly d: Sma;

  constructor(smoothK: number, smoothD: number) {
    this.k = new Sma(smoothK);
    this.d = new Sma(smoothD);
  }

  update(position: number | null): readonly (number | null)[] {
    const k = feed(this.k, position === null ? null : 100 * position);
    return [k, feed(this.d, k)];
  }
}

class Stochastic implements Machine {
  readonly channel: Channel;
  readonly lines: KdLines;

  constructor(period: number, smoothK: number, smoothD: number) {
    this.channel = new Channel(period);
    this.lines = new KdLines(smoothK, smoothD);
  }

  update(bar: Bar): readonly (number | null)[] {
    this.channel.update(bar.high, bar.low);
    return this.lines.update(this.channel.position(bar.close));
  }
}

/** An RSI range below this is rounding noise: while the price stands still RSI is constant, its last digits are not. */
const rsiRangeMin = 1e-9;

class StochasticRsi implements Machine {
  readonly rsi: GainLoss;
  readonly channel: Channel;
  readonly lines: KdLines;

  constructor(rsiPeriod: number, period: number, smoothK: number, smoothD: number) {
    this.rsi = new GainLoss(rsiPeriod, 0);
    this.channel = new Channel(period);
    this.lines = new KdLines(smoothK, smoothD);
  }

  update(bar: Bar): readonly (number | null)[] {
    const rsi = this.rsi.update(bar.close);
    if (rsi === null) return this.lines.update(null);
    this.channel.update(rsi, rsi);
    const { upper, lower } = this.channel;
    const hasRange = upper !== null && lower !== null && upper - lower > rsiRangeMin;
    return this.lines.update(hasRange ? this.channel.position(rsi) : null);
  }
}

class WilliamsR implements Machine {
  readonly channel: Channel;

  constructor(period: number) {
    this.channel = new Channel(period);
  }

  update(bar: Bar): readonly (number | null)[] {
    this.channel.update(bar.high, bar.low);
    const position = this.channel.position(bar.close);
    return [position === null ? null : 100 * (position - 1)];
  }
}

/** CCI measures from the newest typical price, so that a flat window is exactly flat. */
class CommodityChannel implements Machine {
  readonly window: Window;

  constructor(period: number) {
    this.window = new Window(period);
  }

  update(bar: Bar): readonly (number | null)[] {
    const typical = (bar.high + bar.low + bar.close) / 3;
    if (!this.window.push(typical)) return [null];
    const { values } = this.window;
    let mean = 0;
    for (const value of values) mean += (value - typical) / values.length;
    let deviation = 0;
    for (const value of values) deviation += Math.abs(value - typical - mean) / values.length;
    return [ratio(-mean, 0.015 * deviation)];
  }
}

class UltimateOscillator implements Machine {
  readonly pressures: readonly RollingSum[];
  readonly ranges: readonly RollingSum[];
  close: number | null = null;

  constructor(...periods: readonly number[]) {
    this.pressures = periods.map((period) => new RollingSum(period));
    this.ranges = periods.map((period) => new RollingSum(period));
  }

  update(bar: Bar): readonly (number | null)[] {
    const previous = this.close;
    this.close = bar.close;
    if (previous === null) return [null];
    const low = Math.min(bar.low, previous);
    const range = Math.max(bar.high, previous) - low;
    let total: number | null = 0;
    for (let i = 0; i < 3; i++) {
      const share = shareOf(this.pressures[i]!.update(bar.close - low), this.ranges[i]!.update(range));
      total = total === null || share === null ? null : total + share * 2 ** (2 - i);
    }
    return [total === null ? null : (100 * total) / 7];
  }
}

function shareOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null ? null : ratio(part, whole);
}

/** Oscillators of the price within its own recent past. */
export const oscillators: readonly IndicatorDefinition[] = [
  defineIndicator({
    name: 'rsi',
    title: 'Relative Strength Index',
    description: 'Share of gains in all moves, Wilder-smoothed, 0..100; null while nothing has moved.',
    params: [bars('period', 14)],
    warmupBars: (period) => period + 1,
    create: (period) => new OnClose(new GainLoss(period, 0)),
  }),
  defineIndicator({
    name: 'cmo',
    title: 'Chande Momentum Oscillator',
    description: 'Gains minus losses over all moves, Wilder-smoothed as in TA-Lib, −100..100.',
    params: [bars('period', 14)],
    warmupBars: (period) => period + 1,
    create: (period) => new OnClose(new GainLoss(period, -1)),
  }),
  defineIndicator({
    name: 'stoch',
    title: 'Stochastic Oscillator (slow)',
    description: 'Place of the close in the recent range, smoothed (k) and smoothed again (d), 0..100.',
    params: [bars('period', 14), bars('smoothK', 3), bars('smoothD', 3)],
    outputs: ['k', 'd'],
    warmupBars: (period, smoothK, smoothD) => period + smoothK + smoothD - 2,
    create: (period, smoothK, smoothD) => new Stochastic(period, smoothK, smoothD),
  }),
  defineIndicator({
    name: 'stochrsi',
    title: 'Stochastic RSI',
    description: 'Place of RSI in its own recent range, smoothed (k) and smoothed again (d), 0..100.',
    params: [bars('rsiPeriod', 14), bars('period', 14, 2), bars('smoothK', 3), bars('smoothD', 3)],
    outputs: ['k', 'd'],
    warmupBars: (rsiPeriod, period, smoothK, smoothD) => rsiPeriod + period + smoothK + smoothD - 2,
    create: (rsiPeriod, period, smoothK, smoothD) => new StochasticRsi(rsiPeriod, period, smoothK, smoothD),
  }),
  defineIndicator({
    name: 'cci',
    title: 'Commodity Channel Index',
    description: 'Distance of the typical price from its mean in units of 0.015 mean deviations.',
    params: [bars('period', 20, 2)],
    warmupBars: (period) => period,
    create: (period) => new CommodityChannel(period),
  }),
  defineIndicator({
    name: 'willr',
    title: 'Williams %R',
    description: 'Distance of the close below the highest high in percent of the range, −100..0.',
    params: [bars('period', 14)],
    warmupBars: (period) => period,
    create: (period) => new WilliamsR(period),
  }),
  defineIndicator({
    name: 'roc',
    title: 'Rate of Change',
    description: 'Change of the close in percent of the close so many bars before.',
    params: [bars('period', 10)],
    warmupBars: (period) => period + 1,
    create: (period) => new OnClose(new Change(period, 1)),
  }),
  defineIndicator({
    name: 'mom',
    title: 'Momentum',
    description: 'Change of the close over so many bars, in the unit of the price.',
    params: [bars('period', 10)],
    warmupBars: (period) => period + 1,
    create: (period) => new OnClose(new Change(period, 0)),
  }),
  defineIndicator({
    name: 'uo',
    title: 'Ultimate Oscillator',
    description: 'Buying pressure over true range in three spans weighted 4:2:1, 0..100.',
    params: [bars('short', 7), bars('middle', 14), bars('long', 28)],
    warmupBars: (short, middle, long) => Math.max(short, middle, long) + 1,
    create: (short, middle, long) => new UltimateOscillator(short, middle, long),
  }),
];
