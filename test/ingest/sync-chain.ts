import { systemClock } from '../../src/lib/clock.ts';
import type { Db } from '../../src/db/client.ts';
import { createBlockWindow } from '../../src/ingest/block-window.ts';
import { type SyncRules, syncAddress } from '../../src/ingest/sync.ts';
import type { Chain } from '../../src/sources/chain.ts';
import { claimDue, matchWatched, releaseClaim, type SyncClaim } from '../../src/wallets/sync-store.ts';

/** Syncs of tests: one address after the other, without the queue's timers. */

/** Reads everything, at once. */
export const plainRules: SyncRules = { confirmations: 0, nativeBlocks: 1_000_000 };

/** Takes the next address of the chain, whatever the hour. */
export async function takeNext(db: Db, chainId: number, nowMs = Date.now()): Promise<SyncClaim | null> {
  await matchWatched(db, nowMs);
  return claimDue(db, chainId, { lease: `test ${nowMs}`, nowMs, leaseMs: 60_000 });
}

/** Syncs every due address of the chain to its end; how many there were. */
export async function syncAll(db: Db, chain: Chain, rules: SyncRules = plainRules): Promise<number> {
  const window = createBlockWindow();
  for (let count = 0; ; count += 1) {
    const claim = await takeNext(db, chain.chainId);
    if (claim === null) return count;
    await syncAddress({ db, clock: systemClock, chain, rules, window }, claim, () => true);
    const nowMs = Date.now();
    await releaseClaim(db, claim, { dueAtMs: nowMs + 3_600_000, error: null, syncedAtMs: nowMs });
  }
}

/** Makes every address of the chain due. */
export async function makeDue(db: Db): Promise<void> {
  await db.execute(`UPDATE chain_address SET due_at = '2000-01-01'`);
}
