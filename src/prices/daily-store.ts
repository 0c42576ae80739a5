import type { Sql } from '../db/client.ts';
import { defineLoader } from '../lib/loader.ts';
import type { DailySeries } from '../lib/panel.ts';

/** Which daily closes are asked for: of every token, real ones or simulated ones. */
export interface DailyClosesKey {
  /** Epoch ms of the close's time, inclusive and exclusive; null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  readonly isSimulated: boolean;
}

/** The daily closes of every token's default series, by token and by the day that begins as they close. One statement a batch. */
export const dailyCloses = defineLoader<{ readonly db: Sql }, DailyClosesKey, DailySeries[]>(
  async ({ db }, keys) => {
    const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
    const rows = await db.query<DailySeries & { readonly n: number }>(
      // Which tokens first, then one row of each: the planner takes a history for a row and would join close by close.
      `WITH asked AS MATERIALIZED (
         SELECT q.*, d.token_id, d.series_id
         FROM unnest($1::timestamptz[], $2::timestamptz[], $3::boolean[]) WITH ORDINALITY AS q(from_time, to_time, is_simulated, n)
         JOIN default_series d ON d.purpose = 'ONE_DAY'
         JOIN series s ON s.id = d.series_id
         JOIN source o ON o.id = s.source_id AND (o.kind = 'SIMULATED') = q.is_simulated
       )
       SELECT a.n, a.token_id AS "tokenId", h.days, h.values
       FROM asked a CROSS JOIN LATERAL (
         SELECT string_agg((extract(epoch FROM c.open_time)::bigint / 86400 + 1)::text, ',') AS days, string_agg(c.close::text, ',') AS values
         FROM candle c
         WHERE c.series_id = a.series_id AND c.interval = 'ONE_DAY' AND c.is_final
           AND c.open_time >= coalesce(a.from_time - interval '1 day', '-infinity')
           AND c.open_time < coalesce(a.to_time - interval '1 day', 'infinity')
       ) h
       WHERE h.days IS NOT NULL ORDER BY a.n, a.token_id`,
      [
        keys.map(({ from }) => instant(from)),
        keys.map(({ to }) => instant(to)),
        keys.map(({ isSimulated }) => isSimulated),
      ],
    );
    return keys.map((_, index) => rows.filter(({ n }) => n === index + 1));
  },
  ({ from, to, isSimulated }) => `${from} ${to} ${isSimulated}`,
);
