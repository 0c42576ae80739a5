import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { flagsOf } from '../../src/wallets/asset.ts';
import { ledgerSum, listBalances } from '../../src/wallets/balance-store.ts';
import { nativeContract } from '../../src/wallets/native-coin.ts';
import { addWallet, listWallets, ownWallet, removeWallet, setLabel } from '../../src/wallets/store.ts';
import { listTransfers, transferPage } from '../../src/wallets/transfer-store.ts';
import { createTestDb } from '../support/db.ts';
import { hashOf, seedNetwork, seedToken, seedViewer } from './seed.ts';

const db = await createTestDb({ after });
const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
const fake = '0x00000000000000000000000000000000000000fa';
const address = '0xd8da6bf26964af9d7eed9e03e53415d37aa96045';
await seedNetwork(db, 'ethereum', 1);
const etherId = await seedToken(db, { slug: 'ethereum', symbol: 'ETH' });
const usdcId = await seedToken(db, {
  slug: 'usd-coin',
  symbol: 'USDC',
  contract: { network: 'ethereum', address: usdc, decimals: 6 },
});
const ada = await seedViewer(db, 'Ada');
const bob = await seedViewer(db, 'Bob');
const walletId = await addWallet(db, ada.accountId, { chainId: 1, address, label: 'cold' });

await db.execute(`INSERT INTO chain_address (id, chain_id, address) VALUES (1, 1, $1)`, [address]);
await db.execute(
  `INSERT INTO chain_asset (id, chain_id, contract, symbol) VALUES (1, 1, $1, NULL), (2, 1, $2, 'USDC'), (3, 1, $3, 'usdc')`,
  [nativeContract, usdc, fake],
);
await db.execute(`INSERT INTO chain_balance VALUES (1, 1, ${2n ** 256n - 1n}), (1, 2, 7), (1, 3, 0)`);
for (const [block, position, kind, direction, asset, amount] of [
  [5, 1, 'NATIVE', 'IN', 1, 2n ** 255n],
  [5, 2, 'TOKEN', 'IN', 2, 10n],
  [6, 0, 'FEE', 'OUT', 1, 21_000n],
  [6, 3, 'TOKEN', 'OUT', 2, 3n],
  [6, 4, 'TOKEN', 'SELF', 2, 1n],
] as const)
  await db.execute(
    `INSERT INTO chain_transfer VALUES (1, $1, 0, $2, $3, $4, $5, $6, $7, $8::numeric, $9, $10, now())`,
    [
      block,
      position,
      kind,
      direction,
      asset,
      address,
      kind === 'FEE' ? null : address,
      amount.toString(),
      hashOf(block),
      hashOf(block),
    ],
  );

describe('wallets of an account', () => {
  it('are its own alone', async () => {
    assert.deepEqual(
      (await listWallets({ db }, ada.accountId)).map(({ id }) => id),
      [walletId],
    );
    assert.deepEqual(await listWallets({ db }, bob.accountId, [walletId]), []);
    assert.equal(await ownWallet({ db }).load({ accountId: bob.accountId, id: walletId }), null);
    assert.equal(await setLabel(db, { accountId: bob.accountId, id: walletId }, 'mine'), false);
    assert.equal(await removeWallet(db, { accountId: bob.accountId, id: walletId }), false);
    assert.equal((await ownWallet({ db }).load({ accountId: ada.accountId, id: walletId }))?.label, 'cold');
  });

  it('are refused twice, on an unknown chain, and beyond what one may have', async () => {
    const shouted = `0x${address.slice(2).toUpperCase()}`;
    await assert.rejects(addWallet(db, ada.accountId, { chainId: 1, address: shouted, label: null }), /already/);
    await assert.rejects(addWallet(db, ada.accountId, { chainId: 999_999, address, label: null }), /No chain/);
    const many = await seedViewer(db, 'Many');
    const adding = Array.from({ length: 101 }, (_, i) =>
      addWallet(db, many.accountId, { chainId: 1, address: `0x${i.toString(16).padStart(40, '0')}`, label: null }),
    );
    const failed = (await Promise.allSettled(adding)).filter(({ status }) => status === 'rejected');
    assert.equal(failed.length, 1);
    assert.equal((await listWallets({ db }, many.accountId)).length, 100);
  });
});

describe('what a wallet holds', () => {
  it('is exact, and known by the registry, never by what a contract calls itself', async () => {
    const balances = await listBalances({ db }, [walletId]);
    assert.deepEqual(
      balances.map(({ contract, symbol, decimals, tokenId, amountRaw }) => [
        contract,
        symbol,
        decimals,
        tokenId,
        amountRaw,
      ]),
      [
        [null, 'ETH', 18, etherId, String(2n ** 256n - 1n)],
        [usdc, 'USDC', 6, usdcId, '7'],
        [fake, 'usdc', null, null, '0'],
      ],
    );
    assert.deepEqual(balances.map(flagsOf), [[], [], ['UNLISTED', 'IMPERSONATES', 'UNREADABLE']]);
  });

  it('can be held against the sum of what moved', async () => {
    const load = ledgerSum({ db });
    assert.deepEqual(await load.loadMany([1, 2, 3].map((assetId) => ({ walletId, assetId }))), [
      String(2n ** 255n - 21_000n),
      '7',
      '0',
    ]);
  });
});

describe('transfers of a wallet', () => {
  it('come in the order of the chain, and in pages newest first', async () => {
    const all = await listTransfers({ db }, [walletId]);
    assert.deepEqual(
      all.map(({ blockNumber, position, kind }) => [blockNumber, position, kind]),
      [
        [5, 1, 'NATIVE'],
        [5, 2, 'TOKEN'],
        [6, 0, 'FEE'],
        [6, 3, 'TOKEN'],
        [6, 4, 'TOKEN'],
      ],
    );
    const pageOf = (isBackward: boolean, after: number[] | null): Promise<number[]> =>
      transferPage({ db })
        .load({ walletId, page: { take: 2, isBackward, after, before: null } })
        .then((rows) => rows.map(({ position }) => position));
    assert.deepEqual(await pageOf(false, null), [4, 3, 0]);
    assert.deepEqual(await pageOf(false, [6, 0, 3]), [0, 2, 1]);
    assert.deepEqual(await pageOf(true, null), [1, 2, 0]);
  });
});
