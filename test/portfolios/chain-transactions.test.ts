import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeChainTransactions } from '../../src/portfolios/chain-transactions.ts';
import { computeLots } from '../../src/portfolios/lots.ts';
import { computeMovements } from '../../src/portfolios/movements.ts';
import type { WalletTransfer } from '../../src/wallets/transfer-store.ts';

const coin = 1;
const dollar = 2;

/** A transfer of a wallet in transaction `n`; by default a coin with 18 decimals that came in. */
function transferOf(n: number, facts: Partial<WalletTransfer> = {}): WalletTransfer {
  return {
    walletId: 1,
    assetId: 1,
    chainId: 1,
    contract: null,
    symbol: 'ETH',
    name: 'Ether',
    decimals: 18,
    tokenId: coin,
    hasListedSymbol: false,
    blockNumber: n,
    blockHash: `0xb${n}`,
    blockTime: n * 1_000,
    transactionHash: `0x${n}`,
    transactionIndex: 0,
    position: 1,
    kind: 'NATIVE',
    direction: 'IN',
    from: '0xa',
    to: '0xb',
    amountRaw: '1000000000000000000',
    ...facts,
  };
}

const told = (transfers: readonly WalletTransfer[]): string[] =>
  computeChainTransactions(transfers).map(({ walletId, type, received, sent }) =>
    [
      walletId,
      type,
      ...(received ? [`+${received.amount} of ${received.tokenId}`] : []),
      ...(sent ? [`-${sent.amount} of ${sent.tokenId}`] : []),
    ].join(' '),
  );

test('what comes and what goes are transfers, gas is a fee, in coins to the last digit', () => {
  assert.deepEqual(
    told([
      transferOf(1, { amountRaw: '1000000000000000001' }),
      transferOf(2, { direction: 'OUT', amountRaw: '500000000000000000' }),
      transferOf(2, { kind: 'FEE', direction: 'OUT', position: 0, to: null, amountRaw: '21000000000000' }),
      transferOf(3, { tokenId: dollar, decimals: 6, kind: 'TOKEN', amountRaw: '1' }),
    ]),
    [
      '1 TRANSFER_IN +1.000000000000000001 of 1',
      '1 TRANSFER_OUT -0.5 of 1',
      '1 FEE -0.000021 of 1',
      '1 TRANSFER_IN +0.000001 of 2',
    ],
  );
});

test('one coin out and another in, by one transaction, are a swap with its gas', () => {
  assert.deepEqual(
    told([
      transferOf(1, { kind: 'FEE', direction: 'OUT', position: 0, to: null, amountRaw: '1000000000000000' }),
      transferOf(1, { direction: 'OUT' }),
      transferOf(1, { tokenId: dollar, decimals: 6, kind: 'TOKEN', position: 2, amountRaw: '3000000000' }),
    ]),
    ['1 SWAP +3000 of 2 -1 of 1', '1 FEE -0.001 of 1'],
  );
});

test('contracts that no token of the registry has, transfers to oneself and of nothing are left out', () => {
  const left = [
    transferOf(1, { tokenId: null, kind: 'TOKEN' }),
    transferOf(2, { direction: 'SELF' }),
    transferOf(3, { amountRaw: '0' }),
  ];
  assert.deepEqual(told(left), []);
  // what is left out does not make a swap of a transfer either
  assert.deepEqual(
    told([transferOf(4, { direction: 'OUT' }), transferOf(4, { tokenId: null, kind: 'TOKEN', position: 2 })]),
    ['1 TRANSFER_OUT -1 of 1'],
  );
});

test('a transfer between own wallets is no disposal: its lots move with their cost, only the gas is lost', () => {
  const sent = { direction: 'OUT', amountRaw: '400000000000000000' } as const;
  const transactions = computeChainTransactions([
    transferOf(1),
    transferOf(2, sent),
    transferOf(2, { kind: 'FEE', direction: 'OUT', position: 0, to: null, amountRaw: '100000000000000000' }),
    transferOf(2, { ...sent, direction: 'IN', walletId: 2 }),
  ]);
  const movements = computeMovements(transactions, () => '100');
  assert.deepEqual(movements.map(({ kind, walletId, toWalletId }) => `${kind} ${walletId} ${toWalletId}`).sort(), [
    'ACQUIRE 1 null',
    'DISPOSE 1 null',
    'MOVE 1 2',
  ]);
  const { lots, realised, unmatched } = computeLots({ movements, basis: 'FIFO' });
  assert.deepEqual(unmatched, []);
  assert.deepEqual(
    realised.map(({ type, quantity }) => [type, quantity]),
    [['FEE', '0.1']],
  );
  assert.deepEqual(
    lots
      .map(({ walletId, quantity, costUsd, acquiredAt }) => `${walletId}: ${quantity} for ${costUsd} at ${acquiredAt}`)
      .sort(),
    ['1: 0.5 for 50 at 1000', '2: 0.4 for 40 at 1000'],
  );
});
