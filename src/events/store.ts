import { arrayText, jsonLines } from '../db/array-text.ts';
import type { Db, Sql } from '../db/client.ts';
import { type NewEvent, retentionMs, type StoredEvent, type Topic } from './topics.ts';

/** Serialises writers of the log until they commit, so that sequence order is commit order. Any number would do. */
const logLock = 5_201_314;

/**
 * Appends events in the caller's transaction, which must have written the rows they speak of. The lock is held until
 * that transaction ends, so call this last. Returns the sequence numbers, in the order given.
 */
export async function appendEvents(tx: Sql, events: readonly NewEvent[], publishedAt: number): Promise<number[]> {
  if (events.length === 0) return [];
  await tx.query('SELECT pg_advisory_xact_lock($1)', [logLock]);
  const rows = await tx.query<{ seq: number }>(
    `INSERT INTO event (seq, topic, payload, published_at)
     SELECT nextval('event_seq'), u.topic, u.payload, $3
     FROM (SELECT topic, payload::jsonb, n
       FROM unnest($1::text[], string_to_array($2::text, E'\\n')) WITH ORDINALITY AS t(topic, payload, n)) u ORDER BY u.n
     RETURNING seq`,
    [
      arrayText(events.map(({ topic }) => topic)),
      jsonLines(events.map(({ payload }) => payload)),
      new Date(publishedAt),
    ],
  );
  return rows.map(({ seq }) => seq);
}

/** Events after a sequence number, in order, at most `limit`. */
export function listEvents(db: Sql, topics: readonly Topic[], afterSeq: number, limit: number): Promise<StoredEvent[]> {
  return db.query<StoredEvent>(
    `SELECT seq, topic, payload, published_at AS "publishedAt" FROM event WHERE topic = ANY($1) AND seq > $2 ORDER BY seq LIMIT $3`,
    [topics, afterSeq, limit],
  );
}

/** The newest sequence number of the log; 0 when it is empty. Events may have been pruned up to it. */
export async function findLastSeq(db: Sql): Promise<number> {
  const [row] = await db.query<{ seq: number }>(
    `SELECT greatest((SELECT coalesce(max(seq), 0) FROM event), (SELECT coalesce(max(seq), 0) FROM event_floor)) AS seq`,
  );
  return row?.seq ?? 0;
}

/** Up to where a topic has been pruned; null when nothing of it ever was. */
export async function findFloor(db: Sql, topic: Topic): Promise<{ seq: number; at: number } | null> {
  const [row] = await db.query<{ seq: number; at: number }>('SELECT seq, at FROM event_floor WHERE topic = $1', [
    topic,
  ]);
  return row ?? null;
}

/** A page of a topic's log, and up to where the topic has been pruned: 0 when it never was. */
export interface TopicPage<T extends Topic> {
  readonly floor: { readonly seq: number; readonly at: number };
  readonly events: Extract<StoredEvent, { topic: T }>[];
}

/**
 * Events of a topic after a sequence number, at most `limit`, with the floor as it was at that moment: one statement,
 * so that pruning beside it cannot hide events without showing in the floor.
 */
export async function readTopic<T extends Topic>(
  db: Sql,
  topic: T,
  afterSeq: number,
  limit: number,
): Promise<TopicPage<T>> {
  const rows = await db.query<{
    floorSeq: number;
    floorAt: number;
    seq: number | null;
    payload: unknown;
    publishedAt: number;
  }>(
    `SELECT coalesce(f.seq, 0) AS "floorSeq", coalesce(f.at, to_timestamp(0)) AS "floorAt", e.seq, e.payload, e.published_at AS "publishedAt"
     FROM (SELECT 1) one LEFT JOIN event_floor f ON f.topic = $1
     LEFT JOIN LATERAL (SELECT * FROM event WHERE topic = $1 AND seq > $2 ORDER BY seq LIMIT $3) e ON true ORDER BY e.seq`,
    [topic, afterSeq, limit],
  );
  const events = rows.flatMap(({ seq, payload, publishedAt }) =>
    seq === null ? [] : [{ seq, topic, payload, publishedAt }],
  );
  return {
    floor: { seq: rows[0]?.floorSeq ?? 0, at: rows[0]?.floorAt ?? 0 },
    events: events as unknown as TopicPage<T>['events'],
  };
}

/** When the last event up to a sequence number that is still kept was published (epoch ms); 0 when none is. */
export async function findTimeOf(db: Sql, seq: number): Promise<number> {
  const [row] = await db.query<{ at: number }>(
    'SELECT published_at AS at FROM event WHERE seq <= $1 ORDER BY seq DESC LIMIT 1',
    [seq],
  );
  return row?.at ?? 0;
}

/** Deletes events older than their topic's retention and remembers how far; returns how many went. */
export async function pruneEvents(db: Pick<Db, 'transaction'>, nowMs: number): Promise<number> {
  let count = 0;
  for (const [topic, keepMs] of Object.entries(retentionMs)) {
    const before = new Date(nowMs - keepMs);
    count += await db.transaction(async (tx) => {
      const [last] = await tx.query<{ seq: number; at: number }>(
        'SELECT seq, published_at AS at FROM event WHERE topic = $1 AND published_at < $2 ORDER BY seq DESC LIMIT 1',
        [topic, before],
      );
      if (!last) return 0;
      await tx.execute(
        `INSERT INTO event_floor (topic, seq, at) VALUES ($1, $2, $3)
         ON CONFLICT (topic) DO UPDATE SET seq = greatest(event_floor.seq, excluded.seq), at = greatest(event_floor.at, excluded.at)`,
        [topic, last.seq, new Date(last.at)],
      );
      return tx.execute('DELETE FROM event WHERE topic = $1 AND seq <= $2', [topic, last.seq]);
    });
  }
  return count;
}

/** How far a consumer of the log has come; null when it has never saved a position. */
export async function findConsumerSeq(db: Sql, name: string): Promise<number | null> {
  const [row] = await db.query<{ seq: number }>('SELECT seq FROM event_consumer WHERE name = $1', [name]);
  return row?.seq ?? null;
}

/** Saves a consumer's position, which never goes back: in the transaction of its output, so that both happen or neither. */
export async function saveConsumerSeq(tx: Sql, name: string, seq: number, nowMs: number): Promise<void> {
  await tx.execute(
    `INSERT INTO event_consumer (name, seq, updated_at) VALUES ($1, $2, $3)
     ON CONFLICT (name) DO UPDATE SET seq = greatest(event_consumer.seq, excluded.seq), updated_at = excluded.updated_at`,
    [name, seq, new Date(nowMs)],
  );
}
