/**
 * The live screener: a list of tokens as `tokens(filter, orderBy, first)` answers it, kept current. It begins with the
 * list, then tells the edits between two looks; whoever applies them has, after each look, exactly the list that was
 * read. A look is one statement, bounded by `first`, taken when prices or grades have changed and at most once in the
 * throttle; what happened between two looks is conflated. Wake-ups are heard before the first look, so that no change
 * falls between. Late or doubled wake-ups cost a look and yield nothing; while the database is away looks wait for it.
 */
import type { Sql } from '../db/client.ts';
import type { EventFeed } from '../events/replay.ts';
import type { Clock } from '../lib/clock.ts';
import { minuteMs } from '../lib/interval.ts';
import { type ConflatingQueue, createConflatingQueue } from '../lib/queue.ts';
import { retrying } from '../lib/retry.ts';
import type { Present } from '../lib/shared-stream.ts';
import { stoppable, whenAborted } from '../lib/stoppable.ts';
import { listScreened, type ScreenedToken } from '../tokens/list-store.ts';
import type { TokenFilter, TokenOrder } from '../tokens/token.ts';
import { applyEdit, computeEdits, type Edit } from './edits.ts';

/** A step of the list. */
export type ScreenerEvent = Edit<ScreenedToken>;

/** Which list. */
export interface Screen {
  readonly filter: TokenFilter;
  readonly order: TokenOrder;
  readonly first: number;
}

/** What a screener needs: the GraphQL context fits. */
export interface ScreenerDeps {
  readonly db: Sql;
  readonly events: Pick<EventFeed, 'wakeups'>;
  readonly clock: Clock;
}

/** Tokens also change without an event, by imports: a list is looked at again after so long, in ms. */
const lookMs = minuteMs;

type Looks = ConflatingQueue<'LOOK', null>;

/** Follows a list; at most one look in `throttleMs`. The signal, or `return()`, ends it at once. */
export function streamScreener(
  deps: ScreenerDeps,
  screen: Screen,
  throttleMs: number,
  signal: AbortSignal | null = null,
): AsyncGenerator<ScreenerEvent, void, undefined> {
  return stoppable(signal, (inner) => {
    const looks: Looks = createConflatingQueue(1);
    looks.push('LOOK', null);
    for (const topic of ['prices', 'grades'] as const) void listen(deps.events.wakeups(topic, inner), looks);
    whenAborted(inner, () => {
      looks.clear();
      looks.end();
    });
    return listEvents(deps, screen, throttleMs, looks, inner);
  });
}

async function listen(wakeups: AsyncIterator<unknown>, looks: Looks): Promise<void> {
  try {
    while ((await wakeups.next()).done !== true) looks.push('LOOK', null);
    looks.end();
  } catch (error) {
    looks.fail(error);
  }
}

async function* listEvents(
  { db, clock }: ScreenerDeps,
  { filter, order, first }: Screen,
  throttleMs: number,
  looks: Looks,
  signal: AbortSignal,
): AsyncGenerator<ScreenerEvent, void, undefined> {
  let list: readonly ScreenedToken[] | null = null;
  while (!signal.aborted) {
    await pause(clock, looks);
    if (looks.isEnded) {
      await looks.takeAll(); // throws what it failed with
      return;
    }
    looks.clear();
    const rows = await retrying(clock, signal, () => listScreened({ db }, filter, order, first));
    if (rows === null) return;
    if (list === null) yield { kind: 'SNAPSHOT', rows };
    else yield* computeEdits(list, rows);
    list = rows;
    await clock.sleep(throttleMs, signal);
  }
}

/** Waits until a look is due. */
async function pause(clock: Clock, looks: Looks): Promise<void> {
  if (looks.size > 0 || looks.isEnded) return;
  const timer = new AbortController();
  await Promise.race([looks.changed(), clock.sleep(lookMs, timer.signal)]);
  timer.abort();
}

/** What one who joins a screener is told first: the list as it stands, as a snapshot. */
export function createListPresent(): Present<ScreenerEvent> {
  let rows: readonly ScreenedToken[] | null = null;
  return {
    apply(event) {
      rows = applyEdit(rows ?? [], event);
    },
    events: () => (rows === null ? [] : [{ kind: 'SNAPSHOT', rows }]),
  };
}
