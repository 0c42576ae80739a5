import type { Sql } from '../db/client.ts';
import type { GradeBand, GradeKind } from '../grades/model.ts';
import { isWithdrawnSql } from '../signals/store.ts';
import type { SignalDirection } from '../signals/strategy.ts';

/** What the tokens of a market say together: grades, signals, trends. One statement each, whatever the number of tokens. */

/** Which tokens at which time. */
export interface MarketKey {
  readonly isSimulated: boolean;
  /** Epoch ms; null: now. */
  readonly asOf: number | null;
}

const members = `SELECT d.token_id FROM default_series d JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
  WHERE d.purpose = 'QUOTE' AND (o.kind = 'SIMULATED') = $1`;

const paramsOf = ({ isSimulated, asOf }: MarketKey): unknown[] => [isSimulated, asOf === null ? null : new Date(asOf)];

/** How many tokens a band holds. */
export interface BandRow {
  readonly kind: GradeKind;
  readonly band: GradeBand;
  readonly count: number;
  /** Sum of the values in it. */
  readonly sum: number;
  /** Epoch ms: the newest close of the kind. */
  readonly asOf: number;
}

/** Tokens by band of their newest grade by the current models; grades a day or more older than the newest are left out. */
export function countBands(db: Sql, key: MarketKey): Promise<BandRow[]> {
  return db.query<BandRow>(
    `SELECT kind, band, count(*)::int AS count, sum(value) AS sum, max(newest) AS "asOf"
     FROM (
       SELECT m.kind, g.band, g.value, g.as_of, max(g.as_of) OVER (PARTITION BY m.kind) AS newest
       FROM current_grade_model c JOIN grade_model m ON m.id = c.model_id CROSS JOIN (${members}) t
       CROSS JOIN LATERAL (
         SELECT g.band, g.value, g.as_of FROM grade g
         WHERE g.token_id = t.token_id AND g.model_id = m.id AND g.as_of <= coalesce($2::timestamptz, 'infinity')
         ORDER BY g.as_of DESC, g.published_at DESC, g.id DESC LIMIT 1
       ) g
     ) g
     WHERE as_of > newest - interval '1 day' GROUP BY kind, band ORDER BY kind, band`,
    paramsOf(key),
  );
}

/** How many tokens a strategy says something of. */
export interface DirectionRow {
  readonly strategy: string;
  readonly direction: SignalDirection;
  readonly count: number;
}

/** Tokens by the direction of their newest signal of each strategy's newest version. */
export function countDirections(db: Sql, key: MarketKey): Promise<DirectionRow[]> {
  return db.query<DirectionRow>(
    `SELECT st.name AS strategy, s.direction, count(*)::int AS count
     FROM (SELECT DISTINCT ON (name) id, name FROM strategy ORDER BY name, version DESC) st CROSS JOIN (${members}) t
     CROSS JOIN LATERAL (
       SELECT s.direction FROM signal s
       WHERE s.token_id = t.token_id AND s.strategy_id = st.id AND s.issued_at <= coalesce($2::timestamptz, 'infinity')
         AND NOT ${isWithdrawnSql}
       ORDER BY s.issued_at DESC, s.id DESC LIMIT 1
     ) s
     GROUP BY st.name, s.direction ORDER BY st.name, s.direction`,
    paramsOf(key),
  );
}

/** How many tokens stand above their average closes, of those that have closes enough. */
export interface TrendRow {
  readonly above50: number;
  readonly of50: number;
  readonly above200: number;
  readonly of200: number;
}

/** Tokens whose trend is read: the largest by market cap now. */
export const trendTokensMax = 500;

/** Tokens above the mean of their last 50 and 200 daily closes; those that closed a week before the others are left out. */
export async function countTrends(db: Sql, key: MarketKey): Promise<TrendRow> {
  const [row] = await db.query<TrendRow>(
    `SELECT count(*) FILTER (WHERE bars >= 50 AND close > mean50)::int AS above50, count(*) FILTER (WHERE bars >= 50)::int AS of50,
       count(*) FILTER (WHERE bars >= 200 AND close > mean200)::int AS above200, count(*) FILTER (WHERE bars >= 200)::int AS of200
     FROM (
       SELECT b.*, max(b.newest) OVER () AS market_newest
       FROM (
         SELECT d.series_id FROM token_stat k JOIN default_series d ON d.token_id = k.token_id AND d.purpose = 'ONE_DAY'
         JOIN series s ON s.id = d.series_id JOIN source o ON o.id = s.source_id
         WHERE (o.kind = 'SIMULATED') = $1 ORDER BY k.market_cap_key DESC, k.token_id DESC LIMIT ${trendTokensMax}
       ) t
       CROSS JOIN LATERAL (
         SELECT count(*) AS bars, max(c.open_time) AS newest, max(c.close) FILTER (WHERE c.age = 1) AS close,
           avg(c.close) FILTER (WHERE c.age <= 50) AS mean50, avg(c.close) AS mean200
         FROM (
           SELECT c.open_time, c.close::float8 AS close, row_number() OVER (ORDER BY c.open_time DESC) AS age FROM candle c
           WHERE c.series_id = t.series_id AND c.interval = 'ONE_DAY' AND c.is_final
             AND c.open_time <= coalesce($2::timestamptz, 'infinity') - interval '1 day'
           ORDER BY c.open_time DESC LIMIT 200
         ) c
       ) b
     ) b
     WHERE newest > market_newest - interval '7 days'`,
    paramsOf(key),
  );
  return row ?? { above50: 0, of50: 0, above200: 0, of200: 0 };
}
