/**
 * Works off the queue of syncs: one address of each chain at a time, the one that has waited longest first; no chain waits
 * for another. A long first
 * sync yields after a while, so that nobody waits for it; it goes on at its next turn.
 */
import { randomUUID } from 'node:crypto';
import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { isPassing } from '../lib/retry.ts';
import { type Chain, ChainError } from '../sources/chain.ts';
import {
  claimDue,
  LeaseLost,
  matchWatched,
  recordUnreachableChains,
  releaseClaim,
  renewLease,
  type SyncClaim,
  type SyncEnd,
} from '../wallets/sync-store.ts';
import { type BlockWindow, createBlockWindow } from './block-window.ts';
import { type SyncRules, syncAddress } from './sync.ts';

/** A chain that is synced. */
export interface SyncedChain {
  readonly chain: Chain;
  readonly rules: SyncRules;
}

/** What the queue needs. */
export interface SyncQueueDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn' | 'error' | 'debug'>;
  readonly chains: readonly SyncedChain[];
  /** How long after a sync the next one is due, in ms. */
  readonly everyMs: number;
}

/** How long a worker that is gone keeps others from going on. */
const leaseMs = 60_000;
const renewMs = 15_000;
const turnMs = 20_000;
const pollMs = 1_000;
const retryFirstMs = 5_000;
const retryMaxMs = 300_000;

/** Works until the signal aborts; the turn under way is finished with the step it is at. */
export async function runSyncQueue(deps: SyncQueueDeps, signal: AbortSignal): Promise<void> {
  const { db, clock, log, chains } = deps;
  const chainIds = chains.map(({ chain }) => chain.chainId);
  const keepGoing = async (work: () => Promise<boolean>): Promise<void> => {
    while (!signal.aborted) {
      try {
        if (await work()) continue;
      } catch (error) {
        log.error({ err: error }, 'the queue of wallet syncs failed; trying again');
      }
      await clock.sleep(pollMs, signal);
    }
  };
  const match = async (): Promise<boolean> => {
    await matchWatched(db, clock.now());
    await recordUnreachableChains(db, chainIds);
    return false;
  };
  const turns = chains.map((synced) => {
    const line = { ...deps, ...synced, window: createBlockWindow() };
    return () => takeTurn(line, signal);
  });
  await Promise.all([match, ...turns].map(keepGoing));
}

interface Line extends SyncQueueDeps, SyncedChain {
  readonly window: BlockWindow;
}

/** One turn at one address of a chain; false where none is due. */
async function takeTurn(line: Line, signal: AbortSignal): Promise<boolean> {
  const { db, clock, chain } = line;
  const lease = randomUUID();
  const claim = await claimDue(db, chain.chainId, { lease, nowMs: clock.now(), leaseMs });
  if (claim === null) return false;
  const stopRenewing = clock.every(renewMs, () =>
    renewLease(db, claim, clock.now() + leaseMs).catch((error: unknown) => {
      line.log.debug({ err: error }, 'a lease was not renewed; the next write tells whether it is lost');
    }),
  );
  try {
    await releaseClaim(db, claim, await endOf(line, claim, signal));
  } finally {
    stopRenewing();
  }
  return true;
}

async function endOf(line: Line, claim: SyncClaim, signal: AbortSignal): Promise<SyncEnd> {
  const { clock, log, everyMs } = line;
  const untilMs = clock.now() + turnMs;
  try {
    const isDone = await syncAddress(line, claim, () => !signal.aborted && clock.now() < untilMs);
    const nowMs = clock.now();
    return isDone
      ? { dueAtMs: nowMs + everyMs, error: null, syncedAtMs: nowMs }
      : { dueAtMs: nowMs, error: null, syncedAtMs: null };
  } catch (error) {
    const isExpected = error instanceof ChainError || error instanceof LeaseLost || isPassing(error);
    log[isExpected ? 'warn' : 'error']({ err: error, chainId: claim.chainId }, 'the sync of an address failed');
    const waitMs = Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(claim.failures, 10));
    const asked = error instanceof ChainError ? (error.retryAfterMs ?? 0) : 0;
    const message = error instanceof ChainError ? error.message : 'Something went wrong here; it is tried again.';
    return { dueAtMs: clock.now() + Math.max(waitMs, asked), error: message, syncedAtMs: null };
  }
}
