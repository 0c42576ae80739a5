import type { Worker } from 'node:worker_threads';
import type { Config } from './config.ts';
import type { ComputeSummary } from './ingest/compute.ts';
import { messageOf } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { retryDelayMs } from './lib/retry.ts';
import { startThread } from './lib/thread.ts';
import type { Task, TaskDeps } from './tasks.ts';

/**
 * The engine in a thread of its own: settling a close of thousands of tokens is seconds of computing that no request should
 * wait for. The thread (`engine-thread.ts`) has its own connections to the database and goes on from its saved state, so it
 * can end at any moment and lose nothing; one that failed is started again after growing pauses, and the process is not
 * ready meanwhile. Wake-ups and lines for the log pass between the two.
 */
export interface EngineTask extends Task {
  /** Computes all history there. Throws what failed; a thread that dies meanwhile does it again when it is back. */
  compute(): Promise<ComputeSummary>;
}

/** What the thread is started with. */
export interface EngineThreadData {
  readonly config: Config;
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

/** Starts the thread and keeps it running until it is stopped. `start` is for tests. */
export function runEngineThread(
  deps: Pick<TaskDeps, 'config' | 'bus' | 'clock' | 'log'>,
  start = (data: EngineThreadData): Worker => startThread('engine-thread', import.meta.url, { workerData: data }),
): EngineTask {
  const { config, bus, clock, log } = deps;
  const stopping = new AbortController();
  let worker: Worker | null = null;
  let waitingFor: string | null = 'the engine is starting';
  let failures = 0;
  let pending: Pending[] = [];

  function hear(report: EngineReport): void {
    if (report.kind === 'published') void bus.wake();
    else if (report.kind === 'log') log[report.level](report.facts, report.message);
    else if (report.kind === 'waiting') {
      waitingFor = report.reason;
      if (waitingFor === null) failures = 0;
    } else {
      const asked = pending;
      pending = [];
      for (const { resolve, reject } of asked) {
        if (report.kind === 'computed') resolve(report.summary);
        else reject(new Error(report.reason));
      }
    }
  }

  /** Runs one thread to its end; resolves with what ended it. */
  function runOnce(): Promise<string> {
    return new Promise((resolve) => {
      let reason: string | null = null;
      const started = start({ config });
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

  async function keepRunning(): Promise<void> {
    while (!stopping.signal.aborted) {
      const reason = await runOnce();
      if (stopping.signal.aborted) return;
      failures += 1;
      waitingFor = 'the engine failed and is being started again';
      log.error({ reason }, 'the engine ended; starting it again');
      await clock.sleep(retryDelayMs(failures), stopping.signal);
    }
  }

  const running = keepRunning();
  const stopListening = bus.onWake(() => tell({ kind: 'wake' }));
  return {
    waitingFor: () => waitingFor,
    compute: () =>
      new Promise((resolve, reject) => {
        pending.push({ resolve, reject });
        if (pending.length === 1) tell({ kind: 'compute' });
      }),
    async stop() {
      stopping.abort();
      stopListening();
      tell({ kind: 'stop' });
      const ended = new AbortController();
      void clock.sleep(stopWithinMs, ended.signal).then(() => (ended.signal.aborted ? undefined : worker?.terminate()));
      await running;
      ended.abort();
      for (const { reject } of pending) reject(new Error('the engine was stopped'));
    },
  };
}
