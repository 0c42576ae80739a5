import type { Clock } from '../lib/clock.ts';

/**
 * A bucket of messages that fills at `perSecond` up to `burst`; the function takes one and says whether there was one.
 * The burst lets a client start all its operations at once when it connects.
 */
export function createMessageBudget(clock: Clock, perSecond: number, burst: number): () => boolean {
  let left = burst;
  let filledAtMs = clock.now();
  return () => {
    const nowMs = clock.now();
    left = Math.min(burst, left + ((nowMs - filledAtMs) / 1000) * perSecond);
    filledAtMs = nowMs;
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
