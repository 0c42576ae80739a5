import { feed, type ScalarMachine } from './machine.ts';
import { Lag, RollingSum, zeros } from './window.ts';

/**
 * Moving averages over plain numbers, warm-up and seeding as in TA-Lib: null until `period` numbers were seen, and
 * exponential ones start from the simple average of those.
 */

/** Simple moving average. */
export class Sma implements ScalarMachine {
  readonly sum: RollingSum;
  readonly period: number;

  constructor(period: number) {
    this.sum = new RollingSum(period);
    this.period = period;
  }

  update(x: number): number | null {
    const sum = this.sum.update(x);
    return sum === null ? null : sum / this.period;
  }
}

/** Average that moves by the share `alpha` (0..1) of each surprise, seeded by the simple average of `period` numbers. */
class ExponentialAverage implements ScalarMachine {
  readonly period: number;
  readonly alpha: number;
  count = 0;
  /** The sum of the first numbers until there are `period` of them, then the average. */
  value = 0;

  constructor(period: number, alpha: number) {
    this.period = period;
    this.alpha = alpha;
  }

  update(x: number): number | null {
    if (this.count === this.period) {
      this.value += (x - this.value) * this.alpha;
      return this.value;
    }
    this.value += x;
    if (++this.count < this.period) return null;
    this.value /= this.period;
    return this.value;
  }
}

/** Exponential moving average, alpha = 2 / (period + 1). */
export class Ema extends ExponentialAverage {
  constructor(period: number) {
    super(period, 2 / (period + 1));
  }
}

/** Wilder's smoothing, alpha = 1 / period: RSI, ATR, ADX, CMO. */
export class WilderAverage extends ExponentialAverage {
  constructor(period: number) {
    super(period, 1 / period);
  }
}

/**
 * Linearly weighted average, newest number heaviest (weights 1..period). Works in blocks as `RollingSum` does: `slots`
 * and `weighted` from `head` on hold suffix sums and suffix weighted sums of the block before.
 */
export class Wma implements ScalarMachine {
  readonly slots: number[];
  readonly weighted: number[];
  head = 0;
  blocks = 0;
  currentSum = 0;
  currentWeighted = 0;

  constructor(period: number) {
    this.slots = zeros(period);
    this.weighted = zeros(period);
  }

  update(x: number): number | null {
    const period = this.slots.length;
    const divisor = (period * (period + 1)) / 2;
    this.slots[this.head++] = x;
    this.currentSum += x;
    this.currentWeighted += this.head * x;
    if (this.head === period) return this.fold() / divisor;
    if (this.blocks === 0) return null;
    const total = this.weighted[this.head]! + this.currentWeighted + (period - this.head) * this.currentSum;
    return total / divisor;
  }

  private fold(): number {
    const total = this.currentWeighted;
    let sum = 0;
    let weighted = 0;
    for (let i = this.slots.length - 1; i >= 0; i--) {
      sum += this.slots[i]!;
      weighted += sum;
      this.slots[i] = sum;
      this.weighted[i] = weighted;
    }
    this.head = 0;
    this.currentSum = 0;
    this.currentWeighted = 0;
    this.blocks = 1;
    return total;
  }
}

/** Hull moving average: WMA over ⌊√n⌋ of 2·WMA(⌊n/2⌋) − WMA(n), lengths cut as TradingView does. */
export class Hma implements ScalarMachine {
  readonly half: Wma;
  readonly full: Wma;
  readonly smooth: Wma;

  constructor(period: number) {
    this.half = new Wma(Math.floor(period / 2));
    this.full = new Wma(period);
    this.smooth = new Wma(Math.floor(Math.sqrt(period)));
  }

  update(x: number): number | null {
    const half = this.half.update(x);
    const full = this.full.update(x);
    return half === null || full === null ? null : this.smooth.update(2 * half - full);
  }
}

/** Triangular average: an SMA of an SMA whose lengths add up to period + 1 (TA-Lib TRIMA). */
export class Trima implements ScalarMachine {
  readonly inner: Sma;
  readonly outer: Sma;

  constructor(period: number) {
    this.inner = new Sma(Math.ceil((period + 1) / 2));
    this.outer = new Sma(Math.floor((period + 1) / 2));
  }

  update(x: number): number | null {
    return feed(this.outer, this.inner.update(x));
  }
}

/** `depth` EMAs, each over the values of the one before; `latest` holds what each said last, null during its warm-up. */
export class EmaChain implements ScalarMachine {
  readonly stages: readonly Ema[];
  readonly latest: (number | null)[];

  constructor(period: number, depth: number) {
    this.stages = Array.from({ length: depth }, () => new Ema(period));
    this.latest = Array.from({ length: depth }, () => null);
  }

  /** Returns what the last stage says. */
  update(x: number): number | null {
    let value: number | null = x;
    for (let i = 0; i < this.stages.length; i++) {
      value = feed(this.stages[i]!, value);
      this.latest[i] = value;
    }
    return value;
  }
}

/** A fixed blend of the stages of an {@link EmaChain}: DEMA, TEMA, T3. `weights[i]` belongs to the EMA of depth i + 1. */
export class EmaBlend implements ScalarMachine {
  readonly chain: EmaChain;
  readonly weights: readonly number[];

  constructor(period: number, weights: readonly number[]) {
    this.chain = new EmaChain(period, weights.length);
    this.weights = weights;
  }

  update(x: number): number | null {
    if (this.chain.update(x) === null) return null;
    let blend = 0;
    for (let i = 0; i < this.weights.length; i++) blend += this.weights[i]! * this.chain.latest[i]!;
    return blend;
  }
}

/** Tillson's T3 as a blend of six EMAs; `volumeFactor` 0..1 (0.7 is usual). Formula: TA-Lib. */
export function createT3(period: number, volumeFactor: number): EmaBlend {
  const v = volumeFactor;
  const square = v * v;
  const cube = square * v;
  const weights = [0, 0, 1 + 3 * v + cube + 3 * square, -6 * square - 3 * (v + cube), 3 * (square + cube), -cube];
  return new EmaBlend(period, weights);
}

/** Kaufman's adaptive average: the straighter the last `period` changes, the faster. Seeded by the number before. */
export class Kama implements ScalarMachine {
  readonly lag: Lag;
  readonly path: RollingSum;
  readonly alphaFast: number;
  readonly alphaSlow: number;
  last: number | null = null;
  value = 0;

  constructor(period: number, fast: number, slow: number) {
    this.lag = new Lag(period);
    this.path = new RollingSum(period);
    this.alphaFast = 2 / (fast + 1);
    this.alphaSlow = 2 / (slow + 1);
  }

  update(x: number): number | null {
    const path = feed(this.path, this.last === null ? null : Math.abs(x - this.last));
    const base = this.lag.update(x);
    this.last = x;
    if (path === null || base === null) {
      this.value = x;
      return null;
    }
    const efficiency = path === 0 ? 1 : Math.min(1, Math.abs(x - base) / path);
    const alpha = (efficiency * (this.alphaFast - this.alphaSlow) + this.alphaSlow) ** 2;
    this.value += (x - this.value) * alpha;
    return this.value;
  }
}
