import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { createBlockWindow } from '../../src/ingest/block-window.ts';
import { syncAddress } from '../../src/ingest/sync.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  type BlockHeader,
  type Chain,
  ChainError,
  type ChainTransfer,
  type LedgerRange,
} from '../../src/sources/chain.ts';
import { LeaseLost, type SyncClaim } from '../../src/wallets/sync-store.ts';
import { createTestDb } from '../support/db.ts';
import { hashOf, seedNetwork, seedViewer } from '../wallets/seed.ts';
import { addWallet } from '../../src/wallets/store.ts';
import { makeDue, plainRules, takeNext } from './sync-chain.ts';

/** Syncs of a chain that exists only here: every block pays the address its number; forks change hashes and amounts. */

const address = `0x${'aa'.repeat(20)}`;
const payer = `0x${'bb'.repeat(20)}`;

interface FakeChain extends Chain {
  head: number;
  /** From this block on the chain is another. */
  fork: { readonly from: number; readonly salt: number };
  /** Called with each range that is read. */
  onRead: (range: LedgerRange) => void | Promise<void>;
  readonly ranges: [number, number][];
}

function createFakeChain(): FakeChain {
  const headerOf = (number: number): BlockHeader => ({
    number,
    hash: hashOf(number + (number >= chain.fork.from ? chain.fork.salt : 0)),
    parentHash: hashOf(0),
    timeMs: number * 12_000,
  });
  const transferOf = (number: number): ChainTransfer => ({
    block: headerOf(number),
    transactionHash: headerOf(number).hash,
    transactionIndex: 0,
    position: 2,
    kind: 'TOKEN',
    direction: 'IN',
    contract: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48',
    from: payer,
    to: address,
    amount: BigInt(headerOf(number).hash),
  });
  const chain: FakeChain = {
    chainId: 1,
    head: 99,
    fork: { from: 0, salt: 0 },
    onRead: () => {},
    ranges: [],
    assertChainId: () => Promise.resolve(),
    findHead: () => Promise.resolve(headerOf(chain.head)),
    findBlocks: (numbers) => Promise.resolve(numbers.map((number) => (number <= chain.head ? headerOf(number) : null))),
    async readLedger(range) {
      await chain.onRead(range);
      chain.ranges.push([range.from, range.to]);
      const numbers = Array.from({ length: range.to - range.from + 1 }, (_, i) => range.from + i);
      return { transfers: numbers.map(transferOf), end: headerOf(range.to) };
    },
    readBalances: (_address, contracts) => Promise.resolve(contracts.map(() => 1n)),
    describeContracts: (contracts) =>
      Promise.resolve(contracts.map(() => ({ symbol: 'A\u202eB\u0000', name: 'x'.repeat(5_000), decimals: 6 }))),
  };
  return chain;
}

const db = await createTestDb({ after });

describe('a sync', () => {
  let chain: FakeChain;

  beforeEach(async () => {
    await db.execute('TRUNCATE account, network, chain_address, chain_asset CASCADE');
    await seedNetwork(db, 'ethereum', 1);
    const { accountId } = await seedViewer(db, 'Ada');
    await addWallet(db, accountId, { chainId: 1, address, label: null });
    chain = createFakeChain();
  });

  const deps = () => ({
    db,
    clock: systemClock,
    chain,
    rules: { ...plainRules, confirmations: 2 },
    window: createBlockWindow(),
  });
  const claimNext = async (nowMs?: number): Promise<SyncClaim> => {
    const claim = await takeNext(db, 1, nowMs);
    assert.ok(claim);
    return claim;
  };
  const sync = async (): Promise<boolean> => {
    await makeDue(db);
    await db.execute('UPDATE chain_address SET lease = NULL, lease_ends_at = NULL');
    return syncAddress(deps(), await claimNext(), () => true);
  };

  /** Every block once, of the chain as it is, up to the newest confirmed one. */
  async function assertWhole(): Promise<void> {
    const rows = await db.query<{ number: number; hash: string; amount: string }>(
      'SELECT block_number AS number, block_hash AS hash, amount FROM chain_transfer ORDER BY block_number',
    );
    const numbers = Array.from({ length: chain.head - 2 + 1 }, (_, number) => number);
    const headers = await chain.findBlocks(numbers);
    assert.deepEqual(
      rows.map(({ number, hash, amount }) => [number, hash, BigInt(amount)]),
      headers.map((header) => [header?.number, header?.hash, BigInt(header?.hash ?? 0)]),
    );
  }

  it('reads up to the newest confirmed block, then what comes', async () => {
    assert.equal(await sync(), true);
    await assertWhole();
    chain.head = 120;
    await sync();
    await assertWhole();
    assert.deepEqual(chain.ranges, [
      [0, 97],
      [98, 118],
    ]);
    const [asset] = await db.query(
      'SELECT symbol, char_length(name) AS chars, decimals FROM chain_asset WHERE symbol IS NOT NULL',
    );
    assert.deepEqual(asset, { symbol: 'AB', chars: 64, decimals: 6 });
  });

  it('asks for half as much where that was too much, and loses nothing', async () => {
    chain.onRead = ({ from, to }) => {
      if (to - from + 1 > 7) throw new ChainError('TOO_MUCH', 'too much');
    };
    await sync();
    await assertWhole();
    assert.ok(chain.ranges.every(([from, to]) => to - from < 7));
    chain.onRead = () => {
      throw new ChainError('TOO_MUCH', 'even one');
    };
    chain.head = 300;
    await assert.rejects(sync(), /even one/);
  });

  it('undoes and redoes what a reorganisation changed, however deep, and nothing else', async () => {
    await sync();
    for (const [depth, head] of [
      [5, 100],
      [60, 101],
      [101, 102],
    ] as const) {
      chain.ranges.length = 0;
      chain.fork = { from: Math.max(0, chain.head - depth), salt: 1_000 * head };
      chain.head = head;
      await sync();
      await assertWhole();
      assert.equal(chain.ranges[0]?.[0], chain.fork.from);
    }
  });

  it('takes nothing back for a node that is behind, but follows a shorter chain', async () => {
    await sync();
    chain.head = 80;
    await assert.rejects(sync(), /only at block 80/);
    assert.equal((await db.query('SELECT 1 FROM chain_transfer')).length, 98);
    chain.fork = { from: 70, salt: 5_000 };
    await sync();
    await assertWhole();
  });

  it('that is killed between any two steps is gone on with, and loses and doubles nothing', async () => {
    for (let steps = 1; steps <= 3; steps += 1) {
      await db.execute('DELETE FROM chain_address');
      const window = createBlockWindow();
      while (window.size() > 20) window.shrink();
      let left = steps;
      chain.onRead = () => {
        if (left === 0) throw new Error('killed');
        left -= 1;
      };
      const claim = await claimNext();
      await assert.rejects(
        syncAddress({ ...deps(), window }, claim, () => true),
        /killed/,
      );
      chain.onRead = () => {};
      assert.equal(await takeNext(db, 1), null, 'its lease still holds');
      const next = await claimNext(Date.now() + 61_000);
      await syncAddress(deps(), next, () => true);
      await assertWhole();
    }
  });

  it('of a worker that lost its lease writes nothing more', async () => {
    const window = createBlockWindow();
    while (window.size() > 20) window.shrink();
    let release = (): void => {};
    const frozen = new Promise<void>((resolve) => (release = resolve));
    let reads = 0;
    let isFrozen = (): void => {};
    const reached = new Promise<void>((resolve) => (isFrozen = resolve));
    chain.onRead = async () => {
      reads += 1;
      if (reads !== 2) return;
      isFrozen();
      await frozen;
    };
    const slow = syncAddress({ ...deps(), window }, await claimNext(), () => true);
    slow.catch(() => {});
    await reached;
    await syncAddress(deps(), await claimNext(Date.now() + 61_000), () => true);
    release();
    await assert.rejects(slow, LeaseLost);
    await assertWhole();
  });

  it('yields when its turn is over, and goes on at the next', async () => {
    const window = createBlockWindow();
    while (window.size() > 20) window.shrink();
    const claim = await claimNext();
    assert.equal(await syncAddress({ ...deps(), window }, claim, () => false), false);
    assert.ok((chain.ranges[0]?.[1] ?? 0) < 20);
    await sync();
    await assertWhole();
  });

  it('of a wallet that is removed meanwhile ends', async () => {
    const claim = await claimNext();
    chain.onRead = async () => {
      await db.execute('DELETE FROM chain_address');
    };
    await assert.rejects(
      syncAddress(deps(), claim, () => true),
      LeaseLost,
    );
  });
});
