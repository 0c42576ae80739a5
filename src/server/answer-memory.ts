import { isSameSnapshot, type Snapshot, type SnapshotReader } from '../db/snapshot.ts';
import { createAnswerCache, watchContext } from '../graphql/answer-cache.ts';

/** What the door remembers of answers: finds them again by the bytes of a request, and decides which are worth keeping. */
export interface AnswerMemory {
  recall(request: Buffer): Memo;
}

/** What is remembered of one request. */
export interface Memo {
  /** Whether an answer is kept: then the request is well-formed, valid and public. It may be of another time. */
  readonly isKept: boolean;
  /**
   * The answer kept, where the database is still as it was then; else that of the same request which is being answered
   * now, where the database has not changed since that began; else null.
   */
  read(): Promise<Buffer | null>;
  /** Begins to watch how the request is answered. */
  begin(): Promise<Watch>;
}

/** One answer being made. */
export interface Watch {
  readonly context: (context: object) => object;
  /**
   * Gives the answer, null for one that failed, to those who wait for it, and keeps it, where it follows from the
   * database alone and that has not changed since the beginning. Always called.
   */
  end(body: Buffer | null): Promise<void>;
}

/** Makes the memory of a door. */
export function createAnswerMemory({
  snapshots,
  bytesMax,
}: {
  readonly snapshots: SnapshotReader;
  readonly bytesMax: number;
}): AnswerMemory {
  const cache = createAnswerCache(bytesMax);
  let latest: Snapshot | null = null;
  /** Answers being made: one for each request, the newest. */
  const flights = new Map<string, { readonly before: Snapshot | null; readonly answer: Promise<Buffer | null> }>();
  const look = async (): Promise<Snapshot | null> => (latest = await snapshots.read());
  return {
    recall(bytes) {
      const request = bytes.toString('latin1'); // a character a byte: different bytes, different text
      const kept = cache.find(request);
      return {
        isKept: kept !== undefined,
        async read() {
          const now = await look();
          if (kept && isSameSnapshot(now, kept.snapshot)) return kept.body;
          const flight = flights.get(request);
          return flight && isSameSnapshot(now, flight.before) ? flight.answer : null;
        },
        async begin() {
          // Any snapshot seen before will do: what counts is that it still stands at the end.
          const before = latest ?? (await look());
          let isOfDatabase = (): boolean => false;
          let land: (body: Buffer | null) => void = () => {};
          const flight = { before, answer: new Promise<Buffer | null>((resolve) => (land = resolve)) };
          flights.set(request, flight);
          return {
            context(context) {
              const watched = watchContext(context);
              isOfDatabase = watched.isOfDatabase;
              return watched.context;
            },
            async end(body) {
              const answer = isOfDatabase() ? body : null;
              land(answer);
              if (flights.get(request) === flight) flights.delete(request);
              if (before === null || answer === null) return;
              if (isSameSnapshot(before, await look())) cache.keep(request, { snapshot: before, body: answer });
            },
          };
        },
      };
    },
  };
}
