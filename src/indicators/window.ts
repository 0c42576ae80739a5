import type { ScalarMachine } from './machine.ts';

/**
 * Windows over the last `period` numbers: sums, extremes, deviations, look-backs. All are null until full.
 */

/** An array of `length` zeros: the fixed storage of a window, so that state keeps its shape from the first bar on. */
export function zeros(length: number): number[] {
  return Array.from({ length }, () => 0);
}

/** The last `period` numbers in a ring; `head` is the slot the next one goes to. */
export class Window {
  readonly values: number[];
  head = 0;
  filled = 0;

  constructor(period: number) {
    this.values = zeros(period);
  }

  /** Adds the newest number in place of the oldest; true once the window is full. */
  push(x: number): boolean {
    const period = this.values.length;
    this.values[this.head] = x;
    this.head = this.head + 1 === period ? 0 : this.head + 1;
    if (this.filled < period) this.filled++;
    return this.filled === period;
  }

  /** The number `age` updates ago, 0 being the newest; the caller keeps `age` below the period. */
  at(age: number): number {
    const index = this.head - 1 - age;
    return this.values[index < 0 ? index + this.values.length : index]!;
  }
}

/** The value `period` updates ago; 0 gives the value itself. */
export class Lag implements ScalarMachine {
  readonly window: Window;

  constructor(period: number) {
    this.window = new Window(period + 1);
  }

  update(x: number): number | null {
    return this.window.push(x) ? this.window.at(this.window.values.length - 1) : null;
  }
}

/**
 * Sum of the last `period` numbers by additions alone. `slots` below `head` hold the current block; from `head` on, the
 * suffix sums of the block before. Each full block is folded into suffix sums once: O(1) amortised, and an old value
 * leaves no rounding error behind.
 */
export class RollingSum implements ScalarMachine {
  readonly slots: number[];
  head = 0;
  blocks = 0;
  current = 0;

  constructor(period: number) {
    this.slots = zeros(period);
  }

  update(x: number): number | null {
    this.slots[this.head++] = x;
    this.current += x;
    if (this.head < this.slots.length) return this.blocks === 0 ? null : this.slots[this.head]! + this.current;
    return this.fold();
  }

  private fold(): number {
    const total = this.current;
    for (let i = this.slots.length - 2; i >= 0; i--) this.slots[i] = this.slots[i]! + this.slots[i + 1]!;
    this.head = 0;
    this.current = 0;
    this.blocks = 1;
    return total;
  }
}

/** Highest of the last `period` numbers, by a monotonic queue in a ring; of equal numbers the newest counts. */
export class RollingMax implements ScalarMachine {
  readonly values: number[];
  readonly stamps: number[];
  head = 0;
  size = 0;
  count = 0;

  constructor(period: number) {
    this.values = zeros(period);
    this.stamps = zeros(period);
  }

  update(x: number): number | null {
    const period = this.values.length;
    this.count++;
    if (this.size > 0 && this.stamps[this.head]! <= this.count - period) {
      this.head = this.head + 1 === period ? 0 : this.head + 1;
      this.size--;
    }
    while (this.size > 0 && this.values[this.slot(this.size - 1)]! <= x) this.size--;
    const tail = this.slot(this.size++);
    this.values[tail] = x;
    this.stamps[tail] = this.count;
    return this.count < period ? null : this.values[this.head]!;
  }

  /** Updates since the highest number: 0 if it is the newest. */
  age(): number {
    return this.count - this.stamps[this.head]!;
  }

  private slot(offset: number): number {
    const index = this.head + offset;
    return index < this.values.length ? index : index - this.values.length;
  }
}

/** Lowest of the last `period` numbers; of equal numbers the newest counts. */
export class RollingMin implements ScalarMachine {
  readonly negated: RollingMax;

  constructor(period: number) {
    this.negated = new RollingMax(period);
  }

  update(x: number): number | null {
    const max = this.negated.update(-x);
    return max === null ? null : 0 - max;
  }

  /** Updates since the lowest number: 0 if it is the newest. */
  age(): number {
    return this.negated.age();
  }
}

/** Middle between the highest high and the lowest low of the last `period` bars, and both ends. */
export class Channel {
  readonly max: RollingMax;
  readonly min: RollingMin;
  upper: number | null = null;
  lower: number | null = null;

  constructor(period: number) {
    this.max = new RollingMax(period);
    this.min = new RollingMin(period);
  }

  /** Returns (upper + lower) / 2, null during warm-up. */
  update(high: number, low: number): number | null {
    this.upper = this.max.update(high);
    this.lower = this.min.update(low);
    return this.upper === null || this.lower === null ? null : (this.upper + this.lower) / 2;
  }

  /** Where `x` lies in the channel, 0 at the lower end and 1 at the upper; null during warm-up or if it has no height. */
  position(x: number): number | null {
    if (this.upper === null || this.lower === null || this.upper === this.lower) return null;
    return (x - this.lower) / (this.upper - this.lower);
  }
}

/**
 * Standard deviation of the last `period` numbers: population (divisor n) by default, sample with `ddof` 1. Measured
 * from the newest number and recomputed from the window, so a flat window gives exactly 0 and no error accumulates.
 */
export class RollingStdDev implements ScalarMachine {
  readonly window: Window;
  readonly ddof: number;

  constructor(period: number, ddof = 0) {
    this.window = new Window(period);
    this.ddof = ddof;
  }

  update(x: number): number | null {
    if (!this.window.push(x)) return null;
    const { values } = this.window;
    let sum = 0;
    let squares = 0;
    for (const value of values) {
      const d = value - x;
      sum += d;
      squares += d * d;
    }
    const n = values.length;
    return Math.sqrt(Math.max(0, (squares - (sum * sum) / n) / (n - this.ddof)));
  }
}

/** Least-squares slope per bar of the last `period` numbers. */
export class RollingSlope implements ScalarMachine {
  readonly window: Window;

  constructor(period: number) {
    this.window = new Window(period);
  }

  update(x: number): number | null {
    if (!this.window.push(x)) return null;
    const n = this.window.values.length;
    let weighted = 0;
    for (let age = 1; age < n; age++) weighted += ((n - 1) / 2 - age) * (this.window.at(age) - x);
    return (12 * weighted) / (n * (n * n - 1)) + 0;
  }
}
