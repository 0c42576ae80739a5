/**
 * The database: one pool of pg connections, used by Prisma's client (`db.prisma`: registry, admin, rare reads) and by
 * the set-based statements of the stores (`db.query`), on PostgreSQL and on the embedded PGlite alike.
 *
 * Rows of `db.query` are plain: numeric as exact text, timestamptz as epoch milliseconds, bigint as number (identities
 * stay below 2^53), jsonb parsed. Sessions run in UTC with every timeout set. A broken connection is a
 * SERVICE_UNAVAILABLE, never a hang; a statement that fails for another reason throws the driver's error.
 */
import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { AppError, messageOf } from '../lib/errors.ts';
import { PrismaClient } from './generated/client.ts';

/** What can run statements: the database, or a transaction of it. */
export interface Sql {
  /** Runs one statement and returns its rows; see the module text for how values are read. */
  query<Row extends object>(text: string, params?: readonly unknown[]): Promise<Row[]>;
  /** Runs one statement and returns how many rows it wrote. */
  execute(text: string, params?: readonly unknown[]): Promise<number>;
}

/** The database of a process. */
export interface Db extends Sql {
  readonly mode: 'EMBEDDED' | 'POSTGRES';
  readonly prisma: PrismaClient;
  /** Runs statements in one transaction: commits when `run` resolves, rolls back when it throws. */
  transaction<T>(run: (tx: Sql) => Promise<T>): Promise<T>;
  /** Calls the listener with every statement sent, Prisma's too; returns the way to stop. For tests and metrics. */
  onStatement(listener: (text: string) => void): () => void;
  /** Refreshes what the planner knows of the tables: after bulk writes, and now and then where nothing else does it. */
  analyze(): Promise<void>;
  /**
   * A connection of its own, outside the pool and its timeouts: LISTEN, advisory locks, COPY. The caller ends it.
   * `settings` are settings of its session, by name.
   */
  connectAlone(settings?: Readonly<Record<string, string | number>>): Promise<pg.Client>;
  close(): Promise<void>;
}

/** How to reach the database. */
export interface DbOptions {
  readonly mode: 'EMBEDDED' | 'POSTGRES';
  readonly connection: pg.ClientConfig;
  readonly poolMax?: number;
  /** Statement timeout in ms: 5,000 for requests, 60,000 for jobs. */
  readonly statementTimeoutMs?: number;
  /** How long to wait for a connection, in ms; when not given 3,000 for one of the pool, 5,000 for one alone. */
  readonly connectTimeoutMs?: number;
}

const timestamptz = pg.types.builtins.TIMESTAMPTZ;
const int8 = pg.types.builtins.INT8;

/** Postgres writes `2025-06-30 00:00:00+00`; Date wants `T` and a full offset. Rows in order of time repeat theirs. */
function createTimestampParser(): (text: string) => number {
  let [lastText, lastMs] = ['', Number.NaN];
  return (text) => {
    if (text !== lastText) [lastText, lastMs] = [text, Date.parse(`${text.replace(' ', 'T')}:00`)];
    return lastMs;
  };
}

const parseTimestamp = createTimestampParser();

const rowTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: (typeof pg.types.builtins)[keyof typeof pg.types.builtins], format?: 'text') => {
    if (oid === timestamptz) return parseTimestamp;
    if (oid === int8) return Number;
    return pg.types.getTypeParser(oid, format);
  }) as typeof pg.types.getTypeParser,
};

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08006',
  '08001',
  '08003',
  // what Prisma makes of them
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
]);

/** Whether an error of the driver means that the database cannot be reached now, so that trying later makes sense. */
export function isConnectionError(error: unknown): boolean {
  if (codesOf(error).some((code) => connectionCodes.has(code))) return true;
  return /timeout exceeded when trying to connect|timeout expired|Query read timeout|Connection terminated|Client has encountered a connection error/.test(
    messageOf(error),
  );
}

/** The driver's code; where Prisma stands between, its own and the driver's. */
function codesOf(error: unknown): string[] {
  const { code, meta } = (error ?? {}) as {
    code?: unknown;
    meta?: { driverAdapterError?: { cause?: { originalCode?: unknown } } };
  };
  const codes = [code, meta?.driverAdapterError?.cause?.originalCode];
  return codes.filter((one) => typeof one === 'string');
}

function asExpected(error: unknown): unknown {
  if (error instanceof AppError) return error;
  if (isConnectionError(error))
    return new AppError('SERVICE_UNAVAILABLE', 'The database cannot be reached; try again in a few seconds.', {
      cause: error,
    });
  if (codesOf(error).includes('57014'))
    return new AppError('TIMEOUT', 'The database took too long to answer; ask for less.', { cause: error });
  return error;
}

/** A server that has not even ended a statement at its own timeout so long after it will not answer: it is frozen or cut off. */
const silenceMs = 250;

/**
 * A client that vanished without a word (its host lost power, a cable) is gone for the server in six seconds, with its locks.
 * Jobs get longer to take what was sent to them: while they compute, a close of thousands of tokens, they read nothing.
 */
function deadPeer(statementTimeoutMs: number) {
  return {
    tcp_keepalives_idle: 3,
    tcp_keepalives_interval: 1,
    tcp_keepalives_count: 3,
    tcp_user_timeout: Math.max(6000, statementTimeoutMs / 3),
  };
}

function optionsOf(settings: Readonly<Record<string, string | number>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

function isUnavailable(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'SERVICE_UNAVAILABLE';
}

/** Long-lived: a pool and Prisma's client on it. Nothing is opened before the first statement. */
export function createDb(options: DbOptions): Db {
  const listeners = new Set<(text: string) => void>();
  class ListenedClient extends pg.Client {
    // @ts-expect-error pg types `query` as a dozen overloads; every one is passed on untouched.
    override query(first: unknown, ...rest: unknown[]): unknown {
      if (listeners.size > 0) {
        const text = typeof first === 'string' ? first : ((first as { text?: string }).text ?? '');
        for (const listener of listeners) listener(text);
      }
      return (super.query as (...args: unknown[]) => unknown).call(this, first, ...rest);
    }
  }
  const statementTimeoutMs = options.statementTimeoutMs ?? 5000;
  const session: pg.ClientConfig = {
    ...options.connection,
    application_name: 'tokengraph',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5000,
    keepAlive: true,
  };
  const pool = new pg.Pool({
    ...session,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 3000,
    query_timeout: statementTimeoutMs + silenceMs,
    options: optionsOf({
      TimeZone: 'UTC',
      jit: 'off',
      statement_timeout: statementTimeoutMs,
      lock_timeout: 2000,
      // Jobs compute between the statements of a transaction, for seconds where a close is of thousands of tokens.
      idle_in_transaction_session_timeout: Math.max(10_000, statementTimeoutMs / 2),
      ...deadPeer(statementTimeoutMs),
    }),
    max: options.poolMax ?? 10,
    Client: ListenedClient as unknown as typeof pg.Client,
    idleTimeoutMillis: 30_000,
  });
  pool.on('error', () => {}); // an idle connection died: the pool has dropped it, the next statement opens another
  // One that dies in a transaction, between two statements, tells here; the next statement fails with it.
  pool.on('connect', (client) => client.on('error', () => {}));
  // The embedded server shares one session among connections, so prepared names would collide there.
  const nameOf = options.mode === 'POSTGRES' ? createStatementNames() : () => undefined;
  const sqlOf = (runner: () => Pick<pg.Pool | pg.PoolClient, 'query'>): Sql => {
    const run = async (text: string, params: readonly unknown[]): Promise<pg.QueryResult> => {
      const name = params.length > 0 ? nameOf(text) : undefined;
      try {
        return await runner().query({
          text,
          values: [...params],
          types: rowTypes,
          ...(name === undefined ? {} : { name }),
        });
      } catch (error) {
        throw asExpected(error);
      }
    };
    return {
      query: async <Row extends object>(text: string, params: readonly unknown[] = []) =>
        (await run(text, params)).rows as Row[],
      execute: async (text, params = []) => (await run(text, params)).rowCount ?? 0,
    };
  };
  return {
    mode: options.mode,
    prisma: createPrisma(pool),
    ...sqlOf(() => pool),
    transaction: (run) => inTransaction(pool, (client) => run(sqlOf(() => client))),
    onStatement(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    analyze: () => analyzeTables(pool),
    async connectAlone(settings = {}) {
      const client = new pg.Client({ ...session, options: optionsOf({ TimeZone: 'UTC', ...settings }) });
      client.on('error', () => {}); // the next statement fails with it; who must know at once listens for `end`
      await client.connect().catch((error: unknown) => {
        throw asExpected(error);
      });
      return client;
    },
    close: () => pool.end(),
  };
}

/** Tables one by one, so that others get in between; a partitioned one stands for its partitions. */
const analyzedTables = `SELECT quote_ident(c.relname) AS name FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`;

async function analyzeTables(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(analyzedTables);
  for (const { name } of rows) await pool.query(`ANALYZE ${name}`);
}

/** Prisma's client on the pool; it fails as the statements of `query` do. */
function createPrisma(pool: pg.Pool): PrismaClient {
  const client = new PrismaClient({ adapter: new PrismaPg(pool, { onPoolError: () => {} }) });
  return client.$extends({
    query: {
      $allOperations: ({ args, query }) =>
        query(args).catch((error: unknown) => {
          throw asExpected(error);
        }),
    },
  }) as unknown as PrismaClient;
}

async function inTransaction<T>(pool: pg.Pool, run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw asExpected(error);
  });
  let broken: Error | undefined; // the connection is gone and takes the transaction with it
  try {
    await client.query('BEGIN');
    const result = await run(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    const expected = asExpected(error);
    if (isUnavailable(expected)) broken = expected;
    else
      await client.query('ROLLBACK').catch((rollbackError: unknown) => {
        broken = rollbackError as Error;
      });
    throw expected;
  } finally {
    client.release(broken);
  }
}

/** Names for server-side prepared statements: one per text, bounded, so that a plan is made once per connection. */
function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  const namesMax = 500;
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    if (names.size >= namesMax) return undefined;
    const name = `tg_${createHash('sha1').update(text).digest('base64url').slice(0, 20)}`;
    names.set(text, name);
    return name;
  };
}
