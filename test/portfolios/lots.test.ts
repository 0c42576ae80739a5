import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Exact } from '../../src/lib/decimal.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { type CostBasis, costBases } from '../../src/portfolios/lot-book.ts';
import { computeLots } from '../../src/portfolios/lots.ts';
import type { Movement } from '../../src/portfolios/movement.ts';
import { computeMovements } from '../../src/portfolios/movements.ts';
import type { Transaction } from '../../src/portfolios/transaction.ts';

const blank = { walletId: 1, received: null, sent: null, fee: null, feeUsd: null, valueUsd: null, reference: null };

/** A transaction on a day; legs as [tokenId, amount]. */
function transactionOf(
  id: string,
  day: number,
  type: Transaction['type'],
  facts: Partial<Omit<Transaction, 'received' | 'sent' | 'fee'>> & {
    received?: [number, string];
    sent?: [number, string];
    fee?: [number, string];
  },
): Transaction {
  const { received, sent, fee, ...rest } = facts;
  const legOf = (leg: [number, string] | undefined) => (leg ? { tokenId: leg[0], amount: leg[1] } : null);
  const legs = { received: legOf(received), sent: legOf(sent), fee: legOf(fee) };
  return { ...blank, id, type, time: day * dayMs, ...rest, ...legs };
}

function ledgerOf(transactions: readonly Transaction[], basis: CostBasis, price: string | null = null) {
  return computeLots({ movements: computeMovements(transactions, () => price), basis });
}

const three = [
  transactionOf('a', 1, 'BUY', { received: [7, '1'], valueUsd: '100' }),
  transactionOf('b', 2, 'BUY', { received: [7, '1'], valueUsd: '300', feeUsd: '3' }),
  transactionOf('c', 3, 'BUY', { received: [7, '1'], valueUsd: '200' }),
];
const sale = transactionOf('d', 4, 'SELL', { sent: [7, '1.5'], valueUsd: '600', feeUsd: '6' });

const sales: readonly [CostBasis, gains: string[], left: string[]][] = [
  ['FIFO', ['a 296', 'b 46.5'], ['b 0.5 151.5', 'c 1 200']],
  ['LIFO', ['c 196', 'b 46.5'], ['b 0.5 151.5', 'a 1 100']],
  ['HIFO', ['b 93', 'c 98'], ['c 0.5 100', 'a 1 100']],
  ['AVERAGE', ['a 292.5'], ['a 1.5 301.5']],
];
for (const [basis, gains, left] of sales) {
  test(`${basis}: which lots a sale takes, its fee shared among them, and what stays`, () => {
    const { realised, lots } = ledgerOf([...three, sale], basis);
    assert.deepEqual(
      realised.map(({ lotId, gainUsd }) => `${lotId.slice(0, 1)} ${gainUsd}`),
      gains,
    );
    assert.deepEqual(
      lots.map(({ id, quantity, costUsd }) => `${id.slice(0, 1)} ${quantity} ${costUsd}`),
      left,
    );
  });
}

test('a cost that does not divide is split to 18 decimals, and nothing of it is lost', () => {
  const { realised, lots } = ledgerOf(
    [
      transactionOf('a', 1, 'BUY', { received: [7, '3'], valueUsd: '100' }),
      transactionOf('b', 2, 'SELL', { sent: [7, '1'], valueUsd: '50' }),
    ],
    'FIFO',
  );
  assert.equal(realised[0]?.costUsd, '33.333333333333333333');
  assert.equal(lots[0]?.costUsd, '66.666666666666666667');
});

test('coins sold that were never bought are listed with their share of the proceeds, and in no gain', () => {
  const { realised, unmatched } = ledgerOf(
    [
      transactionOf('a', 1, 'BUY', { received: [7, '1'], valueUsd: '10' }),
      transactionOf('b', 2, 'SELL', { sent: [7, '4'], valueUsd: '100' }),
    ],
    'FIFO',
  );
  assert.deepEqual(
    realised.map(({ gainUsd }) => gainUsd),
    ['15'],
  );
  assert.deepEqual(
    unmatched.map(({ quantity, proceedsUsd, type }) => [quantity, proceedsUsd, type]),
    [['3', '75', 'SELL']],
  );
});

test('an own transfer realises nothing, and its lots keep cost and time; what did not arrive is a fee', () => {
  const transfer = [
    transactionOf('out', 5, 'TRANSFER_OUT', { sent: [7, '2'], reference: '0xabc' }),
    transactionOf('in', 5, 'TRANSFER_IN', { walletId: 2, received: [7, '1.9'], reference: '0xabc' }),
  ];
  const { realised, lots, unmatched } = ledgerOf([...three, ...transfer], 'FIFO', '500');
  assert.deepEqual(unmatched, []);
  assert.deepEqual(
    lots.map((lot) => [lot.walletId, lot.acquiredAt / dayMs, lot.quantity, lot.costUsd]),
    [
      [1, 3, '1', '200'],
      [2, 1, '1', '100'],
      [2, 2, '0.9', '272.7'],
    ],
  );
  assert.deepEqual(
    realised.map(({ type, quantity, proceedsUsd, feeUsd, gainUsd }) => [type, quantity, proceedsUsd, feeUsd, gainUsd]),
    [['FEE', '0.1', '50', '50', '-30.3']],
  );
});

const unpaired: readonly [name: string, change: Partial<Transaction>][] = [
  ['more than was sent', { received: { tokenId: 7, amount: '1.5' } }],
  ['another token', { received: { tokenId: 8, amount: '1' } }],
  ['the same wallet', { walletId: 1 }],
  ['more than a day later', { time: 7 * dayMs }],
  ['another reference', { reference: '0xdef' }],
];
for (const [name, change] of unpaired) {
  test(`a deposit with ${name} is not the other side of a withdrawal`, () => {
    const out = transactionOf('out', 5, 'TRANSFER_OUT', { sent: [7, '1'], reference: '0xabc' });
    const arrived = transactionOf('in', 5, 'TRANSFER_IN', { walletId: 2, received: [7, '1'], reference: '0xabc' });
    const movements = computeMovements([...three, out, { ...arrived, ...change }], () => null);
    assert.ok(movements.every(({ kind }) => kind !== 'MOVE'));
  });
}

test('equal amounts within a day are one transfer even without a reference', () => {
  const movements = computeMovements(
    [
      transactionOf('out', 5, 'TRANSFER_OUT', { sent: [7, '1'] }),
      transactionOf('in', 6, 'TRANSFER_IN', { walletId: 2, received: [7, '1.0'] }),
    ],
    () => null,
  );
  assert.deepEqual(
    movements.map(({ kind, walletId, toWalletId }) => [kind, walletId, toWalletId]),
    [['MOVE', 1, 2]],
  );
});

test('a swap sells at the worth of the exchange and buys at it with the fee; the fee coins are sold at their worth', () => {
  const swap = transactionOf('s', 4, 'SWAP', { sent: [7, '1'], received: [8, '10'], fee: [9, '2'], valueUsd: '150' });
  const coins = transactionOf('f', 1, 'BUY', { received: [9, '2'], valueUsd: '4' });
  const { realised, lots } = ledgerOf([...three, coins, swap], 'FIFO', '5');
  assert.deepEqual(
    realised.map(({ tokenId, gainUsd }) => [tokenId, gainUsd]),
    [
      [9, '6'],
      [7, '50'],
    ],
  );
  assert.equal(lots.find(({ tokenId }) => tokenId === 8)?.costUsd, '160');
});

test('gas loses what the coins had cost, whatever they are worth', () => {
  const gas = transactionOf('g', 4, 'FEE', { sent: [7, '0.5'], valueUsd: '250' });
  const { realised } = ledgerOf([...three, gas], 'FIFO');
  assert.deepEqual(
    realised.map(({ proceedsUsd, feeUsd, gainUsd }) => [proceedsUsd, feeUsd, gainUsd]),
    [['250', '250', '-50']],
  );
});

test('coins that left for elsewhere are taken out at cost; income is acquired at its worth', () => {
  const { realised, lots, income } = ledgerOf(
    [
      ...three,
      transactionOf('w', 4, 'TRANSFER_OUT', { sent: [7, '1'] }),
      transactionOf('i', 5, 'INCOME', { received: [7, '2'] }),
    ],
    'FIFO',
    '40',
  );
  assert.deepEqual(realised, []);
  assert.deepEqual(
    lots.map(({ quantity, costUsd, costSource }) => [quantity, costUsd, costSource]),
    [
      ['1', '303', 'RECORDED'],
      ['1', '200', 'RECORDED'],
      ['2', '80', 'MARKET'],
    ],
  );
  assert.deepEqual(
    income.map(({ valueUsd }) => valueUsd),
    ['80'],
  );
});

test('a lot of unknown cost leaves the gain unknown instead of calling all of it gain', () => {
  const { realised } = ledgerOf(
    [
      transactionOf('a', 1, 'TRANSFER_IN', { received: [7, '1'] }),
      transactionOf('b', 2, 'SELL', { sent: [7, '1'], valueUsd: '100' }),
    ],
    'FIFO',
  );
  assert.deepEqual(
    realised.map(({ costUsd, gainUsd }) => [costUsd, gainUsd]),
    [[null, null]],
  );
});

const amount = fc.integer({ min: 1, max: 10_000 }).map((n) => new Exact(n).div(1000).toFixed());
const movement = fc.record({
  kind: fc.constantFrom<Movement['kind'][]>('ACQUIRE', 'ACQUIRE', 'DISPOSE', 'MOVE', 'WITHDRAW'),
  time: fc.integer({ min: 0, max: 50 }),
  walletId: fc.constantFrom(1, 2),
  tokenId: fc.constantFrom(7, 8),
  quantity: amount,
  valueUsd: amount,
  feeUsd: amount,
});
const movements = fc.array(movement, { maxLength: 60 }).map((list) =>
  list.map(
    (one, index): Movement => ({
      ...one,
      id: String(index).padStart(3, '0'),
      type: one.kind === 'ACQUIRE' ? 'BUY' : 'SELL',
      toWalletId: one.kind === 'MOVE' ? 3 - one.walletId : null,
      valueSource: 'RECORDED',
    }),
  ),
);
const total = (values: readonly (string | null)[]): Exact =>
  values.reduce((sum, value) => sum.plus(value ?? 0), new Exact(0));

test('no coin and no cent is made or lost, by any cost basis', () => {
  fc.assert(
    fc.property(movements, fc.constantFrom(...costBases), (list, basis) => {
      const { lots, realised, unmatched } = computeLots({
        movements: list.filter(({ kind }) => kind !== 'WITHDRAW' && kind !== 'MOVE'),
        basis,
      });
      const came = list.filter(({ kind }) => kind === 'ACQUIRE');
      const gone = list.filter(({ kind }) => kind === 'DISPOSE');
      const sold = total(realised.map(({ quantity }) => quantity));
      const missing = total(unmatched.map(({ quantity }) => quantity));
      assert.ok(total(came.map(({ quantity }) => quantity)).eq(total(lots.map(({ quantity }) => quantity)).plus(sold)));
      assert.ok(total(gone.map(({ quantity }) => quantity)).eq(sold.plus(missing)));
      const costLeft = total(lots.map(({ costUsd }) => costUsd));
      const costSold = total(realised.map(({ costUsd }) => costUsd));
      assert.ok(total(came.map(({ valueUsd }) => valueUsd)).eq(costLeft.plus(costSold)));
      const proceeds = total(realised.map(({ proceedsUsd }) => proceedsUsd));
      const unproven = total(unmatched.map(({ proceedsUsd }) => proceedsUsd));
      assert.ok(total(gone.map(({ valueUsd }) => valueUsd)).eq(proceeds.plus(unproven)));
    }),
  );
});

test('the order in which movements were recorded makes no difference', () => {
  fc.assert(
    fc.property(movements, fc.constantFrom(...costBases), (list, basis) => {
      assert.deepEqual(computeLots({ movements: list, basis }), computeLots({ movements: list.toReversed(), basis }));
    }),
  );
});
