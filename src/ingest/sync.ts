/**
 * Syncs one address of a chain: its ledger up to the newest confirmed block, then its balances there.
 *
 * Invariants: the ledger holds every block from its first to its cursor, of one chain; a step (blocks, what moved in them,
 * the new cursor) is written whole or not at all, so that whoever goes on after a crash loses and doubles nothing.
 * - Reorganised: where the cursor's block is no longer on the chain, the newest block that the ledger knows and the chain
 *   still has is searched, and what lies behind it is replaced by what is there now, in one transaction.
 * - Behind: a node that is not as far as the ledger is asked again later; nothing is taken back for it.
 * - Wrong: what contradicts itself ends the turn with an error for the owner; nothing of it is written.
 */
import type { Db } from '../db/client.ts';
import { cleanText } from '../wallets/asset.ts';
import { listUndescribedAssets, recordDescriptions } from '../wallets/asset-store.ts';
import {
  listContractsToAsk,
  listKnownBlocks,
  recordBalances,
  recordLedger,
  recordPlan,
  type SyncClaim,
} from '../wallets/sync-store.ts';
import { type BlockRef, type Chain, ChainError, isTrouble } from '../sources/chain.ts';
import type { Clock } from '../lib/clock.ts';
import type { BlockWindow } from './block-window.ts';

/** How a chain is synced. */
export interface SyncRules {
  /** How many blocks must lie on a block before it is read. */
  readonly confirmations: number;
  /** How many of the newest blocks are looked through for the chain's own coin when an address is new. */
  readonly nativeBlocks: number;
}

/** What a sync needs. */
export interface SyncDeps {
  readonly db: Db;
  readonly clock: Pick<Clock, 'now'>;
  readonly chain: Chain;
  readonly rules: SyncRules;
  /** Of this chain's node; it learns from sync to sync. */
  readonly window: BlockWindow;
}

/** Blocks of one step where every transaction is looked through. */
const scanBlocksMax = 200;
/** How often a chain may change under a turn before it is left for the next. */
const movesMax = 5;
const contractsAtOnce = 500;

/**
 * Goes on with an address until its ledger reaches the newest confirmed block, then reads its balances; true when it got
 * there, false when `mayGoOn` said no before. Throws ChainError, LeaseLost.
 */
export async function syncAddress(deps: SyncDeps, claim: SyncClaim, mayGoOn: () => boolean): Promise<boolean> {
  await deps.chain.assertChainId();
  let ledger: Ledger = { plan: null, cursor: cursorOf(claim) };
  for (let moves = 0; ; ) {
    try {
      const next = await step(deps, claim, ledger);
      if (next === null) break;
      ledger = next;
      if (!mayGoOn()) return false;
    } catch (error) {
      moves += 1;
      if (!isTrouble(error, 'MOVED') || moves >= movesMax) throw error;
    }
  }
  if (ledger.cursor !== null) await readHoldings(deps, claim, ledger.cursor);
  return true;
}

interface Ledger {
  readonly plan: { readonly firstBlock: number; readonly nativeFrom: number } | null;
  readonly cursor: BlockRef | null;
}

function cursorOf({ cursorBlock, cursorHash }: SyncClaim): BlockRef | null {
  return cursorBlock === null || cursorHash === null ? null : { number: cursorBlock, hash: cursorHash };
}

/** Reads and writes one range; where the ledger stands then, null when there was nothing left to do. */
async function step(deps: SyncDeps, claim: SyncClaim, { cursor, plan: known }: Ledger): Promise<Ledger | null> {
  const { db, chain, rules, window } = deps;
  const head = await chain.findHead();
  const targetBlock = head.number - rules.confirmations;
  const plan = known ?? {
    firstBlock: claim.firstBlock ?? 0,
    nativeFrom: claim.nativeFrom ?? Math.max(0, targetBlock - rules.nativeBlocks + 1),
  };
  await recordPlan(db, claim, { ...plan, targetBlock: Math.max(0, targetBlock), headBlock: head.number });
  const base = cursor && (await findBase(deps, claim, cursor, head.number));
  const from = base === null ? plan.firstBlock : base.number + 1;
  const to = Math.min(targetBlock, from + blocksOf(window, from, plan.nativeFrom) - 1);
  if (to < from) {
    if (base?.number === cursor?.number) return null;
    await recordLedger(db, claim, cursor, { base, end: base, transfers: [] });
    return { plan, cursor: base };
  }
  try {
    const part = await chain.readLedger({ ...plan, address: claim.address, from, to, parent: base });
    await recordLedger(db, claim, cursor, { base, ...part });
    if (to - from + 1 === window.size()) window.grow();
    return { plan, cursor: part.end };
  } catch (error) {
    if (!isTrouble(error, 'TOO_MUCH') || !window.shrink()) throw error;
    return { plan, cursor };
  }
}

/** A range either lies before the blocks that are looked through, or is short. */
function blocksOf(window: BlockWindow, from: number, nativeFrom: number): number {
  if (from >= nativeFrom) return Math.min(window.size(), scanBlocksMax);
  return Math.min(window.size(), nativeFrom - from);
}

/**
 * The newest block that the ledger knows and the chain still has: the cursor itself, unless the chain was reorganised;
 * null where none is left. Blocks below one that is still there are there too, so halving finds it.
 */
async function findBase(
  { db, chain }: SyncDeps,
  claim: SyncClaim,
  cursor: BlockRef,
  headNumber: number,
): Promise<BlockRef | null> {
  const isThere = async (block: BlockRef): Promise<boolean> =>
    (await chain.findBlocks([block.number]))[0]?.hash === block.hash;
  if (cursor.number <= headNumber && (await isThere(cursor))) return cursor;
  const known = (await listKnownBlocks(db, claim.addressId)).filter(({ number }) => number <= headNumber);
  let low = 0;
  let high = known.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const block = known[middle];
    if (block !== undefined && (await isThere(block))) low = middle + 1;
    else high = middle;
  }
  if (low === known.length && cursor.number > headNumber)
    throw new ChainError(
      'UNREACHABLE',
      `The node is only at block ${headNumber}; the ledger already reaches ${cursor.number}.`,
    );
  return known[low - 1] ?? null;
}

/** Reads what the address holds at a block, and what the contracts it met are called. */
async function readHoldings(deps: SyncDeps, claim: SyncClaim, { number }: BlockRef): Promise<void> {
  const { db, chain } = deps;
  const contracts: (string | null)[] = [null, ...(await listContractsToAsk(db, claim))];
  const balances: { contract: string | null; amount: bigint }[] = [];
  for (let start = 0; start < contracts.length; start += contractsAtOnce) {
    const asked = contracts.slice(start, start + contractsAtOnce);
    const amounts = await chain.readBalances(claim.address, asked, number);
    balances.push(...asked.flatMap((contract, i) => (amounts[i] == null ? [] : [{ contract, amount: amounts[i] }])));
  }
  await recordBalances(db, claim, number, balances);
  await describeAssets(deps, claim);
}

async function describeAssets({ db, chain, clock }: SyncDeps, claim: SyncClaim): Promise<void> {
  const assets = await listUndescribedAssets(db, claim.addressId);
  for (let start = 0; start < assets.length; start += contractsAtOnce) {
    const asked = assets.slice(start, start + contractsAtOnce);
    const told = await chain.describeContracts(asked.map(({ contract }) => contract));
    const descriptions = asked.map(({ assetId }, i) => ({
      assetId,
      symbol: cleanText(told[i]?.symbol ?? ''),
      name: cleanText(told[i]?.name ?? ''),
      decimals: told[i]?.decimals ?? null,
    }));
    await recordDescriptions(db, descriptions, clock.now());
  }
}
