import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { AppError, messageOf } from '../lib/errors.ts';
import type { Db } from './client.ts';

/**
 * Applies `prisma/migrations/<name>/migration.sql` in order, each in one transaction, under the advisory lock and in the table
 * that `prisma migrate deploy` uses, so either tool can go on where the other stopped.
 */

/** Prisma's own lock number: the two migrators never run at once. */
const migrationLock = 72707369;

const ledgerDdl = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** Migrations on disk, oldest first. */
export function listMigrations(directory: string): Migration[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/** Brings the database to this version; returns the names applied now. Throws when the database is newer or was changed by hand. */
export async function applyMigrations(db: Pick<Db, 'connectAlone'>, directory: string): Promise<string[]> {
  const client = await db.connectAlone();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [migrationLock]);
    await client.query(ledgerDdl);
    const pending = findPending(listMigrations(directory), await readLedger(client));
    for (const migration of pending) await applyOne(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [migrationLock]).catch(() => {}); // a lost connection has let go already
    await client.end();
  }
}

type LedgerRow = { migration_name: string; checksum: string; finished_at: Date | null };

async function readLedger(client: pg.Client): Promise<LedgerRow[]> {
  const { rows } = await client.query<LedgerRow>(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  return rows;
}

function findPending(known: Migration[], ledger: LedgerRow[]): Migration[] {
  const byName = new Map(known.map((migration) => [migration.name, migration]));
  for (const row of ledger) {
    const migration = byName.get(row.migration_name);
    if (!migration)
      throw new AppError(
        'SERVICE_UNAVAILABLE',
        `The database has the migration ${row.migration_name}, which this version does not know: it was written by a newer version. Run that one.`,
      );
    if (row.finished_at === null)
      throw new AppError(
        'SERVICE_UNAVAILABLE',
        `The migration ${row.migration_name} was begun and not finished by another tool; resolve it with prisma migrate resolve.`,
      );
    if (migration.checksum !== row.checksum)
      throw new AppError(
        'SERVICE_UNAVAILABLE',
        `The migration ${row.migration_name} was changed after it had been applied; restore its file.`,
      );
  }
  const applied = new Set(ledger.map((row) => row.migration_name));
  return known.filter(({ name }) => !applied.has(name));
}

async function applyOne(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(sql);
    await client.query(
      'INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count) VALUES ($1, $2, $3, now(), now(), 1)',
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {}); // the first error is the one to tell
    throw new AppError('SERVICE_UNAVAILABLE', `The migration ${name} failed and was rolled back: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
