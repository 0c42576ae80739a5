import type { Sql } from '../db/client.ts';
import type { CandleInterval } from '../lib/interval.ts';

/** A stretch of time whose history has been asked for, half-open, epoch ms. */
export interface Covered {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What has been asked for of these series, those without a backfill left out. */
export async function listCovered(
  sql: Sql,
  seriesIds: readonly number[],
  interval: CandleInterval,
): Promise<ReadonlyMap<number, Covered>> {
  const rows = await sql.query<Covered & { readonly seriesId: number }>(
    `SELECT series_id AS "seriesId", covered_from AS "fromMs", covered_to AS "toMs" FROM backfill_progress
     WHERE series_id = ANY($1::int[]) AND interval = $2::text::"CandleInterval"`,
    [seriesIds, interval],
  );
  return new Map(rows.map(({ seriesId, fromMs, toMs }) => [seriesId, { fromMs, toMs }]));
}

/** Notes how far the history of a series has been asked for. */
export async function recordCovered(
  tx: Sql,
  seriesId: number,
  interval: CandleInterval,
  { fromMs, toMs }: Covered,
): Promise<void> {
  await tx.execute(
    `INSERT INTO backfill_progress (series_id, interval, covered_from, covered_to) VALUES ($1, $2::text::"CandleInterval", $3, $4)
     ON CONFLICT (series_id, interval) DO UPDATE SET covered_from = excluded.covered_from, covered_to = excluded.covered_to`,
    [seriesId, interval, new Date(fromMs), new Date(toMs)],
  );
}
