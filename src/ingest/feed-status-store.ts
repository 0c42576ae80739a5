import type { Sql } from '../db/client.ts';
import type { FeedHealth } from '../sources/exchange.ts';

/** Notes how a live feed is; `quarantined` are rows it had that were refused. */
export async function recordFeedStatus(
  sql: Sql,
  sourceName: string,
  health: FeedHealth & { readonly quarantined: number },
  reportedAt: number,
): Promise<void> {
  const dateOf = (timeMs: number | null): Date | null => (timeMs === null ? null : new Date(timeMs));
  await sql.execute(
    `INSERT INTO feed_status (source_name, is_connected, is_silent, last_message_at, last_source_time, reconnects, gaps_found, gaps_repaired, quarantined, reported_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (source_name) DO UPDATE SET is_connected = excluded.is_connected, is_silent = excluded.is_silent,
       last_message_at = excluded.last_message_at, last_source_time = excluded.last_source_time, reconnects = excluded.reconnects,
       gaps_found = excluded.gaps_found, gaps_repaired = excluded.gaps_repaired, quarantined = excluded.quarantined, reported_at = excluded.reported_at`,
    [
      sourceName,
      health.isConnected,
      health.isSilent,
      dateOf(health.lastMessageAt),
      dateOf(health.lastSourceTime),
      health.reconnects,
      health.gapsFound,
      health.gapsRepaired,
      health.quarantined,
      new Date(reportedAt),
    ],
  );
}
