import type { Db, Sql } from '../db/client.ts';
import type { CandleInterval } from '../lib/interval.ts';

/** A token's default series at an interval, as an engine's universe has it. */
export interface UniverseMember {
  readonly tokenId: number;
  readonly seriesId: number;
  /** Simulated tokens are a universe of their own: they are never ranked against real ones. */
  readonly isSimulated: boolean;
}

/** The default series of every token at an interval, by token. */
export function listUniverseMembers(db: Sql, interval: CandleInterval): Promise<UniverseMember[]> {
  return db.query<UniverseMember>(
    `SELECT d.token_id AS "tokenId", d.series_id AS "seriesId", s.kind = 'SIMULATED' AS "isSimulated"
     FROM default_series d JOIN series ON series.id = d.series_id JOIN source s ON s.id = series.source_id
     WHERE d.purpose = $1 ORDER BY d.token_id`,
    [interval],
  );
}

/** The newest closed candle of each series of a source at an interval, by market symbol. */
export function listLastCandles(
  db: Sql,
  sourceName: string,
  interval: CandleInterval,
): Promise<{ readonly marketSymbol: string; readonly openTime: number; readonly close: string }[]> {
  return db.query(
    `SELECT s.market_symbol AS "marketSymbol", c.open_time AS "openTime", c.close
     FROM series s JOIN source o ON o.id = s.source_id
     CROSS JOIN LATERAL (
       SELECT open_time, close FROM candle WHERE series_id = s.id AND interval = $2::text::"CandleInterval" AND is_final
       ORDER BY open_time DESC LIMIT 1
     ) c
     WHERE o.name = $1`,
    [sourceName, interval],
  );
}

/** Which of these tokens have a series from anywhere. */
export async function findTokensWithSeries(db: Db, tokenIds: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await db.prisma.series.findMany({
    where: { tokenId: { in: [...tokenIds] } },
    select: { tokenId: true },
    distinct: ['tokenId'],
  });
  return new Set(rows.map(({ tokenId }) => tokenId));
}
