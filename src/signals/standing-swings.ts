import { zeros } from '../indicators/window.ts';
import type { Swing } from '../levels/swing.ts';

/** The swing points of one kind that still stand: not too old, and not passed by closes. Ordered oldest first. */
export class StandingSwings {
  /** +1: highs, passed by closes above. -1: lows, passed by closes below. */
  readonly sign: number;
  readonly barsMax: number;
  readonly passesMax: number;
  readonly prices: number[];
  readonly closeTimes: number[];
  /** Closes since it happened, and closes in a row that lie beyond it. */
  readonly ages: number[];
  readonly passes: number[];
  count = 0;

  /** Swings of one kind are more than `reach` apart, which bounds how many stand within `barsMax` candles. */
  constructor(sign: 1 | -1, reach: number, barsMax: number, passesMax: number) {
    const capacity = Math.ceil(barsMax / (reach + 1)) + 2;
    this.sign = sign;
    this.barsMax = barsMax;
    this.passesMax = passesMax;
    this.prices = zeros(capacity);
    this.closeTimes = zeros(capacity);
    this.ages = zeros(capacity);
    this.passes = zeros(capacity);
  }

  /** Forgets what is too old or was passed by `passesMax` closes in a row, and counts the next close. */
  advance(close: number): void {
    let kept = 0;
    for (let at = 0; at < this.count; at += 1) {
      const age = this.ages[at]! + 1;
      const passes = this.passes[at]!;
      if (age > this.barsMax || passes >= this.passesMax) continue;
      const isPassed = this.sign * (close - this.prices[at]!) > 0;
      this.prices[kept] = this.prices[at]!;
      this.closeTimes[kept] = this.closeTimes[at]!;
      this.ages[kept] = age;
      this.passes[kept] = isPassed ? passes + 1 : 0;
      kept += 1;
    }
    this.count = kept;
  }

  /** Takes a swing that the newest candle confirmed, `age` closes after it happened. */
  add({ price, closeTime }: Swing, age: number): void {
    if (age > this.barsMax) return;
    this.prices[this.count] = price;
    this.closeTimes[this.count] = closeTime;
    this.ages[this.count] = age;
    this.passes[this.count] = 0;
    this.count += 1;
  }

  /** The outermost: the highest high or the lowest low; of equal ones the oldest. Null where none stands. */
  outermost(): { readonly price: number; readonly closeTime: number } | null {
    let best = -1;
    for (let at = 0; at < this.count; at += 1)
      if (best < 0 || this.sign * (this.prices[at]! - this.prices[best]!) > 0) best = at;
    return best < 0 ? null : { price: this.prices[best]!, closeTime: this.closeTimes[best]! };
  }
}
