/**
 * The way of events out to one subscriber. What the connection takes goes out at once; what it does not take waits here,
 * and nothing and nobody waits for it. Bounds are those of the connection, over all its operations: what passes them
 * is conflated (live views) or ends the connection (durable streams, which resume).
 */

/** The result of one event, serialised once for all who get it. */
export interface Delivery {
  /** The result as JSON. */
  readonly payload: string;
  /** The event's cursor, where it was selected. */
  readonly cursor: string | null;
  /** Sequence number of a durable event; 0 of a live view. */
  readonly position: number;
  /** Of deliveries that wait under one key only the latest is kept; null: all are. */
  readonly key: unknown;
}

/** Deliveries of one moment, in order; the same object for all who get the same, so that its bytes are made once. */
export interface Batch {
  readonly deliveries: readonly Delivery[];
  /** Characters of the payloads. */
  readonly size: number;
}

/** A batch of deliveries. */
export function createBatch(deliveries: readonly Delivery[]): Batch {
  return { deliveries, size: deliveries.reduce((sum, { payload }) => sum + payload.length, 0) };
}

/** A connection as an operation on it sees it. */
export interface Port {
  /** Sends now, in one piece. */
  write(batch: Batch): void;
  /** Whether the client has yet to take what was sent. */
  isBlocked(): boolean;
  /** What waits for the client in all operations of the connection. */
  readonly load: { events: number; bytes: number };
  /** Calls when the client has taken what was sent, until the returned function is called. */
  onDrain(run: () => void): () => void;
  /** Ends the connection: its client does not read. */
  overflow(): void;
}

/** What waits for one subscriber. */
export interface Outbox {
  /** Takes events; never waits. */
  deliver(batch: Batch): void;
  /** Lets everything wait until {@link Outbox.release}, which puts a start before it. */
  hold(): void;
  release(start: Batch): void;
  /** Resolves when nothing waits and the client has taken what was sent. */
  whenEmpty(): Promise<void>;
  /** Forgets everything. */
  close(): void;
}

/** Most events, and most of their bytes, that may wait for a connection. */
export const waitingMax = { events: 500, bytes: 1_048_576 } as const;
/** What is sent in one piece from what waited, in characters. */
const pieceSize = 65_536;

/** Deliveries that wait at a port, oldest first, counted in its load. */
interface Waiting {
  readonly size: () => number;
  /** False when the connection now carries more than it may. */
  put(delivery: Delivery): boolean;
  takePiece(): Batch;
  takeAll(): Delivery[];
}

function createWaiting({ load }: Port): Waiting {
  const waiting = new Map<unknown, Delivery>();
  function take(key: unknown, delivery: Delivery): void {
    waiting.delete(key);
    load.events -= 1;
    load.bytes -= delivery.payload.length;
  }
  return {
    size: () => waiting.size,
    put(delivery) {
      const key = delivery.key ?? delivery;
      const replaced = waiting.get(key);
      if (replaced === undefined) load.events += 1;
      load.bytes += delivery.payload.length - (replaced?.payload.length ?? 0);
      waiting.set(key, delivery);
      return load.events <= waitingMax.events && load.bytes <= waitingMax.bytes;
    },
    takePiece() {
      const piece: Delivery[] = [];
      let size = 0;
      for (const [key, delivery] of waiting) {
        take(key, delivery);
        piece.push(delivery);
        size += delivery.payload.length;
        if (size >= pieceSize) break;
      }
      return { deliveries: piece, size };
    },
    takeAll() {
      const all = [...waiting.values()];
      for (const [key, delivery] of waiting) take(key, delivery);
      return all;
    },
  };
}

/** An outbox at a port. `restart` brings the subscriber to the present again when too much waits; null: that ends him. */
export function createOutbox(port: Port, restart: (() => void) | null): Outbox {
  const waiting = createWaiting(port);
  let isHeld = false;
  let isStale = false;
  let isClosed = false;
  let stopListening: (() => void) | null = null;
  let onEmpty: (() => void)[] = [];

  const isFree = (): boolean => waiting.size() === 0 && !isHeld && !isStale && !port.isBlocked();
  function listen(): void {
    stopListening ??= port.onDrain(pump);
  }
  function queue(deliveries: readonly Delivery[]): void {
    listen();
    if (deliveries.every((delivery) => waiting.put(delivery))) return;
    waiting.takeAll();
    if (restart === null) port.overflow();
    else isStale = true;
  }
  function pump(): void {
    if (isClosed || isHeld || port.isBlocked()) return;
    if (isStale) {
      isStale = false;
      restart?.();
      return;
    }
    while (waiting.size() > 0 && !port.isBlocked()) port.write(waiting.takePiece());
    if (isFree()) rest();
  }
  function rest(): void {
    stopListening?.();
    stopListening = null;
    const told = onEmpty;
    onEmpty = [];
    for (const tell of told) tell();
  }
  return {
    deliver(batch) {
      if (isClosed || isStale) return;
      if (isFree() && batch.size <= pieceSize) return port.write(batch);
      queue(batch.deliveries);
      pump();
    },
    hold() {
      isHeld = true;
    },
    release(start) {
      if (isClosed) return;
      const later = waiting.takeAll();
      isHeld = false;
      queue([...start.deliveries, ...later]);
      pump();
    },
    whenEmpty() {
      if (isClosed || isFree()) return Promise.resolve();
      listen();
      return new Promise((resolve) => onEmpty.push(resolve));
    },
    close() {
      isClosed = true;
      waiting.takeAll();
      rest();
    },
  };
}
