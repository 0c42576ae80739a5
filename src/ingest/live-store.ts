import type { Sql } from '../db/client.ts';
import { type CandleInterval, candleIntervals, intervalMs } from '../lib/interval.ts';
import type { Candle } from '../prices/candle.ts';
import type { StoredState } from '../prices/series-build.ts';

/** What a live feed asks of the database beside the stores of prices. */

/** Which of these series still exist; they cannot be removed until the transaction ends. */
export async function holdSeries(tx: Sql, seriesIds: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await tx.query<{ id: number }>(
    'SELECT id FROM series WHERE id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE',
    [seriesIds],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Which of these tokens have candles that are not simulated. */
export async function findRealTokens(sql: Sql, tokenIds: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await sql.query<{ tokenId: number }>(
    `SELECT DISTINCT s.token_id AS "tokenId" FROM series s JOIN source o ON o.id = s.source_id
     WHERE s.token_id = ANY($1::int[]) AND o.kind <> 'SIMULATED'
       AND EXISTS (SELECT 1 FROM series_interval i WHERE i.series_id = s.id)`,
    [tokenIds],
  );
  return new Set(rows.map(({ tokenId }) => tokenId));
}

/** By interval: the next coarser one, and how long that is. The coarsest has none. */
const levels = candleIntervals.map((interval, index) => {
  const coarser = candleIntervals[index + 1] ?? null;
  return { interval, coarser, coarserSeconds: coarser === null ? null : intervalMs(coarser) / 1000 };
});

const levelValues = levels
  .map(({ interval, coarser, coarserSeconds }) =>
    coarser === null
      ? `('${interval}', NULL, NULL)`
      : `('${interval}', '${coarser}', interval '${coarserSeconds} seconds')`,
  )
  .join(', ');

/** More closed candles never fit into one bucket of the next coarser interval. */
const unfoldedMax = 8;
/** Nor has a series more minutes under way. */
const openMax = 10;

/**
 * By series and interval: the newest final candle, the final ones after the newest final candle of the next coarser
 * interval, and the minutes under way.
 */
const stateStatement = `
WITH level (interval, coarser, length) AS (SELECT v.i::"CandleInterval", v.c::"CandleInterval", v.l::interval FROM (VALUES ${levelValues}) v (i, c, l)),
newest AS MATERIALIZED (
  SELECT si.series_id, si.interval, si.last_open_time, c.open_time FROM series_interval si LEFT JOIN LATERAL (
    SELECT c.open_time FROM candle c WHERE c.series_id = si.series_id AND c.interval = si.interval AND c.is_final
      AND c.open_time <= si.last_open_time ORDER BY c.open_time DESC LIMIT 1
  ) c ON true WHERE si.series_id = ANY($1::int[])
)
SELECT n.series_id AS "seriesId", n.interval, n.open_time AS "lastFinal", c.open_time AS "openTime", c.open, c.high, c.low, c.close,
  c.volume_base AS "volumeBase", c.volume_quote AS "volumeQuote", c.market_cap_usd AS "marketCapUsd", c.supply, c.is_final AS "isFinal"
FROM newest n JOIN level l USING (interval)
LEFT JOIN newest f ON f.series_id = n.series_id AND f.interval = l.coarser
LEFT JOIN LATERAL (
  (SELECT * FROM candle c WHERE l.coarser IS NOT NULL AND c.series_id = n.series_id AND c.interval = n.interval AND c.is_final
     AND c.open_time >= coalesce(f.open_time + l.length, '-infinity') AND c.open_time <= n.last_open_time
   ORDER BY c.open_time DESC LIMIT ${unfoldedMax})
  UNION ALL
  (SELECT * FROM candle c WHERE n.interval = 'ONE_MINUTE' AND c.interval = 'ONE_MINUTE' AND c.series_id = n.series_id AND NOT c.is_final
     AND c.open_time > coalesce(n.open_time, '-infinity') AND c.open_time <= n.last_open_time ORDER BY c.open_time DESC LIMIT ${openMax})
) c ON true
ORDER BY n.series_id, n.interval, c.open_time`;

type StateRow = { readonly seriesId: number; readonly interval: CandleInterval; readonly lastFinal: number | null } & (
  | Candle
  | { readonly openTime: null }
);

/** What is stored of each series that has candles, for a builder to go on from. */
export async function listStoredStates(
  sql: Sql,
  seriesIds: readonly number[],
): Promise<ReadonlyMap<number, StoredState>> {
  const rows = await sql.query<StateRow>(stateStatement, [seriesIds]);
  const states = new Map<number, StoredState>();
  for (const { seriesId, interval, lastFinal, ...candle } of rows) {
    const known = states.get(seriesId) ?? { lastFinal: new Map(), unfolded: [], openMinutes: [] };
    states.set(seriesId, {
      lastFinal: lastFinal === null ? known.lastFinal : new Map([...known.lastFinal, [interval, lastFinal]]),
      unfolded: isCandle(candle) && candle.isFinal ? [...known.unfolded, { interval, candle }] : known.unfolded,
      openMinutes: isCandle(candle) && !candle.isFinal ? [...known.openMinutes, candle] : known.openMinutes,
    });
  }
  return states;
}

function isCandle(candle: Candle | { readonly openTime: null }): candle is Candle {
  return candle.openTime !== null;
}
