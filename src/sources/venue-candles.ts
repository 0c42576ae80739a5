import { bucketClose, bucketOpen, type CandleInterval, dayMs, hourMs, intervalMs, minuteMs } from '../lib/interval.ts';
import type { Venue } from './ccxt.ts';
import type { SourceCandle } from './exchange.ts';

/** The closed candles of a venue's market, asked for so that nothing between two points is left out. */

/** A stretch of time in candles of one interval; half-open, epoch ms. */
export interface CatchUpPart {
  readonly interval: CandleInterval;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Minutes are asked for this far back: exchanges give 720 at once, and some give no more. */
const minutesBackMs = 11 * hourMs;
/** Hours, likewise. */
const hoursBackMs = 28 * dayMs;

/**
 * How a market catches up from `fromMs` to `toMs` (whole minutes): days, then hours, then minutes, each where the finer
 * ones are too far back. Without a begin it is that of the week, so that no coarser candle starts in the middle.
 */
export function planCatchUp(fromMs: number | null, toMs: number): CatchUpPart[] {
  const begin = fromMs ?? bucketOpen('ONE_WEEK', toMs);
  const minutesFrom = bucketOpen('ONE_HOUR', toMs - minutesBackMs);
  const hoursFrom = bucketOpen('ONE_DAY', minutesFrom - hoursBackMs);
  const parts: CatchUpPart[] = [];
  let atMs = begin;
  const add = (interval: CandleInterval, untilMs: number): void => {
    if (untilMs <= atMs) return;
    parts.push({ interval, fromMs: atMs, toMs: untilMs });
    atMs = untilMs;
  };
  if (begin < hoursFrom) {
    add('ONE_HOUR', Math.min(hoursFrom, Math.ceil(begin / dayMs) * dayMs));
    add('ONE_DAY', hoursFrom);
  }
  if (begin < minutesFrom) {
    add('ONE_MINUTE', Math.min(minutesFrom, Math.ceil(atMs / hourMs) * hourMs));
    add('ONE_HOUR', minutesFrom);
  }
  add('ONE_MINUTE', toMs);
  return parts;
}

/** Candles asked for at once. */
const pageMax = 1_000;
/** A page this long may have been cut off by the exchange. */
const pageMin = 100;

/** A page of closed candles and how far it reaches. */
export interface ClosedPage {
  readonly candles: readonly SourceCandle[];
  /** Everything before it (epoch ms) is in the page, or the venue has nothing there. */
  readonly untilMs: number;
}

/** The closed candles of a stretch, from its begin as far as one answer goes. Throws what the venue throws. */
export async function fetchClosed(
  venue: Pick<Venue, 'fetchCandles'>,
  symbol: string,
  { interval, fromMs, toMs }: CatchUpPart,
): Promise<ClosedPage> {
  const count = Math.ceil((toMs - fromMs) / intervalMs(interval)) + 1; // the one under way
  const rows = await venue.fetchCandles(symbol, interval, fromMs, Math.min(pageMax, count));
  const candles = rows.filter(({ openTime }) => openTime >= fromMs && bucketClose(interval, openTime) <= toMs);
  const last = rows.at(-1);
  const isCut = rows.length >= pageMin && last !== undefined && bucketClose(interval, last.openTime) < toMs;
  return { candles, untilMs: isCut ? bucketClose(interval, last.openTime) : toMs };
}

/** The newest minute that has been closed for `lagMs`: where its candles end, by the venue's clock. */
export function closedUntil(venueNowMs: number, lagMs: number): number {
  return Math.floor((venueNowMs - lagMs) / minuteMs) * minuteMs;
}
