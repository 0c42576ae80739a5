/**
 * Streams that many subscribers may live off. One execution serves all who ask for the same; what the stream says of
 * itself here lets a newcomer join in the middle and a slow reader be conflated, without a hole and without a double.
 */

/** What a newcomer has to be told to stand where the others stand: a fold over the events told so far. */
export interface Present<Event> {
  /** Takes note of an event that everybody has been told. */
  apply(event: Event): void;
  /** The events that bring a newcomer up to here, in order; none while nothing was told. */
  events(): readonly Event[];
}

/** A live view: its snapshot is in its events, and only the latest counts. */
export interface LiveSharing<Event> {
  readonly kind: 'LIVE';
  createPresent(): Present<Event>;
  /**
   * For who does not keep up: of the events that wait for him under one key only the latest is kept. Null: they all are,
   * and when they are too many he begins anew from the present.
   */
  readonly keyOf: ((event: Event) => unknown) | null;
}

/** An event of a durable stream. */
export interface Durable {
  /** Its sequence number in the log. */
  readonly cursor: number;
}

/** Events of the log, every one of them: it can be resumed from a cursor, and who does not keep up has to. */
export interface DurableSharing<Event extends Durable> {
  readonly kind: 'DURABLE';
  /** The cursor that was asked for; null: from now on. */
  readonly after: number | null;
  /** Where the log stood when the stream was made. */
  readonly position: number;
  /** The stored events after one sequence number up to another, and no further. BAD_CURSOR where `from` lies beyond the log. */
  replay(from: number, until: number): AsyncGenerator<Event, void, undefined>;
}

/** How a stream is shared. */
export type Sharing<Event> = LiveSharing<Event> | DurableSharing<Event & Durable>;

/** A stream that can be shared. Nobody may take part in it twice: it is either read here or by the group that shares it. */
export type SharedStream<Event> = AsyncGenerator<Event, void, undefined> & { readonly sharing: Sharing<Event> };

/** Says how a stream is shared. */
export function sharedAs<Event>(
  stream: AsyncGenerator<Event, void, undefined>,
  sharing: Sharing<Event>,
): SharedStream<Event> {
  return Object.assign(stream, { sharing });
}

/** How a stream of anything is shared; null where it is not. */
export function sharingOf(stream: AsyncIterable<unknown>): Sharing<unknown> | null {
  return 'sharing' in stream ? (stream.sharing as Sharing<unknown>) : null;
}

/** The present of a stream of which the latest event of each key counts, oldest key first. */
export function latestByKey<Event>(keyOf: (event: Event) => unknown): Present<Event> {
  const latest = new Map<unknown, Event>();
  return {
    apply: (event) => void latest.set(keyOf(event), event),
    events: () => [...latest.values()],
  };
}
