/**
 * Candle intervals and their UTC grid. Pure: no clock, no I/O.
 *
 * Every bucket is half-open, `[openTime, openTime + length)`, aligned to the Unix epoch in UTC; weeks open on Monday
 * 00:00 UTC. Times are epoch milliseconds throughout the code; only the edges (database, GraphQL) know other forms.
 */

/** The intervals a candle can have, finest first; the GraphQL enum `CandleInterval` has the same names. */
export const candleIntervals = [
  'ONE_MINUTE',
  'FIVE_MINUTES',
  'FIFTEEN_MINUTES',
  'ONE_HOUR',
  'FOUR_HOURS',
  'ONE_DAY',
  'ONE_WEEK',
] as const;

/** One of {@link candleIntervals}. */
export type CandleInterval = (typeof candleIntervals)[number];

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;

const lengths: Record<CandleInterval, number> = {
  ONE_MINUTE: minuteMs,
  FIVE_MINUTES: 5 * minuteMs,
  FIFTEEN_MINUTES: 15 * minuteMs,
  ONE_HOUR: hourMs,
  FOUR_HOURS: 4 * hourMs,
  ONE_DAY: dayMs,
  ONE_WEEK: weekMs,
};

/** 1970-01-05 was the first Monday after the epoch: weeks are counted from it. */
const mondayOffsetMs = 4 * dayMs;

/** Length of a candle of this interval in milliseconds. */
export function intervalMs(interval: CandleInterval): number {
  return lengths[interval];
}

/** The open time (epoch ms) of the bucket that holds `timeMs`. */
export function bucketOpen(interval: CandleInterval, timeMs: number): number {
  const length = lengths[interval];
  const offset = interval === 'ONE_WEEK' ? mondayOffsetMs : 0;
  return Math.floor((timeMs - offset) / length) * length + offset;
}

/** The close time (epoch ms, exclusive) of the bucket that opens at `openTimeMs`. */
export function bucketClose(interval: CandleInterval, openTimeMs: number): number {
  return openTimeMs + lengths[interval];
}

/** Whether `timeMs` is the open of a bucket, as every candle's open time must be. */
export function isAligned(interval: CandleInterval, timeMs: number): boolean {
  return bucketOpen(interval, timeMs) === timeMs;
}

/** The intervals coarser than this one, finest first: the chain along which a candle is folded. */
export function coarserThan(interval: CandleInterval): readonly CandleInterval[] {
  return candleIntervals.slice(candleIntervals.indexOf(interval) + 1);
}

const shortNames: Record<string, CandleInterval> = {
  '1m': 'ONE_MINUTE',
  '5m': 'FIVE_MINUTES',
  '15m': 'FIFTEEN_MINUTES',
  '1h': 'ONE_HOUR',
  '4h': 'FOUR_HOURS',
  '1d': 'ONE_DAY',
  '1w': 'ONE_WEEK',
};

/** The interval a file or exchange spells `1m`, `1h`, `1d` …; null where the spelling is not one of ours. */
export function parseInterval(text: string): CandleInterval | null {
  return Object.hasOwn(shortNames, text) ? (shortNames[text] ?? null) : null;
}

/** The short spelling (`1h`) of an interval, for commands and messages. */
export function shortInterval(interval: CandleInterval): string {
  const found = Object.entries(shortNames).find(([, value]) => value === interval);
  return found?.[0] ?? interval;
}
