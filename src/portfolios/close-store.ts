import type { Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { dayMs } from '../lib/interval.ts';

/** Daily closes of tokens in the digits of their sources, for what transactions were worth and what a portfolio was. */

/** A moment for which a token's price is asked. */
export interface PriceMoment {
  readonly tokenId: number;
  /** Epoch ms. */
  readonly time: number;
}

/** A close is the price of a moment for so many days after it. */
export const priceDaysMax = 3;

/**
 * The price of tokens at moments: the newest daily close of the default series at the moment or up to
 * {@link priceDaysMax} days before, by position; null where there is none. One statement.
 */
export async function listPricesAt(db: Sql, moments: readonly PriceMoment[]): Promise<(DecimalText | null)[]> {
  if (moments.length === 0) return [];
  const rows = await db.query<{ n: number; close: DecimalText }>(
    `SELECT q.n::int AS n, c.close FROM unnest($1::int[], $2::timestamptz[]) WITH ORDINALITY AS q(token_id, at, n)
     JOIN default_series d ON d.token_id = q.token_id AND d.purpose = 'ONE_DAY'
     CROSS JOIN LATERAL (
       SELECT c.close FROM candle c
       WHERE c.series_id = d.series_id AND c.interval = 'ONE_DAY' AND c.is_final
         AND c.open_time <= q.at - interval '1 day' AND c.open_time > q.at - interval '${priceDaysMax + 1} days'
       ORDER BY c.open_time DESC LIMIT 1
     ) c`,
    [moments.map(({ tokenId }) => tokenId), moments.map(({ time }) => new Date(time))],
  );
  const prices = new Map(rows.map(({ n, close }) => [n - 1, close]));
  return moments.map((_, index) => prices.get(index) ?? null);
}

/** Daily closes of a token's default series. */
export interface DailyCloses {
  readonly tokenId: number;
  /** Simulated and real prices are never compared with each other. */
  readonly isSimulated: boolean;
  /** Days since 1970 that begin as the candle closes, ascending. */
  readonly days: readonly number[];
  /** In the order of `days`. */
  readonly closes: readonly DecimalText[];
}

/** The daily closes of tokens whose time lies in `[from, to]`, epoch ms; tokens without any are left out. One statement. */
export async function listDailyCloses(
  db: Sql,
  tokenIds: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<DailyCloses[]> {
  const rows = await db.query<{ tokenId: number; isSimulated: boolean; days: string; closes: string }>(
    `SELECT d.token_id AS "tokenId", o.kind = 'SIMULATED' AS "isSimulated",
       string_agg((extract(epoch FROM c.open_time)::bigint / 86400 + 1)::text, ',' ORDER BY c.open_time) AS days,
       string_agg(c.close::text, ',' ORDER BY c.open_time) AS closes
     FROM default_series d
     JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
     JOIN candle c ON c.series_id = d.series_id AND c.interval = 'ONE_DAY' AND c.is_final
       AND c.open_time >= $2 AND c.open_time <= $3
     WHERE d.token_id = ANY ($1::int[]) AND d.purpose = 'ONE_DAY'
     GROUP BY d.token_id, o.kind ORDER BY d.token_id`,
    [tokenIds, new Date(from - dayMs), new Date(to - dayMs)],
  );
  return rows.map(({ tokenId, isSimulated, days, closes }) => ({
    tokenId,
    isSimulated,
    days: days.split(',').map(Number),
    closes: closes.split(','),
  }));
}
