import { chunksOf } from '../lib/chunks.ts';
import type { Durable, LiveSharing, Present, Sharing } from '../lib/shared-stream.ts';
import { type Batch, createBatch, type Outbox } from './stream-outbox.ts';

/**
 * Subscribers of one stream: each event is executed and serialised once and given to all of them in the same moment, so
 * that whoever joins at any other moment stands exactly behind the last event. The group reads as fast as the stream
 * gives, and waits for nobody.
 */
export interface StreamGroup {
  /** Where it stands: the sequence number up to which its members have been given everything. 0 of a live view. */
  readonly position: number;
  readonly isOver: boolean;
  /** Gives a subscriber the events after a sequence number; of a live view the present first, then what changes. */
  join(member: Member, after: number): void;
  /** Brings a member who has missed events of a live view to the present. */
  restart(member: Member): void;
  leave(member: Member): void;
  /** Ends the stream, when nobody is left. */
  stop(): void;
}

/** A subscriber in a group. */
export interface Member {
  readonly outbox: Outbox;
  /** Called when the stream ends; null: without an error. */
  end(error: unknown): void;
}

/** Events that are at hand together and executed together: one statement a loader for all of them. */
export const chunkMax = 50;

/** What a group is made of. */
export interface GroupDeps {
  readonly source: AsyncGenerator<unknown, void, undefined>;
  readonly sharing: Sharing<unknown>;
  /** Executes and serialises events. */
  readonly toBatch: (events: readonly unknown[]) => Promise<Batch>;
  /** Called once, when the stream has ended by itself. */
  readonly onOver: () => void;
}

/** The group of a stream, which it begins to read with its first member. */
export function createStreamGroup({ source, sharing, toBatch, onOver }: GroupDeps): StreamGroup {
  /** Members with the sequence number after which they want events, less than any of a live view. */
  const members = new Map<Member, number>();
  const start = sharing.kind === 'LIVE' ? createStart(sharing, toBatch) : null;
  let position = sharing.kind === 'DURABLE' ? sharing.position : 0;
  let isRunning = false;
  let isOver = false;
  let failure: unknown = null;

  function publish(events: readonly unknown[], batch: Batch): void {
    const first = batch.deliveries[0]?.position ?? 0;
    for (const [member, after] of members) member.outbox.deliver(after >= first ? batchAfter(batch, after) : batch);
    for (const event of events) start?.apply(event);
    position = Math.max(position, batch.deliveries.at(-1)?.position ?? 0);
  }
  function finish(error: unknown): void {
    if (isOver) return;
    isOver = true;
    failure = error;
    onOver();
    for (const member of members.keys()) member.end(error);
    members.clear();
  }
  async function run(): Promise<void> {
    try {
      for await (const events of chunksOf(source, chunkMax)) {
        const batch = await toBatch(events);
        if (isOver) return;
        publish(events, batch);
      }
      finish(null);
    } catch (error) {
      finish(error);
    }
  }
  function restart(member: Member): void {
    const coming = start?.batch();
    if (!coming) return;
    member.outbox.hold();
    coming.then(
      (batch) => member.outbox.release(batch),
      (error: unknown) => member.end(error),
    );
  }
  return {
    get position() {
      return position;
    },
    get isOver() {
      return isOver;
    },
    join(member, after) {
      if (isOver) return member.end(failure);
      members.set(member, sharing.kind === 'LIVE' ? -1 : after);
      restart(member);
      if (!isRunning) void run();
      isRunning = true;
    },
    restart,
    leave: (member) => void members.delete(member),
    stop() {
      isOver = true;
      void source.return();
    },
  };
}

/** The position of an event. */
export function positionOf(event: unknown, { kind }: Sharing<unknown>): number {
  return kind === 'DURABLE' ? (event as Durable).cursor : 0;
}

function batchAfter({ deliveries }: Batch, after: number): Batch {
  return createBatch(deliveries.filter(({ position }) => position > after));
}

/** What newcomers to a live view are given first. */
interface Start {
  readonly apply: Present<unknown>['apply'];
  /** The present, executed now; those who come in the same moment share it. Null while nothing has been told. */
  batch(): Promise<Batch> | null;
}

function createStart(sharing: LiveSharing<unknown>, toBatch: GroupDeps['toBatch']): Start {
  const present = sharing.createPresent();
  let coming: Promise<Batch> | null = null;
  return {
    apply(event) {
      present.apply(event);
      coming = null; // what is being executed is the past for those who come from now on
    },
    batch() {
      const events = present.events();
      if (events.length === 0) return null;
      if (coming) return coming;
      const made = toBatch(events).finally(() => {
        if (coming === made) coming = null;
      });
      return (coming = made);
    },
  };
}
