import type { SignalDirection } from './strategy.ts';

/** +1 for BULLISH, -1 for BEARISH, 0 for NEUTRAL. */
export function sideOf(direction: SignalDirection): 1 | -1 | 0 {
  if (direction === 'NEUTRAL') return 0;
  return direction === 'BULLISH' ? 1 : -1;
}

/** What is remembered of the direction a series holds: since how many closes, and the best of them. */
export class HeldDirection {
  side: number = 0;
  /** Closes since the one that entered it. */
  closes = 0;
  /** Best close from the one that entered it on: highest for BULLISH, lowest for BEARISH. Null for NEUTRAL. */
  best: number | null = null;
  lastClose: number | null = null;

  /** Takes the next close, `held` being the direction before it. */
  update(close: number, held: SignalDirection): void {
    const side = sideOf(held);
    if (side !== this.side) {
      this.side = side;
      this.closes = 0;
      this.best = side === 0 ? null : this.lastClose;
    }
    if (side !== 0) {
      this.closes += 1;
      this.best = side > 0 ? Math.max(this.best ?? close, close) : Math.min(this.best ?? close, close);
    }
    this.lastClose = close;
  }
}
