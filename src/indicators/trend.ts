import { WilderAverage } from './averages.ts';
import type { Bar } from './bar.ts';
import { bars, defineIndicator, factor, type IndicatorDefinition, OnClose } from './definition.ts';
import { feed, type Machine, ratio } from './machine.ts';
import { Channel, Lag, RollingMax, RollingMin, RollingSlope } from './window.ts';

/**
 * Wilder's directional movement. As in TA-Lib the sums start with period − 1 bars and are smoothed from the next one,
 * and ADX averages the first `period` DX values.
 */
class DirectionalMovement implements Machine {
  readonly period: number;
  readonly average: WilderAverage;
  previous: [high: number, low: number, close: number] = [0, 0, 0];
  count = 0;
  plus = 0;
  minus = 0;
  range = 0;

  constructor(period: number) {
    this.period = period;
    this.average = new WilderAverage(period);
  }

  update(bar: Bar): readonly (number | null)[] {
    if (this.count > 0) this.absorb(bar);
    this.previous = [bar.high, bar.low, bar.close];
    if (this.count++ < this.period) return [null, null, null];
    const plusDi = ratio(100 * this.plus, this.range);
    const minusDi = ratio(100 * this.minus, this.range);
    const dx = ratio(100 * Math.abs(this.plus - this.minus), this.plus + this.minus);
    return [feed(this.average, dx), plusDi, minusDi];
  }

  private absorb(bar: Bar): void {
    const [high, low, close] = this.previous;
    const up = bar.high - high;
    const down = low - bar.low;
    const keep = this.count < this.period ? 1 : 1 - 1 / this.period;
    this.plus = this.plus * keep + (up > down && up > 0 ? up : 0);
    this.minus = this.minus * keep + (down > up && down > 0 ? down : 0);
    this.range = this.range * keep + Math.max(bar.high, close) - Math.min(bar.low, close);
  }
}

/** Wilder's parabolic stop, kept for a rise; a fall is a rise of the mirrored prices. Start and clamps as in TA-Lib. */
class ParabolicSar implements Machine {
  readonly step: number;
  readonly max: number;
  /** 1 in a rise, −1 in a fall, 0 before the first bar. */
  side = 0;
  count = 0;
  high = 0;
  low = 0;
  /** Stop, extreme and acceleration of the running move, the first two in mirrored prices during a fall. */
  stop = 0;
  extreme = 0;
  acceleration = 0;

  constructor(step: number, max: number) {
    this.step = Math.min(step, max);
    this.max = max;
  }

  update(bar: Bar): readonly (number | null)[] {
    this.count++;
    const value = this.count === 1 ? null : this.advance(bar);
    this.high = bar.high;
    this.low = bar.low;
    return [value === null ? null : value + 0];
  }

  private advance(bar: Bar): number {
    if (this.count === 2) this.begin(bar);
    const isReversal = this.side === 1 ? bar.low <= this.stop : -bar.high <= this.stop;
    if (isReversal) return this.reverse(bar);
    const value = this.side * this.stop;
    const [top] = this.mirrored(bar);
    if (top > this.extreme) {
      this.extreme = top;
      this.acceleration = Math.min(this.max, this.acceleration + this.step);
    }
    this.move(bar);
    return value;
  }

  /** The first side is that of the greater move between the first two bars, a fall only if its move is the greater. */
  private begin(bar: Bar): void {
    const down = this.low - bar.low;
    this.side = down > 0 && down > bar.high - this.high ? -1 : 1;
    this.stop = this.side === 1 ? this.low : -this.high;
    this.extreme = this.mirrored(bar)[0];
    this.acceleration = this.step;
    // The bar before the first stop sets no bound to it, as in TA-Lib.
    this.high = bar.high;
    this.low = bar.low;
  }

  private reverse(bar: Bar): number {
    this.side = -this.side;
    const [top, bottom] = this.mirrored(bar);
    const previousBottom = this.side === 1 ? this.low : -this.high;
    this.stop = Math.min(-this.extreme, previousBottom, bottom);
    const value = this.side * this.stop;
    this.extreme = top;
    this.acceleration = this.step;
    this.move(bar);
    return value;
  }

  /** Next bar's stop: towards the extreme, but never inside the last two bars. */
  private move(bar: Bar): void {
    const previousBottom = this.side === 1 ? this.low : -this.high;
    const stop = this.stop + this.acceleration * (this.extreme - this.stop);
    this.stop = Math.min(stop, previousBottom, this.mirrored(bar)[1]);
  }

  private mirrored(bar: Bar): [top: number, bottom: number] {
    return this.side === 1 ? [bar.high, bar.low] : [-bar.low, -bar.high];
  }
}

class Aroon implements Machine {
  readonly period: number;
  readonly max: RollingMax;
  readonly min: RollingMin;

  constructor(period: number) {
    this.period = period;
    this.max = new RollingMax(period + 1);
    this.min = new RollingMin(period + 1);
  }

  update(bar: Bar): readonly (number | null)[] {
    const high = this.max.update(bar.high);
    this.min.update(bar.low);
    if (high === null) return [null, null, null];
    const up = (100 * (this.period - this.max.age())) / this.period;
    const down = (100 * (this.period - this.min.age())) / this.period;
    return [up, down, up - down];
  }
}

class Ichimoku implements Machine {
  readonly conversion: Channel;
  readonly base: Channel;
  readonly leadB: Channel;
  readonly cloudA: Lag;
  readonly cloudB: Lag;

  constructor(conversion: number, base: number, leadB: number, displacement: number) {
    this.conversion = new Channel(conversion);
    this.base = new Channel(base);
    this.leadB = new Channel(leadB);
    this.cloudA = new Lag(displacement - 1);
    this.cloudB = new Lag(displacement - 1);
  }

  update(bar: Bar): readonly (number | null)[] {
    const conversion = this.conversion.update(bar.high, bar.low);
    const base = this.base.update(bar.high, bar.low);
    const leadA = conversion === null || base === null ? null : (conversion + base) / 2;
    const leadB = this.leadB.update(bar.high, bar.low);
    return [conversion, base, leadA, leadB, feed(this.cloudA, leadA), feed(this.cloudB, leadB)];
  }
}

/** Indicators of direction and strength of a trend. */
export const trendIndicators: readonly IndicatorDefinition[] = [
  defineIndicator({
    name: 'adx',
    title: 'Average Directional Index',
    description:
      'Strength of the trend (adx) and share of rising and falling moves in the range, Wilder-smoothed, 0..100.',
    params: [bars('period', 14)],
    outputs: ['adx', 'plusDi', 'minusDi'],
    warmupBars: (period) => 2 * period,
    create: (period) => new DirectionalMovement(period),
  }),
  defineIndicator({
    name: 'psar',
    title: 'Parabolic SAR',
    description: 'Stop that accelerates towards the price and changes side when hit, in the price unit.',
    params: [factor('step', 0.02, 0, 1), factor('max', 0.2, 0, 1)],
    warmupBars: () => 2,
    create: (step, max) => new ParabolicSar(step, max),
  }),
  defineIndicator({
    name: 'aroon',
    title: 'Aroon',
    description: 'How recent the highest high (up) and lowest low (down) are, 0..100, and their difference.',
    params: [bars('period', 14)],
    outputs: ['up', 'down', 'oscillator'],
    warmupBars: (period) => period + 1,
    create: (period) => new Aroon(period),
  }),
  defineIndicator({
    name: 'ichimoku',
    title: 'Ichimoku Cloud',
    description:
      'Middles of three ranges; leadA and leadB as computed now, cloudA and cloudB the leads now under the price, displacement − 1 bars old as on TradingView.',
    params: [bars('conversion', 9), bars('base', 26), bars('leadB', 52), bars('displacement', 26)],
    outputs: ['conversion', 'base', 'leadA', 'leadB', 'cloudA', 'cloudB'],
    warmupBars: (conversion, base, leadB, displacement) => Math.max(conversion, base, leadB) + displacement - 1,
    create: (conversion, base, leadB, displacement) => new Ichimoku(conversion, base, leadB, displacement),
  }),
  defineIndicator({
    name: 'linregslope',
    title: 'Linear Regression Slope',
    description: 'Least-squares slope of the last closes, in the price unit per bar.',
    params: [bars('period', 14, 2)],
    warmupBars: (period) => period,
    create: (period) => new OnClose(new RollingSlope(period)),
  }),
];
