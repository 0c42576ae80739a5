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
 * of it. A statement a key, one after the other: each reads a whole history and has a statement's time for it.
 */
export const gradeHistories = defineLoader<{ readonly db: Sql }, GradeHistoryKey, DailySeries[]>(
  async ({ db }, keys) => {
    const histories: DailySeries[][] = [];
    for (const key of keys) histories.push(await readHistory(db, key));
    return histories;
  },
  ({ modelId, from, to, isSimulated }) => `${modelId} ${from} ${to} ${isSimulated}`,
);

/** One row a token. Which tokens first: the planner takes a history for one row and would join grade by grade. */
function readHistory(db: Sql, { modelId, from, to, isSimulated }: GradeHistoryKey): Promise<DailySeries[]> {
  return db.query<DailySeries>(
    `WITH asked AS MATERIALIZED (
       SELECT d.token_id, d.series_id FROM default_series d JOIN series s ON s.id = d.series_id
       JOIN source o ON o.id = s.source_id AND (o.kind = 'SIMULATED') = $4
       WHERE d.purpose = 'ONE_DAY'
     )
     SELECT a.token_id AS "tokenId", h.days, h.values
     FROM asked a CROSS JOIN LATERAL (
       SELECT string_agg((extract(epoch FROM g.as_of)::bigint / 86400)::text, ',') AS days, string_agg(g.value::text, ',') AS values
       FROM (
         SELECT DISTINCT ON (g.as_of) g.as_of, g.value FROM grade g
         WHERE g.token_id = a.token_id AND g.model_id = $1 AND g.series_id = a.series_id
           AND g.as_of >= coalesce($2::timestamptz, '-infinity') AND g.as_of < coalesce($3::timestamptz, 'infinity')
         ORDER BY g.as_of DESC, g.published_at DESC, g.id DESC
       ) g
     ) h
     WHERE h.days IS NOT NULL ORDER BY a.token_id`,
    [modelId, instant(from), instant(to), isSimulated],
  );
}

/** The longest horizon that skill is measured over. Prices are read so far past the grades whichever is asked for: one statement serves all horizons. */
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
