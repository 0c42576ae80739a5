import type { Sql } from '../db/client.ts';
import { type GradeBand, standardBands } from '../grades/model.ts';
import { defineLoader } from '../lib/loader.ts';
import { readPagesByOwner } from '../lib/page-slice.ts';
import { isWithdrawnSql } from './store.ts';
import type { SignalDirection } from './strategy.ts';
import type { RecordSums, RecordTotals } from './track-record.ts';

/** Whose record is asked for, and over which signals. */
export interface RecordKey {
  readonly strategyId: number;
  /** Epoch ms of `issuedAt`, inclusive and exclusive; null: unbounded. */
  readonly from: number | null;
  readonly to: number | null;
  /** Null: of all tokens, or in both directions. */
  readonly tokenIds: readonly number[] | null;
  readonly direction: SignalDirection | null;
  readonly isSimulated: boolean;
}

interface RecordRow extends RecordSums {
  readonly strategyId: number;
  /** The band of the Trader Grade that the evidence holds; null in the row of all, and where there was no grade. */
  readonly band: GradeBand | null;
  readonly isAll: boolean;
  readonly isWithdrawn: boolean;
}

const nameOf = ({ from, to, tokenIds, direction, isSimulated }: RecordKey): string =>
  JSON.stringify([from, to, tokenIds, direction, isSimulated]);

/** The sums of a strategy version's signals; strategies asked for the same signals share one statement. */
export const recordTotals = defineLoader<{ readonly db: Sql }, RecordKey, RecordTotals>(
  async ({ db }, keys) => {
    const rows = await readPagesByOwner<RecordKey, RecordRow>(
      keys,
      { nameOf, ownerOf: ({ strategyId }) => strategyId },
      (alike) => readSums(db, alike),
    );
    return rows.map(toTotals);
  },
  (key) => `${key.strategyId} ${nameOf(key)}`,
);

const nothing: RecordSums = {
  count: 0,
  closed: 0,
  hits: 0,
  winPct: null,
  lossPct: null,
  medianPct: null,
  bestPct: null,
  worstPct: null,
  holdPct: null,
  adversePct: null,
  worstAdversePct: null,
  from: null,
  to: null,
};

function toTotals(rows: readonly RecordRow[]): RecordTotals {
  const standing = rows.filter(({ isWithdrawn }) => !isWithdrawn);
  return {
    all: standing.find(({ isAll }) => isAll) ?? nothing,
    byBand: new Map(standing.flatMap((row) => (row.isAll || row.band === null ? [] : [[row.band, row]]))),
    withdrawn: rows.find(({ isAll, isWithdrawn }) => isAll && isWithdrawn)?.count ?? 0,
  };
}

/** One statement: bands by the standard edges, since a strategy's signals were issued under more than one model. */
function readSums(db: Sql, alike: readonly [RecordKey, ...RecordKey[]]): Promise<RecordRow[]> {
  const [{ from, to, tokenIds, direction, isSimulated }] = alike;
  const instant = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
  return db.query<RecordRow>(
    `WITH record AS (
       SELECT s.strategy_id, s.issued_at, o.return_pct, o.hold_return_pct, o.max_adverse_pct, ${isWithdrawnSql} AS "isWithdrawn",
         (SELECT b.band FROM unnest($7::text[], $8::float8[]) AS b(band, edge)
          WHERE (s.evidence->>'grade')::float8 >= b.edge ORDER BY b.edge DESC LIMIT 1) AS band
       FROM signal s JOIN series ON series.id = s.series_id JOIN source ON source.id = series.source_id
       LEFT JOIN signal_outcome o ON o.signal_id = s.id
       WHERE s.strategy_id = ANY($1::int[]) AND s.direction <> 'NEUTRAL' AND (source.kind = 'SIMULATED') = $6
         AND s.issued_at >= coalesce($2::timestamptz, '-infinity') AND s.issued_at < coalesce($3::timestamptz, 'infinity')
         AND ($4::int[] IS NULL OR s.token_id = ANY($4)) AND ($5::text IS NULL OR s.direction::text = $5)
         AND (SELECT c.id FROM signal c WHERE c.supersedes = s.id LIMIT 1) IS NULL
     )
     SELECT strategy_id AS "strategyId", band, grouping(band) = 1 AS "isAll", "isWithdrawn",
       count(*)::int AS count, count(return_pct)::int AS closed, (count(*) FILTER (WHERE return_pct > 0))::int AS hits,
       sum(return_pct) FILTER (WHERE return_pct > 0) AS "winPct", sum(return_pct) FILTER (WHERE return_pct <= 0) AS "lossPct",
       percentile_cont(0.5) WITHIN GROUP (ORDER BY return_pct) AS "medianPct",
       max(return_pct) AS "bestPct", min(return_pct) AS "worstPct", sum(hold_return_pct) AS "holdPct",
       sum(max_adverse_pct) AS "adversePct", min(max_adverse_pct) AS "worstAdversePct",
       min(issued_at) AS "from", max(issued_at) AS "to"
     FROM record GROUP BY GROUPING SETS ((strategy_id, "isWithdrawn"), (strategy_id, "isWithdrawn", band))`,
    [
      alike.map(({ strategyId }) => strategyId),
      instant(from),
      instant(to),
      tokenIds,
      direction,
      isSimulated,
      standardBands.map(({ band }) => band),
      standardBands.map(({ from: edge }) => edge),
    ],
  );
}
