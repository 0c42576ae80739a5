import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type pg from 'pg';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Db } from './client.ts';

/**
 * Backups that go from either kind of database into either: a gzipped text file with one line of facts, then each table's rows in the
 * database's own exact text form, read in one snapshot. A backup is restored whole or not at all.
 *
 * The embedded database has one session, so a server beside it waits while a backup reads.
 */

/** The first line of a backup. */
interface Header {
  readonly format: 'tokengraph-backup';
  readonly version: 1;
  readonly migrations: readonly string[];
  readonly createdAt: string;
}

/** A table's name, before its rows. */
interface TableLine {
  readonly table: string;
  readonly columns: readonly string[];
}

/** A table of this database. */
interface Table extends TableLine {
  /** Columns that are written: those that the database does not make itself. */
  readonly written: readonly string[];
}

/** What a backup or restore went over: rows by table. */
export type BackupSummary = ReadonlyMap<string, number>;

const batchRows = 2000;

/** Tables with columns; a table comes after those it refers to. Partitions are part of their parent. */
const tablesSql = `
  WITH RECURSIVE tables AS (
    SELECT c.oid, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '_prisma_migrations'
  ), edges AS (
    SELECT DISTINCT conrelid AS child, confrelid AS parent FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid
  ), depths AS (
    SELECT oid, name, 0 AS depth FROM tables
    UNION ALL SELECT t.oid, t.name, d.depth + 1 FROM depths d JOIN edges e ON e.parent = d.oid JOIN tables t ON t.oid = e.child WHERE d.depth < 20
  )
  SELECT d.name, max(d.depth) AS depth,
    (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS written
  FROM depths d GROUP BY d.oid, d.name ORDER BY max(d.depth), d.name`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function listTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<{ name: string; columns: string[]; written: string[] }>(tablesSql);
  return rows.map(({ name, columns, written }) => ({ table: name, columns, written }));
}

async function listApplied(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT migration_name AS name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY 1',
  );
  return rows.map(({ name }) => name);
}

/** Writes a backup; the file appears whole or not at all. Throws BAD_USER_INPUT where the path cannot be written. */
export async function writeBackup(
  db: Db,
  path: string,
  nowMs: number,
  onTable: (table: string) => void,
): Promise<BackupSummary> {
  const client = await db.connectAlone();
  const counts = new Map<string, number>();
  const draft = `${path}.part`;
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const lines = Readable.from(backupLines(client, nowMs, counts, onTable));
    await pipeline(lines, createGzip({ level: 6 }), createWriteStream(draft));
    await client.query('COMMIT');
    await rename(draft, path);
    return counts;
  } catch (error) {
    await rm(draft, { force: true });
    if ((error as NodeJS.ErrnoException).syscall)
      throw new AppError('BAD_USER_INPUT', `The backup ${path} cannot be written: ${messageOf(error)}.`, {
        cause: error,
      });
    throw error;
  } finally {
    await client.end();
  }
}

async function* backupLines(
  client: pg.Client,
  nowMs: number,
  counts: Map<string, number>,
  onTable: (table: string) => void,
): AsyncGenerator<string> {
  const header: Header = {
    format: 'tokengraph-backup',
    version: 1,
    migrations: await listApplied(client),
    createdAt: new Date(nowMs).toISOString(),
  };
  yield `${JSON.stringify(header)}\n`;
  for (const { table, columns } of await listTables(client)) {
    onTable(table);
    const line: TableLine = { table, columns };
    yield `${JSON.stringify(line)}\n`;
    await client.query(`DECLARE backup_rows NO SCROLL CURSOR FOR SELECT t::text AS row FROM ${quoted(table)} t`);
    for (;;) {
      const { rows } = await client.query<{ row: string }>(`FETCH ${batchRows} FROM backup_rows`);
      if (rows.length === 0) break;
      counts.set(table, (counts.get(table) ?? 0) + rows.length);
      yield rows.map(({ row }) => `${JSON.stringify(row)}\n`).join('');
    }
    await client.query('CLOSE backup_rows');
  }
}

/**
 * Reads a backup into a migrated database in one transaction. Throws BAD_USER_INPUT, and changes nothing, where the file is no
 * whole backup, was made by another version, or the database holds data and `isReplacing` is false.
 */
export async function readBackup(
  db: Db,
  path: string,
  isReplacing: boolean,
  onTable: (table: string) => void,
): Promise<BackupSummary> {
  const client = await db.connectAlone();
  try {
    await client.query('BEGIN');
    const tables = await listTables(client);
    await clearTables(client, tables, isReplacing);
    const counts = await insertLines(client, path, tables, onTable);
    await resetSequences(client);
    await client.query('COMMIT');
    return counts;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // the first error is the one to tell
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (/^(ENOENT|EACCES|EISDIR|Z_|ERR_)/.test(code))
      throw new AppError(
        'BAD_USER_INPUT',
        `The backup ${path} cannot be read: ${messageOf(error)}. Nothing was changed.`,
        { cause: error },
      );
    throw error;
  } finally {
    await client.end();
  }
}

async function clearTables(client: pg.Client, tables: readonly TableLine[], isReplacing: boolean): Promise<void> {
  const { rowCount } = await client.query('SELECT 1 FROM token LIMIT 1');
  if (rowCount && !isReplacing)
    throw new AppError('BAD_USER_INPUT', 'The database holds data; pass --replace to put the backup in its place.');
  await client.query(`TRUNCATE ${tables.map(({ table }) => quoted(table)).join(', ')} CASCADE`);
}

async function insertLines(
  client: pg.Client,
  path: string,
  tables: readonly Table[],
  onTable: (table: string) => void,
): Promise<BackupSummary> {
  const counts = new Map<string, number>();
  let table: string | null = null;
  let rows: string[] = [];
  let isFirst = true;
  const flush = async (): Promise<void> => {
    if (table === null || rows.length === 0) return;
    const columns =
      tables
        .find((known) => known.table === table)
        ?.written.map(quoted)
        .join(', ') ?? '';
    await client.query(
      `INSERT INTO ${quoted(table)} (${columns})
       SELECT ${columns} FROM (SELECT (u.row::${quoted(table)}).* FROM unnest($1::text[]) AS u(row)) r`,
      [rows],
    );
    counts.set(table, (counts.get(table) ?? 0) + rows.length);
    rows = [];
  };
  for await (const line of linesOf(path)) {
    const value: unknown = parseLine(line, path);
    if (isFirst) await assertHeader(client, value, path);
    else if (typeof value === 'string') rows.push(value);
    else {
      await flush();
      table = assertTable(value, tables, path);
      onTable(table);
    }
    isFirst = false;
    if (rows.length >= batchRows) await flush();
  }
  if (isFirst) throw new AppError('BAD_USER_INPUT', `The backup ${path} is empty.`);
  await flush();
  return counts;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const unzipped = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
  const read = pipeline(createReadStream(path), createGunzip(), unzipped);
  read.catch((error: unknown) => unzipped.destroy(error as Error));
  yield* createInterface({ input: unzipped, crlfDelay: Number.POSITIVE_INFINITY });
  await read;
}

function parseLine(line: string, path: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new AppError('BAD_USER_INPUT', `The backup ${path} is damaged. Nothing was changed.`);
  }
}

async function assertHeader(client: pg.Client, value: unknown, path: string): Promise<void> {
  const header = value as Partial<Header> | null;
  if (header?.format !== 'tokengraph-backup' || header.version !== 1 || !Array.isArray(header.migrations))
    throw new AppError('BAD_USER_INPUT', `${path} is no backup made by this program.`);
  const here = (await listApplied(client)).join();
  if (header.migrations.join() !== here)
    throw new AppError(
      'BAD_USER_INPUT',
      `The backup ${path} was made with the schema ${header.migrations.at(-1)}; this version has another. Restore it with the version that made it.`,
    );
}

function assertTable(value: unknown, tables: readonly TableLine[], path: string): string {
  const line = value as Partial<TableLine> | null;
  const known = tables.find(({ table }) => table === line?.table);
  if (!known || known.columns.join() !== line?.columns?.join())
    throw new AppError(
      'BAD_USER_INPUT',
      `The backup ${path} holds a table that this version does not have. Nothing was changed.`,
    );
  return known.table;
}

/** Identities go on after the largest that was restored. */
async function resetSequences(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string; sequence: string }>(
    `SELECT c.relname AS "table", a.attname AS "column", pg_get_serial_sequence(quote_ident(c.relname), a.attname) AS sequence
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attidentity <> ''`,
  );
  for (const { table, column, sequence } of rows) {
    await client.query(
      `SELECT setval($1, greatest((SELECT coalesce(max(${quoted(column)}), 0) FROM ${quoted(table)}), 1), (SELECT count(*) > 0 FROM ${quoted(table)}))`,
      [sequence],
    );
  }
  await client.query(
    `SELECT setval('event_seq', greatest((SELECT coalesce(max(seq), 0) FROM event), (SELECT coalesce(max(seq), 0) FROM event_floor), (SELECT coalesce(max(seq), 0) FROM event_consumer), 1))`,
  );
}
