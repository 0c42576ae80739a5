import { createDb, type Db, type DbOptions } from './client.ts';
import { embeddedConnection, type Embedded, isServed, startEmbedded } from './embedded.ts';

/** A database that was opened, and how to close all of it. */
export interface OpenDb {
  readonly db: Db;
  /** The embedded server this process runs; null with PostgreSQL, or beside another process that runs it. */
  readonly embedded: Embedded | null;
  close(): Promise<void>;
}

/** Where the database is: PostgreSQL's URL, or the directory of the embedded one. */
export interface DbPlace {
  readonly databaseUrl: string | null;
  readonly dataDir: string;
}

type Timeouts = Pick<DbOptions, 'statementTimeoutMs' | 'connectTimeoutMs'>;

/** Jobs may run statements that a request may not. */
const jobTimeouts: Timeouts = { statementTimeoutMs: 60_000 };

/** The embedded database has one session: a job waits for its turn behind whatever others run, to connect too. */
const embeddedJobTimeouts: Timeouts = { ...jobTimeouts, connectTimeoutMs: 60_000 };

/** Opens the database of a server: PostgreSQL, or the embedded one, which must not be in use. */
export async function openDb(place: DbPlace): Promise<OpenDb> {
  return place.databaseUrl === null ? openEmbedded(place.dataDir, {}) : openPostgres(place.databaseUrl, {});
}

/** Opens the database of a command: beside a running server it goes to that server's embedded database. */
export async function openDbBeside(place: DbPlace): Promise<OpenDb> {
  if (place.databaseUrl !== null) return openPostgres(place.databaseUrl, jobTimeouts);
  if (!(await isServed(place.dataDir))) return openEmbedded(place.dataDir, embeddedJobTimeouts);
  const connection = embeddedConnection(place.dataDir);
  const db = createDb({ mode: 'EMBEDDED', connection, poolMax: 4, ...embeddedJobTimeouts });
  return { db, embedded: null, close: () => db.close() };
}

function openPostgres(connectionString: string, timeouts: Timeouts): OpenDb {
  const db = createDb({ mode: 'POSTGRES', connection: { connectionString }, ...timeouts });
  return { db, embedded: null, close: () => db.close() };
}

async function openEmbedded(dataDir: string, timeouts: Timeouts): Promise<OpenDb> {
  const embedded = await startEmbedded(dataDir);
  const db = createDb({ mode: 'EMBEDDED', connection: embedded.connection, ...timeouts });
  return {
    db,
    embedded,
    async close() {
      await db.close();
      await embedded.stop();
    },
  };
}
