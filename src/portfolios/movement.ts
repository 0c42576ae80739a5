import type { DecimalText } from '../lib/decimal.ts';

/**
 * Portfolios: what somebody owns, what it cost, what it is worth, how it did.
 *
 * The way of the data: transactions of manual wallets and transfers of addresses become *movements* (`movements.ts`);
 * movements become lots and realised gains by a cost basis (`lots.ts`), and a balance at any time (`history.ts`);
 * lots and quotes become holdings that say how far they can be trusted (`valuation.ts`). All of it is pure and exact:
 * the same movements give the same lots to the last digit, in whatever order they were recorded.
 *
 * A transaction that comes twice is one; one that comes late takes its place by its time. What cannot be explained, such
 * as coins sold that were never bought, is listed and left out of the sums, never invented.
 */

/** Kinds of transactions, in the words of the API. */
export const transactionTypes = [
  'BUY',
  'SELL',
  'SWAP',
  'TRANSFER_IN',
  'TRANSFER_OUT',
  'INCOME',
  'SPEND',
  'FEE',
] as const;

/** One of {@link transactionTypes}. */
export type TransactionType = (typeof transactionTypes)[number];

/** Where a value in USD comes from: the record, the daily close of its time, or nowhere. */
export type ValueSource = 'RECORDED' | 'MARKET' | 'UNKNOWN';

/**
 * A change of what a wallet holds of one token. ACQUIRE brings a lot, DISPOSE takes lots and realises what they gained,
 * WITHDRAW takes lots at their cost (coins sent to an address that is not one's own: nothing is realised), MOVE carries
 * lots to another of one's wallets with their cost and their time.
 */
export interface Movement {
  readonly kind: 'ACQUIRE' | 'DISPOSE' | 'WITHDRAW' | 'MOVE';
  /** Unique and stable; equal times are ordered by kind (what comes before what goes), then by it. */
  readonly id: string;
  /** Why: the type of the transaction it is a leg of; FEE for fees and gas of any. */
  readonly type: TransactionType;
  /** Epoch ms. */
  readonly time: number;
  readonly walletId: number;
  /** Where a MOVE goes; null for the others. */
  readonly toWalletId: number | null;
  readonly tokenId: number;
  /** Above 0. */
  readonly quantity: DecimalText;
  /** USD: ACQUIRE, the cost with its fees; DISPOSE, the proceeds before fees; WITHDRAW, what was worth. Null: not known. */
  readonly valueUsd: DecimalText | null;
  readonly valueSource: ValueSource;
  /** USD that a DISPOSE cost, 0 or more; fees of an acquisition are in its cost. */
  readonly feeUsd: DecimalText;
}

const rank: Readonly<Record<Movement['kind'], number>> = { ACQUIRE: 0, MOVE: 1, DISPOSE: 2, WITHDRAW: 2 };

/** The order in which movements are applied: by time; at the same time what comes before what goes; then by id. */
export function compareMovements(a: Movement, b: Movement): number {
  return a.time - b.time || rank[a.kind] - rank[b.kind] || (a.id < b.id ? -1 : Number(a.id > b.id));
}
