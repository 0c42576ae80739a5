import type { Db } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { Clock } from '../lib/clock.ts';
import { refreshQuotes } from '../prices/quote-store.ts';
import { purgeSimulated, refreshDefaults } from '../prices/series-store.ts';

/** Tokens settled in one transaction. */
const batchTokens = 50;

/**
 * What follows for tokens when history has been written: real candles replace simulated ones; then defaults and quotes
 * follow, and an event tells of them. Settling again changes nothing.
 */
export async function settleTokens(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  touched: Iterable<number>,
): Promise<void> {
  const tokenIds = [...new Set(touched)].sort((a, b) => a - b);
  for (let from = 0; from < tokenIds.length; from += batchTokens) {
    const some = tokenIds.slice(from, from + batchTokens);
    await db.transaction(async (tx) => {
      const nowMs = clock.now();
      const purged = await purgeSimulated(tx, some);
      const chosen = await refreshDefaults(tx, some);
      const quoted = await refreshQuotes(tx, some, nowMs);
      if (purged + chosen + quoted.length === 0) return;
      await appendEvents(tx, [{ topic: 'prices', payload: { seriesIds: [], tokenIds: quoted } }], nowMs);
    });
  }
}
