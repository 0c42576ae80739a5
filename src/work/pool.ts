import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { whenAborted } from '../lib/stoppable.ts';
import { type ThreadEntry, threadEntry } from '../lib/thread.ts';
import type * as jobs from './worker.ts';

/**
 * Computations that take longer than the event loop may wait (about 50 ms) run in a few threads, made when the first job
 * comes and gone when none has come for a while.
 *
 * To add a job: write it as a pure function of one argument in its domain, with plain data in and out (what the
 * structured clone algorithm copies; typed arrays are cheap), and add one line to `worker.ts`:
 * `export { computeSkill as skill } from '../grades/skill.ts';`. Call it as
 * `ctx.work.run('skill', input, { signal: ctx.signal })`. It is given data, not the database: reading is done before, by
 * a store, and wrong arguments are refused before, because an AppError loses its code on the way between threads.
 */
export interface WorkPool<Jobs = typeof jobs> {
  /**
   * Runs a job and resolves with its answer. Throws SERVICE_UNAVAILABLE when too many jobs wait or the signal aborts, TIMEOUT after
   * `timeoutMs`; a running job is then ended with its thread. What the job throws is thrown here.
   */
  run<Name extends keyof Jobs & string>(
    name: Name,
    input: InputOf<Jobs[Name]>,
    options: { readonly signal: AbortSignal; readonly timeoutMs?: number },
  ): Promise<OutputOf<Jobs[Name]>>;
  /** Ends every thread; jobs that run or wait fail. */
  close(): Promise<void>;
}

type InputOf<Job> = Job extends (input: infer Input) => unknown ? Input : never;
type OutputOf<Job> = Job extends (input: never) => infer Output ? Awaited<Output> : never;

/** What a pool is made from; the rest is for tests. */
export interface WorkPoolOptions {
  readonly clock: Clock;
  readonly log?: Pick<Log, 'error'>;
  /** The file whose exports are the jobs. */
  readonly entry?: ThreadEntry;
  readonly threadsMax?: number;
  readonly waitingMax?: number;
}

const timeoutMsDefault = 10_000;
const idleMs = 30_000;
const heapMbMax = 512;

/** A pool without threads yet. One thread less than the machine has processors, at least one, unless told. */
export function createWorkPool<Jobs = typeof jobs>({
  clock,
  log,
  entry = threadEntry('worker', import.meta.url),
  threadsMax = Math.max(1, availableParallelism() - 1),
  waitingMax = 32,
}: WorkPoolOptions): WorkPool<Jobs> {
  const pool = new Piscina({
    filename: entry.url.href,
    execArgv: [...entry.execArgv],
    minThreads: 0,
    maxThreads: threadsMax,
    maxQueue: waitingMax,
    idleTimeout: idleMs,
    resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
  });
  pool.on('error', (error: unknown) =>
    log?.error({ err: error }, 'a worker thread failed; its jobs fail, the next job gets a new one'),
  );

  return {
    async run(name, input, { signal, timeoutMs = timeoutMsDefault }) {
      if (pool.queueSize >= waitingMax)
        throw new AppError('SERVICE_UNAVAILABLE', 'Too many computations wait; try again in a moment.');
      const ending = new AbortController();
      let isLate = false;
      const letGo = whenAborted(signal, () => ending.abort()); // an operation outlives its jobs
      void clock.sleep(timeoutMs, ending.signal).then(() => {
        isLate = !ending.signal.aborted;
        ending.abort();
      });
      try {
        return await pool.run(input, { name, signal: ending.signal });
      } catch (error) {
        if (isLate)
          throw new AppError(
            'TIMEOUT',
            `The computation ran longer than ${timeoutMs / 1000} s; ask for a shorter range.`,
          );
        if (ending.signal.aborted)
          throw new AppError('SERVICE_UNAVAILABLE', 'The computation was ended with its request.', { cause: error });
        throw error;
      } finally {
        letGo();
        ending.abort();
      }
    },
    close: () => pool.destroy(),
  };
}
