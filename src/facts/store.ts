/**
 * Dated facts about tokens. Immutable: a fact is written once, and a correction is a new row that names the one it
 * corrects and was known only when it came. "What was known at" is therefore a filter.
 *
 * Late: facts may come in any order of days. Doubled: the same value again writes nothing. Wrong: refused before they
 * get here; see `metric.ts`.
 */
import type { Sql } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { defineLoader } from '../lib/loader.ts';
import type { MetricName } from '../sources/fact.ts';
import { type FactPoint, factReach } from './inputs.ts';

/** A fact to be written. */
export interface NewFact {
  readonly tokenId: number;
  readonly metric: MetricName;
  readonly sourceName: string;
  /** Epoch ms of the close of the day it speaks about. */
  readonly asOf: number;
  readonly value: DecimalText;
  /** Epoch ms from when it could be known, not before `asOf`. */
  readonly knownAt: number;
}

/** A stored fact. */
export interface Fact extends Omit<NewFact, 'sourceName'> {
  readonly source: string;
  /** Whether it corrects an earlier number for the same day. */
  readonly isCorrection: boolean;
}

const factInput = `unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::numeric[], $6::timestamptz[])
  AS u(token_id, metric, source_name, as_of, value, known_at) JOIN source o ON o.name = u.source_name`;

const factTargets = 'fact (token_id, metric, source_id, as_of, value, known_at, recorded_at, supersedes)';

/** What {@link recordFacts} did, in facts. */
export interface RecordedFacts {
  readonly inserted: number;
  readonly corrected: number;
}

/**
 * Records facts in the caller's transaction, each (token, metric, source, day) at most once in a call; their sources
 * must be there. A value that differs from the newest one of its day becomes a correction known from `nowMs` (epoch ms).
 */
export async function recordFacts(tx: Sql, facts: readonly NewFact[], nowMs: number): Promise<RecordedFacts> {
  const params = [
    facts.map(({ tokenId }) => tokenId),
    facts.map(({ metric }) => metric),
    facts.map(({ sourceName }) => sourceName),
    facts.map(({ asOf }) => new Date(asOf)),
    facts.map(({ value }) => value),
    facts.map(({ knownAt }) => new Date(knownAt)),
    new Date(nowMs),
  ];
  const inserted = await tx.execute(
    `INSERT INTO ${factTargets}
     SELECT u.token_id, u.metric, o.id, u.as_of, u.value, u.known_at, $7, NULL FROM ${factInput}
     ON CONFLICT (token_id, metric, source_id, as_of) WHERE supersedes IS NULL DO NOTHING`,
    params,
  );
  if (inserted === facts.length) return { inserted, corrected: 0 };
  const corrected = await tx.execute(
    `INSERT INTO ${factTargets}
     SELECT u.token_id, u.metric, o.id, u.as_of, u.value, greatest($7, old.known_at), $7, old.id
     FROM ${factInput}
     CROSS JOIN LATERAL (
       SELECT f.id, f.value, f.known_at FROM fact f
       WHERE f.token_id = u.token_id AND f.metric = u.metric AND f.as_of = u.as_of AND f.source_id = o.id
       ORDER BY f.known_at DESC, f.id DESC LIMIT 1
     ) old
     WHERE old.value <> u.value`,
    params,
  );
  return { inserted, corrected };
}

/** Facts of one metric of a token that are read at once. */
export const daysMax = 1000;

/** Which facts of a token are asked for. */
export interface FactsKey {
  readonly tokenId: number;
  readonly metrics: readonly MetricName[];
  /** Epoch ms; closes of days at this time or later; null: no bound. */
  readonly from: number | null;
  /** Epoch ms; closes of days before this time; null: no bound. */
  readonly to: number | null;
  /** Epoch ms; null: now. What came later is as if it were not there. */
  readonly knownAt: number | null;
  readonly source: string | null;
  /** Newest facts of each metric, at most {@link daysMax}. */
  readonly limit: number;
}

const keyText = ({ tokenId, metrics, from, to, knownAt, source, limit }: FactsKey): string =>
  JSON.stringify([tokenId, metrics, from, to, knownAt, source, limit]);

/**
 * The facts of a token, by metric in the order asked for, then from the oldest day to the newest, then by source; of a
 * corrected day the newest number. One statement a batch.
 */
export const factsOfToken = defineLoader<{ readonly db: Sql }, FactsKey, Fact[]>(async ({ db }, keys) => {
  const asked = keys.flatMap((key, n) => key.metrics.map((metric) => ({ ...key, metric, n })));
  const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
  const rows = await db.query<Fact & { n: number }>(
    `SELECT q.n, q.token_id AS "tokenId", q.metric, o.name AS source, f.as_of AS "asOf", f.value, f.known_at AS "knownAt",
       f.supersedes IS NOT NULL AS "isCorrection"
     FROM unnest($1::int[], $2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::text[], $8::int[])
       WITH ORDINALITY AS q(n, token_id, metric, from_time, to_time, known_at, source, take, position)
     CROSS JOIN LATERAL (
       SELECT DISTINCT ON (f.as_of, f.source_id) f.* FROM fact f JOIN source fo ON fo.id = f.source_id
       WHERE f.token_id = q.token_id AND f.metric = q.metric AND f.as_of >= coalesce(q.from_time, '-infinity')
         AND f.as_of < coalesce(q.to_time, 'infinity') AND f.known_at <= coalesce(q.known_at, 'infinity')
         AND (q.source IS NULL OR fo.name = q.source)
       ORDER BY f.as_of DESC, f.source_id, f.known_at DESC, f.id DESC LIMIT q.take
     ) f JOIN source o ON o.id = f.source_id
     ORDER BY q.position, f.as_of, o.name`,
    [
      asked.map(({ n }) => n),
      asked.map(({ tokenId }) => tokenId),
      asked.map(({ metric }) => metric),
      asked.map(({ from }) => instant(from)),
      asked.map(({ to }) => instant(to)),
      asked.map(({ knownAt }) => instant(knownAt)),
      asked.map(({ source }) => source),
      asked.map(({ limit }) => limit),
    ],
  );
  const byKey: Fact[][] = keys.map(() => []);
  for (const { n, ...fact } of rows) byKey[n]?.push(fact);
  return byKey;
}, keyText);

/** Every (metric, stretch of days) of {@link factReach} for closes from $3 to $4, of tokens that have facts at all. */
const pointsStatement = `
  SELECT f.token_id AS "tokenId", f.metric, f.source_id AS "sourceId", f.as_of AS "asOf", f.known_at AS "knownAt", f.value::float8 AS value
  FROM (
    SELECT u.token_id, o.kind = 'SIMULATED' AS is_simulated
    FROM unnest($1::int[], $2::int[]) AS u(token_id, series_id)
    JOIN series s ON s.id = u.series_id JOIN source o ON o.id = s.source_id
    WHERE EXISTS (SELECT 1 FROM fact f WHERE f.token_id = u.token_id)
  ) t
  CROSS JOIN (
    SELECT metric, $3::timestamptz - oldest * interval '1 day' AS from_time, $4::timestamptz - newest * interval '1 day' AS to_time
    FROM unnest($5::text[], $6::int[], $7::int[]) AS m(metric, oldest, newest)
  ) m
  CROSS JOIN LATERAL (
    SELECT * FROM fact f WHERE f.token_id = t.token_id AND f.metric = m.metric
      AND f.as_of >= m.from_time AND f.as_of <= m.to_time AND f.known_at <= $4::timestamptz
  ) f
  JOIN source o ON o.id = f.source_id AND (o.kind = 'SIMULATED') = t.is_simulated
  ORDER BY f.token_id, f.metric, f.source_id, f.as_of, f.known_at, f.id`;

/**
 * The facts that the inputs of tokens at closes from one to another (epoch ms, both included) are made of, as
 * `createFactBook` takes them. Facts of the simulator are for simulated series only, and real ones for real series.
 * `seriesOf` gives each token's series. One statement.
 */
export function listFactPoints(
  db: Sql,
  seriesOf: ReadonlyMap<number, number>,
  firstClose: number,
  lastClose: number,
): Promise<FactPoint[]> {
  return db.query<FactPoint>(pointsStatement, [
    [...seriesOf.keys()],
    [...seriesOf.values()],
    new Date(firstClose),
    new Date(lastClose),
    factReach.map(({ metric }) => metric),
    factReach.map(({ oldest }) => oldest),
    factReach.map(({ newest }) => newest),
  ]);
}
