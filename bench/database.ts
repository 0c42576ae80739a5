import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { openDbBeside } from '../src/db/open.ts';
import { messageOf } from '../src/lib/errors.ts';
import { findPostgres, startCluster } from './cluster.ts';
import { type LoadedMarket, loadMarket, type MarketOrigin } from './load.ts';

/** The database of a run, loaded: PostgreSQL where there is one, else the embedded one. */
export interface BenchDatabase {
  /** Null: embedded, in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  /** What it is, for the report. */
  readonly description: string;
  /** Process whose CPU is the database's; null where it is elsewhere, or inside the server. */
  readonly pid: number | null;
  readonly market: LoadedMarket;
  readonly stop: () => Promise<void>;
}

/** On a server that others use, the market has a database of its own: no other is written to. */
export const benchDatabaseName = 'tokengraph_bench';

/** Opens, migrates and loads the database of a run. Without a URL: a throw-away cluster, without programs for it embedded. */
export async function prepareDatabase(serverUrl: string | null, origin: MarketOrigin): Promise<BenchDatabase> {
  if (serverUrl !== null) return prepareOnServer(serverUrl, origin);
  const bin = findPostgres();
  if (bin === null) return prepareEmbedded(origin);
  const cluster = await startCluster(bin);
  try {
    const market = await load({ databaseUrl: cluster.url, dataDir: '' }, origin);
    const description = `PostgreSQL ${cluster.version}, a throw-away cluster`;
    return { databaseUrl: cluster.url, dataDir: '', description, pid: cluster.pid, market, stop: cluster.stop };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function prepareEmbedded(origin: MarketOrigin): Promise<BenchDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tokengraph-bench-'));
  const stop = async (): Promise<void> => rmSync(dataDir, { recursive: true, force: true });
  const market = await load({ databaseUrl: null, dataDir }, origin);
  return {
    databaseUrl: null,
    dataDir,
    description: "the embedded database (its CPU is part of the server's)",
    pid: null,
    market,
    stop,
  };
}

async function prepareOnServer(serverUrl: string, origin: MarketOrigin): Promise<BenchDatabase> {
  const url = new URL(serverUrl);
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [benchDatabaseName]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${benchDatabaseName}`);
    url.pathname = `/${benchDatabaseName}`;
    const place = { databaseUrl: url.href, dataDir: '' };
    const market = await load(place, origin).catch(async (error: unknown) => {
      if (!/migration/.test(messageOf(error))) throw error;
      await client.query(`DROP DATABASE ${benchDatabaseName}`); // another version's: made anew
      await client.query(`CREATE DATABASE ${benchDatabaseName}`);
      return load(place, origin);
    });
    const description = `PostgreSQL at ${url.host}, database ${benchDatabaseName}`;
    const pid = await findPostmaster(client);
    return { databaseUrl: url.href, dataDir: '', description, pid, market, stop: async () => {} };
  } finally {
    await client.end();
  }
}

async function load(
  place: { databaseUrl: string | null; dataDir: string },
  origin: MarketOrigin,
): Promise<LoadedMarket> {
  const opened = await openDbBeside(place);
  try {
    return await loadMarket(opened.db, origin);
  } finally {
    await opened.close();
  }
}

/** The server's first process; null where we may not ask (no superuser). On another machine it means nothing: callers compare hosts. */
async function findPostmaster(client: Client): Promise<number | null> {
  if (!['127.0.0.1', 'localhost', '::1'].includes(client.host)) return null;
  try {
    const { rows } = await client.query<{ text: string }>(`SELECT pg_read_file('postmaster.pid') AS text`);
    return Number(rows[0]?.text.split('\n')[0]);
  } catch {
    return null;
  }
}
