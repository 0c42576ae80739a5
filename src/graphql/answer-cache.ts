import type { Clock } from '../lib/clock.ts';
import type { Snapshot } from '../db/snapshot.ts';

/**
 * Answers kept for as long as the database stays as it was when they were made, and not a moment longer: an answer is
 * kept with the snapshot that was seen before its first and after its last read, and given again only where the snapshot
 * is still that one. So it is never stale, whoever writes, and needs nobody to tell. Only answers that follow from the
 * request and the database alone are kept: see {@link watchContext}.
 */
export interface AnswerCache {
  find(request: string): KeptAnswer | undefined;
  keep(request: string, answer: KeptAnswer): void;
  /** Bytes held, of requests and answers. */
  readonly bytes: number;
}

/** An answer, and the snapshot it is right at. */
export interface KeptAnswer {
  readonly snapshot: Snapshot;
  readonly body: Buffer;
}

/** What an answer takes beside its bytes. */
const entryBytes = 500;

/** A cache that forgets what was used longest ago. An answer larger than a twentieth of it is not kept. */
export function createAnswerCache(bytesMax: number): AnswerCache {
  const answers = new Map<string, KeptAnswer>();
  let bytes = 0;
  const sizeOf = (request: string, { body }: KeptAnswer): number => request.length * 2 + body.length + entryBytes;
  const drop = (request: string): void => {
    const known = answers.get(request);
    if (known && answers.delete(request)) bytes -= sizeOf(request, known);
  };
  return {
    find(request) {
      const known = answers.get(request);
      if (known && answers.delete(request)) answers.set(request, known); // what was just used goes last
      return known;
    },
    keep(request, answer) {
      drop(request);
      const size = sizeOf(request, answer);
      if (size > bytesMax / 20) return;
      answers.set(request, answer);
      bytes += size;
      for (const oldest of answers.keys()) {
        if (bytes <= bytesMax) break;
        drop(oldest);
      }
    },
    get bytes() {
      return bytes;
    },
  };
}

/** A context that tells what was read of it. */
export interface WatchedContext {
  readonly context: object;
  /** Whether nothing was asked but the database: not who asks, not the time, nothing the process alone knows. */
  isOfDatabase(): boolean;
}

/** Parts of a context that an answer may depend on, or that no answer depends on. */
const openParts: ReadonlySet<string> = new Set(['db', 'signal']);

/** Watches a context. Whatever part is added to it one day counts as what answers depend on. */
export function watchContext(context: object): WatchedContext {
  let isOfDatabase = true;
  const watched: object = {};
  for (const [name, part] of Object.entries(context)) {
    if (openParts.has(name)) Object.defineProperty(watched, name, { value: part, enumerable: true });
    else if (name === 'clock') {
      const { now, every, sleep } = part as Clock;
      const touched = <Args extends unknown[], Result>(run: (...args: Args) => Result) => {
        return (...args: Args): Result => {
          isOfDatabase = false;
          return run(...args);
        };
      };
      const clock: Clock = { now: touched(now), every: touched(every), sleep: touched(sleep) };
      Object.defineProperty(watched, name, { value: clock, enumerable: true });
    } else {
      const get = (): unknown => {
        isOfDatabase = false;
        return part;
      };
      Object.defineProperty(watched, name, { get, enumerable: true });
    }
  }
  return { context: watched, isOfDatabase: () => isOfDatabase };
}
