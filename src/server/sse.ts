import { Readable } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import { type ErrorScope, presentError } from '../graphql/errors.ts';
import type { Clock } from '../lib/clock.ts';

/**
 * Server-sent events in graphql-sse's distinct connections mode: `next` for each result, `complete` at the end. A
 * comment breaks silence. The next result is asked for only when the last one was taken by the client's connection, so
 * that a slow reader holds one result and is conflated or dropped upstream. A result with a `cursor` carries it as the
 * event's id.
 */
export interface EventStreams {
  /** The body that carries a result or a stream of them, until it ends or the client goes. */
  open(result: AsyncIterable<ExecutionResult> | ExecutionResult, scope: ErrorScope): Readable;
  /** Ends every stream without `complete`, so that clients connect again elsewhere. */
  endAll(): void;
  readonly size: number;
}

const heartbeatMs = 12_000;
const heartbeat = ':\n\n';

/** Makes the keeper of all open streams. */
export function createEventStreams(clock: Clock): EventStreams {
  const open = new Set<Readable>();
  let stopHeart: (() => void) | null = null;
  const beat = (): void => {
    for (const body of open) if (body.readableLength === 0) body.push(heartbeat);
  };
  return {
    open(result, scope) {
      const body = createBody(result, scope);
      open.add(body);
      stopHeart ??= clock.every(heartbeatMs, beat);
      body.once('close', () => {
        open.delete(body);
        if (open.size > 0) return;
        stopHeart?.();
        stopHeart = null;
      });
      return body;
    },
    endAll() {
      for (const body of open) body.push(null);
    },
    get size() {
      return open.size;
    },
  };
}

function createBody(result: AsyncIterable<ExecutionResult> | ExecutionResult, scope: ErrorScope): Readable {
  const iterator = Symbol.asyncIterator in result ? result[Symbol.asyncIterator]() : once(result);
  let isPulling = false;
  const body = new Readable({
    highWaterMark: 1,
    read() {
      if (isPulling) return;
      isPulling = true;
      void pull(iterator, scope).then((text) => {
        isPulling = false;
        if (body.destroyed || body.readableEnded) return;
        body.push(text.data);
        if (text.isLast) body.push(null);
      });
    },
    destroy(error, callback) {
      void iterator.return?.();
      callback(error);
    },
  });
  body.push(heartbeat); // some browsers wait for the first byte before they report the stream as open
  return body;
}

async function* once(result: ExecutionResult): AsyncGenerator<ExecutionResult> {
  yield result;
}

const complete = 'event: complete\ndata:\n\n';

async function pull(
  iterator: AsyncIterator<ExecutionResult>,
  scope: ErrorScope,
): Promise<{ data: string; isLast: boolean }> {
  try {
    const { done, value } = await iterator.next();
    return done === true ? { data: complete, isLast: true } : { data: frame(value), isLast: false };
  } catch (error) {
    return { data: `${frame({ errors: [presentError(error, scope)] })}${complete}`, isLast: true };
  }
}

function frame(result: ExecutionResult): string {
  const id = cursorOf(result.data);
  return `event: next\n${id === null ? '' : `id: ${id}\n`}data: ${JSON.stringify(result)}\n\n`;
}

function cursorOf(data: ExecutionResult['data']): string | null {
  const [event] = Object.values(data ?? {});
  const cursor = typeof event === 'object' && event !== null && 'cursor' in event ? event.cursor : null;
  return typeof cursor === 'string' && !/[\r\n\0]/.test(cursor) ? cursor : null;
}
