import type { Sql } from '../db/client.ts';
import { bucketClose, type CandleInterval } from '../lib/interval.ts';
import { defineLoader } from '../lib/loader.ts';
import type { Bar } from './bar.ts';

/** The closed candles that indicators are computed from: of each token's default series, for many tokens at once. */

/** Which stretch of a token's closed candles is asked for. */
export interface BarsKey {
  readonly tokenId: number;
  readonly interval: CandleInterval;
  /** Epoch ms of an open time between the two stretches; null: after the newest candle. */
  readonly pivot: number | null;
  /** The newest so many candles that open before the pivot, */
  readonly back: number;
  /** and the oldest so many that open at the pivot or later, */
  readonly forward: number;
  /** but before this (epoch ms); null: unbounded. */
  readonly to: number | null;
}

/** The candles of a stretch, oldest first, and the source they come from; null where the token has no default series. */
export interface TokenBars {
  readonly source: string;
  readonly bars: readonly Bar[];
}

interface BarRow {
  readonly n: number;
  readonly source: string;
  /** Null where the series has no candle in the stretch. */
  readonly openTime: number | null;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

const barColumns = `c.open_time AS "openTime", c.open::float8 AS open, c.high::float8 AS high, c.low::float8 AS low, c.close::float8 AS close,
  coalesce(c.volume_quote, c.volume_base, 0)::float8 AS volume`;

const barsOf = `FROM candle c WHERE c.series_id = d.series_id AND c.interval = q.interval::"CandleInterval" AND c.is_final`;

/** Closed candles of tokens around a time; null without a default series for the interval. One statement a batch. */
export const tokenBars = defineLoader<{ readonly db: Sql }, BarsKey, TokenBars | null>(
  async ({ db }, keys) => {
    const rows = await db.query<BarRow>(
      `SELECT q.n, s.name AS source, b.*
       FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::int[], $5::int[], $6::timestamptz[])
         WITH ORDINALITY AS q(token_id, interval, pivot, back, forward, until, n)
       JOIN default_series d ON d.token_id = q.token_id AND d.purpose = q.interval
       JOIN series r ON r.id = d.series_id JOIN source s ON s.id = r.source_id
       LEFT JOIN LATERAL (
         (SELECT ${barColumns} ${barsOf} AND c.open_time < coalesce(q.pivot, 'infinity') ORDER BY c.open_time DESC LIMIT q.back)
         UNION ALL
         (SELECT ${barColumns} ${barsOf} AND c.open_time >= q.pivot AND c.open_time < coalesce(q.until, 'infinity')
          ORDER BY c.open_time LIMIT q.forward)
       ) b ON true
       ORDER BY q.n, b."openTime"`,
      [
        keys.map(({ tokenId }) => tokenId),
        keys.map(({ interval }) => interval),
        keys.map(({ pivot }) => (pivot === null ? null : new Date(pivot))),
        keys.map(({ back }) => back),
        keys.map(({ forward }) => forward),
        keys.map(({ to }) => (to === null ? null : new Date(to))),
      ],
    );
    const found = new Map<number, { source: string; bars: Bar[] }>();
    for (const row of rows) {
      const { n, source, openTime, ...values } = row;
      const of = found.get(n) ?? { source, bars: [] };
      found.set(n, of);
      const interval = keys[n - 1]?.interval;
      if (openTime !== null && interval !== undefined)
        of.bars.push({ openTime, closeTime: bucketClose(interval, openTime), ...values });
    }
    return keys.map((_, index) => found.get(index + 1) ?? null);
  },
  ({ tokenId, interval, pivot, back, forward, to }) => `${tokenId} ${interval} ${pivot} ${back} ${forward} ${to}`,
);
