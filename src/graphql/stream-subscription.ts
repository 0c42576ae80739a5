import type { Member } from './stream-group.ts';
import { createOutbox, type Port } from './stream-outbox.ts';

/**
 * One subscriber's operation as transports see it: a generator that brings nothing and ends with the operation, with or
 * without an error; its events go out through the port. `return()` ends it at once, even while the source is silent.
 */
export interface Subscription extends AsyncGenerator<never, void, undefined> {
  /** Begins. */
  attach(port: Port): void;
}

/** What a subscriber does in his group, or alone. */
export interface Role {
  /** Brings him to the present when too much waits for him; null: that ends his connection. */
  readonly restart: ((member: Member) => void) | null;
  /** Lets events flow; what it throws ends the operation. */
  begin(member: Member, signal: AbortSignal): Promise<void>;
  leave(member: Member | null): void;
}

/** What a subscription needs of its request. */
interface Ending {
  readonly abort: AbortController;
  readonly toError: (error: unknown) => Error;
}

/** The subscription of a role; it ends when `abort` is aborted by either side. */
export function createSubscription({ abort, toError }: Ending, role: Role): Subscription {
  const done: IteratorResult<never, void> = { done: true, value: undefined };
  let member: Member | null = null;
  let isOver = false;
  let settle: (error: Error | null) => void = () => {};
  const ended = new Promise<IteratorResult<never, void>>((resolve, reject) => {
    settle = (error) => (error === null ? resolve(done) : reject(error));
  });
  ended.catch(() => {}); // told to who waits for it

  function finish(error: unknown): void {
    if (isOver) return;
    isOver = true;
    abort.signal.removeEventListener('abort', onAbort);
    abort.abort();
    member?.outbox.close();
    role.leave(member);
    settle(error === null ? null : toError(error));
  }
  const onAbort = (): void => finish(null);
  abort.signal.addEventListener('abort', onAbort, { once: true });
  if (abort.signal.aborted) finish(null);

  return {
    attach(port) {
      if (isOver) return;
      const { restart } = role;
      const outbox = createOutbox(port, restart && (() => restart(self)));
      const self: Member = { outbox, end: (error) => void outbox.whenEmpty().then(() => finish(error)) };
      member = self;
      role.begin(self, abort.signal).catch(self.end);
    },
    next: () => ended,
    return() {
      finish(null);
      return Promise.resolve(done);
    },
    throw(error) {
      finish(null);
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
