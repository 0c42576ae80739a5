import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/**
 * A light subscriber: a raw socket that speaks just enough of WebSocket and graphql-transport-ws, so that thousands of
 * them take little of the machine that also runs the server.
 */

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };

/** A frame, masked with zeros: the payload stays as it is. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  const head = size < 126 ? [0x80 | opcode, 0x80 | size] : [0x80 | opcode, 0xfe, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload]);
}

function textFrame(text: string): Buffer {
  return frameOf(opcodes.text, Buffer.from(text));
}

/** Splits complete frames from the front of a buffer; a server's frames are not masked and ours stay below 64 KiB. */
function takeFrames(buffer: Buffer, onFrame: (opcode: number, payload: Buffer) => void): Buffer {
  let at = 0;
  while (buffer.length - at >= 2) {
    const short = (buffer[at + 1] ?? 0) & 0x7f;
    const head = short === 126 ? 4 : 2;
    if (buffer.length - at < head) break;
    const size = short === 126 ? buffer.readUInt16BE(at + 2) : short;
    if (buffer.length - at < head + size) break;
    onFrame((buffer[at] ?? 0) & 0x0f, buffer.subarray(at + head, at + head + size));
    at += head + size;
  }
  return buffer.subarray(at);
}

/** Where to subscribe, to what, and who is told of each message. `onFault` is told once of what should not happen. */
export interface Subscription {
  readonly url: URL;
  readonly query: string;
  readonly onNext: (payload: Buffer) => void;
  readonly onFault: (sentence: string) => void;
}

const upgradeTimeoutMs = 20_000;

/** Opens one subscriber; resolves when its `subscribe` has been sent. */
export function openSubscriber({ url, query, onNext, onFault }: Subscription): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    socket
      .setNoDelay(true)
      .setTimeout(upgradeTimeoutMs, () => reject(new Error('the socket was not upgraded in time')));
    socket.on('error', reject);
    socket.on('close', () => onFault('a socket was closed'));
    let rest: Buffer = Buffer.alloc(0);
    let isOpen = false;
    socket.on('connect', () => {
      socket.write(
        `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
          'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
      );
    });
    const onFrame = (opcode: number, payload: Buffer): void => {
      if (opcode === opcodes.close) return onFault(`closed: ${payload.toString('utf8', 2)}`);
      if (opcode === opcodes.ping) socket.write(frameOf(opcodes.pong, payload)); // who is silent is taken for dead
      if (opcode !== opcodes.text) return;
      const kind = payload.subarray(0, 60).toString('latin1');
      if (kind.includes('"connection_ack"')) {
        socket.setTimeout(0);
        const message = { id: '1', type: 'subscribe', payload: { query } };
        socket.write(textFrame(JSON.stringify(message)), () => resolve(socket));
      } else if (kind.includes('"ping"')) socket.write(textFrame('{"type":"pong"}'));
      else onNext(payload);
    };
    socket.on('data', (chunk: Buffer) => {
      let data: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!isOpen) {
        const end = data.indexOf('\r\n\r\n');
        if (end < 0) {
          rest = data;
          return;
        }
        if (!data.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101')))
          return reject(new Error(data.toString('latin1', 0, end)));
        isOpen = true;
        socket.write(textFrame('{"type":"connection_init"}'));
        data = data.subarray(end + 4);
      }
      rest = takeFrames(data, onFrame);
    });
  });
}
