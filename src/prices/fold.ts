import { bucketClose, bucketOpen, type CandleInterval, candleIntervals } from '../lib/interval.ts';
import { type Candle, mergeCandle } from './candle.ts';

/**
 * Folding as time passes: of each interval only what has closed of its bucket under way is kept, so a candle that closes
 * costs one merge a level however long the coarse bucket is. Pure but for the given state.
 */

/**
 * By level (0 is ONE_MINUTE): the fold of the next finer candles that have closed within the bucket under way; null where
 * none has. Level 0 stays null. Buckets at different levels lie within each other.
 */
export type Parts = (Candle | null)[];

/** Told each candle that comes out, `isNative` where it is the source's own and no fold. */
export type Emit = (level: number, candle: Candle, isNative: boolean) => void;

const levelLast = candleIntervals.length - 1;

/** Nothing has closed yet. */
export function emptyParts(): Parts {
  return candleIntervals.map(() => null);
}

/** The interval of a level. */
export function intervalAt(level: number): CandleInterval {
  return candleIntervals[level] ?? 'ONE_MINUTE';
}

/** When a candle of a level closes, epoch ms. */
export function closeAt(level: number, { openTime }: Candle): number {
  return bucketClose(intervalAt(level), openTime);
}

/** Adds a closed candle of `level - 1` to the bucket it belongs to; one of an older bucket than the one under way is left out. */
export function foldInto(parts: Parts, level: number, candle: Candle): void {
  if (level > levelLast) return;
  const moved = { ...candle, openTime: bucketOpen(intervalAt(level), candle.openTime) };
  const part = parts[level] ?? null;
  if (part === null || part.openTime < moved.openTime) parts[level] = moved;
  else if (part.openTime === moved.openTime) parts[level] = mergeCandle(part, moved);
}

/** Closes the buckets of levels up to `levelMax` that end by `untilMs` (epoch ms), finest first, each into the next coarser one. */
export function closeBuckets(parts: Parts, untilMs: number, emit: Emit, levelMax = levelLast): void {
  for (let level = 1; level <= levelMax; level += 1) {
    const part = parts[level] ?? null;
    if (part === null || closeAt(level, part) > untilMs) continue;
    parts[level] = null;
    emit(level, part, false);
    foldInto(parts, level + 1, part);
  }
}

/**
 * Takes a candle that is complete, after all that closed before it. False where finer candles make up its bucket already:
 * then their fold stands and the candle is left out.
 */
export function addComplete(parts: Parts, level: number, candle: Candle, isNative: boolean, emit: Emit): boolean {
  closeBuckets(parts, candle.openTime, emit);
  closeBuckets(parts, closeAt(level, candle), emit, level - 1);
  if (level > 0 && parts[level]) return false;
  emit(level, candle, isNative);
  foldInto(parts, level + 1, candle);
  return true;
}

/** Emits the buckets under way as they stand when `minutes`, oldest first, are added; `parts` stays as it is. */
export function previewBuckets(parts: Parts, minutes: readonly Candle[], emit: Emit): void {
  const scratch = [...parts];
  for (const minute of minutes.slice(0, -1)) addComplete(scratch, 0, minute, false, emit);
  let current = minutes.at(-1) ?? null;
  if (current !== null) {
    closeBuckets(scratch, current.openTime, emit);
    emit(0, current, false);
  }
  for (let level = 1; level <= levelLast; level += 1) {
    if (current !== null) foldInto(scratch, level, current);
    current = scratch[level] ?? null;
    if (current !== null) emit(level, current, false);
  }
}
