import type { DecimalText } from '../lib/decimal.ts';
import type { TransactionType } from './movement.ts';

/** An amount of a token. */
export interface Leg {
  readonly tokenId: number;
  /** Above 0. */
  readonly amount: DecimalText;
}

/** A transaction of a wallet as it is recorded: what came, what went, what it cost. Which legs a type has is {@link legsOf}. */
export interface Transaction {
  /** Unique among all wallets, stable. */
  readonly id: string;
  readonly walletId: number;
  readonly type: TransactionType;
  /** Epoch ms. */
  readonly time: number;
  readonly received: Leg | null;
  readonly sent: Leg | null;
  /** A fee paid in coins, beside what was sent. */
  readonly fee: Leg | null;
  /** A fee paid in money, USD. */
  readonly feeUsd: DecimalText | null;
  /** What changed hands in USD, without fees: the price paid, the proceeds, the worth. Null where the record has none. */
  readonly valueUsd: DecimalText | null;
  /** Names a transfer on both its sides, such as a transaction hash; null where the record has none. */
  readonly reference: string | null;
}

/** Which legs a transaction of each type has. */
export const legsOf: Readonly<Record<TransactionType, { readonly received: boolean; readonly sent: boolean }>> = {
  BUY: { received: true, sent: false },
  SELL: { received: false, sent: true },
  SWAP: { received: true, sent: true },
  TRANSFER_IN: { received: true, sent: false },
  TRANSFER_OUT: { received: false, sent: true },
  INCOME: { received: true, sent: false },
  SPEND: { received: false, sent: true },
  FEE: { received: false, sent: true },
};
