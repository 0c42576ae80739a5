import type { Sql } from '../db/client.ts';

/** The token of each of these series that exists. */
export async function listTokensOfSeries(
  sql: Sql,
  seriesIds: readonly number[],
): Promise<{ readonly seriesId: number; readonly tokenId: number }[]> {
  return sql.query(`SELECT id AS "seriesId", token_id AS "tokenId" FROM series WHERE id = ANY($1::int[])`, [seriesIds]);
}
