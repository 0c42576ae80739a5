/**
 * Wake-ups between processes: "something was appended to the log", and nothing else. What was appended is read from the
 * log itself, so a wake-up that is lost costs some milliseconds (readers also poll), one that comes twice costs a look.
 */
export interface EventBus {
  /** Tells every listener, here and in other processes. Never fails: who cannot be told finds out by polling. */
  wake(): void | Promise<void>;
  /** Calls the listener at every wake-up until the returned function is called. It must not throw. */
  onWake(listener: () => void): () => void;
  close(): void | Promise<void>;
}

/** The listeners of one process. */
export interface Listeners {
  readonly add: (listener: () => void) => () => void;
  readonly wake: () => void;
  readonly clear: () => void;
}

/** An empty set of listeners. */
export function createListeners(): Listeners {
  const listeners = new Set<() => void>();
  return {
    add(listener) {
      const own = (): void => listener(); // the same function may listen twice, and stop once
      listeners.add(own);
      return () => listeners.delete(own);
    },
    wake() {
      for (const listener of listeners) listener();
    },
    clear: () => listeners.clear(),
  };
}
