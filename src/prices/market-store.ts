import type { Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { defineLoader } from '../lib/loader.ts';
import { allPastQuotes } from './quote-store.ts';

/** What all quoted tokens are worth together. Real and simulated tokens are two markets that are never added up. */

/** The sums of one market. A token counts whose quote is at most a week older than the newest of its market. */
export interface MarketTotals {
  readonly isSimulated: boolean;
  /** Tokens with a quote. */
  readonly tokenCount: number;
  /** Of the newest quote, epoch ms. */
  readonly observedAt: number;
  readonly marketCapUsd: DecimalText | null;
  readonly marketCapCount: number;
  readonly volume24hUsd: DecimalText | null;
  readonly volumeCount: number;
  readonly bitcoinCapUsd: DecimalText | null;
  readonly ethereumCapUsd: DecimalText | null;
  /** Tokens above and below their price of 24 hours before. */
  readonly risenCount: number;
  readonly fallenCount: number;
}

const totalsOf = (quotes: string): string => `
  SELECT is_simulated AS "isSimulated", count(*)::int AS "tokenCount", max(observed_at) AS "observedAt",
    sum(market_cap_usd) AS "marketCapUsd", count(market_cap_usd)::int AS "marketCapCount",
    sum(volume_24h_usd) AS "volume24hUsd", count(volume_24h_usd)::int AS "volumeCount",
    sum(market_cap_usd) FILTER (WHERE slug = 'bitcoin') AS "bitcoinCapUsd",
    sum(market_cap_usd) FILTER (WHERE slug = 'ethereum') AS "ethereumCapUsd",
    count(*) FILTER (WHERE change_pct_24h > 0)::int AS "risenCount", count(*) FILTER (WHERE change_pct_24h < 0)::int AS "fallenCount"
  FROM (
    SELECT q.*, t.slug, o.kind = 'SIMULATED' AS is_simulated,
      max(q.observed_at) OVER (PARTITION BY o.kind = 'SIMULATED') AS newest
    FROM (${quotes}) q JOIN token t ON t.id = q.token_id
    JOIN series s ON s.id = q.series_id JOIN source o ON o.id = s.source_id
  ) q
  WHERE observed_at > newest - interval '7 days'
  GROUP BY is_simulated ORDER BY is_simulated`;

const totalsNow = totalsOf('SELECT * FROM quote');
const totalsThen = totalsOf(allPastQuotes);

/** The markets there are, the real one first: now, or as of an instant (epoch ms). One statement each. */
export const marketTotals = defineLoader<{ readonly db: Sql }, 'now' | number, MarketTotals[]>(({ db }, instants) =>
  Promise.all(
    instants.map((asOf) =>
      asOf === 'now' ? db.query<MarketTotals>(totalsNow) : db.query<MarketTotals>(totalsThen, [new Date(asOf)]),
    ),
  ),
);
