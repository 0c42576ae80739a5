import { join } from 'node:path';
import { seedWalletApps } from './apps/seed.ts';
import { createAuthenticator } from './access/authenticate.ts';
import { loadOwnSecret } from './access/session-store.ts';
import type { Config } from './config.ts';
import type { Db } from './db/client.ts';
import { applyMigrations } from './db/migrate.ts';
import { openDb } from './db/open.ts';
import { createSnapshotReader } from './db/snapshot.ts';
import { runEngineThread } from './engine-host.ts';
import { createBus, type EventBus } from './events/bus.ts';
import { createEventFeed } from './events/feed.ts';
import type { Context } from './graphql/context.ts';
import { allOfHistory, compute, type ComputeSummary } from './ingest/compute.ts';
import { publishShipped } from './ingest/market.ts';
import type { Clock } from './lib/clock.ts';
import type { Log } from './lib/log.ts';
import type { SignIn } from './lib/sign-in.ts';
import { createSchema } from './schema.ts';
import type { ApiAccess } from './server/operation-context.ts';
import { createHealthServer } from './server/health.ts';
import { createServer, type Readiness } from './server/http.ts';
import { createIdentityProvider } from './sources/identity-provider.ts';
import { createSignatureVerifier } from './sources/signature.ts';
import { runSyncThread } from './sync-host.ts';
import { openModelServer, runExchanges, runSimulator, type Task } from './tasks.ts';
import { seedTokens } from './tokens/registry.ts';
import { createWorkPool } from './work/pool.ts';

/**
 * The composition root: the only place where concrete things are made and joined. Everything with a lifetime is made
 * here once, handed down, and closed in the reverse order.
 */

/** What a process does: `api` serves, `ingest` brings data in, `worker` grades, signals and syncs of wallets; `all` does everything. */
export const roles = ['all', 'api', 'ingest', 'worker'] as const;
export type Role = (typeof roles)[number];

/** A running process. */
export interface App {
  /** Where it answers: the API, or only its health. */
  readonly url: string;
  stop(): Promise<void>;
}

/** What an app is made from. */
export interface AppDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}

/** An API node behind a load balancer takes connections until the balancer has looked at `/readyz` again. */
const balancedDrainMs = 3_000;

/** Starts a process in a role; resolves when it answers. Throws an AppError with a sentence when it cannot. */
export async function startApp(deps: AppDeps, role: Role): Promise<App> {
  const { config, clock, log } = deps;
  const closers: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const { db, close } = await openDb(config);
    closers.push(close);
    await prepareDatabase(db, deps);
    const bus = createBus({ db, redisUrl: config.redisUrl, clock, log });
    closers.push(() => bus.close());
    const tasks: Task[] = [];
    const health = (): Promise<Readiness> => checkHealth(db, tasks);
    const url = await startServer(deps, role, { db, bus, health, closers });
    const shared = { ...deps, db, bus };
    const engine = role === 'all' || role === 'worker' ? runEngineThread(shared) : null;
    if (engine) tasks.push(engine);
    if (role === 'all' || role === 'worker') tasks.push(runSyncThread(deps));
    if ((role === 'all' || role === 'ingest') && config.feed === 'simulator')
      tasks.push(runSimulator(shared, () => (engine?.isStandby() === false ? engine.compute() : computeHere(shared))));
    if ((role === 'all' || role === 'ingest') && config.feed === 'ccxt') tasks.push(runExchanges(shared));
    for (const task of tasks) closers.push(() => task.stop());
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** History in this process, where no engine runs: the models of a server are asked from here then. */
function computeHere({ config, db, clock }: AppDeps & { readonly db: Db }): Promise<ComputeSummary> {
  return compute({ db, clock, modelServer: openModelServer(config, clock) }, allOfHistory);
}

async function prepareDatabase(db: Db, { config, clock, log }: AppDeps): Promise<void> {
  const applied = await applyMigrations(db, join(config.root, 'prisma/migrations'));
  if (applied.length > 0) log.info({ applied }, 'database migrated');
  const seeded = await seedTokens({ db });
  if (seeded) log.info({ tokens: seeded.tokensAdded }, 'token registry filled');
  const version = await seedWalletApps({ db });
  if (version !== null) log.info({ version }, 'wallet apps loaded');
  await publishShipped(db, clock.now());
}

interface ServerParts {
  readonly db: Db;
  readonly bus: EventBus;
  readonly health: () => Promise<Readiness>;
  readonly closers: (() => Promise<void> | void)[];
}

async function startServer(deps: AppDeps, role: Role, { db, bus, health, closers }: ServerParts): Promise<string> {
  const { config, clock, log } = deps;
  if (role === 'ingest' || role === 'worker') {
    const server = await createHealthServer(config, health);
    closers.push(() => server.stop());
    return server.url;
  }
  const events = createEventFeed({ db, bus, clock, log });
  await events.start();
  closers.push(() => events.close());
  const work = createWorkPool({ clock, log });
  closers.push(() => work.close());
  const { signIn, access } = await createAccess({ db, clock, config });
  const snapshots = createSnapshotReader({ db, clock });
  closers.push(() => snapshots.close());
  const server = createServer({
    schema: createSchema(),
    context: ({ requestId, signal, viewer, setSessionCookie }): Context => ({
      db,
      clock,
      events,
      work,
      signIn,
      viewer,
      requestId,
      signal,
      setSessionCookie,
    }),
    access,
    config: { ...config, corsOrigins: [...config.corsOrigins, config.publicOrigin] },
    clock,
    log,
    health,
    ...(config.answerCacheMb > 0 ? { answers: { snapshots, bytesMax: config.answerCacheMb * 2 ** 20 } } : {}),
    ...(role === 'api' ? { drainMs: balancedDrainMs } : {}),
  });
  const { url } = await server.start();
  closers.push(() => server.stop());
  return url;
}

/** Who may come in, and how. */
async function createAccess({ db, clock, config }: { db: Db; clock: Clock; config: Config }) {
  const { publicOrigin, siweChainIds, sessionSecret, oidc, anonymousPlan, rpcUrls } = config;
  const secret = sessionSecret === null ? await loadOwnSecret(db) : new TextEncoder().encode(sessionSecret);
  const identityProvider = oidc && createIdentityProvider(oidc);
  const signIn: SignIn = {
    publicOrigin,
    chainIds: siweChainIds,
    secret,
    verifySignature: createSignatureVerifier(rpcUrls),
  };
  const access: ApiAccess = {
    authenticate: createAuthenticator({ db, clock, secret, identityProvider }),
    publicOrigin,
    isSignedInOnly: anonymousPlan === 'NONE',
  };
  return { signIn, access };
}

/** Ready: the database answers, and what this process runs has caught up for the first time. */
async function checkHealth(db: Db, tasks: readonly Task[]): Promise<Readiness> {
  await db.query('SELECT 1');
  const reasons = tasks.flatMap(({ waitingFor }) => waitingFor() ?? []);
  return { isReady: reasons.length === 0, reasons };
}
