/**
 * How the system is: what data there is, how fresh it is, how far behind the work is. Read-only, a few statements, no
 * state of its own; late or missing data shows as old times and as null, never as an error.
 */
import type { Db } from '../db/client.ts';
import { findLastSeq } from '../events/store.ts';

/** One source of candles and how fresh it is. */
export interface FeedStatus {
  readonly source: string;
  readonly kind: 'EXCHANGE' | 'REPLAY' | 'IMPORT' | 'SIMULATED';
  readonly seriesCount: number;
  /** Open of its newest candle, epoch ms; null where it has none. */
  readonly lastOpenTime: number | null;
  /** Candles of its own and folded ones. */
  readonly candleCount: number;
  /** How its live feed is; null where it has none. */
  readonly live: LiveFeedStatus | null;
}

/** How a live feed is, as the process that runs it last said; times in epoch ms, counts since that process connected. */
export interface LiveFeedStatus {
  /** Also false where nobody has said anything for a while: then no process runs it. */
  readonly isConnected: boolean;
  /** Also true where nobody has said anything for a while. */
  readonly isSilent: boolean;
  readonly lastMessageAt: number | null;
  /** The newest time that the source put on a trade. */
  readonly lastSourceTime: number | null;
  readonly reconnects: number;
  readonly gapsFound: number;
  readonly gapsRepaired: number;
  readonly quarantined: number;
}

/** A running feed says how it is every second: after so long without a word it does not run. */
const reportedWithinMs = 8_000;

/** Counts and positions of the whole system. */
export interface SystemStatus {
  readonly database: 'EMBEDDED' | 'POSTGRES';
  readonly databaseVersion: string;
  readonly tokenCount: number;
  readonly gradeCount: number;
  readonly signalCount: number;
  readonly quarantinedCount: number;
  /** `asOf` of the newest grade, epoch ms; null where there is none. */
  readonly lastGradeAsOf: number | null;
  /** Newest sequence number of the event log, events that were pruned included; 0 before the first one. */
  readonly lastSeq: number;
  /** How many events the engine has not settled yet. */
  readonly engineLag: number;
  readonly feeds: readonly FeedStatus[];
}

/** Reads the status; three statements, the end of the log first, so that no event falls between it and the counts. Counts of large tables are the database's estimates once it has analysed them. */
export async function readStatus(db: Db, nowMs: number): Promise<SystemStatus> {
  const lastSeq = await findLastSeq(db);
  const [counts] = await db.query<Omit<SystemStatus, 'database' | 'feeds' | 'lastSeq'>>(
    `SELECT current_setting('server_version') AS "databaseVersion",
       (SELECT count(*) FROM token) AS "tokenCount",
       (SELECT count(*) FROM grade) AS "gradeCount",
       (SELECT count(*) FROM signal) AS "signalCount",
       (SELECT count(*) FROM candle_quarantine) AS "quarantinedCount",
       (SELECT max(as_of) FROM grade) AS "lastGradeAsOf",
       (SELECT count(*) FROM event WHERE topic = 'closes' AND seq > coalesce((SELECT seq FROM event_consumer WHERE name = 'engine'), 0)) AS "engineLag"`,
  );
  const rows = await db.query<Omit<FeedStatus, 'live'> & { readonly reportedAt: number | null } & LiveFeedStatus>(
    `SELECT o.name AS source, o.kind, count(DISTINCT s.id) AS "seriesCount", max(i.last_open_time) AS "lastOpenTime",
       coalesce(sum(i.candle_count), 0)::bigint AS "candleCount", f.reported_at AS "reportedAt",
       f.is_connected AS "isConnected", f.is_silent AS "isSilent", f.last_message_at AS "lastMessageAt",
       f.last_source_time AS "lastSourceTime", f.reconnects, f.gaps_found AS "gapsFound", f.gaps_repaired AS "gapsRepaired", f.quarantined
     FROM source o LEFT JOIN feed_status f ON f.source_name = o.name LEFT JOIN series s ON s.source_id = o.id LEFT JOIN series_interval i ON i.series_id = s.id
     GROUP BY o.id, f.source_name ORDER BY max(i.last_open_time) DESC NULLS LAST, o.name`,
  );
  if (!counts) throw new Error('the status query returned no row');
  const feeds = rows.map(({ source, kind, seriesCount, lastOpenTime, candleCount, reportedAt, ...live }) => {
    const feed = { source, kind, seriesCount, lastOpenTime, candleCount };
    if (reportedAt === null) return { ...feed, live: null };
    const isRun = nowMs - reportedAt <= reportedWithinMs;
    const { isConnected, isSilent } = live;
    return { ...feed, live: { ...live, isConnected: isConnected && isRun, isSilent: isSilent || !isRun } };
  });
  return { database: db.mode, lastSeq, feeds, ...counts };
}
