/** Ending what waits. */

/**
 * An async generator that can be stopped while it waits. A plain one cannot: `return()` queues up behind a pending
 * `next()` and would only be heard at the next event. Here `return()` aborts the signal that `run` was given, which ends
 * what it waits for, and does not wait itself. It ends in the same way when the `outer` signal aborts, and aborts the
 * inner signal when it ends by itself, so that whoever listens lets go.
 */
export function stoppable<Item>(
  outer: AbortSignal | null,
  run: (signal: AbortSignal) => AsyncGenerator<Item, void, undefined>,
): AsyncGenerator<Item, void, undefined> {
  const controller = new AbortController();
  const stop = (): void => {
    outer?.removeEventListener('abort', stop);
    controller.abort();
  };
  if (outer?.aborted) stop();
  else outer?.addEventListener('abort', stop, { once: true });
  const inner = run(controller.signal);

  async function next(): Promise<IteratorResult<Item, void>> {
    try {
      const result = await inner.next();
      if (result.done) stop();
      return result;
    } catch (error) {
      stop();
      throw error;
    }
  }
  return {
    next,
    async return() {
      stop();
      void inner.return().catch(() => {}); // it ends for the reader now, whatever it still has to clear away
      return { done: true, value: undefined };
    },
    async throw(error) {
      stop();
      void inner.return().catch(() => {});
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Runs something once when the signal aborts, at once where it has. Returns the way to let go of the signal before. */
export function whenAborted(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) run();
  else signal.addEventListener('abort', run, { once: true });
  return () => signal.removeEventListener('abort', run);
}
