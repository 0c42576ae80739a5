import type { DecimalText } from '../lib/decimal.ts';
import { minuteMs } from '../lib/interval.ts';
import type { Fault } from './validate.ts';

/**
 * Tells good ticks from bad ones before they reach a candle. Pure: a check only remembers the ticks of its market.
 *
 * A tick that lies far beyond the recent range is held back until the next ones judge it: further ones that agree with
 * it confirm a real jump, and then all of them count; one in the old range refutes it, and then it is refused. So a wrong
 * price never enters a candle, and a crash or a redenomination is taken up after three ticks, with all of them.
 * - Late: a tick is judged by the range as it is when it comes.
 * - Doubled: the same tick again confirms nothing, and is left out while it is held back.
 */

/** What of a tick is judged. */
export interface CheckedTick {
  readonly timeMs: number;
  readonly price: DecimalText;
  readonly volumeBase: DecimalText;
  readonly volumeQuote: DecimalText;
  readonly tradeId?: string | undefined;
}

/** Checks the ticks of one market, one after the other. */
export interface TickCheck<T extends CheckedTick> {
  /** Judges a tick; also tells `take` and `refuse` what becomes of those held back before, oldest first. */
  check(tick: T): void;
}

/** Where ticks go. */
export interface TickVerdicts<T extends CheckedTick> {
  take(tick: T): void;
  refuse(tick: T, fault: Fault): void;
}

/** A tick beyond the recent range by more than this factor, above its high or below its low, is held back. */
export const tickJumpFactor = 3;
/** So many different ticks in a row that agree with each other are a new level. */
export const ticksUntilLevel = 3;
/** The recent range is that of the ticks of this long at least, and twice as long at most; after a longer silence nothing is recent. */
export const rangeMs = 5 * minuteMs;

/** High and low of a stretch of time. */
interface Range {
  high: number;
  low: number;
}

const nothing = (): Range => ({ high: 0, low: Infinity });

/** A check for one market; ticks after `latestMs()` (epoch ms) are refused. */
export function createTickCheck<T extends CheckedTick>(
  verdicts: TickVerdicts<T>,
  latestMs: () => number,
): TickCheck<T> {
  let stretch = -Infinity; // number of the current stretch of `rangeMs`
  let current = nothing();
  let before = nothing();
  let held: T[] = [];

  function roll(timeMs: number): void {
    const number = Math.floor(timeMs / rangeMs);
    if (number <= stretch) return;
    before = number === stretch + 1 ? current : nothing();
    current = nothing();
    stretch = number;
  }
  function accept(tick: T, price: number): void {
    current.high = Math.max(current.high, price);
    current.low = Math.min(current.low, price);
    verdicts.take(tick);
  }
  function refuseHeld(): void {
    for (const tick of held) {
      const factor = factorBeyond(Number(tick.price), current, before).toPrecision(3);
      verdicts.refuse(tick, { reason: 'JUMP', detail: `lies ${factor} times beyond the recent range` });
    }
    held = [];
  }
  function hold(tick: T, price: number): void {
    if (held.some((other) => isSame(other, tick))) return;
    const range = nothing();
    for (const other of held) {
      range.high = Math.max(range.high, Number(other.price));
      range.low = Math.min(range.low, Number(other.price));
    }
    if (factorBeyond(price, range) > tickJumpFactor) refuseHeld();
    held.push(tick);
    if (held.length < ticksUntilLevel) return;
    current = nothing();
    before = nothing();
    for (const one of held) accept(one, Number(one.price));
    held = [];
  }

  return {
    check(tick) {
      const fault = findTickFault(tick, latestMs());
      if (fault !== null) {
        verdicts.refuse(tick, fault);
        return;
      }
      const price = Number(tick.price);
      roll(tick.timeMs);
      if (factorBeyond(price, current, before) > tickJumpFactor) {
        hold(tick, price);
        return;
      }
      accept(tick, price);
      if (held.length > 0) refuseHeld();
    },
  };
}

/** By which factor a price lies beyond some ranges together; 1 where it does not, or where they are empty. */
function factorBeyond(price: number, ...ranges: readonly Range[]): number {
  let high = 0;
  let low = Infinity;
  for (const range of ranges) {
    high = Math.max(high, range.high);
    low = Math.min(low, range.low);
  }
  return high === 0 ? 1 : Math.max(price / high, low / price, 1);
}

function isSame(a: CheckedTick, b: CheckedTick): boolean {
  if (a.tradeId !== undefined && b.tradeId !== undefined) return a.tradeId === b.tradeId;
  return a.timeMs === b.timeMs && a.price === b.price && a.volumeBase === b.volumeBase;
}

const decimal = /^-?\d{1,100}(\.\d{1,100})?$/;

function findTickFault({ timeMs, price, volumeBase, volumeQuote }: CheckedTick, latestMs: number): Fault | null {
  const isRead = decimal.test(price) && decimal.test(volumeBase) && decimal.test(volumeQuote);
  if (!isRead || !Number.isSafeInteger(timeMs) || timeMs < 0)
    return { reason: 'UNPARSEABLE', detail: 'a number cannot be read' };
  if (!(Number(price) > 0)) return { reason: 'NON_POSITIVE_PRICE', detail: `price ${price}` };
  if (volumeBase.startsWith('-') || volumeQuote.startsWith('-'))
    return { reason: 'NEGATIVE_VOLUME', detail: `volumes ${volumeBase} and ${volumeQuote}` };
  if (timeMs > latestMs) return { reason: 'IN_FUTURE', detail: `time ${timeMs}` };
  return null;
}
