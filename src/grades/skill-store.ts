import type { Sql } from '../db/client.ts';
import { dayMs } from '../lib/interval.ts';
import { defineLoader } from '../lib/loader.ts';
import type { DailySeries } from '../lib/panel.ts';
import { dailyCloses } from '../prices/daily-store.ts';
import type { SkillInput } from './skill.ts';
import { instant } from './store.ts';

/** Which history of a model's grades is asked for. */
export interface GradeHistoryKey {
  readonly modelId: number;
  /** Epoch ms of `asOf`, inclusive and exclusive; null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  /** Real and simulated tokens are ranked apart. */
  readonly isSimulated: boolean;
}

/**
 * The values of a model's grades, by token: those of the token's default daily series, one a close, the newest correction
 * of it. One statement a batch, one row a token.
 */
export const gradeHistories = defineLoader<{ readonly db: Sql }, GradeHistoryKey, DailySeries[]>(
  async ({ db }, keys) => {
    const rows = await db.query<DailySeries & { readonly n: number }>(
      // Which tokens first, then one row of each: the planner takes a history for a row and would join grade by grade.
      `WITH asked AS MATERIALIZED (
         SELECT q.*, d.token_id, d.series_id
         FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[], $4::boolean[])
           WITH ORDINALITY AS q(model_id, from_time, to_time, is_simulated, n)
         JOIN default_series d ON d.purpose = 'ONE_DAY'
         JOIN series s ON s.id = d.series_id
         JOIN source o ON o.id = s.source_id AND (o.kind = 'SIMULATED') = q.is_simulated
       )
       SELECT a.n, a.token_id AS "tokenId", h.days, h.values
       FROM asked a CROSS JOIN LATERAL (
         SELECT string_agg((extract(epoch FROM g.as_of)::bigint / 86400)::text, ',') AS days, string_agg(g.value::text, ',') AS values
         FROM (
           SELECT DISTINCT ON (g.as_of) g.as_of, g.value FROM grade g
           WHERE g.token_id = a.token_id AND g.model_id = a.model_id AND g.series_id = a.series_id
             AND g.as_of >= coalesce(a.from_time, '-infinity') AND g.as_of < coalesce(a.to_time, 'infinity')
           ORDER BY g.as_of DESC, g.published_at DESC, g.id DESC
         ) g
       ) h
       WHERE h.days IS NOT NULL ORDER BY a.n, a.token_id`,
      [
        keys.map(({ modelId }) => modelId),
        keys.map(({ from }) => instant(from)),
        keys.map(({ to }) => instant(to)),
        keys.map(({ isSimulated }) => isSimulated),
      ],
    );
    return keys.map((_, index) => rows.filter(({ n }) => n === index + 1));
  },
  ({ modelId, from, to, isSimulated }) => `${modelId} ${from} ${to} ${isSimulated}`,
);

/** The longest horizon that skill is measured over. Prices are read so far past the grades whichever is asked for: one statement serves all. */
export const horizonDaysMax = 90;

/** What {@link SkillInput} needs of the database: two statements, shared by all horizons of a request. */
export async function loadSkillHistories(
  ctx: { readonly db: Sql },
  key: GradeHistoryKey,
): Promise<Pick<SkillInput, 'grades' | 'prices'>> {
  const { from, to, isSimulated } = key;
  const pricesTo = to === null ? null : to + (horizonDaysMax + 2) * dayMs;
  const [grades, prices] = await Promise.all([
    gradeHistories(ctx).load(key),
    dailyCloses(ctx).load({ from, to: pricesTo, isSimulated }),
  ]);
  return { grades, prices };
}
