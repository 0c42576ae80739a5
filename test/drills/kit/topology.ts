import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createDb, type Db } from '../../../src/db/client.ts';
import { writeMarket } from '../../e2e/market-files.ts';
import { createDataDir, waitFor } from '../../e2e/product.ts';
import { createPostgres, type Postgres } from './postgres.ts';
import { migrate, type Role, type RoleProcess, startRole } from './processes.ts';
import { createRedis, type RedisServer } from './redis.ts';

/** The product as `compose.yaml` runs it, by hand: PostgreSQL, Redis if asked for, and processes in roles. */
export interface Topology {
  readonly postgres: Postgres;
  readonly redis: RedisServer | null;
  readonly env: NodeJS.ProcessEnv;
  readonly processes: readonly RoleProcess[];
  /** The database as the drill looks at it, beside the product. */
  readonly db: Db;
  /** The processes of a role, in the order they were started. */
  of(role: Role): readonly RoleProcess[];
  /** Ends the playing of candles, where there is one. */
  stopPlaying(): Promise<void>;
  end(): Promise<void>;
}

/**
 * How many processes of each role, and whether they wake each other through Redis. Where it is played, hours of invented
 * candles come in as a live feed beside the simulator, an hour a second, so that closes are settled all the time.
 */
export interface TopologyOptions {
  readonly api: number;
  readonly ingest: number;
  readonly worker: number;
  readonly withRedis?: boolean;
  readonly isPlayed?: boolean;
}

const simulatedTokens = 12;
const playedTokens = 6;

/** Starts everything; resolves when all processes are ready. */
export async function startTopology({
  withRedis = false,
  isPlayed = false,
  ...counts
}: TopologyOptions): Promise<Topology> {
  const postgres = await createPostgres();
  const redis = withRedis ? await createRedis() : null;
  const env: NodeJS.ProcessEnv = {
    DATABASE_URL: postgres.url,
    SIMULATOR_TOKENS: String(simulatedTokens),
    ...(redis ? { REDIS_URL: redis.url } : {}),
  };
  await migrate(env);
  const db = createDb({ mode: 'POSTGRES', connection: { connectionString: postgres.url }, poolMax: 3 });
  const files = createDataDir();
  const processes: RoleProcess[] = [];
  const start = async (role: Role): Promise<void> => {
    const started = Array.from({ length: counts[role] }, () => startRole(role, env));
    processes.push(...(await Promise.all(started)));
  };
  await start('worker'); // fills the registry, which the played markets need
  const stopPlaying = isPlayed ? await playMarket(db, files.path, env) : () => Promise.resolve();
  await start('ingest');
  await start('api');
  return {
    postgres,
    redis,
    env,
    processes,
    db,
    of: (role) => processes.filter((one) => one.role === role),
    stopPlaying,
    async end() {
      await Promise.all(processes.map((one) => one.stop()));
      await redis?.kill();
      await db.close();
      await postgres.remove();
      files.remove();
    },
  };
}

/** Resolves when the first candles are there: from then on the simulator leaves these tokens alone. */
async function playMarket(db: Db, directory: string, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const folder = writeMarket(directory, { count: playedTokens, hours: 600 });
  const args = ['dist/main.js', 'replay', folder, '--speed', '3600'];
  const player: ChildProcess = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  process.on('exit', () => player.kill('SIGKILL'));
  const ended = once(player, 'exit');
  await waitFor(
    'played candles',
    60_000,
    async () => (await db.query('SELECT 1 FROM series_interval LIMIT 1')).length > 0,
  );
  return async () => {
    player.kill('SIGTERM');
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`the replay ended with code ${code}`);
  };
}
