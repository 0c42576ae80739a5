import type { Clock } from './clock.ts';
import { AppError } from './errors.ts';

const retryFirstMs = 250;
const retryLastMs = 4_000;

/**
 * How long to wait before try number `attempt` (from 1), in ms: doubling from 250 up to 4,000, half of it by chance, so
 * that those who lost the same thing do not come back at once.
 */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(retryLastMs, retryFirstMs * 2 ** Math.min(attempt - 1, 10));
  return full / 2 + (random() * full) / 2;
}

/** Whether a failure is expected to mend by itself: what is needed is away or overloaded now. */
export function isPassing(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'SERVICE_UNAVAILABLE' || error.code === 'TIMEOUT');
}

/** Tries until it succeeds, with growing pauses; null when the signal aborts. Throws what `isWorthIt` does not accept. */
export async function retrying<R>(
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  run: () => Promise<R>,
  isWorthIt: (error: unknown) => boolean = isPassing,
): Promise<R | null> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isWorthIt(error)) throw error;
      await clock.sleep(retryDelayMs(attempt), signal);
    }
  }
  return null;
}
