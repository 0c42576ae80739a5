import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { createDb, type Db } from '../../src/db/client.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { applyMigrations, listMigrations } from '../../src/db/migrate.ts';

/** What outlives a database: a test, a suite, or a file (`{ after }` of node:test). */
export interface TestScope {
  after(run: () => Promise<void>): void;
}

/**
 * A migrated, empty database of its own for a test: embedded from a cached template, or, where TEST_DATABASE_URL names
 * a PostgreSQL server, a database cloned from a template there. Gone when the test ends.
 */
export async function createTestDb(t: TestScope): Promise<Db> {
  return (await openTestDb(t)).db;
}

/** A database of a test, and how another process reaches it. */
export interface TestDb {
  readonly db: Db;
  readonly connection: pg.ClientConfig;
}

/** As {@link createTestDb}, for tests with processes of their own. */
export async function openTestDb(t: TestScope): Promise<TestDb> {
  const url = process.env['TEST_DATABASE_URL'];
  return url === undefined ? openEmbeddedDb(t) : openPostgresDb(t, url);
}

const migrations = resolve('prisma/migrations');
const version = createHash('sha256')
  .update(
    listMigrations(migrations)
      .map(({ checksum }) => checksum)
      .join(),
  )
  .digest('hex')
  .slice(0, 12);

async function openEmbeddedDb(t: TestScope): Promise<TestDb> {
  const directory = mkdtempSync(join(tmpdir(), 'tokengraph-test-'));
  const embedded = await startEmbedded(directory, await embeddedTemplate());
  const db = createDb({ mode: 'EMBEDDED', connection: embedded.connection });
  t.after(async () => {
    await db.close();
    await embedded.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return { db, connection: embedded.connection };
}

/** Makes a directory the data directory of an empty, migrated embedded database. */
export async function fillDataDir(directory: string): Promise<void> {
  const embedded = await startEmbedded(directory, await embeddedTemplate());
  await embedded.stop();
}

/** A dump of an empty, migrated data directory; made once for each state of the migrations. */
async function embeddedTemplate(): Promise<string> {
  const path = resolve(`.cache/test-template-${version}.tar.gz`);
  if (existsSync(path)) return path;
  mkdirSync('.cache', { recursive: true });
  const directory = mkdtempSync(join(tmpdir(), 'tokengraph-template-'));
  const embedded = await startEmbedded(directory);
  const db = createDb({ mode: 'EMBEDDED', connection: embedded.connection });
  await applyMigrations(db, migrations);
  await db.close();
  const draft = `${path}.${process.pid}`;
  await embedded.dump(draft);
  await embedded.stop();
  renameSync(draft, path); // two test files may make it at once: whole files replace each other
  rmSync(directory, { recursive: true, force: true });
  return path;
}

async function openPostgresDb(t: TestScope, url: string): Promise<TestDb> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const template = `tokengraph_template_${version}`;
  await admin.query('SELECT pg_advisory_lock(5201)');
  try {
    const { rowCount } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
    if (rowCount === 0) await createTemplate(admin, url, template);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(5201)');
  }
  const name = `tokengraph_test_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
  const connection = { connectionString: withDatabase(url, name) };
  const db = createDb({ mode: 'POSTGRES', connection });
  t.after(async () => {
    await db.close();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  });
  return { db, connection };
}

async function createTemplate(admin: pg.Client, url: string, template: string): Promise<void> {
  await admin.query(`CREATE DATABASE ${template}`);
  const db = createDb({ mode: 'POSTGRES', connection: { connectionString: withDatabase(url, template) } });
  await applyMigrations(db, migrations);
  await db.close();
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
