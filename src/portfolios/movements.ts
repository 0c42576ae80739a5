import { addDecimals, type DecimalText, Exact } from '../lib/decimal.ts';
import type { Movement, TransactionType, ValueSource } from './movement.ts';
import type { Leg, Transaction } from './transaction.ts';
import { pairTransfers } from './transfers.ts';

/**
 * From transactions to movements. Pure.
 *
 * - The cost of what is bought is its price with its fees; a fee in coins is also a disposal of these coins at their
 *   worth. A fee in the coins that are sold goes with them: more coins for the same proceeds.
 * - SWAP is a disposal of what is sent at the worth of the exchange, and an acquisition at that worth with the fee.
 * - INCOME is acquired at its worth; SPEND is a disposal at its worth; FEE and gas are disposals whose worth is a fee.
 * - A TRANSFER_IN from elsewhere is acquired at its worth then; a TRANSFER_OUT to elsewhere is taken out at cost.
 * - Where the record does not tell a worth, the price of that time does, and the movement says MARKET.
 */

/** The USD price of a token at a time, epoch ms; null where none is known. */
export type PriceAt = (tokenId: number, time: number) => DecimalText | null;

/** Movements of the transactions of one account, in no particular order. */
export function computeMovements(transactions: readonly Transaction[], priceAt: PriceAt): Movement[] {
  const pairs = pairTransfers(transactions);
  const paired = new Set(pairs.flatMap(({ out, in: arrived }) => [out.id, arrived.id]));
  const worth = createWorth(priceAt);
  const movements = transactions
    .filter(({ id }) => !paired.has(id))
    .flatMap((transaction) => movementsOf(transaction, worth));
  for (const { out, in: arrived } of pairs) {
    const base = baseOf(out, 'main');
    const { amount } = arrived.received;
    movements.push({
      ...base,
      kind: 'MOVE',
      toWalletId: arrived.walletId,
      tokenId: out.sent.tokenId,
      quantity: amount,
      ...unpriced,
    });
    const lost = new Exact(out.sent.amount).minus(amount);
    const missing = { tokenId: out.sent.tokenId, amount: lost.toFixed() };
    if (lost.gt(0)) movements.push(feeMovement(out, 'lost', missing, worth, true));
    for (const side of [out, arrived]) if (side.fee) movements.push(feeMovement(side, 'fee', side.fee, worth, true));
  }
  return movements;
}

interface Worth {
  readonly valueUsd: DecimalText | null;
  readonly valueSource: ValueSource;
}

type WorthOf = (leg: Leg, time: number, recorded: DecimalText | null) => Worth;

const unpriced = { valueUsd: null, valueSource: 'UNKNOWN', feeUsd: '0' } as const;

function createWorth(priceAt: PriceAt): WorthOf {
  return ({ tokenId, amount }, time, recorded) => {
    if (recorded !== null) return { valueUsd: recorded, valueSource: 'RECORDED' };
    const price = priceAt(tokenId, time);
    if (price === null) return { valueUsd: null, valueSource: 'UNKNOWN' };
    return { valueUsd: new Exact(price).times(amount).toFixed(), valueSource: 'MARKET' };
  };
}

function baseOf(
  { id, type, time, walletId }: Transaction,
  part: string,
): Pick<Movement, 'id' | 'type' | 'time' | 'walletId' | 'toWalletId'> {
  return { id: `${id}.${part}`, type, time, walletId, toWalletId: null };
}

/** Trades carry their fee in their cost or proceeds; elsewhere a fee is an expense of its own. */
const tradeTypes: ReadonlySet<TransactionType> = new Set(['BUY', 'SELL', 'SWAP']);

function movementsOf(transaction: Transaction, worth: WorthOf): Movement[] {
  const { type, time, received } = transaction;
  const isTrade = tradeTypes.has(type);
  const { sent, fee } = isTrade ? joinFee(transaction) : transaction;
  const feeUsd = sum(transaction.feeUsd, fee !== null && isTrade ? worth(fee, time, null).valueUsd : null);
  const exchanged = exchangeWorth(transaction, worth);
  const movements: Movement[] = [];
  if (received !== null)
    movements.push({
      ...baseOf(transaction, 'in'),
      kind: 'ACQUIRE',
      ...quantityOf(received),
      ...exchanged,
      valueUsd: exchanged.valueUsd === null ? null : sum(exchanged.valueUsd, feeUsd),
      feeUsd: '0',
    });
  if (sent !== null && type === 'FEE') movements.push(feeMovement(transaction, 'out', sent, worth, true));
  else if (sent !== null)
    movements.push({
      ...baseOf(transaction, 'out'),
      kind: type === 'TRANSFER_OUT' ? 'WITHDRAW' : 'DISPOSE',
      ...quantityOf(sent),
      ...exchanged,
      feeUsd: received === null ? feeUsd : '0',
    });
  if (fee !== null) movements.push(feeMovement(transaction, 'fee', fee, worth, !isTrade));
  return movements;
}

function joinFee({ sent, fee }: Transaction): Pick<Transaction, 'sent' | 'fee'> {
  if (sent === null || fee === null || sent.tokenId !== fee.tokenId) return { sent, fee };
  return { sent: { ...sent, amount: sum(sent.amount, fee.amount) }, fee: null };
}

/** What changed hands: the record's word, else the price of what was received, else of what was sent. */
function exchangeWorth({ received, sent, time, valueUsd }: Transaction, worth: WorthOf): Worth {
  for (const leg of [received, sent]) {
    const told = leg === null ? null : worth(leg, time, valueUsd);
    if (told !== null && told.valueUsd !== null) return told;
  }
  return { valueUsd: null, valueSource: 'UNKNOWN' };
}

/** Coins paid as a fee: disposed of at their worth, which is an expense of its own where no trade carries it. */
function feeMovement(transaction: Transaction, part: string, leg: Leg, worth: WorthOf, isExpense: boolean): Movement {
  const recorded = transaction.type === 'FEE' ? transaction.valueUsd : null;
  const { valueUsd, valueSource } = worth(leg, transaction.time, recorded);
  return {
    ...baseOf(transaction, part),
    kind: 'DISPOSE',
    type: 'FEE',
    ...quantityOf(leg),
    valueUsd: valueUsd ?? '0',
    valueSource,
    feeUsd: isExpense ? (valueUsd ?? '0') : '0',
  };
}

function quantityOf({ tokenId, amount }: Leg): Pick<Movement, 'tokenId' | 'quantity'> {
  return { tokenId, quantity: amount };
}

function sum(a: DecimalText | null, b: DecimalText | null): DecimalText {
  return addDecimals(a ?? '0', b ?? '0');
}
