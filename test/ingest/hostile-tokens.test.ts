import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Address } from 'viem';
import { systemClock } from '../../src/lib/clock.ts';
import { createChain } from '../../src/sources/viem.ts';
import { listBalances } from '../../src/wallets/balance-store.ts';
import { addWallet } from '../../src/wallets/store.ts';
import { accountOf, type Anvil, anvilChainId, skipWithoutAnvil, startAnvil } from '../support/anvil.ts';
import { createTestDb } from '../support/db.ts';
import { seedNetwork, seedViewer } from '../wallets/seed.ts';
import { syncAll } from './sync-chain.ts';

/** Contracts that name themselves in an old way, lie, revert, burn gas or answer with megabytes, on a real EVM node. */

const db = await createTestDb({ after });
const node = skipWithoutAnvil ? (null as unknown as Anvil) : await startAnvil({ after });
const { address: holder } = accountOf(1);

describe('contracts that misbehave', { skip: skipWithoutAnvil }, () => {
  let contracts: Record<'plain' | 'old' | 'hostile' | 'lying' | 'mute' | 'none' | 'wallet', Address>;
  const chain = createChain(anvilChainId, { url: node?.url ?? '', clock: systemClock });

  before(async () => {
    contracts = {
      hostile: await node.deploy('HostileToken'),
      plain: await node.deploy('TestToken', ['Alpha', 'ALPHA', 6, 10n ** 30n]),
      lying: await node.deploy('LyingToken'),
      old: await node.deploy('OldToken'),
      mute: await node.deploy('MuteToken'),
      wallet: await node.deploy('SilentWallet'),
      none: accountOf(2).address,
    };
    const sender = accountOf(0);
    await node.send(sender, contracts.plain, { functionName: 'transfer', args: [holder, 5n] });
    for (const name of ['old', 'lying', 'mute'] as const)
      await node.send(sender, contracts[name], { functionName: 'mint', args: [holder, 7n] });
    await node.send(sender, contracts.hostile, { functionName: 'spam', args: [holder] });
    await node.client.mine({ blocks: 1 });
  });

  it('are described as far as they can be, and harm none of those that are asked with them', async () => {
    const asked = Object.values(contracts);
    const told = await chain.describeContracts(asked);
    const of = (name: keyof typeof contracts) => told[asked.indexOf(contracts[name])];
    const nothing = { symbol: null, name: null, decimals: null };
    assert.deepEqual(of('plain'), { symbol: 'ALPHA', name: 'Alpha', decimals: 6 });
    assert.deepEqual(of('old'), { symbol: 'MKR', name: 'Maker', decimals: 18 });
    assert.deepEqual([of('mute'), of('wallet'), of('none')], [nothing, nothing, nothing]);
    assert.deepEqual([of('hostile')?.symbol, of('hostile')?.decimals], [null, null]);
    assert.ok((of('hostile')?.name?.length ?? 0) > 5_000);
    assert.equal(of('lying')?.decimals, null);
    assert.deepEqual(of('lying')?.symbol?.replaceAll('\u0000', ''), '\u0001');
    assert.equal(of('lying')?.name?.length, 2_999_936);
  });

  it('tell balances, or none, for each by itself', async () => {
    const asked = Object.values(contracts);
    const head = await chain.findHead();
    const told = await chain.readBalances(holder.toLowerCase(), [null, ...asked], head.number);
    const byName = Object.fromEntries(Object.keys(contracts).map((name, i) => [name, told[i + 1]]));
    assert.deepEqual(byName, { hostile: null, plain: 5n, lying: 7n, old: 7n, mute: null, wallet: null, none: null });
    assert.equal(told[0], 10_000n * 10n ** 18n);
  });

  it('end up in a wallet with short, visible names, and its sync reaches its end', async () => {
    await seedNetwork(db, 'anvil', anvilChainId);
    const { accountId } = await seedViewer(db, 'Ada');
    const walletId = await addWallet(db, accountId, { chainId: anvilChainId, address: holder, label: null });
    assert.equal(await syncAll(db, chain), 1);
    const rows = await db.query<{ contract: Address; symbol: string | null; name: string | null; decimals: number }>(
      'SELECT contract, symbol, name, decimals FROM chain_asset',
    );
    const of = (name: keyof typeof contracts) => {
      const { contract: _, ...said } = rows.find(({ contract }) => contract === contracts[name]) ?? assert.fail(name);
      return said;
    };
    assert.deepEqual(of('plain'), { symbol: 'ALPHA', name: 'Alpha', decimals: 6 });
    assert.deepEqual(of('old'), { symbol: 'MKR', name: 'Maker', decimals: 18 });
    assert.deepEqual(of('mute'), { symbol: null, name: null, decimals: null });
    assert.match(of('hostile').name ?? '', /^evil claim at https:\/\/x\.example A+$/);
    assert.equal(of('hostile').name?.length, 64);
    assert.deepEqual(of('lying'), { symbol: null, name: '\ufffd', decimals: null });
    const balances = await listBalances({ db }, [walletId]);
    const held = new Map(balances.map(({ contract, amountRaw }) => [contract, amountRaw]));
    assert.deepEqual(
      [held.get(contracts.plain), held.get(contracts.old), held.get(contracts.lying), held.get(contracts.mute)],
      ['5', '7', '7', undefined],
    );
  });
});
