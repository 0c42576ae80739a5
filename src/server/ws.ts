import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { ErrorLog } from '../graphql/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Api } from './api.ts';
import { isAllowedOrigin } from './cors.ts';
import { createMessageBudget } from './ws-budget.ts';
import { defaultSocketLimits, type SocketLimits } from './ws-limits.ts';
import { createOperations, type SocketFacts } from './ws-operations.ts';
import { createPortMaker, type SocketPorts } from './ws-port.ts';

/**
 * GraphQL over WebSocket (graphql-transport-ws) on the path of HTTP. graphql-ws keeps the protocol and its close codes;
 * here stand the bounds: a message of 1 MB (1009), 50 messages a second after a burst (4429), 1 MB unsent (1013), dead
 * peers dropped within two heartbeats. An error ends an operation, never the socket. A socket whose origin is a foreign
 * web page is refused before the upgrade, since browsers do not ask for WebSockets.
 */
export interface SocketServer {
  /** Takes over an HTTP connection that asks for a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells every socket to go elsewhere (1001) and takes no more. */
  stop(): void;
  /** Cuts the sockets that did not answer the closing. */
  cut(): void;
  readonly size: number;
}

/** What the socket server is made of. */
export interface SocketDeps {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: ErrorLog;
  readonly corsOrigins: readonly string[];
  readonly socketLimits?: SocketLimits;
}

const closeCodes = {
  goingAway: 1001,
  tryAgainLater: 1013,
  forbidden: 4403,
  tooManyMessages: 4429,
  internal: 4500,
} as const;

/** Makes the WebSocket side of an API. */
export function createSocketServer(deps: SocketDeps): SocketServer {
  const limits = deps.socketLimits ?? defaultSocketLimits;
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  const protocol = makeServer(createOperations(deps, limits));
  const portsOf = createPortMaker(closeSlow);
  const alive = new WeakSet<WebSocket>();
  const facts = new WeakMap<WebSocket, SocketFacts>();
  const stopHeart = deps.clock.every(limits.heartbeatMs, async () => {
    for (const socket of server.clients) beat(socket, alive);
    await Promise.all([...server.clients].map((socket) => closeIfForbidden(socket, facts.get(socket))));
  });
  server.on('connection', (socket, request) => {
    alive.add(socket);
    socket.on('pong', () => alive.add(socket));
    socket.on('error', () => undefined); // the peer broke the framing; ws closes with the fitting code
    facts.set(socket, bind(deps, limits, protocol, socket, request, portsOf(socket, request.socket)));
  });
  return {
    upgrade(request, socket, head) {
      if (!isAllowedOrigin(request.headers.origin ?? null, request.headers.host ?? null, deps.corsOrigins))
        return refuse(socket, '403 Forbidden', 'This origin may not open a WebSocket.');
      server.handleUpgrade(request, socket, head, (opened) => server.emit('connection', opened, request));
    },
    stop() {
      stopHeart();
      for (const socket of server.clients)
        socket.close(closeCodes.goingAway, 'The server is going away; connect again.');
    },
    cut() {
      for (const socket of server.clients) socket.terminate();
    },
    get size() {
      return server.clients.size;
    },
  };
}

function beat(socket: WebSocket, alive: WeakSet<WebSocket>): void {
  if (!alive.delete(socket)) return socket.terminate();
  if (socket.readyState === socket.OPEN) socket.ping();
}

/** Ends a socket whose key was revoked, or whose session ended, since it was opened. */
async function closeIfForbidden(socket: WebSocket, facts: SocketFacts | undefined): Promise<void> {
  if ((await facts?.isStillAllowed?.()) === false)
    socket.close(closeCodes.forbidden, 'What was shown at the start is no longer valid.');
}

/** Answers an upgrade that is not taken. */
export function refuse(socket: Duplex, status: string, sentence: string): void {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(sentence)}\r\n\r\n${sentence}`);
}

/** Joins one socket to the protocol; what is kept beside it. */
function bind(
  { clock, log }: SocketDeps,
  limits: SocketLimits,
  protocol: ReturnType<typeof makeServer<Record<string, unknown>, SocketFacts>>,
  socket: WebSocket,
  request: IncomingMessage,
  { portOf }: SocketPorts,
): SocketFacts {
  const socketId = randomUUID();
  const hasBudget = createMessageBudget(clock, limits.messagesPerSecond, limits.messagesBurst);
  const fail = (error: unknown): void => {
    log.error({ err: error, requestId: socketId }, 'socket failed');
    socket.close(closeCodes.internal, 'Internal error');
  };
  const isOpen = (): boolean => socket.readyState === socket.OPEN;
  const facts: SocketFacts = {
    socketId,
    header: (name) => headerOf(request, name),
    isStillAllowed: null,
    close: (code, reason) => socket.close(code, reason),
    portOf,
    refusals: new Map(),
  };
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => (isOpen() ? send(socket, text, limits.unsentBytes) : end(1006, 'Closing')),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (take) =>
        socket.on('message', (data) => {
          if (!hasBudget()) return socket.close(closeCodes.tooManyMessages, 'Too many messages');
          if (isOpen()) take(textOf(data)).catch(fail);
        }),
    },
    facts,
  );
  let isEnded = false;
  /** Ends the operations; a socket that is closing must not draw events that nobody gets. */
  async function end(code: number, reason: string): Promise<void> {
    if (isEnded) return;
    isEnded = true;
    await Promise.resolve(closed(code, reason)).catch(fail);
  }
  socket.once('close', (code, reason) => void end(code, reason.toString()));
  return facts;
}

function closeSlow(socket: WebSocket): void {
  socket.close(closeCodes.tryAgainLater, 'The client reads too slowly; connect again and resume.');
}

/** Resolves when the message has left; closes a socket whose client does not read. */
function send(socket: WebSocket, text: string, unsentBytesMax: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.bufferedAmount > unsentBytesMax) {
      closeSlow(socket);
      return resolve();
    }
    socket.send(text, () => resolve()); // an error means the socket is closing, which ends its operations
  });
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return Buffer.isBuffer(data) ? data.toString() : Buffer.from(data).toString();
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
}
