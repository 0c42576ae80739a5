import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Address, EIP1193RequestFn, Hex } from 'viem';
import { ledgerSum, listBalances } from '../../src/wallets/balance-store.ts';
import { addWallet } from '../../src/wallets/store.ts';
import { waitFor } from '../e2e/product.ts';
import { accountOf, type Anvil, anvilChainId, skipWithoutAnvil, startAnvil, tokenAbi } from '../support/anvil.ts';
import { openTestDb } from '../support/db.ts';
import { seedNetwork, seedViewer } from '../wallets/seed.ts';

/**
 * kill -9 in the middle of a sync, of the node and of the worker in turns, at requests that lie in different parts of a
 * step. Whatever was killed comes back as it comes back in life: the node with the state it had, the worker as a new
 * process that waits for the lease of the old one to end. What is in the ledger then is held against the node's own blocks,
 * receipts and logs.
 */

/** Who is killed, after how many more requests, and whether the last of them is answered before. */
const strikes: readonly [who: 'worker' | 'node', requests: number, isAnswered: boolean][] = [
  ['worker', 12, false],
  ['node', 19, false],
  ['worker', 23, true],
  ['node', 16, true],
  ['worker', 11, true],
];
const accounts = [1, 2, 3].map(accountOf);
const addresses = accounts.map(({ address }) => address);
/** Enough for several steps an address: a step looks through 200 blocks. */
const blocksBetween = 25;
const transferCount = 40;
/** A worker that was killed keeps its address for so long; the clock of the next one is ahead. */
const leaseMs = 61_000;

const { db, connection } = await openTestDb({ after });
let node = skipWithoutAnvil ? (null as unknown as Anvil) : await startAnvil({ after });

/** Passes requests on to the node; what is in flight when the node dies is cut off. */
async function startProxy(
  target: () => string,
): Promise<{ url: string; strikeAfter(count: number, isAnswered: boolean, strike: () => void): void }> {
  let left = Infinity;
  let struck = (): void => {};
  let isLastAnswered = false;
  const server = createServer((request, response) => {
    const pass = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      left -= 1;
      const isLast = left === 0;
      if (isLast && !isLastAnswered) struck();
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(target(), { method: 'POST', headers, body: Buffer.concat(chunks) });
      const body = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, headers).end(body, () => (isLast && isLastAnswered ? struck() : undefined));
    };
    pass().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    strikeAfter(count, isAnswered, strike) {
      [left, isLastAnswered, struck] = [count, isAnswered, strike];
    },
  };
}

describe('kill -9 in the middle of a sync', { skip: skipWithoutAnvil }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokengraph-anvil-'));
  const statePath = join(folder, 'state.json');
  let walletIds: number[] = [];
  let token: Address;
  after(() => rmSync(folder, { recursive: true, force: true }));

  before(async () => {
    await seedNetwork(db, 'anvil', anvilChainId);
    const { accountId } = await seedViewer(db, 'Ada');
    token = await node.deploy('TestToken', ['Alpha', 'ALPHA', 18, 10n ** 60n]);
    const args = [addresses, addresses.map(() => 10n ** 50n)];
    await node.send(accountOf(0), token, { functionName: 'transferMany', args });
    for (let i = 0; i < transferCount; i += 1) {
      const [from, to] = [accounts[i % 3]!, addresses[(i * 5 + 1) % 3]!];
      if (i % 4 === 3) await node.send(from, to, null, BigInt(i) * 1_000_003n);
      else await node.send(from, token, { functionName: 'transfer', args: [to, 2n ** 60n + BigInt(i)] });
      await node.client.mine({ blocks: blocksBetween });
    }
    const state = await (node.client.request as EIP1193RequestFn)({ method: 'anvil_dumpState', params: [] });
    writeFileSync(statePath, gunzipSync(Buffer.from((state as string).slice(2), 'hex')));
    walletIds = await Promise.all(
      addresses.map((address) => addWallet(db, accountId, { chainId: anvilChainId, address, label: null })),
    );
  });

  /** What every ledger must hold up to a block, as the node's blocks, receipts and logs tell it; as text. */
  async function recompute(): Promise<{ address: string; blockNumber: number; text: string }[]> {
    const lines: { address: string; blockNumber: number; text: string }[] = [];
    const tell = (
      hash: Hex,
      block: bigint,
      position: number,
      from: string,
      to: string | null,
      amount: bigint,
    ): void => {
      for (const address of new Set([from, to].map((one) => one?.toLowerCase() ?? ''))) {
        if (!addresses.some((one) => one.toLowerCase() === address)) continue;
        const direction =
          from.toLowerCase() === to?.toLowerCase() ? 'SELF' : to?.toLowerCase() === address ? 'IN' : 'OUT';
        lines.push({
          address,
          blockNumber: Number(block),
          text: [address, block, hash, position, direction, amount].join(' '),
        });
      }
    };
    const newest = await node.client.getBlockNumber({ cacheTime: 0 });
    const numbers = Array.from({ length: Number(newest) + 1 }, (_, number) => BigInt(number));
    const blocks = await Promise.all(
      numbers.map((blockNumber) => node.client.getBlock({ blockNumber, includeTransactions: true })),
    );
    for (const { hash, from, to, value, blockNumber } of blocks.flatMap(({ transactions }) => transactions)) {
      const { gasUsed, effectiveGasPrice } = await node.client.getTransactionReceipt({ hash });
      tell(hash, blockNumber, 0, from, null, gasUsed * effectiveGasPrice);
      if (value > 0n) tell(hash, blockNumber, 1, from, to, value);
    }
    const logs = await node.client.getContractEvents({
      address: token,
      abi: tokenAbi,
      fromBlock: 0n,
      eventName: 'Transfer',
    });
    for (const { transactionHash, blockNumber, logIndex, args } of logs)
      tell(transactionHash, blockNumber, logIndex + 2, args.from ?? '', args.to ?? '', args.value ?? 0n);
    return lines;
  }

  const listed = async (): Promise<string[]> =>
    (
      await db.query<{ text: string }>(
        `SELECT concat_ws(' ', c.address, t.block_number, t.transaction_hash, t.position, t.direction, t.amount) AS text
         FROM chain_transfer t JOIN chain_address c ON c.id = t.address_id`,
      )
    ).map(({ text }) => text);

  it('loses nothing and doubles nothing, whoever is killed', async () => {
    const expected = await recompute();
    assert.ok(expected.length > 2 * transferCount);
    const port = Number(new URL(node.url).port);
    const proxy = await startProxy(() => node.url);
    const workers: ChildProcess[] = [];
    after(() => {
      for (const worker of workers) worker.kill('SIGKILL');
    });
    const startWorker = (): ChildProcess => {
      const aheadMs = leaseMs * workers.length;
      const given = JSON.stringify({ mode: db.mode, connection, url: proxy.url, chainId: anvilChainId, aheadMs });
      const args = ['--import', 'tsx', 'test/support/sync-worker.ts', given];
      workers.push(spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] }));
      return workers.at(-1) as ChildProcess;
    };

    let worker = startWorker();
    for (const [who, requests, isAnswered] of strikes) {
      await new Promise<void>((resolve) => {
        proxy.strikeAfter(requests, isAnswered, () => {
          if (who === 'worker') worker.kill('SIGKILL');
          else void node.kill();
          resolve();
        });
      });
      if (who === 'node') {
        await node.kill();
        node = await startAnvil({ after }, { port, args: ['--load-state', statePath] });
        continue;
      }
      await once(worker, 'exit');
      const reached = await db.query<{ address: string; block: number | null }>(
        'SELECT address, cursor_block AS block FROM chain_address',
      );
      const reachedBy = new Map(reached.map(({ address, block }) => [address, block ?? -1]));
      const there = expected.filter(({ address, blockNumber }) => blockNumber <= (reachedBy.get(address) ?? -1));
      assert.deepEqual((await listed()).toSorted(), there.map(({ text }) => text).toSorted(), 'a part of it is whole');
      assert.ok(there.length < expected.length, 'it was killed in the middle');
      worker = startWorker();
    }
    await waitFor('the sync to end', 60_000, async () => {
      const left = await db.query('SELECT 1 FROM chain_address WHERE synced_at IS NULL');
      return left.length === 0;
    });

    assert.deepEqual((await listed()).toSorted(), expected.map(({ text }) => text).toSorted());
    const sums = ledgerSum({ db });
    for (const { walletId, assetId, contract, amountRaw } of await listBalances({ db }, walletIds)) {
      const address = addresses[walletIds.indexOf(walletId)] ?? '0x';
      const told =
        contract === null
          ? await node.client.getBalance({ address })
          : await node.client.readContract({
              address: token,
              abi: tokenAbi,
              functionName: 'balanceOf',
              args: [address],
            });
      assert.equal(BigInt(amountRaw), told);
      assert.equal(
        BigInt(await sums.load({ walletId, assetId })),
        contract === null ? told - 10_000n * 10n ** 18n : told,
      );
    }
  });
});
