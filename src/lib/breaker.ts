import type { Clock } from './clock.ts';

/**
 * A circuit breaker: after some failures in a row nothing is tried for a while, so that whoever is down is left alone and
 * whoever waits is not kept. Then one try decides: it closes the circuit or opens it for the same while again.
 */
export interface Breaker {
  /** Whether a try is allowed now; with the circuit half open only the first to ask gets one. */
  allows(): boolean;
  /** Whether nothing more is to be tried now. */
  isOpen(): boolean;
  succeeded(): void;
  failed(): void;
}

/** A closed circuit that opens after `failuresMax` failures in a row, for `openMs`. */
export function createBreaker(clock: Pick<Clock, 'now'>, options: { failuresMax: number; openMs: number }): Breaker {
  let failures = 0;
  let openedAt: number | null = null;
  let isProbing = false;
  return {
    allows() {
      if (openedAt === null) return true;
      if (isProbing || clock.now() - openedAt < options.openMs) return false;
      isProbing = true;
      return true;
    },
    isOpen: () => openedAt !== null && !isProbing,
    succeeded() {
      failures = 0;
      openedAt = null;
      isProbing = false;
    },
    failed() {
      failures += 1;
      if (isProbing || failures >= options.failuresMax) openedAt = clock.now();
      isProbing = false;
    },
  };
}
