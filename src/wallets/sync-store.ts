/**
 * The queue of syncs and what they write. Wallets are the truth: an address that a wallet names is in the queue, one that
 * no wallet names any more is dropped with its ledger.
 *
 * A worker holds an address by a lease that it renews; everything it writes names the lease and the block that it went on
 * from, so that one who lost it (killed, stopped, too slow) writes nothing more. A part of a ledger, the block it reaches
 * and a checkpoint there are one transaction: whoever goes on finds either all of it or nothing.
 */
import type { Db, Sql } from '../db/client.ts';
import type { BlockRef, ChainTransfer } from '../sources/chain.ts';
import { upsertAssets } from './asset-store.ts';
import { nativeContract } from './native-coin.ts';
import type { OwnWalletKey } from './store.ts';

/** An address that a worker has taken, with how far its ledger reaches. */
export interface SyncClaim {
  readonly addressId: number;
  readonly chainId: number;
  /** In lower case. */
  readonly address: string;
  readonly lease: string;
  readonly failures: number;
  /** Null before the first step. */
  readonly firstBlock: number | null;
  readonly nativeFrom: number | null;
  readonly cursorBlock: number | null;
  readonly cursorHash: string | null;
}

/** Puts the addresses that wallets name into the queue and drops those that none names; how many of each. */
export async function matchWatched(db: Sql, nowMs: number): Promise<{ added: number; dropped: number }> {
  const added = await db.execute(
    `INSERT INTO chain_address (chain_id, address, due_at)
     SELECT DISTINCT w.chain_id, w.address, $1::timestamptz FROM wallet w
     WHERE w.kind = 'CHAIN'
       AND NOT EXISTS (SELECT 1 FROM chain_address c WHERE c.chain_id = w.chain_id AND c.address = w.address)
     ON CONFLICT (chain_id, address) DO NOTHING`,
    [new Date(nowMs)],
  );
  const dropped = await db.execute(
    `DELETE FROM chain_address c
     WHERE NOT EXISTS (SELECT 1 FROM wallet w WHERE w.chain_id = c.chain_id AND w.address = c.address)`,
  );
  return { added, dropped };
}

/** Tells the owners of wallets on chains that no node is configured for. */
export async function recordUnreachableChains(db: Sql, chainIds: readonly number[]): Promise<void> {
  await db.execute(
    `UPDATE chain_address SET error = format('No node is configured for chain %s (RPC_URL_%s).', chain_id, chain_id)
     WHERE NOT chain_id = ANY ($1::int[]) AND error IS NULL AND lease IS NULL`,
    [chainIds],
  );
}

/**
 * Takes the address of a chain that has been due longest and that nobody holds; null where there is none. While it is held
 * it is due only if somebody asks again; one whose holder died is due when the lease ends.
 */
export async function claimDue(
  db: Sql,
  chainId: number,
  { lease, nowMs, leaseMs }: { readonly lease: string; readonly nowMs: number; readonly leaseMs: number },
): Promise<SyncClaim | null> {
  const [claim] = await db.query<SyncClaim>(
    `UPDATE chain_address SET lease = $2, lease_ends_at = $4, due_at = NULL WHERE id = (
       SELECT id FROM chain_address
       WHERE chain_id = $1 AND COALESCE(due_at, lease_ends_at) <= $3 AND (lease_ends_at IS NULL OR lease_ends_at <= $3)
       ORDER BY due_at NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED
     )
     RETURNING id AS "addressId", chain_id AS "chainId", address, lease, failures, first_block AS "firstBlock",
       native_from AS "nativeFrom", cursor_block AS "cursorBlock", cursor_hash AS "cursorHash"`,
    [chainId, lease, new Date(nowMs), new Date(nowMs + leaseMs)],
  );
  return claim ?? null;
}

/** A worker that no longer holds what it writes to: another has it, or the wallet was removed. */
export class LeaseLost extends Error {}

async function writeHeld(sql: Sql, claim: SyncClaim, set: string, params: readonly unknown[]): Promise<void> {
  const written = await sql.execute(`UPDATE chain_address SET ${set} WHERE id = $1 AND lease = $2`, [
    claim.addressId,
    claim.lease,
    ...params,
  ]);
  if (written === 0) throw new LeaseLost(`address ${claim.addressId} is held by another`);
}

/** Holds on to an address. Throws LeaseLost. */
export function renewLease(db: Sql, claim: SyncClaim, endsAtMs: number): Promise<void> {
  return writeHeld(db, claim, 'lease_ends_at = $3', [new Date(endsAtMs)]);
}

/** Where a sync is going, and from where its ledger starts. */
export interface SyncPlan {
  readonly firstBlock: number;
  readonly nativeFrom: number;
  readonly targetBlock: number;
  readonly headBlock: number;
}

/** Writes where a sync is going. Throws LeaseLost. */
export function recordPlan(db: Sql, claim: SyncClaim, plan: SyncPlan): Promise<void> {
  return writeHeld(db, claim, 'first_block = $3, native_from = $4, target_block = $5, head_block = $6', [
    plan.firstBlock,
    plan.nativeFrom,
    plan.targetBlock,
    plan.headBlock,
  ]);
}

/** A part of a ledger to be written. */
export interface LedgerStep {
  /** The block that the ledger is known to be right up to; null: start anew. What lies behind it is deleted. */
  readonly base: BlockRef | null;
  /** The block that the ledger reaches afterwards; null where nothing of it is left. */
  readonly end: BlockRef | null;
  readonly transfers: readonly ChainTransfer[];
}

/** Checkpoints that are kept: enough to find the fork of any reorganisation, beside the blocks of the transfers. */
const checkpointsMax = 200;

/**
 * Writes a part of a ledger in place of whatever lay behind its base, all or nothing. Throws LeaseLost where another has
 * the address, or moved its ledger since it was claimed.
 */
export function recordLedger(
  db: Db,
  claim: SyncClaim,
  cursor: BlockRef | null,
  { base, end, transfers }: LedgerStep,
): Promise<void> {
  return db.transaction(async (tx) => {
    const moved = await tx.execute(
      `UPDATE chain_address SET cursor_block = $3, cursor_hash = $4
       WHERE id = $1 AND lease = $2 AND cursor_block IS NOT DISTINCT FROM $5 AND cursor_hash IS NOT DISTINCT FROM $6`,
      [
        claim.addressId,
        claim.lease,
        end?.number ?? null,
        end?.hash ?? null,
        cursor?.number ?? null,
        cursor?.hash ?? null,
      ],
    );
    if (moved === 0) throw new LeaseLost(`the ledger of address ${claim.addressId} was moved by another`);
    if (cursor !== null && base?.number !== cursor.number) await cutLedger(tx, claim.addressId, base?.number ?? -1);
    if (transfers.length > 0) await insertTransfers(tx, claim, transfers);
    if (end !== null) await recordCheckpoint(tx, claim.addressId, end);
  });
}

async function cutLedger(tx: Sql, addressId: number, blockNumber: number): Promise<void> {
  for (const table of ['chain_transfer', 'chain_checkpoint'])
    await tx.execute(`DELETE FROM ${table} WHERE address_id = $1 AND block_number > $2`, [addressId, blockNumber]);
}

async function recordCheckpoint(tx: Sql, addressId: number, { number, hash }: BlockRef): Promise<void> {
  await tx.execute(
    `INSERT INTO chain_checkpoint (address_id, block_number, block_hash) VALUES ($1, $2, $3)
     ON CONFLICT (address_id, block_number) DO UPDATE SET block_hash = EXCLUDED.block_hash`,
    [addressId, number, hash],
  );
  await tx.execute(
    `DELETE FROM chain_checkpoint WHERE address_id = $1 AND block_number <
       (SELECT block_number FROM chain_checkpoint WHERE address_id = $1 ORDER BY block_number DESC OFFSET $2 LIMIT 1)`,
    [addressId, checkpointsMax - 1],
  );
}

async function insertTransfers(tx: Sql, claim: SyncClaim, transfers: readonly ChainTransfer[]): Promise<void> {
  const contractOf = ({ contract }: ChainTransfer): string => contract ?? nativeContract;
  const assetIds = await upsertAssets(tx, claim.chainId, transfers.map(contractOf));
  await tx.execute(
    `INSERT INTO chain_transfer (address_id, block_number, transaction_index, position, kind, direction, asset_id,
       from_address, to_address, amount, transaction_hash, block_hash, block_time)
     SELECT $1, u.* FROM unnest($2::bigint[], $3::int[], $4::int[], $5::text[], $6::text[], $7::int[], $8::text[],
       $9::text[], $10::numeric[], $11::text[], $12::text[], $13::timestamptz[]) AS u`,
    [
      claim.addressId,
      transfers.map(({ block }) => block.number),
      transfers.map(({ transactionIndex }) => transactionIndex),
      transfers.map(({ position }) => position),
      transfers.map(({ kind }) => kind),
      transfers.map(({ direction }) => direction),
      transfers.map((transfer) => assetIds.get(contractOf(transfer))),
      transfers.map(({ from }) => from),
      transfers.map(({ to }) => to),
      transfers.map(({ amount }) => String(amount)),
      transfers.map(({ transactionHash }) => transactionHash),
      transfers.map(({ block }) => block.hash),
      transfers.map(({ block }) => new Date(block.timeMs)),
    ],
  );
}

/** Blocks that the ledger of an address knows by hash, oldest first: where it stood, and where something moved. */
export function listKnownBlocks(db: Sql, addressId: number): Promise<BlockRef[]> {
  return db.query<BlockRef>(
    `SELECT block_number AS number, block_hash AS hash FROM chain_checkpoint WHERE address_id = $1
     UNION SELECT block_number, block_hash FROM chain_transfer WHERE address_id = $1 ORDER BY number`,
    [addressId],
  );
}

/** Contracts (EIP-55) whose balance an address may have: those it met, and those of the registry on its chain. */
export async function listContractsToAsk(db: Sql, claim: SyncClaim): Promise<string[]> {
  const rows = await db.query<{ contract: string }>(
    `SELECT a.contract FROM chain_asset a WHERE a.contract <> $3
       AND (a.id IN (SELECT t.asset_id FROM chain_transfer t WHERE t.address_id = $1)
         OR a.id IN (SELECT b.asset_id FROM chain_balance b WHERE b.address_id = $1))
     UNION
     SELECT tc.address FROM network n JOIN token_contract tc ON tc.network = n.slug
     WHERE n.chain_id = $2 AND tc.address ~ '^0x[0-9a-fA-F]{40}$'
     ORDER BY contract`,
    [claim.addressId, claim.chainId, nativeContract],
  );
  return rows.map(({ contract }) => contract);
}

/** A balance that the chain states; contract null: the coin. */
export interface StatedBalance {
  readonly contract: string | null;
  readonly amount: bigint;
}

/**
 * Puts the balances of an address at a block in place of those it had. Zero is kept only of what the address has met.
 * Throws LeaseLost.
 */
export function recordBalances(
  db: Db,
  claim: SyncClaim,
  blockNumber: number,
  balances: readonly StatedBalance[],
): Promise<void> {
  return db.transaction(async (tx) => {
    await writeHeld(tx, claim, 'balance_block = $3', [blockNumber]);
    const met = await tx.query<{ contract: string }>(
      `SELECT a.contract FROM chain_asset a
       WHERE a.id IN (SELECT t.asset_id FROM chain_transfer t WHERE t.address_id = $1)`,
      [claim.addressId],
    );
    const isMet = new Set([...met.map(({ contract }) => contract), nativeContract]);
    const kept = balances
      .map(({ contract, amount }) => ({ contract: contract ?? nativeContract, amount }))
      .filter(({ contract, amount }) => amount > 0n || isMet.has(contract));
    const assetIds = await upsertAssets(
      tx,
      claim.chainId,
      kept.map(({ contract }) => contract),
    );
    await tx.execute('DELETE FROM chain_balance WHERE address_id = $1', [claim.addressId]);
    await tx.execute(
      `INSERT INTO chain_balance (address_id, asset_id, amount)
       SELECT $1, u.asset_id, u.amount FROM unnest($2::int[], $3::numeric[]) AS u(asset_id, amount)`,
      [claim.addressId, kept.map(({ contract }) => assetIds.get(contract)), kept.map(({ amount }) => String(amount))],
    );
  });
}

/** How a turn at an address ended. */
export interface SyncEnd {
  /** Epoch ms of the next turn. */
  readonly dueAtMs: number;
  /** Why it failed; null where it did not. */
  readonly error: string | null;
  /** Epoch ms when it reached its target; null where it did not. */
  readonly syncedAtMs: number | null;
}

/**
 * Lets go of an address; nothing where another has it. A sync that was asked for meanwhile keeps its earlier time.
 */
export async function releaseClaim(db: Sql, claim: SyncClaim, { dueAtMs, error, syncedAtMs }: SyncEnd): Promise<void> {
  await db.execute(
    `UPDATE chain_address SET lease = NULL, lease_ends_at = NULL, error = $4,
       due_at = least(due_at, $3),
       failures = CASE WHEN $4::text IS NULL THEN 0 ELSE failures + 1 END, synced_at = COALESCE($5, synced_at)
     WHERE id = $1 AND lease = $2`,
    [claim.addressId, claim.lease, new Date(dueAtMs), error, syncedAtMs === null ? null : new Date(syncedAtMs)],
  );
}

/** Asks for a sync of a wallet of the account as soon as a worker is free; whether there is such a wallet on a chain. */
export async function requestSync(db: Sql, { accountId, id }: OwnWalletKey, nowMs: number): Promise<boolean> {
  const rows = await db.query<{ id: number }>(
    `WITH own AS (SELECT id, chain_id, address FROM wallet WHERE id = $2 AND account_id = $1 AND kind = 'CHAIN'),
     asked AS (
       UPDATE chain_address c SET due_at = least(c.due_at, $3) FROM own
       WHERE c.chain_id = own.chain_id AND c.address = own.address
     )
     SELECT id FROM own`,
    [accountId, id, new Date(nowMs)],
  );
  return rows.length > 0;
}
