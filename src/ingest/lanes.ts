/** Writes side by side: those that share a key follow each other in the order they came in, others overlap. */
export interface Lanes {
  /**
   * Starts a write as soon as there is room and none that shares a key is under way, and returns then. Throws what an
   * earlier write threw; no write is started after that.
   */
  start(keys: readonly number[], write: () => Promise<void>): Promise<void>;
  /** Waits for all writes, and throws the first error of one. */
  finish(): Promise<void>;
}

interface UnderWay {
  readonly keys: ReadonlySet<number>;
  readonly done: Promise<void>;
}

/** At most `width` writes at a time. */
export function createLanes(width: number): Lanes {
  const underWay = new Set<UnderWay>();
  const errors: unknown[] = [];

  function assertUnbroken(): void {
    if (errors.length > 0) throw errors[0];
  }

  function add(keys: readonly number[], write: () => Promise<void>): void {
    const done = write()
      .catch((error: unknown) => void errors.push(error))
      .finally(() => underWay.delete(entry));
    const entry: UnderWay = { keys: new Set(keys), done };
    underWay.add(entry);
  }

  return {
    async start(keys, write) {
      for (;;) {
        assertUnbroken();
        const before = [...underWay].filter((one) => keys.some((key) => one.keys.has(key)));
        if (before.length > 0) await Promise.all(before.map(({ done }) => done));
        else if (underWay.size >= width) await Promise.race([...underWay].map(({ done }) => done));
        else break;
      }
      add(keys, write);
    },
    async finish() {
      await Promise.all([...underWay].map(({ done }) => done));
      assertUnbroken();
    },
  };
}
