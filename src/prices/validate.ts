import { compareDecimals, type DecimalText } from '../lib/decimal.ts';
import { type CandleInterval, intervalMs, isAligned } from '../lib/interval.ts';
import type { Candle } from './candle.ts';

/**
 * Tells good candles from bad ones before they are stored. Pure: no clock, no I/O; a validator only remembers the
 * candles it was shown. A bad candle is left out of the memory too, so that one wrong price does not excuse the next.
 * - Late: candles may come in any order of time.
 * - Doubled: the first candle of a bucket is taken, every further one is DUPLICATE_OPEN_TIME.
 * - Wrong: one reason a candle, the first that applies in the order of {@link quarantineReasons}.
 */

/** Why a candle is refused, with the sentence that explains it. */
export const quarantineReasons = {
  UNPARSEABLE: 'The row cannot be read.',
  UNALIGNED_OPEN_TIME: 'The open time is not the start of a bucket of the interval in UTC.',
  IN_FUTURE: 'It is of a time after now.',
  NOT_CLOSED: 'The candle has not closed yet.',
  NON_POSITIVE_PRICE: 'A price is zero or negative.',
  HIGH_BELOW_LOW: 'The high is below the low.',
  OPEN_OR_CLOSE_OUTSIDE_RANGE: 'Open or close lies outside low to high.',
  NEGATIVE_VOLUME: 'A volume, market capitalisation or supply is negative.',
  NON_POSITIVE_VALUE: 'A quantity that cannot be zero, such as a supply, is.',
  DUPLICATE_OPEN_TIME: 'A candle of this bucket was given before.',
  JUMP: 'The price lies beyond the stated multiple of the recent range.',
} as const;

/** One of {@link quarantineReasons}. */
export type QuarantineReason = keyof typeof quarantineReasons;

/** What is wrong with a candle: the reason and the figures that show it. */
export interface Fault {
  readonly reason: QuarantineReason;
  readonly detail: string;
}

/** The values that are checked; a candle of a source or of the store has them. */
export type CheckedCandle = Omit<Candle, 'isFinal'>;

/** Checks the candles of one series and interval, one after the other. */
export interface CandleValidator {
  /** The fault of a candle; null where it is good, and then it is remembered. */
  check(candle: CheckedCandle): Fault | null;
}

/**
 * How far a candle may reach beyond the recent range: above its high or below its low by this factor. The widest real
 * move known to us is a wick of 44 (XCN on Bybit, 2022-06-14); known garbage starts at 87.
 */
export const jumpFactorMax = 50;
/** The recent range is that of this many good candles before … */
const recentCount = 20;
/** … as far as they lie within this many intervals: after a longer silence nothing is recent. */
const recentIntervals = 200;
/** So many jumps in a row that agree with each other are a new level (a crash, a redenomination) and not an error. */
const jumpsUntilLevel = 3;
/** Longer numbers are no prices; the database would take them up to 131,072 digits. */
const digitsMax = 200;

interface Range {
  readonly openTime: number;
  readonly high: number;
  readonly low: number;
}

/** A validator for one series and interval; candles must have closed at `nowMs` (epoch ms). */
export function createCandleValidator(interval: CandleInterval, nowMs: number): CandleValidator {
  const lengthMs = intervalMs(interval);
  const seen = new Set<number>();
  const recent: Range[] = [];
  let jumps: Range[] = [];

  function findJump(candle: CheckedCandle): Fault | null {
    const range = { openTime: candle.openTime, high: Number(candle.high), low: Number(candle.low) };
    const factor = jumpFactor(range, recent, recentIntervals * lengthMs);
    if (factor > jumpFactorMax) {
      jumps = jumpFactor(range, jumps, Infinity) > jumpFactorMax ? [range] : [...jumps, range];
      if (jumps.length < jumpsUntilLevel)
        return { reason: 'JUMP', detail: `reaches ${factor.toPrecision(3)} times beyond the recent range` };
      recent.length = 0;
    }
    if (jumps.length > 0) jumps = [];
    recent.push(range);
    if (recent.length > recentCount) recent.shift();
    return null;
  }

  return {
    check(candle) {
      const fault =
        findTimeFault(interval, nowMs, candle.openTime) ??
        findValueFault(candle) ??
        (seen.has(candle.openTime) ? faultOf('DUPLICATE_OPEN_TIME', candle.openTime) : null) ??
        findJump(candle);
      if (fault === null) seen.add(candle.openTime);
      return fault;
    },
  };
}

/** By which factor a range reaches beyond those within `nearMs` of it; 1 where it does not, or where there are none. */
function jumpFactor(range: Range, others: readonly Range[], nearMs: number): number {
  let high = 0;
  let low = Infinity;
  for (const other of others) {
    if (Math.abs(other.openTime - range.openTime) > nearMs) continue;
    high = Math.max(high, other.high);
    low = Math.min(low, other.low);
  }
  return high === 0 ? 1 : Math.max(range.high / high, low / range.low, 1);
}

function faultOf(reason: QuarantineReason, openTime: number): Fault {
  return { reason, detail: `open time ${new Date(openTime).toISOString()}` };
}

function findTimeFault(interval: CandleInterval, nowMs: number, openTime: number): Fault | null {
  if (openTime < 0) return faultOf('UNPARSEABLE', openTime);
  if (!isAligned(interval, openTime)) return faultOf('UNALIGNED_OPEN_TIME', openTime);
  if (openTime > nowMs) return faultOf('IN_FUTURE', openTime);
  return openTime + intervalMs(interval) > nowMs ? faultOf('NOT_CLOSED', openTime) : null;
}

function findValueFault(candle: CheckedCandle): Fault | null {
  const { open, high, low, close } = candle;
  const prices = [open, high, low, close];
  const amounts = [candle.volumeBase, candle.volumeQuote, candle.marketCapUsd, candle.supply];
  const isTooLong = (text: DecimalText | null): boolean => text !== null && text.length > digitsMax;
  if (prices.some(isTooLong) || amounts.some(isTooLong))
    return { reason: 'UNPARSEABLE', detail: `a number has more than ${digitsMax} characters` };
  const refuse = (reason: QuarantineReason): Fault => ({
    reason,
    detail: `open ${open}, high ${high}, low ${low}, close ${close}`,
  });
  if (!prices.every((price) => Number(price) > 0)) return refuse('NON_POSITIVE_PRICE');
  if (isAbove(low, high)) return refuse('HIGH_BELOW_LOW');
  if (isAbove(open, high) || isAbove(low, open) || isAbove(close, high) || isAbove(low, close))
    return refuse('OPEN_OR_CLOSE_OUTSIDE_RANGE');
  const negative = amounts.find((amount) => amount !== null && Number(amount) < 0);
  return negative == null ? null : { reason: 'NEGATIVE_VOLUME', detail: `an amount is ${negative}` };
}

function isAbove(a: DecimalText, b: DecimalText): boolean {
  return a !== b && compareDecimals(a, b) > 0;
}
