import type { Worker } from 'node:worker_threads';
import type { Config } from './config.ts';
import type { Clock } from './lib/clock.ts';
import { messageOf } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { retryDelayMs } from './lib/retry.ts';
import { startThread } from './lib/thread.ts';
import type { Task } from './tasks.ts';

/**
 * Syncs of wallets in a thread of their own: what nodes answer is read and checked without keeping a request waiting. The
 * thread has its own connections and goes on from what is stored; one that failed is started again after growing pauses.
 */

/** What the thread is started with. */
export interface SyncThreadData {
  readonly config: Config;
}

/** A line for the log, from the thread. */
export interface SyncReport {
  readonly level: keyof Log;
  readonly facts: object;
  readonly message: string;
}

const stopWithinMs = 15_000;

/** Starts the thread and keeps it running until it is stopped. */
export function runSyncThread({ config, clock, log }: { config: Config; clock: Clock; log: Log }): Task {
  const stopping = new AbortController();
  let worker: Worker | null = null;

  /** Runs one thread to its end; resolves with what ended it. */
  function runOnce(): Promise<string> {
    return new Promise((resolve) => {
      let reason: string | null = null;
      worker = startThread('sync-thread', import.meta.url, { workerData: { config } satisfies SyncThreadData });
      worker.on('message', ({ level, facts, message }: SyncReport) => log[level](facts, message));
      worker.once('error', (error) => {
        reason = messageOf(error);
      });
      worker.once('exit', (code) => resolve(reason ?? `it ended with code ${code}`));
    });
  }

  async function keepRunning(): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      const reason = await runOnce();
      if (stopping.signal.aborted) return;
      log.error({ reason }, 'the thread of wallet syncs ended; starting it again');
      await clock.sleep(retryDelayMs(failures), stopping.signal);
    }
  }

  const running = keepRunning();
  return {
    waitingFor: () => null,
    async stop() {
      stopping.abort();
      worker?.postMessage('stop');
      const ended = new AbortController();
      void clock.sleep(stopWithinMs, ended.signal).then(() => (ended.signal.aborted ? undefined : worker?.terminate()));
      await running;
      ended.abort();
    },
  };
}
