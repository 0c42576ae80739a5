import type { Sql } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { bucketClose, type CandleInterval, dayMs, intervalMs } from '../lib/interval.ts';
import { assertWithin, limitExceeded } from '../lib/limits.ts';
import { benchmarkedCloses, type ClosesKey, type TokenCloses } from '../prices/close-store.ts';
import { readCandleArgs } from '../prices/series.ts';
import { readSlug } from '../tokens/inputs.ts';
import { computeQuantMetrics, type MetricsGround, type QuantMetrics } from './quant-metrics.ts';
import type { LevelSeries } from './returns.ts';

/** Metrics of a token: which closes are read for what is asked, and what the answer says of them. */

/** Closes read when no `from` is given: a year of daily returns. */
export const closesDefault = 366;
/** Most closes of one answer. */
export const closesMax = 2_500;

/** The benchmark where none is named; a registry that does not have it compares with nothing. */
export const benchmarkDefault = 'bitcoin';

/** What a client asks; times are epoch ms of open times. */
export interface MetricsRequest {
  readonly from: number | null;
  readonly to: number | null;
  readonly interval: CandleInterval;
  /** Yearly, a fraction. */
  readonly riskFreeRate: number;
  /** The slug of the token compared with; null: none. */
  readonly benchmark: string | null;
  /** Null: as many as the interval has in 365 days. */
  readonly periodsPerYear: number | null;
}

/** The metrics of a token, with what they were computed from. */
export interface TokenMetrics extends QuantMetrics, MetricsGround {}

/** What is read of a token without a default series. */
export const nothing: TokenCloses = { source: '', isSimulated: false, openTimes: [], closes: [] };

/** How many closes a window takes: so many without `from`, else all, and one more to tell that there are too many. */
export interface WindowSize {
  readonly name: string;
  readonly newest: number;
  readonly closesMax: number;
}

/** Which closes a window asks for. Throws BAD_USER_INPUT where it is empty or upside down. */
export function readWindow(
  { interval, from, to }: Pick<MetricsRequest, 'interval' | 'from' | 'to'>,
  { name, newest, closesMax: limitMax }: WindowSize,
): Omit<ClosesKey, 'tokenId'> {
  readCandleArgs({ interval, from, to }, { name, limitMax });
  return { interval, from, to, take: from === null ? newest : limitMax + 1 };
}

/** The closes as levels at the times of their close. */
export function levelsOf(interval: CandleInterval, { openTimes, closes }: TokenCloses): LevelSeries {
  return { times: openTimes.map((openTime) => bucketClose(interval, openTime)), levels: closes };
}

/** Throws LIMIT_EXCEEDED where a window held more than `limit` closes: a window is never cut silently. */
export function assertAllRead({ closes }: TokenCloses, name: string, limit: number): void {
  if (closes.length <= limit) return;
  const sentence = `The window holds more than ${limit} candles; ask for a shorter one or a coarser interval.`;
  throw limitExceeded({ name, limit, value: closes.length, field: '(from)', sentence });
}

/**
 * The metrics of a token over a window. Throws BAD_USER_INPUT for a window upside down or a benchmark that is no token,
 * LIMIT_EXCEEDED for a rate, a number of periods or a window out of bounds. One statement, for any number of tokens.
 */
export async function loadTokenMetrics(
  ctx: { readonly db: Sql },
  tokenId: number,
  request: MetricsRequest,
): Promise<TokenMetrics> {
  const { interval, riskFreeRate } = request;
  const periodsPerYear = request.periodsPerYear ?? (365 * dayMs) / intervalMs(interval);
  assertWithin(riskFreeRate, { name: 'riskFreeRate', argument: 'riskFreeRate', min: -1, max: 10 });
  assertWithin(periodsPerYear, { name: 'periodsPerYear', argument: 'periodsPerYear', max: 525_600 });
  const window = readWindow(request, { name: 'quantMetrics', newest: closesDefault, closesMax });
  const slug = request.benchmark === null ? null : readSlug(request.benchmark, 'benchmark');
  const found = await benchmarkedCloses(ctx).load({ tokenId, ...window, benchmark: slug });
  if (slug !== null && slug !== benchmarkDefault && !found.isBenchmarkKnown)
    throw new AppError('BAD_USER_INPUT', `No token has the slug: ${slug}.`, { extensions: { argument: 'benchmark' } });
  const own = found.own ?? nothing;
  assertAllRead(own, 'quantMetrics', closesMax);
  const other = found.benchmark?.isSimulated === own.isSimulated ? found.benchmark : null;
  const series = levelsOf(interval, own);
  const metrics = computeQuantMetrics({
    series,
    benchmark: other && levelsOf(interval, other),
    riskFreeRate,
    periodsPerYear,
  });
  return {
    ...metrics,
    interval,
    source: found.own?.source ?? null,
    missingCandles: missingIn(own, interval),
    benchmark: slug,
    riskFreeRate,
    periodsPerYear,
  };
}

function missingIn({ openTimes }: TokenCloses, interval: CandleInterval): number {
  const [first, last] = [openTimes[0], openTimes.at(-1)];
  if (first === undefined || last === undefined) return 0;
  return Math.round((last - first) / intervalMs(interval)) + 1 - openTimes.length;
}
