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
      `SELECT q.n, d.token_id AS "tokenId", string_agg((extract(epoch FROM c.open_time)::bigint / 86400 + 1)::text, ',') AS days,
         string_agg(c.close::text, ',') AS values
       FROM unnest($1::timestamptz[], $2::timestamptz[], $3::boolean[]) WITH ORDINALITY AS q(from_time, to_time, is_simulated, n)
       JOIN default_series d ON d.purpose = 'ONE_DAY'
       JOIN series s ON s.id = d.series_id
       JOIN source o ON o.id = s.source_id AND (o.kind = 'SIMULATED') = q.is_simulated
       CROSS JOIN LATERAL (
         SELECT c.open_time, c.close FROM candle c
         WHERE c.series_id = d.series_id AND c.interval = 'ONE_DAY' AND c.is_final
           AND c.open_time >= coalesce(q.from_time - interval '1 day', '-infinity')
           AND c.open_time < coalesce(q.to_time - interval '1 day', 'infinity')
       ) c
       GROUP BY q.n, d.token_id ORDER BY q.n, d.token_id`,
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
