import { Readable } from 'node:stream';
import type { ExecutionResult } from 'graphql';
import { type ErrorScope, presentError } from '../graphql/errors.ts';
import type { Batch, Delivery, Port } from '../graphql/stream-outbox.ts';
import type { Subscription } from '../graphql/stream-subscription.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';

/**
 * Server-sent events in graphql-sse's distinct connections mode: `next` for each result, `complete` at the end. A
 * comment breaks silence. An event that has a `cursor` carries it as its id. A client that does not read is conflated,
 * or ended with SLOW_CONSUMER as its last event; a connection that takes nothing for a minute is cut.
 */
export interface EventStreams {
  /**
   * The body that carries a result, or the events of a subscription until it ends or the client goes. The end, and the
   * error it may come with, are told by the iterable.
   */
  open(
    result: AsyncIterable<ExecutionResult> | ExecutionResult,
    subscription: Subscription | null,
    scope: ErrorScope,
  ): Readable;
  /** Ends every stream without `complete`, so that clients connect again elsewhere. */
  endAll(): void;
  readonly size: number;
}

const heartbeatMs = 12_000;
const heartbeat = ':\n\n';
const complete = 'event: complete\ndata:\n\n';
/** Characters that the body holds for a connection that does not take them. */
const heldMax = 16_384;
/** Heartbeats after which a connection that takes nothing is cut. */
const idleBeatsMax = 5;

/** An open stream. */
interface OpenStream {
  readonly body: Readable;
  /** Heartbeats since the connection last took something, while something waited for it. */
  idleBeats: number;
  readonly port: Port;
  /** Sends the last text, empty for none, and ends the body; once. */
  end(text: string): void;
}

/** Makes the keeper of all open streams. */
export function createEventStreams(clock: Clock): EventStreams {
  const open = new Set<OpenStream>();
  const textOf = createEventWriter();
  let stopHeart: (() => void) | null = null;
  return {
    open(result, subscription, scope) {
      if (!(Symbol.asyncIterator in result)) return answerBody(result);
      const stream = openStream(result[Symbol.asyncIterator](), scope, textOf);
      subscription?.attach(stream.port);
      open.add(stream);
      stopHeart ??= clock.every(heartbeatMs, () => {
        for (const each of open) beat(each);
      });
      stream.body.once('close', () => {
        open.delete(stream);
        if (open.size > 0) return;
        stopHeart?.();
        stopHeart = null;
      });
      return stream.body;
    },
    endAll() {
      for (const stream of open) stream.end('');
    },
    get size() {
      return open.size;
    },
  };
}

function beat(stream: OpenStream): void {
  const { body } = stream;
  stream.idleBeats = body.readableLength > 0 ? stream.idleBeats + 1 : 0;
  if (stream.idleBeats === 0) body.push(heartbeat);
  else if (stream.idleBeats >= idleBeatsMax) body.destroy();
}

function answerBody(result: ExecutionResult): Readable {
  return Readable.from([`${heartbeat}${frame(JSON.stringify(result), null)}${complete}`], { objectMode: false });
}

function openStream(
  ending: AsyncIterator<ExecutionResult>,
  scope: ErrorScope,
  textOf: (batch: Batch) => string,
): OpenStream {
  const listeners = new Set<() => void>();
  let isEnded = false;
  const body = new Readable({
    highWaterMark: heldMax,
    read() {
      stream.idleBeats = 0;
      for (const listener of listeners) listener();
    },
    destroy(error, callback) {
      isEnded = true;
      void ending.return?.();
      callback(error);
    },
  });
  function end(text: string): void {
    if (isEnded) return;
    isEnded = true;
    if (text !== '') body.push(text);
    body.push(null);
    void ending.return?.();
  }
  const port: Port = {
    load: { events: 0, bytes: 0 },
    write(batch) {
      if (!isEnded) body.push(textOf(batch));
    },
    isBlocked: () => body.readableLength >= heldMax,
    onDrain(run) {
      listeners.add(run);
      return () => void listeners.delete(run);
    },
    overflow: () => end(`${errorText(slowConsumer(), scope)}${complete}`),
  };
  body.push(heartbeat); // some browsers wait for the first byte before they report the stream as open
  const stream: OpenStream = { body, port, idleBeats: 0, end };
  ending.next().then(
    ({ value }) => end(`${value ? frame(JSON.stringify(value), null) : ''}${complete}`),
    (error: unknown) => end(`${errorText(error, scope)}${complete}`),
  );
  return stream;
}

function slowConsumer(): AppError {
  const sentence = 'Events were not read fast enough; connect again and resume from the last cursor.';
  return new AppError('SLOW_CONSUMER', sentence);
}

const errorText = (error: unknown, scope: ErrorScope): string =>
  frame(JSON.stringify({ errors: [presentError(error, scope)] }), null);

/** The text of a batch; that of the last one is used again. */
function createEventWriter(): (batch: Batch) => string {
  let last: { readonly batch: Batch; readonly text: string } | null = null;
  return (batch) => {
    if (last?.batch !== batch) last = { batch, text: batch.deliveries.map(eventText).join('') };
    return last.text;
  };
}

const eventText = ({ payload, cursor }: Delivery): string => frame(payload, cursor);

function frame(json: string, cursor: string | null): string {
  const id = cursor !== null && !/[\r\n\0]/.test(cursor) ? `id: ${cursor}\n` : '';
  return `event: next\n${id}data: ${json}\n\n`;
}
