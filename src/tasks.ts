import type { Config } from './config.ts';
import type { Db } from './db/client.ts';
import { fenceDb, runAsLeader, type Term } from './db/leader.ts';
import type { EventBus } from './events/bus.ts';
import { pruneEvents } from './events/store.ts';
import type { ComputeSummary } from './ingest/compute.ts';
import { createEngine, type Engine } from './ingest/engine.ts';
import { runExchangeFeed } from './ingest/exchange-feed.ts';
import { runLive } from './ingest/live.ts';
import { fillSimulatedHistory, listResumePoints, simulatedSource } from './ingest/simulate.ts';
import { runSyncQueue } from './ingest/sync-queue.ts';
import type { Clock } from './lib/clock.ts';
import { hourMs } from './lib/interval.ts';
import type { Log } from './lib/log.ts';
import { createModelServer, type ModelServer } from './sources/model-server.ts';
import { createSimulator } from './sources/simulator.ts';
import { createChain } from './sources/viem.ts';

/** What a process does beside answering: made and stopped by the composition root. */
export interface Task {
  /** What it still has to do before the process counts as ready; null when it is up to date. */
  waitingFor(): string | null;
  stop(): Promise<void>;
}

/** What tasks share. */
export interface TaskDeps {
  readonly config: Config;
  readonly db: Db;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Log;
}

/** The client of the model server that the configuration names; null where it names none. */
export function openModelServer(
  { modelServerUrl: url, modelServerTimeoutMs: timeoutMs }: Config,
  clock: Clock,
): ModelServer | null {
  return url === null ? null : createModelServer({ url, timeoutMs, clock });
}

/** The log is looked at this often even when nobody wakes us: a command may write beside us. */
const pollMs = 200;
const retryMs = 2_000;

/** Grades and signals: settles closes as they come, prunes the log. */
export function runEngine(deps: TaskDeps, modelServer: ModelServer | null): Task {
  const { clock, log, bus, db } = deps;
  let engine: Engine | null = null;
  const stopping = new AbortController();
  let isAsked = false;
  let running: Promise<void> | null = null;

  async function drainAll(): Promise<void> {
    while (isAsked && !stopping.signal.aborted) {
      isAsked = false;
      try {
        engine ??= await createEngine({ db, clock, log, modelServer, onPublished: () => void bus.wake() });
        await engine.drain();
      } catch (error) {
        log.error({ err: error }, 'settling closes failed; trying again');
        isAsked = true;
        await clock.sleep(retryMs, stopping.signal);
      }
    }
  }
  function ask(): void {
    isAsked = true;
    running ??= drainAll().finally(() => {
      running = null;
    });
  }

  const endings = [bus.onWake(ask), clock.every(pollMs, ask), clock.every(hourMs, () => tidy(deps))];
  ask();
  return {
    waitingFor: () => (engine === null ? 'the engine is starting' : null),
    async stop() {
      stopping.abort();
      for (const end of endings) end();
      await running;
    },
  };
}

/** Hourly: old events go, and the embedded database, which has no autovacuum, learns the sizes of its tables. */
async function tidy({ db, clock, log }: TaskDeps): Promise<void> {
  try {
    await pruneEvents(db, clock.now());
    if (db.mode === 'EMBEDDED') await db.analyze();
  } catch (error) {
    log.error({ err: error }, 'tidying the database failed; it is tried again in an hour');
  }
}

/** The simulated market: its history at the first start, graded by `computeHistory`, then live ticks. One process plays it. */
export function runSimulator(deps: TaskDeps, computeHistory: () => Promise<ComputeSummary>): Task {
  const { config, clock, log, bus } = deps;
  let waitingFor: string | null = 'the simulated history is being written';
  let ungraded = 0; // candles written and not graded yet, also by a run that failed

  async function run(term: Term | null, signal: AbortSignal): Promise<void> {
    const db = fenceDb(deps.db, term);
    const simulator = createSimulator({ seed: config.simulatorSeed, count: config.simulatorTokens });
    ungraded += await fillSimulatedHistory({ db, clock }, simulator);
    if (ungraded > 0) {
      waitingFor = 'the simulated history is being graded';
      const summary = await computeHistory();
      log.info(
        { candles: ungraded, grades: summary.gradesWritten, signals: summary.signalsWritten },
        'simulated history written',
      );
      ungraded = 0;
      await db.analyze();
      await bus.wake();
    }
    waitingFor = null;
    const feed = simulator.feed({
      resumeFrom: await listResumePoints(db),
      nowMs: clock.now,
      sleep: (ms, wake) => clock.sleep(ms, wake),
    });
    await runLive({ db, clock, bus, log }, feed, { signal });
  }

  const candidate = runAsLeader(deps, `feed ${simulatedSource}`, run);
  return { waitingFor: () => (candidate.isStandby() ? null : waitingFor), stop: () => candidate.stop() };
}

/** Blocks that must lie on one before it is read, where the configuration does not say. */
const confirmationsDefault = 12;

/** Wallets: syncs what is due with the nodes that are configured. */
export function runWalletSync({ config, db, clock, log }: Omit<TaskDeps, 'bus'>): Task {
  const controller = new AbortController();
  const { signal } = controller;
  const chains = Object.entries(config.rpcUrls).map(([key, url]) => {
    const chainId = Number(key);
    const confirmations = config.rpcConfirmations[chainId] ?? confirmationsDefault;
    const rules = { confirmations, nativeBlocks: config.syncNativeBlocks };
    return { chain: createChain(chainId, { url, clock, signal }), rules };
  });
  const running = runSyncQueue({ db, clock, log, chains, everyMs: config.syncEveryMs }, signal);
  return {
    waitingFor: () => null,
    async stop() {
      controller.abort();
      await running;
    },
  };
}

/** The live feeds of the configured exchanges, each run by one process at a time. An exchange that is away holds nobody up. */
export function runExchanges(deps: TaskDeps): Task {
  const { feedExchanges, feedMarkets: marketsMax, feedRestUrl: restUrl, feedWsUrl: wsUrl } = deps.config;
  const candidates = feedExchanges.map((exchange) =>
    runAsLeader(deps, `feed ${exchange}`, (term, signal) =>
      runExchangeFeed({ ...deps, db: fenceDb(deps.db, term) }, { exchange, marketsMax, restUrl, wsUrl, signal }),
    ),
  );
  return {
    waitingFor: () => null,
    async stop() {
      await Promise.all(candidates.map((candidate) => candidate.stop()));
    },
  };
}
