/**
 * Where grades are kept. Everything here is an immutable fact: a grade is written once, and a correction is a new row
 * that names the one it supersedes. Reading therefore never needs a lock, and "what was known at" is a filter, not a
 * copy. The models behind them are in `model-store.ts`.
 *
 * Late, doubled and wrong input: the same grade again writes nothing; a different one for the same (model, series,
 * asOf) supersedes; a grade published before its `asOf` throws and leaves the transaction to roll back.
 */
import { arrayText, jsonLines } from '../db/array-text.ts';
import type { Sql } from '../db/client.ts';
import { defineLoader, inKeyOrder } from '../lib/loader.ts';
import type { FallbackReason } from '../sources/model-server.ts';
import type { GradeBand, GradeKind, GradeModel, ScoredFactor } from './model.ts';

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
  readonly factors: readonly ScoredFactor[];
  /** See {@link ScoredGrade}; absent or null: the model itself. */
  readonly servedBy?: string | null;
  readonly fallbackReason?: FallbackReason | null;
}

/** A published grade. */
export interface GradeRow extends NewGrade {
  readonly id: number;
  readonly kind: GradeKind;
  /** Epoch ms from which it was to be seen. */
  readonly publishedAt: number;
  /** The grade it corrects; null where it is the first of its close. */
  readonly supersedes: number | null;
}

/** What {@link recordGrades} wrote: enough to publish the event of it. */
export interface RecordedGrade
  extends Omit<
    GradeRow,
    'seriesId' | 'publishedAt' | 'change24h' | 'coverage' | 'factors' | 'servedBy' | 'fallbackReason'
  > {
  /** The token's grade by that model before it in the order of `asOf`; null where it is the token's first. */
  readonly previousId: number | null;
}

const writeBatchSize = 2000;

/** What a {@link GradeRow} is selected with, from `grade g JOIN grade_model m`. */
export const gradeColumns = `g.id, g.model_id AS "modelId", m.kind, g.token_id AS "tokenId", g.series_id AS "seriesId",
  g.as_of AS "asOf", g.published_at AS "publishedAt", g.value, g.band, g.change_24h AS "change24h", g.coverage,
  g.factors, g.served_by AS "servedBy", g.fallback_reason AS "fallbackReason", g.supersedes`;

/** A bound as a parameter; null is no bound. */
export const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));

// Writing -----------------------------------------------------------------------------------------------------------

/**
 * Records grades in the caller's transaction; returns what was written, in the order of its ids. A grade identical to the
 * newest of its (model, series, asOf) writes nothing; a different one supersedes it, published no earlier than it was. Where
 * one call holds two for the same identity, the later counts. Keeps the keys that token lists are sorted by.
 */
export async function recordGrades(
  tx: Sql,
  grades: readonly NewGrade[],
  publishedAt: number,
): Promise<RecordedGrade[]> {
  const written = await insertAllGrades(tx, grades, publishedAt);
  if (written.length === 0) return [];
  written.sort((a, b) => a.id - b.id);
  const before = await listPrevious(tx, written);
  await refreshGradeKeys(tx, [...new Set(written.map(({ grade }) => grade.tokenId))]);
  return written.map(({ id, supersedes, grade }, index) => ({
    id,
    modelId: grade.modelId,
    kind: before[index]!.kind,
    tokenId: grade.tokenId,
    asOf: grade.asOf,
    value: grade.value,
    band: grade.band,
    supersedes,
    previousId: before[index]!.previousId,
  }));
}

/** The kind of each grade's model, and the token's grade by it before; one row for each, in their order. */
function listPrevious(
  tx: Sql,
  written: readonly WrittenGrade[],
): Promise<{ readonly kind: GradeKind; readonly previousId: number | null }[]> {
  return tx.query(
    `SELECT m.kind, previous.id AS "previousId"
     FROM unnest($1::int[], $2::int[], $3::timestamptz[]) WITH ORDINALITY AS g(token_id, model_id, as_of, n)
     JOIN grade_model m ON m.id = g.model_id
     LEFT JOIN LATERAL (
       SELECT p.id FROM grade p WHERE p.token_id = g.token_id AND p.model_id = g.model_id AND p.as_of < g.as_of
       ORDER BY p.as_of DESC, p.published_at DESC, p.id DESC LIMIT 1
     ) previous ON true
     ORDER BY g.n`,
    [
      arrayText(written.map(({ grade }) => grade.tokenId)),
      arrayText(written.map(({ grade }) => grade.modelId)),
      arrayText(written.map(({ grade }) => isoTime(grade.asOf))),
    ],
  );
}

/**
 * As {@link recordGrades}, for history in bulk: nobody is told of it, so nothing is read back. The keys of token lists are
 * left as they are until the caller ends with {@link refreshGradeKeys}. Returns how many grades were written.
 */
export async function recordPastGrades(tx: Sql, grades: readonly NewGrade[], publishedAt: number): Promise<number> {
  return (await insertAllGrades(tx, grades, publishedAt)).length;
}

/** A row that was written, with what it was made of. */
interface WrittenGrade {
  readonly id: number;
  readonly supersedes: number | null;
  readonly grade: NewGrade;
}

const isoTime = (timeMs: number): string => new Date(timeMs).toISOString();

const identityOf = ({ modelId, seriesId, asOf }: Pick<NewGrade, 'modelId' | 'seriesId' | 'asOf'>): string =>
  `${modelId} ${seriesId} ${asOf}`;

async function insertAllGrades(tx: Sql, grades: readonly NewGrade[], publishedAt: number): Promise<WrittenGrade[]> {
  const byIdentity = new Map(grades.map((grade) => [identityOf(grade), grade]));
  const pending = [...byIdentity.values()];
  const written: WrittenGrade[] = [];
  for (let start = 0; start < pending.length; start += writeBatchSize) {
    for (const row of await insertGrades(tx, pending.slice(start, start + writeBatchSize), publishedAt)) {
      const grade = byIdentity.get(identityOf(row));
      if (grade !== undefined) written.push({ id: row.id, supersedes: row.supersedes, grade });
    }
  }
  return written;
}

/** Grades as rows of SQL; factors come as lines of one text. */
const gradeInput = `unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[], $5::float8[], $6::text[], $7::float8[], $8::float8[],
  string_to_array($9::text, E'\\n'), $10::text[], $11::text[])
  AS u(model_id, token_id, series_id, as_of, value, band, change_24h, coverage, factors, served_by, fallback_reason)`;

const gradeTargets =
  'grade (model_id, token_id, series_id, as_of, published_at, value, band, change_24h, coverage, factors, served_by, fallback_reason, supersedes)';

type InsertedGrade = Pick<GradeRow, 'id' | 'modelId' | 'seriesId' | 'asOf' | 'supersedes'>;
const insertedColumns = 'id, model_id AS "modelId", series_id AS "seriesId", as_of AS "asOf", supersedes';

/** The rows written: first grades of their close by one cheap statement; corrections, where any row met another, by a second. */
async function insertGrades(tx: Sql, grades: readonly NewGrade[], publishedAt: number): Promise<InsertedGrade[]> {
  const params = [
    arrayText(grades.map(({ modelId }) => modelId)),
    arrayText(grades.map(({ tokenId }) => tokenId)),
    arrayText(grades.map(({ seriesId }) => seriesId)),
    arrayText(grades.map(({ asOf }) => isoTime(asOf))),
    arrayText(grades.map(({ value }) => value)),
    arrayText(grades.map(({ band }) => band)),
    arrayText(grades.map(({ change24h }) => change24h)),
    arrayText(grades.map(({ coverage }) => coverage)),
    jsonLines(grades.map(({ factors }) => factors)),
    grades.map(({ servedBy = null }) => servedBy),
    grades.map(({ fallbackReason = null }) => fallbackReason),
    new Date(publishedAt),
  ];
  const first = await tx.query<InsertedGrade>(
    `INSERT INTO ${gradeTargets}
     SELECT u.model_id, u.token_id, u.series_id, u.as_of, $12, u.value, u.band::"GradeBand", u.change_24h, u.coverage, u.factors::jsonb,
       u.served_by, u.fallback_reason, NULL
     FROM ${gradeInput}
     ON CONFLICT (model_id, series_id, as_of) WHERE supersedes IS NULL DO NOTHING RETURNING ${insertedColumns}`,
    params,
  );
  if (first.length === grades.length) return first;
  const corrections = await tx.query<InsertedGrade>(
    `INSERT INTO ${gradeTargets}
     SELECT u.model_id, u.token_id, u.series_id, u.as_of, greatest($12, old.published_at), u.value, u.band::"GradeBand",
       u.change_24h, u.coverage, u.factors::jsonb, u.served_by, u.fallback_reason, old.id
     FROM ${gradeInput}
     CROSS JOIN LATERAL (
       SELECT * FROM grade g
       WHERE g.token_id = u.token_id AND g.model_id = u.model_id AND g.as_of = u.as_of AND g.series_id = u.series_id
       ORDER BY g.published_at DESC, g.id DESC LIMIT 1
     ) old
     WHERE (old.value, old.band, old.change_24h, old.coverage, old.factors, old.served_by)
       IS DISTINCT FROM (u.value, u.band::"GradeBand", u.change_24h, u.coverage, u.factors::jsonb, u.served_by)
     RETURNING ${insertedColumns}`,
    params,
  );
  return [...first, ...corrections];
}

/** Sets the keys that lists sort by to the newest grades by the current models; null: of every token. */
export async function refreshGradeKeys(tx: Sql, tokenIds: readonly number[] | null): Promise<void> {
  const newest = (kind: GradeKind): string => `coalesce((
    SELECT g.value FROM grade g
    WHERE g.token_id = t.id AND g.model_id = (SELECT c.model_id FROM current_grade_model c WHERE c.kind = '${kind}')
    ORDER BY g.as_of DESC, g.published_at DESC, g.id DESC LIMIT 1), -1)`;
  await tx.execute(
    `INSERT INTO token_stat (token_id, trader_key, investor_key)
     SELECT t.id, ${newest('TRADER')}, ${newest('INVESTOR')}
     FROM token t WHERE $1::int[] IS NULL OR t.id = ANY($1) ORDER BY t.id
     ON CONFLICT (token_id) DO UPDATE SET trader_key = excluded.trader_key, investor_key = excluded.investor_key
     WHERE (token_stat.trader_key, token_stat.investor_key) IS DISTINCT FROM (excluded.trader_key, excluded.investor_key)`,
    [tokenIds],
  );
}

// Reading -----------------------------------------------------------------------------------------------------------

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
    const rows = await db.query<GradeRow & { n: number }>(
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
    const byNumber = new Map(rows.map(({ n, ...row }) => [n, row]));
    return keys.map((_, index) => byNumber.get(index + 1) ?? null);
  },
  ({ tokenId, kind, version, asOf, knownAt }) => `${tokenId} ${kind} ${version} ${asOf} ${knownAt}`,
);

/** Grades by id, in no particular order; ids without a row are left out. */
export function listGradesById(db: Sql, ids: readonly number[]): Promise<GradeRow[]> {
  return db.query<GradeRow>(
    `SELECT ${gradeColumns} FROM grade g JOIN grade_model m ON m.id = g.model_id WHERE g.id = ANY($1::bigint[])`,
    [ids],
  );
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
export function listPublishedAnswers(
  db: Sql,
  modelId: number,
  asOf: number,
  tokenIds: readonly number[],
  seriesIds: readonly number[],
): Promise<PublishedAnswer[]> {
  return db.query<PublishedAnswer>(
    `SELECT g.token_id AS "tokenId", g.value, g.factors, g.served_by AS "servedBy", g.fallback_reason AS "fallbackReason"
     FROM unnest($3::int[], $4::int[]) AS q(token_id, series_id)
     CROSS JOIN LATERAL (
       SELECT * FROM grade g
       WHERE g.token_id = q.token_id AND g.model_id = $1 AND g.as_of = $2 AND g.series_id = q.series_id
       ORDER BY g.published_at DESC, g.id DESC LIMIT 1
     ) g
     WHERE g.served_by IS NOT NULL`,
    [modelId, new Date(asOf), tokenIds, seriesIds],
  );
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
