/**
 * The iterator of a subscription as transports see it. `return()` ends it at once, even while the source is silent: an
 * async generator would first wait for its next event. The source is told through the abort signal and its own
 * `return()`, neither of which is waited for.
 */
export type EventStream<Value> = AsyncGenerator<Value, void, undefined>;

/**
 * Turns source events into results one at a time. `toResult` makes the answer to an event; `toError` the error a failed
 * source ends with. Ends without an error when `abort` is aborted by either side.
 */
export function createEventStream<Event, Value>(
  source: AsyncIterator<Event>,
  abort: AbortController,
  toResult: (event: Event) => Promise<Value> | Value,
  toError: (error: unknown) => unknown,
): EventStream<Value> {
  const done: IteratorResult<Value, void> = { done: true, value: undefined };
  let isOver = false;
  let endWaiting: (() => void) | null = null;

  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    endWaiting?.();
    abort.abort();
    void Promise.resolve(source.return?.()).catch(() => undefined);
  };
  abort.signal.addEventListener('abort', finish, { once: true });
  if (abort.signal.aborted) finish();

  async function pull(): Promise<IteratorResult<Value, void>> {
    try {
      const event = await source.next();
      if (event.done === true || isOver) {
        finish();
        return done;
      }
      return { done: false, value: await toResult(event.value) };
    } catch (error) {
      if (isOver) return done;
      endWaiting = null; // the one who waits gets the error, not the end
      finish();
      throw toError(error);
    }
  }

  return {
    next() {
      if (isOver) return Promise.resolve(done);
      return new Promise((resolve, reject) => {
        endWaiting = () => resolve(done);
        pull().then(resolve, reject);
      });
    },
    return() {
      finish();
      return Promise.resolve(done);
    },
    throw(error) {
      finish();
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
