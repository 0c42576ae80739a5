import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { retryDelayMs } from '../lib/retry.ts';
import { createRedisBus } from './redis-bus.ts';
import { createListeners, type EventBus } from './wake.ts';

export type { EventBus } from './wake.ts';

/** What a bus needs that may lose its connection. */
export interface BusDeps {
  readonly db: Pick<Db, 'mode' | 'connectAlone' | 'query'>;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly log?: Pick<Log, 'info' | 'warn'>;
}

/** How processes wake each other: through Redis where it is configured, else by NOTIFY, else (embedded) only within this process. */
export function createBus(deps: BusDeps & { readonly redisUrl: string | null }): EventBus {
  if (deps.redisUrl !== null) return createRedisBus(deps.redisUrl, deps);
  return deps.db.mode === 'POSTGRES' ? createPostgresBus(deps) : createMemoryBus();
}

/** Wakes listeners of this process. */
export function createMemoryBus(): EventBus {
  const listeners = createListeners();
  return { wake: listeners.wake, onWake: listeners.add, close: listeners.clear };
}

const channel = 'tokengraph_event';

/**
 * Wakes by NOTIFY, over a connection of its own that is opened again when it breaks; after each opening listeners are
 * woken once, for what they may have missed. For PostgreSQL only: the embedded database does not carry NOTIFY from one
 * connection to another.
 */
export function createPostgresBus(deps: BusDeps): EventBus {
  const listeners = createListeners();
  const controller = new AbortController();
  const listening = keepListening(deps, listeners.wake, controller.signal);
  return {
    async wake() {
      listeners.wake();
      await deps.db.query('SELECT pg_notify($1, $2)', [channel, '']).catch(() => {}); // others poll
    },
    onWake: listeners.add,
    async close() {
      listeners.clear();
      controller.abort();
      await listening;
    },
  };
}

async function keepListening({ db, clock, log }: BusDeps, wake: () => void, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await listen(db, signal, () => {
        if (failures > 0) log?.info({}, 'listening for wake-ups again');
        failures = 0;
        wake();
      });
    } catch (error) {
      failures += 1;
      if (failures === 1)
        log?.warn({ reason: messageOf(error) }, 'the listening connection broke; polling until it is back');
      await clock.sleep(retryDelayMs(failures), signal);
    }
  }
}

/** Listens until the signal aborts; throws when the connection breaks. */
async function listen(db: BusDeps['db'], signal: AbortSignal, onWake: () => void): Promise<void> {
  const client = await db.connectAlone();
  let stop = (): void => {};
  try {
    const ending = new Promise<void>((resolve, reject) => {
      stop = resolve;
      client.once('error', reject);
      client.once('end', () => reject(new Error('the connection was closed')));
    });
    ending.catch(() => {}); // thrown where it is awaited
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) return;
    client.on('notification', onWake);
    await client.query(`LISTEN ${channel}`);
    onWake();
    await ending;
  } finally {
    signal.removeEventListener('abort', stop);
    client.removeAllListeners('notification');
    client.on('error', () => {}); // it is being left
    void client.end().catch(() => {});
  }
}
