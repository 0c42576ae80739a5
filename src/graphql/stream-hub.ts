import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { chunksOf } from '../lib/chunks.ts';
import { type DurableSharing, type Sharing, sharingOf } from '../lib/shared-stream.ts';
import { type Viewer, visibilityOf } from '../lib/viewer.ts';
import { chunkMax, createStreamGroup, type Member, positionOf, type StreamGroup } from './stream-group.ts';
import { type Batch, createBatch, type Delivery } from './stream-outbox.ts';
import { type Share, shareKey } from './stream-share.ts';
import { createSubscription, type Subscription } from './stream-subscription.ts';

/**
 * Subscriptions of a process. Subscribers with the same operation, variables and visibility form a group, whatever
 * their transport; each is admitted by a run of the resolver of his own, only the events are shared. Who resumes from a
 * cursor replays alone until he stands where the group stands, then joins it: no hole, no double. A stream that does
 * not say how it is shared is read for its one subscriber, as fast as he reads.
 */
export interface StreamHub {
  /** Starts a subscription; a result instead says why it could not start. */
  open(request: StreamRequest): Promise<Subscription | ExecutionResult>;
}

/** A subscription that was admitted. */
export interface StreamRequest {
  readonly args: ExecutionArgs;
  readonly share: Share;
  readonly abort: AbortController;
  /** The public form of a result. */
  readonly answer: (result: ExecutionResult) => ExecutionResult;
  /** The public form of an error that ends the stream. */
  readonly toError: (error: unknown) => Error;
}

/** A group with how many hold on to it, members or about to be. */
interface Entry {
  readonly group: StreamGroup;
  readonly abort: AbortController;
  holders: number;
}

type Source = AsyncGenerator<unknown, void, undefined>;

/** The hub of a process. */
export function createStreamHub(): StreamHub {
  const entries = new Map<string, Promise<Entry | ExecutionResult>>();

  /** The entry of a key, held for the caller. */
  async function hold(request: StreamRequest): Promise<Entry | ExecutionResult> {
    const { args, share } = request;
    const key = shareKey(share, args.variableValues, visibilityOf(viewerOf(args)));
    for (;;) {
      const known = entries.get(key);
      const made = known ?? createEntry(request, () => entries.delete(key));
      if (!known) entries.set(key, made);
      const entry = await made.catch((error: unknown) => {
        entries.delete(key);
        throw error;
      });
      if ('group' in entry) {
        if (entry.group.isOver) continue; // it ended meanwhile
        entry.holders += 1;
        return entry;
      }
      if (entries.get(key) === made) entries.delete(key);
      return entry;
    }
  }
  return {
    async open(request) {
      const own = await createSourceEventStream(request.args);
      if (!(Symbol.asyncIterator in own)) return request.answer(own);
      const source = own as Source;
      const sharing = sharingOf(source);
      if (sharing === null) return openAlone(request, source);
      void source.return();
      const entry = await hold(request);
      return 'group' in entry ? openShared(request, sharing, entry) : entry;
    },
  };
}

function viewerOf({ contextValue }: ExecutionArgs): Viewer | null {
  return (contextValue as { readonly viewer?: Viewer | null }).viewer ?? null;
}

/** Makes a group that belongs to none of its subscribers: the one who came first may leave. */
async function createEntry(request: StreamRequest, forget: () => void): Promise<Entry | ExecutionResult> {
  const { args, share, answer } = request;
  const abort = new AbortController();
  const contextValue = { ...(args.contextValue as object), signal: abort.signal, lastEventId: null };
  const shared: ExecutionArgs = { ...args, document: share.document, operationName: null, contextValue };
  const source = await createSourceEventStream(shared);
  if (!(Symbol.asyncIterator in source)) return answer(source);
  const sharing = sharingOf(source);
  if (sharing === null) throw new Error('a stream that was shared no longer is');
  abort.signal.addEventListener('abort', forget, { once: true });
  const toBatch = createExecutor(shared, answer, sharing);
  const group = createStreamGroup({ source: source as Source, sharing, toBatch, onOver: () => abort.abort() });
  return { group, abort, holders: 0 };
}

function release(entry: Entry): void {
  entry.holders -= 1;
  if (entry.holders > 0) return;
  entry.group.stop();
  entry.abort.abort();
}

function openShared(request: StreamRequest, sharing: Sharing<unknown>, entry: Entry): Subscription {
  const { group } = entry;
  return createSubscription(request, {
    restart: sharing.kind === 'LIVE' && sharing.keyOf === null ? (member) => group.restart(member) : null,
    async begin(member, signal) {
      if (sharing.kind === 'LIVE') return group.join(member, 0);
      const toBatch = createExecutor(request.args, request.answer, sharing);
      const position = await catchUp(group, sharing, toBatch, member, signal);
      if (!signal.aborted) group.join(member, position);
    },
    leave(member) {
      if (member) group.leave(member);
      release(entry);
    },
  });
}

/**
 * Replays stored events to a subscriber until he stands where the group stands or beyond. Returns where that is. The
 * group may move on meanwhile, so it is looked at again after each replay; nothing happens between the last look and
 * the return.
 */
async function catchUp(
  group: StreamGroup,
  sharing: DurableSharing<{ readonly cursor: number }>,
  toBatch: (events: readonly unknown[]) => Promise<Batch>,
  member: Member,
  signal: AbortSignal,
): Promise<number> {
  let position = sharing.after ?? sharing.position;
  let isToBeChecked = position > sharing.position; // the replay refuses a cursor beyond the end of the log
  while (!signal.aborted && (isToBeChecked || position < group.position)) {
    isToBeChecked = false;
    const until = Math.max(position, group.position);
    const reached = await pour(chunksOf(sharing.replay(position, until), chunkMax), toBatch, member, signal);
    position = Math.max(until, reached);
  }
  return position;
}

/** Gives a subscriber events as fast as he takes them; the sequence number of the last. */
async function pour(
  chunks: AsyncIterable<readonly unknown[]>,
  toBatch: (events: readonly unknown[]) => Promise<Batch>,
  { outbox }: Member,
  signal: AbortSignal,
): Promise<number> {
  let position = 0;
  for await (const events of chunks) {
    const batch = await toBatch(events);
    if (signal.aborted) break;
    outbox.deliver(batch);
    position = batch.deliveries.at(-1)?.position ?? position;
    await outbox.whenEmpty();
  }
  return position;
}

function openAlone(request: StreamRequest, source: Source): Subscription {
  const toBatch = createExecutor(request.args, request.answer, null);
  return createSubscription(request, {
    restart: null,
    async begin(member, signal) {
      await pour(oneByOne(source), toBatch, member, signal);
      member.end(null);
    },
    leave: () => void source.return(),
  });
}

async function* oneByOne(source: Source): AsyncGenerator<unknown[], void, undefined> {
  for await (const event of source) yield [event];
}

/** Executes and serialises events, each time with a context of its own: loaders of another one hold what was then (T15). */
function createExecutor(
  args: ExecutionArgs,
  answer: StreamRequest['answer'],
  sharing: Sharing<unknown> | null,
): (events: readonly unknown[]) => Promise<Batch> {
  const keyOf = sharing?.kind === 'LIVE' ? sharing.keyOf : null;
  return async (events) => {
    const contextValue = { ...(args.contextValue as object) };
    const results = await Promise.all(events.map(async (rootValue) => execute({ ...args, contextValue, rootValue })));
    return createBatch(
      events.map((event, at): Delivery => {
        const result = answer(results[at] ?? {});
        const position = sharing ? positionOf(event, sharing) : 0;
        return { payload: JSON.stringify(result), cursor: cursorOf(result), position, key: keyOf?.(event) ?? null };
      }),
    );
  };
}

/** The cursor of an event, where the operation selects it under that name. */
function cursorOf({ data }: ExecutionResult): string | null {
  const [event] = Object.values(data ?? {});
  const cursor = typeof event === 'object' && event !== null && 'cursor' in event ? event.cursor : null;
  return typeof cursor === 'string' ? cursor : null;
}
