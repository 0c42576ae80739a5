import { Ema, EmaChain, Sma } from './averages.ts';
import type { Bar } from './bar.ts';
import { bars, defineIndicator, type IndicatorDefinition, OnClose } from './definition.ts';
import { feed, type Machine, ratio, type ScalarMachine } from './machine.ts';
import { Change } from './oscillators.ts';

/**
 * Fast EMA minus slow EMA, or that in percent of the slow one. As in TA-Lib both EMAs have their first value on the
 * same bar, so the fast one is seeded from the newest closes before it; periods in the wrong order are swapped.
 */
class EmaGap implements ScalarMachine {
  readonly fast: Ema;
  readonly slow: Ema;
  /** Closes the fast EMA has still to let pass. */
  wait: number;
  /** 1 for percent, 0 for the difference. */
  readonly percent: number;

  constructor(fast: number, slow: number, percent: number) {
    this.fast = new Ema(Math.min(fast, slow));
    this.slow = new Ema(Math.max(fast, slow));
    this.wait = Math.abs(slow - fast);
    this.percent = percent;
  }

  update(x: number): number | null {
    const slow = this.slow.update(x);
    const fast = this.wait > 0 ? null : this.fast.update(x);
    if (this.wait > 0) this.wait--;
    if (fast === null || slow === null) return null;
    return this.percent === 1 ? ratio(100 * (fast - slow), slow) : fast - slow;
  }
}

/** A gap of EMAs, its own EMA as signal, and the difference of the two: MACD and PPO. */
class GapWithSignal implements Machine {
  readonly gap: EmaGap;
  readonly signal: Ema;

  constructor(gap: EmaGap, signal: number) {
    this.gap = gap;
    this.signal = new Ema(signal);
  }

  update(bar: Bar): readonly (number | null)[] {
    const line = this.gap.update(bar.close);
    const signal = feed(this.signal, line);
    return [line, signal, line === null || signal === null ? null : line - signal];
  }
}

class AwesomeOscillator implements Machine {
  readonly fast: Sma;
  readonly slow: Sma;

  constructor(fast: number, slow: number) {
    this.fast = new Sma(fast);
    this.slow = new Sma(slow);
  }

  update(bar: Bar): readonly (number | null)[] {
    const median = (bar.high + bar.low) / 2;
    const fast = this.fast.update(median);
    const slow = this.slow.update(median);
    return [fast === null || slow === null ? null : fast - slow];
  }
}

class BullBearPower implements Machine {
  readonly ema: Ema;

  constructor(period: number) {
    this.ema = new Ema(period);
  }

  update(bar: Bar): readonly (number | null)[] {
    const ema = this.ema.update(bar.close);
    if (ema === null) return [null, null, null];
    const bull = bar.high - ema;
    const bear = bar.low - ema;
    return [bull + bear, bull, bear];
  }
}

/** Rate of change of a triple-smoothed EMA. */
class Trix implements ScalarMachine {
  readonly chain: EmaChain;
  readonly change = new Change(1, 1);

  constructor(period: number) {
    this.chain = new EmaChain(period, 3);
  }

  update(x: number): number | null {
    return feed(this.change, this.chain.update(x));
  }
}

/** Oscillators made of moving averages. */
export const averageOscillators: readonly IndicatorDefinition[] = [
  defineIndicator({
    name: 'macd',
    title: 'Moving Average Convergence Divergence',
    description:
      'Fast EMA minus slow EMA, the EMA of that (signal) and their difference (histogram), in the price unit.',
    params: [bars('fast', 12), bars('slow', 26), bars('signal', 9)],
    outputs: ['macd', 'signal', 'histogram'],
    warmupBars: (fast, slow, signal) => Math.max(fast, slow) + signal - 1,
    create: (fast, slow, signal) => new GapWithSignal(new EmaGap(fast, slow, 0), signal),
  }),
  defineIndicator({
    name: 'ppo',
    title: 'Percentage Price Oscillator',
    description: 'MACD in percent of the slow EMA, with signal and histogram.',
    params: [bars('fast', 12), bars('slow', 26), bars('signal', 9)],
    outputs: ['ppo', 'signal', 'histogram'],
    warmupBars: (fast, slow, signal) => Math.max(fast, slow) + signal - 1,
    create: (fast, slow, signal) => new GapWithSignal(new EmaGap(fast, slow, 1), signal),
  }),
  defineIndicator({
    name: 'apo',
    title: 'Absolute Price Oscillator',
    description: 'Fast EMA minus slow EMA, in the price unit.',
    params: [bars('fast', 12), bars('slow', 26)],
    warmupBars: (fast, slow) => Math.max(fast, slow),
    create: (fast, slow) => new OnClose(new EmaGap(fast, slow, 0)),
  }),
  defineIndicator({
    name: 'trix',
    title: 'TRIX',
    description: 'Change of the triple-smoothed EMA from the bar before, in percent.',
    params: [bars('period', 15)],
    warmupBars: (period) => 3 * period - 1,
    create: (period) => new OnClose(new Trix(period)),
  }),
  defineIndicator({
    name: 'ao',
    title: 'Awesome Oscillator',
    description: 'Fast minus slow simple average of the middle of each bar, in the price unit.',
    params: [bars('fast', 5), bars('slow', 34)],
    warmupBars: (fast, slow) => Math.max(fast, slow),
    create: (fast, slow) => new AwesomeOscillator(fast, slow),
  }),
  defineIndicator({
    name: 'bbp',
    title: 'Bull Bear Power',
    description: 'High minus EMA (bull) plus low minus EMA (bear), in the price unit.',
    params: [bars('period', 13)],
    outputs: ['bbp', 'bull', 'bear'],
    warmupBars: (period) => period,
    create: (period) => new BullBearPower(period),
  }),
];
