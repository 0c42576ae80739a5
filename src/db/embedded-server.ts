import { createServer, type Server, type Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';

/**
 * Serves PGlite, which is one session, to many connections of the ordinary driver, over a unix socket.
 *
 * Invariant: a connection has the session to itself from its first message until the server says "ready, and not in a
 * transaction". Nothing less is safe: unnamed statements and portals belong to the session, so with messages of two
 * connections in between one would run with the parameters of the other. (That is what the server of
 * @electric-sql/pglite-socket does, whose turns are single messages outside of transaction blocks.) A connection that
 * leaves in a transaction, or is silent there for 30 s, has it rolled back, so that nobody waits for it for ever.
 */
export interface EmbeddedServer {
  /** Ends every connection and stops listening. */
  stop(): Promise<void>;
}

type Session = Pick<PGlite, 'runExclusive' | 'execProtocolRawStream' | 'exec' | 'isInTransaction'>;

const sslRequest = 80_877_103;
const gssRequest = 80_877_104;
const cancelRequest = 80_877_102;
const connectionsMax = 64;
/** As PostgreSQL's idle_in_transaction_session_timeout, which this session cannot have for one connection. */
const silentInTurnMs = 30_000;
const terminate = 'X'.charCodeAt(0);
/** ReadyForQuery, idle: the end of every answer outside a transaction. */
const readyIdle = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** Listens on a path. */
export async function startEmbeddedServer(session: Session, path: string): Promise<EmbeddedServer> {
  const turns = createTurns();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serveConnection(session, turns, socket).catch(() => socket.destroy()); // the driver sees a broken connection
  });
  server.maxConnections = connectionsMax;
  await listen(server, path);
  return {
    async stop() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

async function serveConnection(session: Session, takeTurn: TakeTurn, socket: Socket): Promise<void> {
  socket.on('error', () => {}); // followed by close, which ends the loop
  socket.on('timeout', () => socket.destroy());
  let endTurn: (() => void) | null = null;
  try {
    for await (const message of readMessages(socket)) {
      if (message[0] === terminate) return;
      endTurn ??= await takeTurn();
      const isIdle = await run(session, message, socket);
      socket.setTimeout(isIdle ? 0 : silentInTurnMs);
      if (!isIdle) continue;
      endTurn();
      endTurn = null;
    }
  } finally {
    if (endTurn && session.isInTransaction()) await session.exec('ROLLBACK');
    endTurn?.();
    socket.end();
  }
}

/** Runs a message; whether the session is idle after it. */
async function run(session: Session, message: Uint8Array, socket: Socket): Promise<boolean> {
  let tail = Buffer.alloc(0);
  await session.runExclusive(() =>
    session.execProtocolRawStream(message, {
      onRawData(data) {
        const copy = Buffer.from(data); // the memory is the session's own
        tail = Buffer.concat([tail, copy.subarray(-readyIdle.length)]).subarray(-readyIdle.length);
        if (socket.writable) socket.write(copy);
      },
    }),
  );
  return tail.equals(readyIdle);
}

/** Cuts what a connection sends into messages: the first without a type byte, requests before it answered here. */
async function* readMessages(socket: Socket): AsyncGenerator<Uint8Array> {
  let buffer: Buffer = Buffer.alloc(0);
  let isStarted = false;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    for (;;) {
      const lengthAt = isStarted ? 1 : 0;
      if (buffer.length < lengthAt + 4) break;
      const size = lengthAt + buffer.readInt32BE(lengthAt);
      if (buffer.length < size) break;
      const message = buffer.subarray(0, size);
      buffer = buffer.subarray(size);
      const code = isStarted || size < 8 ? 0 : message.readInt32BE(4);
      if (code === cancelRequest) return;
      if (code === sslRequest || code === gssRequest) {
        socket.write('N');
        continue;
      }
      isStarted = true;
      yield new Uint8Array(message);
    }
  }
}

/** Resolves when it is the caller's turn, with the way to end it. */
type TakeTurn = () => Promise<() => void>;

/** Turns in the order they are asked for. */
function createTurns(): TakeTurn {
  let last = Promise.resolve();
  return async () => {
    const before = last;
    let end = (): void => {};
    last = new Promise((resolve) => {
      end = resolve;
    });
    await before;
    return end;
  };
}
