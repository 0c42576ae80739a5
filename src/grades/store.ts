/**
 * Where grades are kept. Everything here is an immutable fact: a grade is written once, and a correction is a new row
 * that names the one it supersedes. Reading therefore never needs a lock, and "what was known at" is a filter, not a
 * copy. The models behind them are in `model-store.ts`.
 *
 * Late, doubled and wrong input: the same grade again writes nothing; a different one for the same (model, series,
 * asOf) supersedes; a grade published before its `asOf` throws and leaves the transaction to roll back.
 */
import type { Sql } from '../db/client.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';
import type { FallbackReason } from '../sources/model-server.ts';
import { type FactorPeers, type FactorValues, listFactors, type ScoredFactor } from './factor-values.ts';
import type { GradeBand, GradeKind, GradeModel } from './model.ts';

/** Whatever has a database: a request's context, or the dependencies of a job. */
interface Ctx {
  readonly db: Sql;
}

/** A grade as computed, before it has an id. */
export interface NewGrade {
  readonly modelId: number;
  readonly tokenId: number;
  readonly seriesId: number;
  /** Epoch ms of the close it speaks about. */
  readonly asOf: number;
  /** 0..100. */
  readonly value: number;
  readonly band: GradeBand;
  /** Points since the grade 24 hours before; null where there was none. */
  readonly change24h: number | null;
  /** Share of the model's weights whose inputs were there, above 0, at most 1. */
  readonly coverage: number;
  readonly factors: FactorValues;
  readonly peers: FactorPeers;
  /** See {@link ScoredGrade}; absent or null: the model itself. */
  readonly servedBy?: string | null;
  readonly fallbackReason?: FallbackReason | null;
}

/** A published grade. */
export interface GradeRow extends Omit<NewGrade, 'factors' | 'peers'> {
  readonly id: number;
  readonly kind: GradeKind;
  /** Epoch ms from which it was to be seen. */
  readonly publishedAt: number;
  readonly factors: readonly ScoredFactor[];
  /** The grade it corrects; null where it is the first of its close. */
  readonly supersedes: number | null;
}

/** A row as {@link gradeColumns} select it. */
export type StoredGrade = Omit<GradeRow, 'factors'> & StoredFactors;

interface StoredFactors {
  readonly factors: FactorValues;
  readonly peers: FactorPeers;
  /** The names of the factors, in the order of the model that made the grade: a fallback has its own. */
  readonly factorKeys: readonly string[];
}

/** Gives the factors of a row their names. */
export function withFactors<Row extends StoredFactors>({
  factors,
  peers,
  factorKeys,
  ...row
}: Row): Omit<Row, keyof StoredFactors> & Pick<GradeRow, 'factors'> {
  return { ...row, factors: listFactors(factorKeys, factors, peers) };
}

const factorColumns = `g.factors, g.peers, CASE WHEN g.fallback_reason IS NULL THEN m.factor_keys ELSE (
  SELECT f.factor_keys FROM grade_model f WHERE f.kind = m.kind AND f.version = g.served_by) END AS "factorKeys"`;

/** What a {@link StoredGrade} is selected with, from `grade g JOIN grade_model m`. */
export const gradeColumns = `g.id, g.model_id AS "modelId", m.kind, g.token_id AS "tokenId", g.series_id AS "seriesId",
  g.as_of AS "asOf", g.published_at AS "publishedAt", g.value, g.band, g.change_24h AS "change24h", g.coverage,
  ${factorColumns}, g.served_by AS "servedBy", g.fallback_reason AS "fallbackReason", g.supersedes`;

/** A bound as a parameter; null is no bound. */
export const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));

/**
 * Joins the model that answers: the named version of the kind, or the current one, at `knownAt` (null: now) where that
 * is given; before the first was made current, the first. Arguments are SQL.
 */
export const modelJoin = (
  kind: string,
  version: string,
  knownAt = 'NULL',
): string => `JOIN grade_model m ON m.kind = ${kind}::"GradeKind" AND
  CASE WHEN ${version}::text IS NOT NULL THEN m.version = ${version}::text
    ELSE m.id = (
      SELECT w.model_id FROM grade_model_switch w WHERE w.kind = ${kind}::"GradeKind"
      ORDER BY w.switched_at <= coalesce(${knownAt}::timestamptz, 'infinity') DESC,
        CASE WHEN w.switched_at <= coalesce(${knownAt}::timestamptz, 'infinity') THEN -w.id ELSE w.id END LIMIT 1)
    END`;

/** Which grade of a token is asked for. */
export interface GradeKey {
  readonly tokenId: number;
  readonly kind: GradeKind;
  /** Null: the current version, or the one that was current at `knownAt`. */
  readonly version: string | null;
  /** Epoch ms; null: the newest. The newest grade whose close is not later than this. */
  readonly asOf: number | null;
  /** Epoch ms; null: now. Grades and corrections published later than this are as if they were not there. */
  readonly knownAt: number | null;
}

/** The grade of a token as of a time, as known at a time; null where there is none. One statement a batch. */
export const latestGrade = defineLoader<Ctx, GradeKey, GradeRow | null>(
  async ({ db }, keys) => {
    const rows = await db.query<StoredGrade & { n: number }>(
      `SELECT q.n, ${gradeColumns}
       FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
         WITH ORDINALITY AS q(token_id, kind, version, as_of, known_at, n)
       ${modelJoin('q.kind', 'q.version', 'q.known_at')}
       CROSS JOIN LATERAL (
         SELECT * FROM grade g
         WHERE g.token_id = q.token_id AND g.model_id = m.id AND g.as_of <= coalesce(q.as_of, 'infinity')
           AND g.published_at <= coalesce(q.known_at, 'infinity')
         ORDER BY g.as_of DESC, g.published_at DESC, g.id DESC LIMIT 1
       ) g`,
      [
        keys.map(({ tokenId }) => tokenId),
        keys.map(({ kind }) => kind),
        keys.map(({ version }) => version),
        keys.map(({ asOf }) => instant(asOf)),
        keys.map(({ knownAt }) => instant(knownAt)),
      ],
    );
    const byNumber = new Map(rows.map(({ n, ...row }) => [n, withFactors(row)]));
    return keys.map((_, index) => byNumber.get(index + 1) ?? null);
  },
  ({ tokenId, kind, version, asOf, knownAt }) => `${tokenId} ${kind} ${version} ${asOf} ${knownAt}`,
);

/** Grades by id, in no particular order; ids without a row are left out. */
export async function listGradesById(db: Sql, ids: readonly number[]): Promise<GradeRow[]> {
  const rows = await db.query<StoredGrade>(
    `SELECT ${gradeColumns} FROM grade g JOIN grade_model m ON m.id = g.model_id WHERE g.id = ANY($1::bigint[])`,
    [ids],
  );
  return rows.map(withFactors);
}

/** A grade by id, superseded or not; null where there is none. */
export const gradeById = defineLoader<Ctx, number, GradeRow | null>(async ({ db }, ids) =>
  inKeyOrder(ids, await listGradesById(db, ids), ({ id }) => id),
);

/** A grade as far as it answers for a remote model again. */
export type PublishedAnswer = Pick<GradeRow, 'tokenId' | 'value' | 'factors'> & {
  readonly servedBy: string;
  readonly fallbackReason: FallbackReason | null;
};

/** The newest grades by a remote model at a close (epoch ms), of these tokens and series pairwise; tokens without one are left out. */
export async function listPublishedAnswers(
  db: Sql,
  modelId: number,
  asOf: number,
  tokenIds: readonly number[],
  seriesIds: readonly number[],
): Promise<PublishedAnswer[]> {
  const rows = await db.query<Omit<PublishedAnswer, 'factors'> & StoredFactors>(
    `SELECT g.token_id AS "tokenId", g.value, ${factorColumns}, g.served_by AS "servedBy", g.fallback_reason AS "fallbackReason"
     FROM unnest($3::int[], $4::int[]) AS q(token_id, series_id)
     JOIN grade_model m ON m.id = $1
     CROSS JOIN LATERAL (
       SELECT * FROM grade g
       WHERE g.token_id = q.token_id AND g.model_id = $1 AND g.as_of = $2 AND g.series_id = q.series_id
       ORDER BY g.published_at DESC, g.id DESC LIMIT 1
     ) g
     WHERE g.served_by IS NOT NULL`,
    [modelId, new Date(asOf), tokenIds, seriesIds],
  );
  return rows.map(withFactors);
}

/** What the store knows about a token that has no grade; see `absence.ts`. */
export interface GradeGround {
  /** Null where the kind has no current model. */
  readonly model: GradeModel | null;
  /** Closed candles of the token's default series at the model's interval; null where it has none. */
  readonly candleCount: number | null;
  /** Whether the model has graded any token of the same market, real or simulated, at the token's newest close or later. */
  readonly isSettled: boolean;
}

/** The ground of a token's grade by the current model of a kind. One statement a batch. */
export const gradeGround = defineLoader<Ctx, { readonly tokenId: number; readonly kind: GradeKind }, GradeGround>(
  ({ db }, keys) =>
    db.query<GradeGround>(
      `WITH asked AS (
         SELECT q.n, m.id AS model_id, m.definition, s.candle_count, d.purpose, o.kind = 'SIMULATED' AS is_simulated, last.open_time
         FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS q(token_id, kind, n)
         LEFT JOIN current_grade_model c ON c.kind = q.kind::"GradeKind"
         LEFT JOIN grade_model m ON m.id = c.model_id
         LEFT JOIN default_series d ON d.token_id = q.token_id AND d.purpose = m.definition->>'interval'
         LEFT JOIN series r ON r.id = d.series_id LEFT JOIN source o ON o.id = r.source_id
         LEFT JOIN series_interval s ON s.series_id = d.series_id AND s.interval::text = d.purpose
         LEFT JOIN LATERAL (
           SELECT b.open_time FROM candle b WHERE b.series_id = d.series_id AND b.interval = s.interval AND b.is_final
           ORDER BY b.open_time DESC LIMIT 1
         ) last ON true
       ), settled AS MATERIALIZED (
         -- Few markets and last closes are asked for, however many tokens: the series are walked once for each.
         SELECT a.*, EXISTS (
           SELECT 1 FROM default_series e JOIN series r ON r.id = e.series_id
           JOIN source o ON o.id = r.source_id AND (o.kind = 'SIMULATED') = a.is_simulated
           JOIN grade g ON g.model_id = a.model_id AND g.series_id = e.series_id AND g.as_of > a.open_time AND g.supersedes IS NULL
           WHERE e.purpose = a.purpose
         ) AS is_settled
         FROM (SELECT DISTINCT model_id, purpose, is_simulated, open_time FROM asked) a
       )
       SELECT a.definition AS model, a.candle_count AS "candleCount", coalesce(u.is_settled, false) AS "isSettled"
       FROM asked a LEFT JOIN settled u USING (model_id, purpose, is_simulated, open_time) ORDER BY a.n`,
      [keys.map(({ tokenId }) => tokenId), keys.map(({ kind }) => kind)],
    ),
  ({ tokenId, kind }) => `${tokenId} ${kind}`,
);
