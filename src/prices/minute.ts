import { addDecimals, compareDecimals, type DecimalText } from '../lib/decimal.ts';
import type { Candle } from './candle.ts';

/**
 * Minutes made of ticks. The candle of a minute depends on which ticks came, not on when or how often: ticks are ordered
 * by their time, those of one millisecond by their trade's id (by price and volume where they have none), and each
 * counts once. Pure but for the given minute.
 */

/** A tick of a series, per coin. */
export interface SeriesTick {
  readonly seriesId: number;
  /** Epoch ms. */
  readonly timeMs: number;
  readonly price: DecimalText;
  readonly volumeBase: DecimalText;
  readonly volumeQuote: DecimalText;
  /** The source's id of the trade; undefined where it is none, or has none. */
  readonly tradeId?: string | undefined;
}

/** A bucket that is not final yet or was not long ago. */
export interface Bucket {
  readonly level: number;
  candle: Candle;
  /** The source's own candle: ticks change it no more. */
  readonly isNative: boolean;
  /** Made before a restart: which ticks it has is not known. */
  readonly isStored: boolean;
  /** The oldest tick and the newest. */
  first: SeriesTick | null;
  last: SeriesTick | null;
  /** What is in it, to know a repeated tick. */
  readonly seen: Set<string | number>;
}

/** Ticks of one minute that are remembered; a repeated one beyond them is counted twice. */
const seenMax = 100_000;

/** A bucket with the source's own candle. */
export function nativeBucket(level: number, candle: Candle): Bucket {
  return { level, candle, isNative: true, isStored: false, first: null, last: null, seen: new Set() };
}

/** A minute that is begun by a tick. */
export function tickBucket(tick: SeriesTick, openTime: number): Bucket {
  const { price, volumeBase, volumeQuote } = tick;
  const prices = { open: price, high: price, low: price, close: price };
  const candle = { openTime, ...prices, volumeBase, volumeQuote, marketCapUsd: null, supply: null, isFinal: false };
  return { level: 0, candle, isNative: false, isStored: false, first: tick, last: tick, seen: new Set([keyOf(tick)]) };
}

/** Counts a tick into its minute. False where it is in it already, or the minute is the source's own. */
export function mergeTick(bucket: Bucket, tick: SeriesTick): boolean {
  const key = keyOf(tick);
  if (bucket.isNative || bucket.seen.has(key)) return false;
  if (bucket.seen.size < seenMax) bucket.seen.add(key);
  const { candle, first, last } = bucket;
  const isFirst = first === null || isBefore(tick, first);
  const isLast = last === null || isBefore(last, tick);
  bucket.candle = {
    openTime: candle.openTime, // written out, since a copy by spread costs more than all the rest
    open: isFirst && !bucket.isStored ? tick.price : candle.open,
    high: farther(tick.price, candle.high, 1),
    low: farther(tick.price, candle.low, -1),
    close: isLast ? tick.price : candle.close,
    volumeBase: addDecimals(candle.volumeBase ?? '0', tick.volumeBase),
    volumeQuote: addDecimals(candle.volumeQuote ?? '0', tick.volumeQuote),
    marketCapUsd: candle.marketCapUsd,
    supply: candle.supply,
    isFinal: candle.isFinal,
  };
  if (isFirst) bucket.first = tick;
  if (isLast) bucket.last = tick;
  return true;
}

/** An id that is a plain number is kept as one: a third of the memory. */
function keyOf({ tradeId, timeMs, price, volumeBase }: SeriesTick): string | number {
  if (tradeId === undefined) return `${timeMs} ${price} ${volumeBase}`;
  const number = Number(tradeId);
  return Number.isSafeInteger(number) && String(number) === tradeId ? number : tradeId;
}

/** The farther of two prices in a direction; of two spellings of one number always the same. */
function farther(a: DecimalText, b: DecimalText, direction: 1 | -1): DecimalText {
  if (a === b) return a;
  const order = compareDecimals(a, b) * direction;
  if (order === 0) return a.length < b.length ? a : b;
  return order > 0 ? a : b;
}

/** Whether a tick comes before another one: ids count up, so the shorter of two numbers is the lower. */
function isBefore(a: SeriesTick, b: SeriesTick): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs;
  if (a.tradeId !== undefined && b.tradeId !== undefined)
    return a.tradeId.length === b.tradeId.length ? a.tradeId < b.tradeId : a.tradeId.length < b.tradeId.length;
  const order = compareDecimals(a.price, b.price) || compareDecimals(a.volumeBase, b.volumeBase);
  return order < 0;
}
