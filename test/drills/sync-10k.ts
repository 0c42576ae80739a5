/**
 * How long the sync of an address with 10,000 ERC-20 transfers takes against a real EVM node, fees included:
 * npx tsx test/drills/sync-10k.ts
 */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/lib/clock.ts';
import { createChain } from '../../src/sources/viem.ts';
import { addWallet } from '../../src/wallets/store.ts';
import { listTransfers } from '../../src/wallets/transfer-store.ts';
import { ledgerSum, listBalances } from '../../src/wallets/balance-store.ts';
import { syncAll } from '../ingest/sync-chain.ts';
import { accountOf, anvilChainId, startAnvil } from '../support/anvil.ts';
import { createTestDb } from '../support/db.ts';
import { seedNetwork, seedViewer } from '../wallets/seed.ts';

const transferCount = 10_000;
/** Each makes several transfers, so that the node is ready sooner. */
const perTransaction = 50;
const sender = accountOf(0);
const receivers = Array.from({ length: 20 }, (_, i) => accountOf(1 + i).address);
const closers: (() => Promise<void>)[] = [];
const scope = { after: (run: () => Promise<void>): void => void closers.push(run) };
try {
  const db = await createTestDb(scope);
  const node = await startAnvil(scope);
  await seedNetwork(db, 'anvil', anvilChainId);
  const { accountId } = await seedViewer(db, 'Ada');
  const token = await node.deploy('TestToken', ['Alpha', 'ALPHA', 18, 10n ** 30n]);
  for (let sent = 0; sent < transferCount; sent += perTransaction) {
    const to = Array.from({ length: perTransaction }, (_, i) => receivers[i % 20]);
    const args = [to, to.map((_, i) => BigInt(sent + i + 1))];
    await node.send(sender, token, { functionName: 'transferMany', args });
    await node.client.mine({ blocks: 2 });
  }
  const { address } = sender;
  const walletId = await addWallet(db, accountId, { chainId: anvilChainId, address, label: null });
  const startedMs = performance.now();
  await syncAll(db, createChain(anvilChainId, { url: node.url, clock: systemClock }));
  const seconds = (performance.now() - startedMs) / 1_000;
  const lines = await listTransfers({ db }, [walletId]);
  const balance = (await listBalances({ db }, [walletId])).find(({ contract }) => contract !== null);
  assert.equal(lines.filter(({ kind, direction }) => kind === 'TOKEN' && direction === 'OUT').length, transferCount);
  assert.equal(balance?.amountRaw, await ledgerSum({ db }).load(balance ?? { walletId, assetId: 0 }));
  console.log(`${lines.length} lines of ${transferCount} transfers in ${seconds.toFixed(1)} s (${db.mode})`);
} finally {
  for (const close of closers.toReversed()) await close();
}
