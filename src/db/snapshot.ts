import type pg from 'pg';
import type { Clock } from '../lib/clock.ts';
import type { Db } from './client.ts';

/**
 * Tells whether the database has changed, without being told: a snapshot names the transactions whose writes can be seen.
 * Where two of them are equal, nothing was committed between, by whoever and from wherever, and a reader sees the same.
 *
 * It is asked for on a connection of its own. A server that crashed or was replaced can come to the same snapshot with
 * other contents, but not on the same connection: a new one begins a new {@link Snapshot.line}. A standby's snapshot does
 * not name everything, so there, as where the database cannot be asked, the answer is null: it cannot be told.
 */
export interface SnapshotReader {
  /** The snapshot at some instant after the call. Calls while one is asked for wait together for the next. Never throws. */
  read(): Promise<Snapshot | null>;
  close(): Promise<void>;
}

/** What can be seen of the database. */
export interface Snapshot {
  /** Counts connections. */
  readonly line: number;
  readonly text: string;
}

/** Whether a reader sees the same at both. */
export function isSameSnapshot(a: Snapshot | null, b: Snapshot | null): boolean {
  return a !== null && b !== null && a.line === b.line && a.text === b.text;
}

const statement = 'SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_snapshot()::text END AS snapshot';
/** Requests wait for the answer; one that is this late costs more than it saves. */
const answerWithinMs = 1_000;
const retryMs = 1_000;

interface Line {
  readonly client: pg.Client;
  readonly number: number;
}

/** Makes the reader of a database; it connects when first asked. */
export function createSnapshotReader({ db, clock }: { readonly db: Db; readonly clock: Clock }): SnapshotReader {
  let line: Promise<Line> | null = null;
  let lines = 0;
  let retryAt = 0;
  let isClosed = false;
  const drop = (): void => {
    const dropped = line;
    line = null;
    retryAt = clock.now() + retryMs;
    dropped?.then(({ client }) => client.end()).catch(() => {}); // it is gone already
  };
  const connect = async (): Promise<Line> => {
    const client = await db.connectAlone({ statement_timeout: answerWithinMs });
    return { client, number: (lines += 1) };
  };
  const ask = async (): Promise<Snapshot | null> => {
    if (isClosed || (line === null && clock.now() < retryAt)) return null;
    try {
      const { client, number } = await (line ??= connect());
      // Named, the server plans it once; the embedded one shares its session, where names would collide.
      const name = db.mode === 'POSTGRES' ? { name: 'tg_snapshot' } : {};
      const asked = { text: statement, query_timeout: answerWithinMs, ...name };
      const { rows } = await client.query<{ snapshot: string | null }>(asked);
      const text = rows[0]?.snapshot ?? null;
      return text === null ? null : { line: number, text };
    } catch {
      drop(); // whatever it was: the next connection is another line, and requests do without until then
      return null;
    }
  };
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Snapshot | null> | null = null;
  return {
    read() {
      if (waiting) return waiting;
      const next = last.then(() => {
        waiting = null; // who comes from here on may have come after the server has looked
        return ask();
      });
      waiting = next;
      last = next;
      return next;
    },
    async close() {
      isClosed = true;
      await last;
      drop();
    },
  };
}
