/**
 * Queues between something that pushes and one reader, none of which grows without bound: {@link createQueue} refuses
 * what does not fit, {@link createConflatingQueue} keeps the latest value of each key. Pure but for promises.
 */

/** The reader's end of a queue. */
interface Drain<Item> extends AsyncIterable<Item> {
  readonly size: number;
  /**
   * Everything that waits, oldest first; waits while there is nothing. An empty list means that the queue was woken or
   * has ended (see `isEnded`). Throws what the queue failed with, before anything that still waited.
   */
  takeAll(): Promise<Item[]>;
  /** Whether nothing will come any more and nothing waits. */
  readonly isEnded: boolean;
  /** Lets a waiting reader look again. */
  wake(): void;
  /** Forgets what waits. */
  clear(): void;
  /** Takes nothing more; what waits can still be read. */
  end(): void;
  /** Ends the queue and drops what waits: the reader gets the error. */
  fail(error: unknown): void;
}

/** A queue of at most a fixed number of items; see {@link createQueue}. */
export interface BoundedQueue<Item> extends Drain<Item> {
  /** False when the queue is full or has ended: the item was not taken. */
  push(item: Item): boolean;
}

/** A queue of the latest value of each key; see {@link createConflatingQueue}. */
export interface ConflatingQueue<Key, Value> extends Drain<readonly [Key, Value]> {
  /** Replaces what waits under the key, in its place; false when the queue is full or has ended. */
  push(key: Key, value: Value): boolean;
  /** Takes the first entry whose key is due; null when none is. */
  take(isDue: (key: Key) => boolean): readonly [Key, Value] | null;
  /** Keys that wait, oldest first. */
  keys(): Iterable<Key>;
  /** Resolves at the next push, wake or end. */
  changed(): Promise<void>;
}

/** What a queue keeps its items in. */
interface Store<Item> {
  readonly size: () => number;
  readonly drain: () => Item[];
}

interface DrainParts<Item> {
  readonly drain: Drain<Item>;
  readonly isOpen: () => boolean;
  readonly changed: () => Promise<void>;
}

function createDrain<Item>(store: Store<Item>): DrainParts<Item> {
  let state: 'OPEN' | 'ENDED' | 'FAILED' = 'OPEN';
  let failure: unknown;
  let waiting: (() => void) | null = null;
  const wake = (): void => {
    const run = waiting;
    waiting = null;
    run?.();
  };
  function changed(): Promise<void> {
    if (state !== 'OPEN') return Promise.resolve();
    return new Promise((resolve) => {
      wake(); // only one reader waits; another one is told to look again
      waiting = resolve;
    });
  }
  async function takeAll(): Promise<Item[]> {
    if (state === 'OPEN' && store.size() === 0) await changed();
    if (state === 'FAILED') throw failure;
    return store.drain();
  }
  async function* iterate(): AsyncGenerator<Item> {
    for (;;) {
      const items = await takeAll();
      yield* items;
      if (items.length === 0 && state !== 'OPEN') return;
    }
  }
  const drain: Drain<Item> = {
    get size() {
      return store.size();
    },
    get isEnded() {
      return state !== 'OPEN' && store.size() === 0;
    },
    takeAll,
    wake,
    clear: () => void store.drain(),
    end() {
      if (state === 'OPEN') state = 'ENDED';
      wake();
    },
    fail(error) {
      if (state !== 'OPEN') return;
      state = 'FAILED';
      failure = error;
      store.drain();
      wake();
    },
    [Symbol.asyncIterator]: iterate,
  };
  return { drain, isOpen: () => state === 'OPEN', changed };
}

/** A queue of at most `sizeMax` items for one reader. */
export function createQueue<Item>(sizeMax: number): BoundedQueue<Item> {
  let items: Item[] = [];
  const takeItems = (): Item[] => {
    const taken = items;
    items = [];
    return taken;
  };
  const { drain, isOpen } = createDrain<Item>({ size: () => items.length, drain: takeItems });
  return Object.assign(drain, {
    push(item: Item): boolean {
      if (!isOpen() || items.length >= sizeMax) return false;
      items.push(item);
      drain.wake();
      return true;
    },
  });
}

/** A queue of at most `keysMax` keys for one reader: a key that is pushed again only changes its value. */
export function createConflatingQueue<Key, Value>(keysMax: number): ConflatingQueue<Key, Value> {
  const latest = new Map<Key, Value>();
  const takeEntries = (): (readonly [Key, Value])[] => {
    const taken = [...latest];
    latest.clear();
    return taken;
  };
  const { drain, isOpen, changed } = createDrain<readonly [Key, Value]>({
    size: () => latest.size,
    drain: takeEntries,
  });
  return Object.assign(drain, {
    push(key: Key, value: Value): boolean {
      if (!isOpen() || (latest.size >= keysMax && !latest.has(key))) return false;
      latest.set(key, value);
      drain.wake();
      return true;
    },
    take(isDue: (key: Key) => boolean): readonly [Key, Value] | null {
      for (const [key, value] of latest) {
        if (!isDue(key)) continue;
        latest.delete(key);
        return [key, value];
      }
      return null;
    },
    keys: () => latest.keys(),
    changed,
  });
}
