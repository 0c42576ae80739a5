import type { Db } from '../db/client.ts';
import { AppError } from '../lib/errors.ts';
import { bucketClose, type CandleInterval, dayMs, intervalMs } from '../lib/interval.ts';
import { assertWithin, limitExceeded } from '../lib/limits.ts';
import { type ClosesKey, type TokenCloses, tokenCloses } from '../prices/close-store.ts';
import { readCandleArgs } from '../prices/series.ts';
import { readSlug } from '../tokens/inputs.ts';
import { tokenBySlug } from '../tokens/store.ts';
import { computeQuantMetrics, type MetricsGround, type QuantMetrics } from './quant-metrics.ts';
import type { LevelSeries } from './returns.ts';

/** Metrics of a token: which closes are read for what is asked, and what the answer says of them. */

/** Closes read when no `from` is given: a year of daily returns. */
export const closesDefault = 366;
/** Most closes of one answer. */
export const closesMax = 2_500;

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
 * LIMIT_EXCEEDED for a rate, a number of periods or a window out of bounds. Three statements, for any number of tokens.
 */
export async function loadTokenMetrics(
  ctx: { readonly db: Db },
  tokenId: number,
  request: MetricsRequest,
): Promise<TokenMetrics> {
  const { interval, riskFreeRate } = request;
  const periodsPerYear = request.periodsPerYear ?? (365 * dayMs) / intervalMs(interval);
  assertWithin(riskFreeRate, { name: 'riskFreeRate', argument: 'riskFreeRate', min: -1, max: 10 });
  assertWithin(periodsPerYear, { name: 'periodsPerYear', argument: 'periodsPerYear', max: 525_600 });
  const window = readWindow(request, { name: 'quantMetrics', newest: closesDefault, closesMax });
  const key = { tokenId, ...window };
  const [found, benchmark] = await Promise.all([tokenCloses(ctx).load(key), findBenchmark(ctx, request.benchmark)]);
  const own = found ?? nothing;
  assertAllRead(own, 'quantMetrics', closesMax);
  const other = benchmark === null ? null : await loadBenchmark(ctx, { ...key, tokenId: benchmark.id }, own);
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
    source: found?.source ?? null,
    missingCandles: missingIn(own, interval),
    benchmark: benchmark?.slug ?? null,
    riskFreeRate,
    periodsPerYear,
  };
}

async function findBenchmark(
  ctx: { readonly db: Db },
  slug: string | null,
): Promise<{ readonly id: number; readonly slug: string } | null> {
  if (slug === null) return null;
  const asked = readSlug(slug, 'benchmark');
  const token = await tokenBySlug(ctx).load(asked);
  if (token !== null) return token;
  throw new AppError('BAD_USER_INPUT', `No token has the slug: ${asked}.`, { extensions: { argument: 'benchmark' } });
}

/** The benchmark's closes over the same span; null where one is simulated and the other real. */
async function loadBenchmark(ctx: { readonly db: Db }, key: ClosesKey, own: TokenCloses): Promise<TokenCloses | null> {
  const [first, last] = [own.openTimes[0], own.openTimes.at(-1)];
  if (first === undefined || last === undefined) return null;
  const span = { from: first, to: last + intervalMs(key.interval), take: closesMax };
  const found = await tokenCloses(ctx).load({ ...key, ...span });
  return found?.isSimulated === own.isSimulated ? found : null;
}

function missingIn({ openTimes }: TokenCloses, interval: CandleInterval): number {
  const [first, last] = [openTimes[0], openTimes.at(-1)];
  if (first === undefined || last === undefined) return 0;
  return Math.round((last - first) / intervalMs(interval)) + 1 - openTimes.length;
}
