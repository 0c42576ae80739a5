/** The one way to tell time; tests pass a clock that they move by hand. */
export interface Clock {
  /** Now, epoch milliseconds. */
  now(): number;
  /** Calls `run` every `everyMs` until the returned function is called. A run still busy is not started again. */
  every(everyMs: number, run: () => Promise<void> | void): () => void;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. Timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  every(everyMs, run) {
    let isBusy = false;
    const timer = setInterval(() => {
      if (isBusy) return;
      isBusy = true;
      void Promise.resolve(run()).finally(() => {
        isBusy = false;
      });
    }, everyMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = setTimeout(done, ms);
      function done(): void {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      }
      signal?.addEventListener('abort', done, { once: true });
    });
  },
};
