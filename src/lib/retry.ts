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
