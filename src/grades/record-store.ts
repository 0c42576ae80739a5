/**
 * How grades are recorded; see `store.ts` for what they are. The factors of a batch go as one binary array: as texts they
 * cost more than all the rest of writing a grade.
 */
import { arrayText, doublesBinary, quotedArrayText } from '../db/array-text.ts';
import type { Sql } from '../db/client.ts';
import type { GradeKind } from './model.ts';
import type { GradeRow, NewGrade } from './store.ts';

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
 * As {@link recordGrades}, for history in bulk, no two of one identity: nobody is told of it, so nothing is read back. The
 * keys of token lists are left as they are until the caller ends with {@link refreshGradeKeys}. Returns how many grades
 * were written.
 */
export async function recordPastGrades(tx: Sql, grades: readonly NewGrade[], publishedAt: number): Promise<number> {
  let written = 0;
  for (let start = 0; start < grades.length; start += writeBatchSize) {
    const batch = grades.slice(start, start + writeBatchSize);
    const params = paramsOf(batch, publishedAt);
    const first = await tx.execute(insertFirst, params);
    written += first === batch.length ? first : first + (await tx.execute(insertCorrections, params));
  }
  return written;
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

/** Grades as rows of SQL. The factors of all are one array, each row has where its own end. */
const gradeInput = `(
  SELECT *, ($13::float8[])[factors_end - factors_length + 1:factors_end] AS factors
  FROM unnest($1::int[], $2::int[], $3::int[], $4::timestamptz[], $5::float8[], $6::text[], $7::float8[], $8::float8[], $9::text[],
    $10::text[], $11::text[], $14::int[], $15::int[])
    AS i(model_id, token_id, series_id, as_of, value, band, change_24h, coverage, peers, served_by, fallback_reason, factors_length, factors_end)
) u`;

const gradeTargets =
  'grade (model_id, token_id, series_id, as_of, published_at, value, band, change_24h, coverage, factors, peers, served_by, fallback_reason, supersedes)';

type InsertedGrade = Pick<GradeRow, 'id' | 'modelId' | 'seriesId' | 'asOf' | 'supersedes'>;
const insertedColumns = 'id, model_id AS "modelId", series_id AS "seriesId", as_of AS "asOf", supersedes';

/** Where each of lists in a row ends, counted from 1. */
function endsOf(lengths: readonly number[]): number[] {
  let end = 0;
  return lengths.map((length) => (end += length));
}

/** First grades of their close; what meets another is left out. */
const insertFirst = `INSERT INTO ${gradeTargets}
  SELECT u.model_id, u.token_id, u.series_id, u.as_of, $12, u.value, u.band::"GradeBand", u.change_24h, u.coverage, u.factors,
    u.peers::text[], u.served_by, u.fallback_reason, NULL
  FROM ${gradeInput}
  ON CONFLICT (model_id, series_id, as_of) WHERE supersedes IS NULL DO NOTHING`;

/** Grades that differ from the newest of their close. */
const insertCorrections = `INSERT INTO ${gradeTargets}
  SELECT u.model_id, u.token_id, u.series_id, u.as_of, greatest($12, old.published_at), u.value, u.band::"GradeBand",
    u.change_24h, u.coverage, u.factors, u.peers::text[], u.served_by, u.fallback_reason, old.id
  FROM ${gradeInput}
  CROSS JOIN LATERAL (
    SELECT * FROM grade g
    WHERE g.token_id = u.token_id AND g.model_id = u.model_id AND g.as_of = u.as_of AND g.series_id = u.series_id
    ORDER BY g.published_at DESC, g.id DESC LIMIT 1
  ) old
  WHERE (old.value, old.band, old.change_24h, old.coverage, old.factors, old.peers, old.served_by)
    IS DISTINCT FROM (u.value, u.band::"GradeBand", u.change_24h, u.coverage, u.factors, u.peers::text[], u.served_by)`;

/** What both statements take. */
function paramsOf(grades: readonly NewGrade[], publishedAt: number): unknown[] {
  const lengths = grades.map(({ factors }) => factors.length);
  return [
    arrayText(grades.map(({ modelId }) => modelId)),
    arrayText(grades.map(({ tokenId }) => tokenId)),
    arrayText(grades.map(({ seriesId }) => seriesId)),
    arrayText(grades.map(({ asOf }) => isoTime(asOf))),
    arrayText(grades.map(({ value }) => value)),
    arrayText(grades.map(({ band }) => band)),
    arrayText(grades.map(({ change24h }) => change24h)),
    arrayText(grades.map(({ coverage }) => coverage)),
    grades.map(({ peers }) => quotedArrayText(peers)),
    grades.map(({ servedBy = null }) => servedBy),
    grades.map(({ fallbackReason = null }) => fallbackReason),
    new Date(publishedAt),
    doublesBinary(grades.map(({ factors }) => factors)),
    arrayText(lengths),
    arrayText(endsOf(lengths)),
  ];
}

/** The rows written: first grades of their close by one cheap statement; corrections, where any row met another, by a second. */
async function insertGrades(tx: Sql, grades: readonly NewGrade[], publishedAt: number): Promise<InsertedGrade[]> {
  const params = paramsOf(grades, publishedAt);
  const first = await tx.query<InsertedGrade>(`${insertFirst} RETURNING ${insertedColumns}`, params);
  if (first.length === grades.length) return first;
  return [...first, ...(await tx.query<InsertedGrade>(`${insertCorrections} RETURNING ${insertedColumns}`, params))];
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
