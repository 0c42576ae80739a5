import type { Db, Sql } from '../db/client.ts';
import { type CandleInterval, intervalMs } from '../lib/interval.ts';

/** Where the state of the engines is kept: one checkpoint a universe, replaced as a whole. */

/** What an engine has taken in of one interval: up to which close (epoch ms), how many candles, how often corrected before. */
export interface Intake {
  readonly interval: CandleInterval;
  readonly settledTo: number;
  readonly candles: number;
  readonly revisions: number;
}

/** What a checkpoint says of itself. */
export interface CheckpointHead {
  /** What the state was made by and of. */
  readonly fingerprint: string;
  readonly progress: readonly Intake[];
}

/** Replaces the checkpoint of a universe, in one transaction. */
export async function replaceCheckpoint(
  db: Db,
  isSimulated: boolean,
  { fingerprint, progress }: CheckpointHead,
  parts: readonly Buffer[],
  nowMs: number,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute('DELETE FROM engine_checkpoint WHERE is_simulated = $1', [isSimulated]);
    await tx.execute(
      `INSERT INTO engine_checkpoint (is_simulated, fingerprint, progress, part_count, saved_at) VALUES ($1, $2, $3::jsonb, $4, $5)`,
      [isSimulated, fingerprint, JSON.stringify(progress), parts.length, new Date(nowMs)],
    );
    for (const [part, state] of parts.entries()) {
      await tx.execute('INSERT INTO engine_checkpoint_part (is_simulated, part, state) VALUES ($1, $2, $3)', [
        isSimulated,
        part,
        state,
      ]);
    }
  });
}

/** The checkpoint of a universe without its parts; null where there is none. */
export async function findCheckpoint(
  db: Sql,
  isSimulated: boolean,
): Promise<(CheckpointHead & { readonly partCount: number }) | null> {
  const [row] = await db.query<CheckpointHead & { readonly partCount: number }>(
    `SELECT fingerprint, progress, part_count AS "partCount" FROM engine_checkpoint WHERE is_simulated = $1`,
    [isSimulated],
  );
  return row ?? null;
}

/** One part of a checkpoint; null where it is missing. */
export async function findCheckpointPart(db: Sql, isSimulated: boolean, part: number): Promise<Buffer | null> {
  const [row] = await db.query<{ state: Buffer }>(
    'SELECT state FROM engine_checkpoint_part WHERE is_simulated = $1 AND part = $2',
    [isSimulated, part],
  );
  return row?.state ?? null;
}

/** How many candles of these series are stored that an engine has taken in by then, and how often they were corrected. */
export async function countTaken(
  db: Sql,
  seriesIds: readonly number[],
  { interval, settledTo }: Pick<Intake, 'interval' | 'settledTo'>,
): Promise<Pick<Intake, 'candles' | 'revisions'>> {
  const [row] = await db.query<Pick<Intake, 'candles' | 'revisions'>>(
    `SELECT count(*) AS candles, coalesce(sum(revision), 0)::bigint AS revisions FROM candle
     WHERE series_id = ANY($1::int[]) AND interval = $2::text::"CandleInterval" AND open_time <= $3 AND is_final`,
    [seriesIds, interval, new Date(settledTo - intervalMs(interval))],
  );
  return row ?? { candles: 0, revisions: 0 };
}

/** How often candles of these series were corrected, ever. */
export async function countCorrections(
  db: Sql,
  seriesIds: readonly number[],
  intervals: readonly CandleInterval[],
): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'SELECT count(*) AS count FROM candle_revision WHERE series_id = ANY($1::int[]) AND interval::text = ANY($2::text[])',
    [seriesIds, intervals],
  );
  return row?.count ?? 0;
}
