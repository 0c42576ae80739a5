import { Redis } from 'ioredis';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { retryDelayMs } from '../lib/retry.ts';
import { createListeners, type EventBus } from './wake.ts';

const channel = 'tokengraph:event';

/**
 * Wakes through Redis pub/sub. Both connections are opened again with back-off when they break, and nothing waits for
 * them: while Redis is away a wake-up reaches this process only, and the others poll.
 */
export function createRedisBus(url: string, { log }: { readonly log?: Pick<Log, 'warn'> } = {}): EventBus {
  const listeners = createListeners();
  const options = {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: 5_000,
    commandTimeout: 1_000,
    retryStrategy: (attempt: number) => retryDelayMs(attempt),
  };
  const publisher = new Redis(url, options);
  const subscriber = new Redis(url, { ...options, autoResubscribe: false });
  let isDown = false;
  const onError = (error: unknown): void => {
    if (!isDown) log?.warn({ reason: messageOf(error) }, 'Redis cannot be reached; polling until it is back');
    isDown = true;
  };
  publisher.on('error', onError);
  subscriber.on('error', onError);
  subscriber.on('message', listeners.wake);
  subscriber.on('ready', () => {
    isDown = false;
    subscriber.subscribe(channel).then(listeners.wake, onError);
  });
  return {
    async wake() {
      listeners.wake();
      await publisher.publish(channel, '').catch(() => {}); // others poll
    },
    onWake: listeners.add,
    close() {
      listeners.clear();
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}
