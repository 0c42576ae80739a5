import type { Sql } from '../db/client.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { defineLoader, groupInKeyOrder, inKeyOrder } from '../lib/loader.ts';

/** The closes that statistics of returns are computed from: of each token's default series, for many tokens at once. */

/** Which closes of a token are asked for: the newest `take` closed candles that open in `[from, to)`. */
export interface ClosesKey {
  readonly tokenId: number;
  readonly interval: CandleInterval;
  /** Epoch ms of open times; null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  readonly take: number;
}

/** Closes of a token's default series, oldest first; statistics may be floating point, so prices are numbers here. */
export interface TokenCloses {
  readonly source: string;
  /** Simulated and real prices are never compared with each other. */
  readonly isSimulated: boolean;
  /** Epoch ms, as long as `closes`. */
  readonly openTimes: readonly number[];
  readonly closes: readonly number[];
}

/** One row a series: JSON columns are a tenth of the work of a row a candle. `q` is what is asked, `d` its default series. */
const closesOf = `LEFT JOIN LATERAL (
    SELECT json_agg((extract(epoch FROM c.open_time) * 1000)::bigint ORDER BY c.open_time) AS times,
      json_agg(c.close::float8 ORDER BY c.open_time) AS closes
    FROM (
      SELECT c.open_time, c.close FROM candle c
      WHERE c.series_id = d.series_id AND c.interval = q.interval::"CandleInterval" AND c.is_final
        AND c.open_time >= coalesce(q.from_time, '-infinity') AND c.open_time < coalesce(q.to_time, 'infinity')
      ORDER BY c.open_time DESC LIMIT q.take
    ) c
  ) c ON true`;

/** The closes of a token; null without a default series for the interval. One statement a batch. */
export const tokenCloses = defineLoader<{ readonly db: Sql }, ClosesKey, TokenCloses | null>(
  async ({ db }, keys) => {
    const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
    const rows = await db.query<TokenCloses & { readonly n: number }>(
      `SELECT q.n, o.name AS source, o.kind = 'SIMULATED' AS "isSimulated",
         coalesce(c.times, '[]') AS "openTimes", coalesce(c.closes, '[]') AS closes
       FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])
         WITH ORDINALITY AS q(token_id, interval, from_time, to_time, take, n)
       JOIN default_series d ON d.token_id = q.token_id AND d.purpose = q.interval
       JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
       ${closesOf}`,
      [
        keys.map(({ tokenId }) => tokenId),
        keys.map(({ interval }) => interval),
        keys.map(({ from }) => instant(from)),
        keys.map(({ to }) => instant(to)),
        keys.map(({ take }) => take),
      ],
    );
    return inKeyOrder([...keys.keys()], rows, ({ n }) => n - 1);
  },
  ({ tokenId, interval, from, to, take }) => `${tokenId} ${interval} ${from} ${to} ${take}`,
);

/** Which closes of a universe are asked for: of its largest tokens, each the newest `take` that open in `[from, to)`. */
export interface LargestClosesKey extends Omit<ClosesKey, 'tokenId' | 'from' | 'to'> {
  readonly isSimulated: boolean;
  /** Epoch ms of open times. */
  readonly from: number;
  readonly to: number;
}

/** Tokens that are read of a universe. */
export const largestMax = 250;

/** The closes of the largest tokens by market cap now that are simulated, or that are not. One statement a batch. */
export const largestCloses = defineLoader<
  { readonly db: Sql },
  LargestClosesKey,
  (TokenCloses & { readonly tokenId: number })[]
>(
  async ({ db }, keys) => {
    const rows = await db.query<TokenCloses & { readonly tokenId: number; readonly n: number }>(
      `SELECT q.n, d.token_id AS "tokenId", d.source, q.is_simulated AS "isSimulated",
         coalesce(c.times, '[]') AS "openTimes", coalesce(c.closes, '[]') AS closes
       FROM unnest($1::boolean[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int[])
         WITH ORDINALITY AS q(is_simulated, interval, from_time, to_time, take, n)
       CROSS JOIN LATERAL (
         SELECT d.token_id, d.series_id, o.name AS source
         FROM token_stat t JOIN default_series d ON d.token_id = t.token_id AND d.purpose = q.interval
         JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id AND (o.kind = 'SIMULATED') = q.is_simulated
         ORDER BY t.market_cap_key DESC, t.token_id DESC LIMIT ${largestMax}
       ) d
       ${closesOf}`,
      [
        keys.map(({ isSimulated }) => isSimulated),
        keys.map(({ interval }) => interval),
        keys.map(({ from }) => new Date(from)),
        keys.map(({ to }) => new Date(to)),
        keys.map(({ take }) => take),
      ],
    );
    return groupInKeyOrder([...keys.keys()], rows, ({ n }) => n - 1);
  },
  ({ isSimulated, interval, from, to, take }) => `${isSimulated} ${interval} ${from} ${to} ${take}`,
);
