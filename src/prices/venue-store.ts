import type { Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { minuteMs } from '../lib/interval.ts';
import { dollarPegs } from './per-coin.ts';

/**
 * The rule by which the venues of a token make one price in USD, as SQL: for a quote that is stored and for one as of any
 * instant alike.
 *
 * The venues are all series of live venues where the default series is one, else that series alone. Each says its newest
 * close, in USD: a quote currency that is pegged to the dollar is converted by its own spot markets against USD where a
 * venue has one that was heard of within 15 minutes, else it counts as one dollar.
 * 1. STALE: heard of more than 5 minutes before the newest of them.
 * 2. PERPETUAL: a perpetual while a spot market is left.
 * 3. OUTLIER: of at least three that are left, farther from their median than 1 % of it and than 3 scaled median absolute
 *    deviations (1.4826 times the median of the distances from the median).
 * 4. The price is the median of the rest weighted by what each has traded in USD in the 24 hours before: the lowest price
 *    up to which at least half of the weight lies, so always the price of one venue. Where none has traded all weigh the
 *    same.
 * Medians without weights are lower medians too: of an even number the lower of the two in the middle.
 */

/** How a quote is made, with the sentence that explains it. */
export const quoteMethods = {
  SINGLE_VENUE: 'The last close of one series.',
  WEIGHTED_MEDIAN: 'The median of the last closes of several venues, weighted by what they have traded in 24 hours.',
} as const;

/** One of {@link quoteMethods}. */
export type QuoteMethod = keyof typeof quoteMethods;

/** Why a venue took no part in a quote, with the sentence that explains it. */
export const venueReasons = {
  STALE: 'Not heard of for more than 5 minutes when another venue was.',
  PERPETUAL: 'A perpetual, while there are spot markets.',
  OUTLIER: 'Farther from the median of the venues than 1 % of it and than 3 scaled median absolute deviations.',
} as const;

/** What one venue said when a quote was made. */
export interface QuoteVenue {
  readonly source: string;
  readonly marketSymbol: string;
  /** Converted by `pegRate`. */
  readonly priceUsd: DecimalText;
  readonly quoteSymbol: string;
  /** What one unit of the quote currency counted in USD. */
  readonly pegRate: DecimalText;
  /** The venues whose market against USD gave the rate; null where it is one by assumption, or the quote currency is USD. */
  readonly pegSource: string | null;
  /** Traded in USD in the 24 hours before; null where there was nothing to be weighed, or it does not tell. */
  readonly weightUsd: DecimalText | null;
  readonly isUsed: boolean;
  /** Null where it was used. */
  readonly reason: keyof typeof venueReasons | null;
  /** Epoch ms. */
  readonly observedAt: number;
}

const freshMs = 5 * minuteMs;
const pegFreshMs = 15 * minuteMs;
/** Fewer venues have no majority that could tell which one is wrong. */
const outlierCountMin = 3;
const outlierShare = 0.01;
const outlierDeviations = 3 * 1.4826;

/** How the newest candle of a series is found. */
export interface CandlePick {
  /** A subquery that gives it (interval, length, and the columns of a candle) for series `s` and instants `u.as_of`, `u.known_at`. */
  readonly newest: string;
  /** What volumes are read from: a table, or a subquery that may name `known_at` of `v`. */
  readonly candles: string;
}

const msSql = (ms: number): string => `interval '${ms / 1000} seconds'`;
const observedSql = 'least(c.open_time + c.length, c.learned_at)';
const isWithin = (time: string, other: string, ms: number): string =>
  `${time} BETWEEN ${other} - ${msSql(ms)} AND ${other} + ${msSql(ms)}`;

/** What stablecoins are worth, by their markets against USD that are as fresh as rule 1 says: the lower median. */
const pegRates = ({ newest }: CandlePick): string => `
  SELECT as_of, known_at, symbol, percentile_disc(0.5) WITHIN GROUP (ORDER BY close) AS rate,
    string_agg(source, ', ' ORDER BY source) AS source, max(observed_at) AS observed_at
  FROM (
    SELECT u.as_of, u.known_at, s.symbol, s.source, c.close, ${observedSql} AS observed_at,
      max(${observedSql}) OVER (PARTITION BY u.as_of, u.known_at, s.symbol) AS newest_at
    FROM (SELECT DISTINCT as_of, known_at FROM candidate WHERE is_live AND quote_symbol <> 'USD') u
    CROSS JOIN (
      SELECT s.id, o.name AS source, k.symbol FROM unnest('{${dollarPegs.join(',')}}'::text[]) k(symbol)
      CROSS JOIN source o JOIN series s ON s.source_id = o.id AND s.market_symbol = k.symbol || '/USD'
      WHERE o.kind = 'EXCHANGE' AND s.market_type = 'SPOT' OFFSET 0
    ) s CROSS JOIN LATERAL (${newest}) c
  ) p WHERE observed_at >= newest_at - ${msSql(freshMs)} GROUP BY 1, 2, 3`;

/** USD traded at a venue in the 24 hours before, where there is more than one to be weighed. */
const tradedUsd = ({ candles }: CandlePick): string => `
  SELECT sum(c.volume_quote) * v.peg_rate AS weight FROM ${candles} c
  WHERE v.venue_count > 1 AND c.series_id = v.series_id AND c.interval = 'ONE_HOUR'
    AND c.open_time > v.observed_at - interval '25 hours' AND c.open_time <= v.observed_at`;

const toldVenue = `jsonb_build_object('source', source, 'marketSymbol', market_symbol, 'priceUsd', price::text, 'quoteSymbol', quote_symbol,
  'pegRate', peg_rate::text, 'pegSource', peg_source, 'weightUsd', weight::text, 'isUsed', reason IS NULL, 'reason', reason,
  'observedAt', (extract(epoch FROM observed_at) * 1000)::bigint)`;

/**
 * One row for each of `asked` (a FROM item `u` with n, token_id, as_of, known_at) whose token has a price: n, token_id,
 * known_at, series_id (the default series where it was used, else the heaviest that was), interval, close, market_cap_usd
 * and supply of that series, price_usd, observed_at (of the newest venue used), method, venues.
 */
export function priceByVenues(asked: string, pick: CandlePick): string {
  return `
WITH candidate AS MATERIALIZED (
  SELECT u.n, u.token_id, u.as_of, u.known_at, s.id AS series_id, s.id = d.series_id AS is_default, d_source.kind = 'EXCHANGE' AS is_live,
    s.source, s.market_symbol, s.market_type, s.quote_symbol, c.interval, c.close, c.market_cap_usd, c.supply, ${observedSql} AS observed_at
  FROM ${asked}
  JOIN default_series d ON d.token_id = u.token_id AND d.purpose = 'QUOTE'
  JOIN series d_series ON d_series.id = d.series_id JOIN source d_source ON d_source.id = d_series.source_id
  CROSS JOIN LATERAL (
    SELECT s.id, s.market_symbol, s.market_type, s.quote_symbol, o.name AS source FROM series s JOIN source o ON o.id = s.source_id
    WHERE s.token_id = u.token_id AND (s.id = d.series_id OR d_source.kind = 'EXCHANGE' AND o.kind = 'EXCHANGE')
  ) s CROSS JOIN LATERAL (${pick.newest}) c
),
peg AS MATERIALIZED (${pegRates(pick)}),
venue AS (
  SELECT v.*, coalesce(p.rate, 1) AS peg_rate, p.source AS peg_source, v.close * coalesce(p.rate, 1) AS price,
    count(*) OVER w AS venue_count, v.observed_at >= max(v.observed_at) OVER w - ${msSql(freshMs)} AS is_fresh
  FROM candidate v LEFT JOIN peg p ON v.is_live AND p.symbol = v.quote_symbol AND p.as_of IS NOT DISTINCT FROM v.as_of
    AND p.known_at IS NOT DISTINCT FROM v.known_at AND ${isWithin('p.observed_at', 'v.observed_at', pegFreshMs)}
  WINDOW w AS (PARTITION BY v.n)
),
eligible AS MATERIALIZED (
  SELECT v.*, t.weight, CASE WHEN NOT is_fresh THEN 'STALE'
    WHEN market_type <> 'SPOT' AND bool_or(is_fresh AND market_type = 'SPOT') OVER (PARTITION BY n) THEN 'PERPETUAL' END AS left_out
  FROM venue v LEFT JOIN LATERAL (${tradedUsd(pick)}) t ON true
),
middle AS (
  SELECT n, percentile_disc(0.5) WITHIN GROUP (ORDER BY price) AS mid FROM eligible
  WHERE left_out IS NULL AND venue_count >= ${outlierCountMin} GROUP BY n HAVING count(*) >= ${outlierCountMin}
),
spread AS (
  SELECT n, mid, percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(price - mid)) AS deviation
  FROM eligible JOIN middle USING (n) WHERE left_out IS NULL GROUP BY n, mid
),
judged AS (
  SELECT e.*, coalesce(left_out, CASE WHEN abs(price - mid) > greatest(mid * ${outlierShare}, deviation * ${outlierDeviations}) THEN 'OUTLIER' END) AS reason
  FROM eligible e LEFT JOIN spread USING (n)
),
weighed AS (
  SELECT j.*, CASE WHEN max(weight) FILTER (WHERE reason IS NULL) OVER (PARTITION BY n) > 0 THEN coalesce(weight, 0) ELSE 1 END AS share
  FROM judged j
),
summed AS (
  SELECT w.*, sum(share) FILTER (WHERE reason IS NULL) OVER (PARTITION BY n ORDER BY price, series_id) AS share_to,
    sum(share) FILTER (WHERE reason IS NULL) OVER (PARTITION BY n) AS share_sum FROM weighed w
),
priced AS (
  SELECT n, (array_agg(price ORDER BY price, series_id) FILTER (WHERE reason IS NULL AND 2 * share_to >= share_sum))[1] AS price_usd,
    max(observed_at) FILTER (WHERE reason IS NULL) AS used_at,
    (array_agg(series_id ORDER BY is_default DESC, share DESC, series_id) FILTER (WHERE reason IS NULL))[1] AS series_id,
    CASE WHEN count(*) FILTER (WHERE reason IS NULL) > 1 THEN 'WEIGHTED_MEDIAN' ELSE 'SINGLE_VENUE' END AS method,
    jsonb_agg(${toldVenue} ORDER BY reason IS NULL DESC, share DESC, source, market_symbol) AS venues
  FROM summed GROUP BY n
)
SELECT n, c.token_id, c.known_at, series_id, c.interval, c.close, c.market_cap_usd, c.supply, p.price_usd, p.used_at AS observed_at, p.method, p.venues
FROM priced p JOIN candidate c USING (n, series_id)`;
}

/** The venues that made the stored quotes of tokens. */
export function listStoredVenues(
  sql: Sql,
  tokenIds: readonly number[],
): Promise<{ readonly tokenId: number; readonly venues: QuoteVenue[] }[]> {
  return sql.query('SELECT token_id AS "tokenId", venues FROM quote WHERE token_id = ANY($1::int[])', [tokenIds]);
}

/** The currency whose rate a venue's spot market tells: `USDT` of `USDT/USD`; null of any other market. */
export function pegOfMarket(marketSymbol: string): string | null {
  return dollarPegs.find((peg) => marketSymbol === `${peg}/USD`) ?? null;
}

/**
 * The tokens whose quote a rate of these currencies as of `atMs` may change: with a market of a live venue in one of them,
 * and heard of within the time in which a rate counts.
 */
export async function listTokensPricedIn(sql: Sql, pegs: readonly string[], atMs: number): Promise<number[]> {
  if (pegs.length === 0) return [];
  const rows = await sql.query<{ tokenId: number }>(
    `SELECT q.token_id AS "tokenId" FROM quote q WHERE ${isWithin('q.observed_at', '$2::timestamptz', pegFreshMs)} AND EXISTS (
       SELECT 1 FROM series s JOIN source o ON o.id = s.source_id
       WHERE s.token_id = q.token_id AND s.quote_symbol = ANY($1::text[]) AND o.kind = 'EXCHANGE'
     ) ORDER BY 1`,
    [pegs, new Date(atMs)],
  );
  return rows.map(({ tokenId }) => tokenId);
}
