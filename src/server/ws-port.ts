import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Batch, Port } from '../graphql/stream-outbox.ts';

/**
 * The quick way of events to WebSockets: `next` messages of one moment leave in one write. All subscribers of a stream
 * get the same bytes but for the id of their operation, which therefore stands last in the message. Frames are put on
 * the connection whole and between those of `ws`, which writes each of its own at once too: nothing is compressed.
 */
export interface SocketPorts {
  /** The port of an operation on a socket. */
  portOf(operationId: string): Port;
}

/** Makes ports of sockets; `overflow` ends one whose client does not read. */
export function createPortMaker(
  overflow: (socket: WebSocket) => void,
): (socket: WebSocket, connection: Socket) => SocketPorts {
  const textOf = createFrameWriter();
  return (socket, connection) => {
    const load = { events: 0, bytes: 0 };
    const listeners = new Set<() => void>();
    connection.on('drain', () => {
      for (const listener of listeners) listener();
    });
    return {
      portOf(operationId) {
        const tail = toBytes(`${JSON.stringify(operationId)}}`);
        return {
          load,
          write(batch) {
            if (socket.readyState === socket.OPEN) connection.write(textOf(batch, tail), 'latin1');
          },
          isBlocked: () => connection.writableNeedDrain,
          onDrain(run) {
            listeners.add(run);
            return () => void listeners.delete(run);
          },
          overflow: () => overflow(socket),
        };
      },
    };
  };
}

/** Text whose characters are the bytes of a text in UTF-8: it can be joined as text and is written as `latin1`. */
function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Frames of a batch for the operation whose id is in `tail`. What was made for the last one is used again. */
function createFrameWriter(): (batch: Batch, tail: string) => string {
  let last: Batch | null = null;
  let bodies: readonly string[] = [];
  let heads = new Map<number, readonly string[]>(); // by length of the tail
  let written: { readonly tail: string; readonly text: string } | null = null;

  function headsFor(tailLength: number): readonly string[] {
    const known = heads.get(tailLength);
    if (known) return known;
    const made = bodies.map((body) => frameHead(body.length + tailLength) + body);
    heads.set(tailLength, made);
    return made;
  }
  return (batch, tail) => {
    if (batch !== last) {
      last = batch;
      bodies = batch.deliveries.map(({ payload }) => toBytes(`{"type":"next","payload":${payload},"id":`));
      heads = new Map();
      written = null;
    }
    if (written?.tail === tail) return written.text;
    let text = '';
    for (const head of headsFor(tail.length)) text += head + tail;
    written = { tail, text };
    return text;
  };
}

const finalText = 0x81;

/** The head of an unmasked frame of text with so many bytes (RFC 6455, section 5.2). */
function frameHead(length: number): string {
  if (length < 126) return String.fromCharCode(finalText, length);
  if (length < 65_536) return String.fromCharCode(finalText, 126, length >> 8, length & 0xff);
  const bytes = Buffer.alloc(10);
  bytes[0] = finalText;
  bytes[1] = 127;
  bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes.toString('latin1');
}
