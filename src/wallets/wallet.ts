/**
 * Wallets: addresses on chains that an account watches, and portfolios it keeps by hand. Private to the account.
 *
 * A wallet is a row of the account; what the chain tells about its address is kept once for all who watch it (see
 * sync-store.ts) and says nothing about them. A wallet of somebody else is answered like one that does not exist.
 */

/** An address on a chain, or a portfolio kept by hand. */
export type WalletKind = 'CHAIN' | 'MANUAL';

/** A wallet with what is known of its sync; columns of the sync are null where nothing was synced yet. */
export interface Wallet {
  readonly id: number;
  readonly accountId: number;
  readonly kind: WalletKind;
  /** EIP-155 chain id; null for a portfolio kept by hand. */
  readonly chainId: number | null;
  /** In lower case; null for a portfolio kept by hand. */
  readonly address: string | null;
  readonly label: string | null;
  /** Epoch ms when its owner showed to be the account; null: watch-only. */
  readonly verifiedAt: number | null;
  readonly createdAt: number;
  /** The address in the chain tables; null until a worker has seen the wallet. */
  readonly addressId: number | null;
  /** Every block from here to `cursorBlock` is in the ledger. */
  readonly firstBlock: number | null;
  /** From here on transfers of the chain's own coin are in the ledger too. */
  readonly nativeFrom: number | null;
  readonly cursorBlock: number | null;
  /** Where the running or last sync goes to. */
  readonly targetBlock: number | null;
  /** The chain's newest block at the last look. */
  readonly headBlock: number | null;
  readonly balanceBlock: number | null;
  /** Epoch ms of the last sync that reached its target. */
  readonly syncedAt: number | null;
  /** Epoch ms from when the next sync may start. */
  readonly dueAt: number | null;
  /** Epoch ms until which a worker has it. */
  readonly leaseEndsAt: number | null;
  /** Why the last sync failed, for people; null where it did not. */
  readonly error: string | null;
}

/** What a sync is doing. */
export type SyncState = 'QUEUED' | 'RUNNING' | 'SYNCED' | 'FAILED';

/** What the sync of a wallet is doing at `nowMs` (epoch ms). */
export function syncStateOf(wallet: Wallet, nowMs: number): SyncState {
  if (wallet.leaseEndsAt !== null && wallet.leaseEndsAt > nowMs) return 'RUNNING';
  if (wallet.error !== null) return 'FAILED';
  if (wallet.syncedAt === null || (wallet.dueAt !== null && wallet.dueAt <= nowMs)) return 'QUEUED';
  return 'SYNCED';
}

/** How much of the way to its target a sync has gone, 0 to 100; null before its first step. */
export function syncProgressPct({ firstBlock, cursorBlock, targetBlock }: Wallet): number | null {
  if (firstBlock === null || cursorBlock === null || targetBlock === null) return null;
  const blocks = targetBlock - firstBlock + 1;
  if (blocks <= 0) return 100;
  return Math.min(100, (100 * (cursorBlock - firstBlock + 1)) / blocks);
}
