import type { Worker } from 'node:worker_threads';
import type { Config } from './config.ts';
import { type ElectionDeps, runAsLeader, type Term } from './db/leader.ts';
import type { ComputeSummary } from './ingest/compute.ts';
import { messageOf } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { whenAborted } from './lib/stoppable.ts';
import { startThread } from './lib/thread.ts';
import type { Task, TaskDeps } from './tasks.ts';

/**
 * The engine in a thread of its own: settling a close of thousands of tokens is seconds of computing that no request should
 * wait for. The thread (`engine-thread.ts`) has its own connections to the database and goes on from its saved state, so it
 * can end at any moment and lose nothing; one that failed is started again after growing pauses, and the process is not
 * ready meanwhile. It lives for one term of leadership: of several processes one settles closes, the others stand by and
 * are ready. Wake-ups and lines for the log pass between the two.
 */
export interface EngineTask extends Task {
  /** Whether another process settles closes. */
  isStandby(): boolean;
  /** Computes all history there. Throws what failed; a thread that dies meanwhile does it again when it is back. */
  compute(): Promise<ComputeSummary>;
}

/** What the thread is started with. */
export interface EngineThreadData {
  readonly config: Config;
  /** Its writes are refused after this term; null on the embedded database. */
  readonly term: Term | null;
}

/** What the thread is told. */
export type EngineOrder = { readonly kind: 'wake' } | { readonly kind: 'compute' } | { readonly kind: 'stop' };

/** What the thread tells. */
export type EngineReport =
  | { readonly kind: 'published' }
  | { readonly kind: 'waiting'; readonly reason: string | null }
  | { readonly kind: 'log'; readonly level: keyof Log; readonly facts: object; readonly message: string }
  | { readonly kind: 'computed'; readonly summary: ComputeSummary }
  | { readonly kind: 'compute failed'; readonly reason: string };

/** A request to compute that is not answered yet. */
interface Pending {
  readonly resolve: (summary: ComputeSummary) => void;
  readonly reject: (error: Error) => void;
}

const stopWithinMs = 15_000;

/** Without a limit of its own a heap grows to several times of what is in use before it is tidied. */
function startEngineThread(workerData: EngineThreadData): Worker {
  const resourceLimits = { maxOldGenerationSizeMb: workerData.config.engineHeapMb };
  return startThread('engine-thread', import.meta.url, { workerData, resourceLimits });
}

/** Runs the thread whenever this process leads, until it is stopped. `start` is for tests. */
export function runEngineThread(
  deps: Pick<TaskDeps, 'config' | 'bus' | 'clock' | 'log'> & ElectionDeps,
  start = startEngineThread,
): EngineTask {
  const { config, bus, clock, log } = deps;
  let worker: Worker | null = null;
  let waitingFor: string | null = 'the engine is starting';
  let pending: Pending[] = [];

  function hear(report: EngineReport): void {
    if (report.kind === 'published') void bus.wake();
    else if (report.kind === 'log') log[report.level](report.facts, report.message);
    else if (report.kind === 'waiting') waitingFor = report.reason;
    else {
      const asked = pending;
      pending = [];
      for (const { resolve, reject } of asked) {
        if (report.kind === 'computed') resolve(report.summary);
        else reject(new Error(report.reason));
      }
    }
  }

  /** Runs one thread to its end; resolves with what ended it. */
  function runOnce(data: EngineThreadData): Promise<string> {
    return new Promise((resolve) => {
      let reason: string | null = null;
      const started = start(data);
      worker = started;
      started.on('message', hear);
      started.once('error', (error) => {
        reason = messageOf(error);
      });
      started.once('exit', (code) => {
        worker = null;
        resolve(reason ?? `it ended with code ${code}`);
      });
      if (pending.length > 0) tell({ kind: 'compute' });
    });
  }

  function tell(order: EngineOrder): void {
    worker?.postMessage(order);
  }

  async function serveTerm(term: Term | null, signal: AbortSignal): Promise<void> {
    waitingFor = 'the engine is starting';
    const ended = new AbortController();
    whenAborted(signal, () => {
      tell({ kind: 'stop' });
      void clock.sleep(stopWithinMs, ended.signal).then(() => (ended.signal.aborted ? undefined : worker?.terminate()));
    });
    const reason = await runOnce({ config, term });
    ended.abort();
    if (!signal.aborted) {
      waitingFor = 'the engine failed and is being started again';
      throw new Error(reason);
    }
    const asked = pending; // the next leader does not know of them
    pending = [];
    for (const { reject } of asked) reject(new Error('the engine was stopped'));
  }

  const candidate = runAsLeader(deps, 'engine', serveTerm);
  const stopListening = bus.onWake(() => tell({ kind: 'wake' }));
  return {
    waitingFor: () => (candidate.isStandby() ? null : waitingFor),
    compute: () =>
      new Promise((resolve, reject) => {
        pending.push({ resolve, reject });
        if (pending.length === 1) tell({ kind: 'compute' });
      }),
    isStandby: () => candidate.isStandby(),
    async stop() {
      stopListening();
      await candidate.stop();
      for (const { reject } of pending) reject(new Error('the engine was stopped'));
    },
  };
}
