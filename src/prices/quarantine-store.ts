import type { Sql } from '../db/client.ts';
import type { QuarantineReason } from './validate.ts';

/** The quarantine: bad input with its reason, kept to be looked at; no candle is ever made of it. */

/** A row of input that was refused. */
export interface NewQuarantined {
  readonly sourceName: string;
  readonly marketSymbol: string;
  readonly reason: QuarantineReason;
  /** The figures that show the fault. */
  readonly detail: string;
  /** The row as the source wrote it. */
  readonly raw: string;
  /** Where it stood, such as a file and line. */
  readonly location: string;
}

/** A kept row; `quarantinedAt` is epoch ms. */
export interface Quarantined extends NewQuarantined {
  readonly id: number;
  readonly quarantinedAt: number;
}

/** Keeps bad rows; one that is kept already (same source, market, reason and text) writes nothing. Returns rows written. */
export async function recordQuarantine(
  tx: Sql,
  rows: readonly NewQuarantined[],
  quarantinedAt: number,
): Promise<number> {
  if (rows.length === 0) return 0;
  return tx.execute(
    `INSERT INTO candle_quarantine (source_name, market_symbol, reason, detail, raw, location, quarantined_at)
     SELECT u.*, $7::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) u
     ORDER BY 1, 2, 3, 5
     ON CONFLICT (source_name, market_symbol, reason, md5(raw)) DO NOTHING`,
    [
      rows.map(({ sourceName }) => sourceName),
      rows.map(({ marketSymbol }) => marketSymbol),
      rows.map(({ reason }) => reason),
      rows.map(({ detail }) => detail),
      rows.map(({ raw }) => raw),
      rows.map(({ location }) => location),
      new Date(quarantinedAt),
    ],
  );
}

/** A stretch of the quarantine, newest first: `take` + 1 rows on one side of (quarantinedAt, id) keys. */
export interface QuarantinePage {
  readonly take: number;
  readonly isBackward: boolean;
  readonly after: readonly (string | number)[] | null;
  readonly before: readonly (string | number)[] | null;
}

/** One page of kept rows, newest first (oldest first when read backward); of one source where it is named. */
export function listQuarantined(db: Sql, page: QuarantinePage, sourceName: string | null): Promise<Quarantined[]> {
  const order = page.isBackward ? 'ASC' : 'DESC';
  const instant = (key: QuarantinePage['after']): Date | null => (key === null ? null : new Date(Number(key[0])));
  return db.query<Quarantined>(
    `SELECT id, source_name AS "sourceName", market_symbol AS "marketSymbol", reason, detail, raw, location, quarantined_at AS "quarantinedAt"
     FROM candle_quarantine
     WHERE ($1::text IS NULL OR source_name = $1)
       AND ($2::timestamptz IS NULL OR (quarantined_at, id) < ($2, $3::bigint))
       AND ($4::timestamptz IS NULL OR (quarantined_at, id) > ($4, $5::bigint))
     ORDER BY quarantined_at ${order}, id ${order} LIMIT $6`,
    [
      sourceName,
      instant(page.after),
      page.after?.[1] ?? null,
      instant(page.before),
      page.before?.[1] ?? null,
      page.take + 1,
    ],
  );
}
