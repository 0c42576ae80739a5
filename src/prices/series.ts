import type { DecimalText } from '../lib/decimal.ts';
import { bucketClose, bucketOpen, type CandleInterval, intervalMs } from '../lib/interval.ts';
import { assertWithin, limitExceeded } from '../lib/limits.ts';
import { assertSpan } from '../lib/span.ts';

/**
 * What a reader of candles gets: the stretch asked for, oldest first, with its gaps as asked for. Pure.
 *
 * A candle belongs to `[from, to)` by its open time. Without `from` the newest candles before `to` are kept, with it
 * the oldest from there on. A gap is a bucket without a candle between the first and the last bucket of the answer:
 * from `from` (or the oldest candle read) up to `to`, or, without `to`, up to the newest candle. A bucket that has not
 * begun yet is no gap. The answer never has more than `limit` entries, filled ones included; CARRY begins at the first
 * candle where none came before. So a truncated answer always has entries, and the next one goes on after its last.
 */
export type GapPolicy = 'OMIT' | 'NULL' | 'CARRY';

/** A stored candle as it is read. */
export interface StoredCandle {
  readonly openTime: number;
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  readonly volumeBase: DecimalText | null;
  readonly volumeQuote: DecimalText | null;
  readonly isFinal: boolean;
  readonly revision: number;
}

/** A candle of an answer; its prices are null where a gap is shown as null. */
export interface SeriesCandle {
  readonly source: string;
  readonly interval: CandleInterval;
  readonly openTime: number;
  readonly open: DecimalText | null;
  readonly high: DecimalText | null;
  readonly low: DecimalText | null;
  readonly close: DecimalText | null;
  readonly volumeBase: DecimalText | null;
  readonly volumeQuote: DecimalText | null;
  readonly isFinal: boolean;
  /** Whether the gap policy made this entry. */
  readonly isFilled: boolean;
  readonly revision: number;
}

/** The arguments of a candle field as the client sent them. */
export interface CandleArgs {
  readonly interval: CandleInterval;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly limit?: number | null | undefined;
  /** OMIT when not given. */
  readonly gaps?: GapPolicy | null | undefined;
  readonly source?: string | null | undefined;
}

/** Checked arguments: times in epoch ms, null where open. */
export interface CandleRange {
  readonly interval: CandleInterval;
  readonly from: number | null;
  readonly to: number | null;
  readonly limit: number;
  /** Whether the client chose the limit, so that leaving out what exceeds it is its wish. */
  readonly isLimited: boolean;
  readonly gaps: GapPolicy;
  readonly source: string | null;
}

/** What the store found for a range: up to `limit` + 1 candles, oldest first, and the one before `from`. */
export interface FoundCandles {
  /** Null where there is no such series: then there is nothing to fill either. */
  readonly source: string | null;
  readonly candles: readonly StoredCandle[];
  readonly before: StoredCandle | null;
}

/** An answer. `isTruncated` tells that `limit` left out candles (or filled gaps) of the range asked for. */
export interface CandlePage {
  readonly candles: readonly SeriesCandle[];
  readonly isTruncated: boolean;
}

const limitDefault = 500;

/** How many rows a field gives at most, and the name of that limit. */
export interface CandleLimit {
  readonly name: string;
  readonly limitMax: number;
}

/**
 * Checks the arguments of a candle field. Without `limit` it is 500, or, where `from` bounds the range, `limitMax`.
 * Throws BAD_USER_INPUT where the range is empty or upside down, LIMIT_EXCEEDED where `limit` is not 1 to `limitMax`.
 */
export function readCandleArgs(args: CandleArgs, { name, limitMax }: CandleLimit): CandleRange {
  const { interval, from = null, to = null, source = null } = args;
  assertSpan({ from, to });
  const limit = limitOf(args, limitMax);
  assertWithin(limit, { name, argument: 'limit', max: limitMax });
  return { interval, from, to, limit, isLimited: args.limit != null, gaps: args.gaps ?? 'OMIT', source };
}

function limitOf({ limit, from }: Pick<CandleArgs, 'limit' | 'from'>, limitMax: number): number {
  return limit ?? (from == null ? Math.min(limitDefault, limitMax) : limitMax);
}

/** How many candles an answer can have at most, told from the arguments alone; `limitMax` as in {@link readCandleArgs}. */
export function mostCandles(args: Omit<CandleArgs, 'gaps'>, limitMax: number): number {
  const { interval, from, to } = args;
  const buckets = from == null || to == null ? Infinity : Math.ceil((to - from) / intervalMs(interval));
  return Math.max(0, Math.min(limitOf(args, limitMax), buckets));
}

/** Makes the answer of what was found. The work is bounded by `limit`, however wide the range is. */
export function createCandlePage(range: CandleRange, found: FoundCandles, nowMs: () => number): CandlePage {
  const { source } = found;
  if (source === null) return { candles: [], isTruncated: false };
  const show = (candle: StoredCandle): SeriesCandle => ({
    ...candle,
    source,
    interval: range.interval,
    isFilled: false,
  });
  if (range.gaps !== 'OMIT') return fillGaps(range, { ...found, source }, nowMs(), show); // only there the time counts
  const { candles } = found;
  const kept = range.from === null ? candles.slice(-range.limit) : candles.slice(0, range.limit);
  return { candles: kept.map(show), isTruncated: kept.length < candles.length };
}

/** An answer that must be whole: throws LIMIT_EXCEEDED where something was left out that the client did not limit. */
export function assertWhole(range: CandleRange, page: CandlePage): readonly SeriesCandle[] {
  if (!page.isTruncated || range.isLimited || range.from === null) return page.candles;
  const { limit } = range;
  const sentence = `The range holds more than ${limit} candles; ask for a shorter one, a coarser interval, or pass \`limit\` and go on from the last candle.`;
  throw limitExceeded({ name: 'candles', limit, value: limit + 1, field: '(from)', sentence });
}

function fillGaps(
  range: CandleRange,
  found: FoundCandles & { readonly source: string },
  nowMs: number,
  show: (candle: StoredCandle) => SeriesCandle,
): CandlePage {
  const { first, end, isTruncated } = boundsOf(range, found, nowMs);
  const byOpen = new Map(found.candles.map((candle) => [candle.openTime, candle]));
  const filled: SeriesCandle[] = [];
  let last = found.candles.findLast(({ openTime }) => openTime < first) ?? found.before;
  for (let openTime = first; openTime < end; openTime += intervalMs(range.interval)) {
    const candle = byOpen.get(openTime);
    if (candle !== undefined) {
      filled.push(show(candle));
      last = candle;
    } else if (range.gaps === 'NULL' || last !== null) {
      const isFinal = bucketClose(range.interval, openTime) <= nowMs;
      filled.push({ source: found.source, interval: range.interval, openTime, ...fillOf(range.gaps, last), isFinal });
    }
  }
  return { candles: filled, isTruncated };
}

/** CARRY shows the last close, flat, with no volume. What went before the first candle of all has nothing to carry. */
function fillOf(
  gaps: GapPolicy,
  last: StoredCandle | null,
): Omit<SeriesCandle, 'source' | 'interval' | 'openTime' | 'isFinal'> {
  const price = gaps === 'CARRY' && last !== null ? last.close : null;
  const volume = price === null ? null : '0';
  return {
    open: price,
    high: price,
    low: price,
    close: price,
    volumeBase: volume,
    volumeQuote: volume,
    isFilled: true,
    revision: 0,
  };
}

/** The buckets of a filled answer: from `first` up to `end`, at most `limit` of them. */
function boundsOf(
  range: CandleRange,
  { candles, before }: FoundCandles,
  nowMs: number,
): { first: number; end: number; isTruncated: boolean } {
  const { interval, from, to, limit } = range;
  const length = intervalMs(interval);
  const newest = candles.at(-1);
  const begun = bucketOpen(interval, nowMs) + length;
  const asked =
    to === null
      ? null
      : Math.max(Math.min(firstOpenFrom(interval, to), begun), (newest?.openTime ?? -Infinity) + length);
  const end = asked ?? (newest === undefined ? -Infinity : newest.openTime + length);
  if (from === null) {
    const oldest = candles[0]?.openTime ?? end;
    const first = Math.max(oldest, end - limit * length);
    return { first, end, isTruncated: oldest < first };
  }
  const isBare = range.gaps === 'CARRY' && before === null; // nothing to carry until the first candle
  const first = Math.max(firstOpenFrom(interval, from), isBare ? (candles[0]?.openTime ?? end) : -Infinity);
  const cut = first + limit * length;
  return { first, end: Math.min(end, cut), isTruncated: end > cut || candles.length > limit };
}

/** The open time of the first bucket that opens at or after an instant. */
function firstOpenFrom(interval: CandleInterval, timeMs: number): number {
  const open = bucketOpen(interval, timeMs);
  return open === timeMs ? open : open + intervalMs(interval);
}
