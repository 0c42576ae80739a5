import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Address, Hex } from 'viem';
import { systemClock } from '../../src/lib/clock.ts';
import type { Chain } from '../../src/sources/chain.ts';
import { createChain } from '../../src/sources/viem.ts';
import { ledgerSum, listBalances } from '../../src/wallets/balance-store.ts';
import { addWallet, listWallets } from '../../src/wallets/store.ts';
import { listTransfers } from '../../src/wallets/transfer-store.ts';
import { accountOf, type Anvil, anvilChainId, skipWithoutAnvil, startAnvil } from '../support/anvil.ts';
import { createTestDb } from '../support/db.ts';
import { seedNetwork, seedViewer } from '../wallets/seed.ts';
import { makeDue, syncAll } from './sync-chain.ts';

/** Syncs against a real EVM node, held against the books that the test keeps of what it sends. */

const ether = 10n ** 18n;
const startCoin = 10_000n * ether;

const db = await createTestDb({ after });
const node = skipWithoutAnvil ? (null as unknown as Anvil) : await startAnvil({ after });
const accounts = Array.from({ length: 20 }, (_, i) => accountOf(i + 1));
const addresses = accounts.map(({ address }) => address);

describe('an EVM node', { skip: skipWithoutAnvil }, () => {
  let chain: Chain;
  let accountId: number;
  let walletIds: number[] = [];
  const tokens: Address[] = [];

  before(async () => {
    chain = createChain(anvilChainId, { url: node.url, clock: systemClock });
    await seedNetwork(db, 'anvil', anvilChainId);
    ({ accountId } = await seedViewer(db, 'Ada'));
    for (const [name, decimals] of [
      ['Alpha', 18],
      ['Beta', 6],
      ['Gamma', 0],
    ] as const)
      tokens.push(await node.deploy('TestToken', [name, name.toUpperCase(), decimals, 10n ** 60n]));
    walletIds = await Promise.all(
      addresses.map((address) => addWallet(db, accountId, { chainId: anvilChainId, address, label: null })),
    );
  });

  /** What the test has sent: amounts by `address contract`, or `address coin`; fees are told by the node's receipts. */
  const books = new Map<string, bigint>();
  const sent: Hex[] = [];
  const book = (address: string, asset: string, amount: bigint): void => {
    const key = `${address} ${asset}`;
    books.set(key, (books.get(key) ?? 0n) + amount);
  };

  async function sendToken(from: number, to: number, token: Address, amount: bigint): Promise<void> {
    book(addresses[from]!, token, -amount);
    book(addresses[to]!, token, amount);
    sent.push(await node.send(accounts[from]!, token, { functionName: 'transfer', args: [addresses[to], amount] }));
  }

  async function sendCoin(from: number, to: number, amount: bigint): Promise<void> {
    book(addresses[from]!, 'coin', -amount);
    book(addresses[to]!, 'coin', amount);
    sent.push(await node.send(accounts[from]!, addresses[to]!, null, amount));
  }

  /** The lines of every ledger as `address asset: amount`, from the database and from the books. */
  async function assertBooksAgree(): Promise<void> {
    const fees = await Promise.all(sent.map((hash) => node.client.getTransactionReceipt({ hash })));
    const expected = new Map(books);
    for (const { from, gasUsed, effectiveGasPrice } of fees) {
      const key = `${addresses.find((address) => address.toLowerCase() === from)} coin`;
      expected.set(key, (expected.get(key) ?? 0n) - gasUsed * effectiveGasPrice);
    }
    const wallets = await listWallets({ db }, accountId);
    const addressOf = new Map(
      wallets.map(({ id, address }) => [id, addresses.find((one) => one.toLowerCase() === address)]),
    );
    const sums = ledgerSum({ db });
    const stored = await listBalances({ db }, walletIds);
    for (const { walletId, assetId, contract, amountRaw } of stored) {
      const key = `${addressOf.get(walletId)} ${contract ?? 'coin'}`;
      const moved = BigInt(await sums.load({ walletId, assetId }));
      assert.equal(moved, expected.get(key) ?? 0n, `sum of ${key}`);
      assert.equal(BigInt(amountRaw), moved + (contract === null ? startCoin : 0n), `balance of ${key}`);
      expected.delete(key);
    }
    assert.deepEqual(
      [...expected].filter(([, amount]) => amount !== 0n),
      [],
      'what no balance tells',
    );
  }

  it('tells of 2,000 transfers between 20 wallets, so that every balance and every sum is what was sent', async () => {
    for (const token of tokens) {
      const args = [addresses, addresses.map(() => 10n ** 50n)];
      await node.send(accountOf(0), token, { functionName: 'transferMany', args });
      for (const address of addresses) book(address, token, 10n ** 50n);
    }
    await node.client.mine({ blocks: 1 });
    for (let start = 0; start < 2_000; start += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, offset) => {
          const i = start + offset;
          const [from, to] = [(i * 7) % 20, (i * 13 + 5) % 20];
          if (i % 4 === 3) return sendCoin(from, to, BigInt(i) * 1_000_003n);
          return sendToken(from, to, tokens[i % 3]!, 2n ** 60n + BigInt(i));
        }),
      );
      await node.client.mine({ blocks: 2 });
    }
    assert.equal(await syncAll(db, chain), 20);
    const lines = await listTransfers({ db }, walletIds);
    assert.equal(lines.filter(({ kind, direction }) => kind !== 'FEE' && direction !== 'IN').length, 2_000);
    assert.equal(lines.filter(({ kind }) => kind === 'FEE').length, 2_000);
    await assertBooksAgree();
  });

  it('is asked again, and nothing changes', async () => {
    const lines = await listTransfers({ db }, walletIds);
    await makeDue(db);
    assert.equal(await syncAll(db, chain), 20);
    assert.deepEqual(await listTransfers({ db }, walletIds), lines);
  });

  it('reorganises five blocks, which are undone and redone', async () => {
    const untouched = await listTransfers({ db }, walletIds);
    const snapshot = await node.client.snapshot();
    const booksBefore = new Map(books);
    for (let i = 0; i < 5; i += 1) {
      await Promise.all([sendToken(i, i + 1, tokens[0]!, 1_000n + BigInt(i)), sendCoin(i + 1, i, 77n)]);
      await node.client.mine({ blocks: 1 });
    }
    await makeDue(db);
    await syncAll(db, chain);
    await assertBooksAgree();
    const orphaned = await listTransfers({ db }, walletIds);

    await node.client.revert({ id: snapshot });
    node.forgetNonces();
    books.clear();
    for (const [key, amount] of booksBefore) books.set(key, amount);
    sent.splice(-10);
    for (let i = 0; i < 7; i += 1) {
      await sendToken(10 + i, 11 + i, tokens[1]!, 5n + BigInt(i));
      await node.client.mine({ blocks: 1 });
    }
    await makeDue(db);
    await syncAll(db, chain);
    await assertBooksAgree();
    const redone = await listTransfers({ db }, walletIds);
    const keyOf = ({ blockHash, transactionHash, position }: (typeof redone)[0]): string =>
      `${blockHash} ${transactionHash} ${position}`;
    const left = new Set(redone.map(keyOf));
    const wasThere = new Set(untouched.map(keyOf));
    assert.ok(
      untouched.every((line) => left.has(keyOf(line))),
      'what was before the fork stays',
    );
    assert.ok(!orphaned.some((line) => !wasThere.has(keyOf(line)) && left.has(keyOf(line))), 'what was undone is gone');
  });
});
