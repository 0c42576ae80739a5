import { addDecimals, type DecimalText, Exact } from '../lib/decimal.ts';
import type { CostBasis } from './lot-book.ts';
import { computeLots, type LotLedger } from './lots.ts';
import type { Movement } from './movement.ts';
import { computeMovements } from './movements.ts';
import type { Transaction } from './transaction.ts';

/** What follows from the transactions of an account alone, whatever prices do: movements, lots, positions, gains by month. Pure. */

/** What it is derived from. */
export interface DeriveInput {
  readonly transactions: readonly Transaction[];
  /** Prices in USD at the times of transactions. */
  readonly prices: readonly { readonly tokenId: number; readonly time: number; readonly price: DecimalText }[];
  readonly basis: CostBasis;
}

/** What a wallet holds of a token by its records. */
export interface Position {
  readonly walletId: number;
  readonly tokenId: number;
  readonly quantity: DecimalText;
  /** USD; null where the cost of a part is not known. */
  readonly costUsd: DecimalText | null;
}

/** Sums of realised lots, USD: `gain` is `proceeds` less `cost` less `fees`, over those whose gain is known. */
export interface RealisedSums {
  readonly proceeds: DecimalText;
  readonly cost: DecimalText;
  readonly fees: DecimalText;
  readonly gain: DecimalText;
  /** Income at its worth, where that is known. */
  readonly income: DecimalText;
  /** Pieces of lots in the sums, and those left out because their gain is not known. */
  readonly known: number;
  readonly unknown: number;
}

/** Realised sums of a wallet in a month, UTC. */
export interface MonthSums extends RealisedSums {
  readonly walletId: number;
  /** Such as `2024-03`. */
  readonly month: string;
}

/** Everything derived. */
export interface Derivation {
  readonly movements: readonly Movement[];
  readonly ledger: LotLedger;
  /** By wallet and token; none of quantity 0. */
  readonly positions: readonly Position[];
  /** By month. */
  readonly months: readonly MonthSums[];
}

/** Derives it. */
export function computeDerivation({ transactions, prices, basis }: DeriveInput): Derivation {
  const priceOf = new Map(prices.map(({ tokenId, time, price }) => [`${tokenId} ${time}`, price]));
  const movements = computeMovements(transactions, (tokenId, time) => priceOf.get(`${tokenId} ${time}`) ?? null);
  const ledger = computeLots({ movements, basis });
  return { movements, ledger, positions: positionsOf(ledger), months: monthsOf(ledger) };
}

function positionsOf({ lots }: LotLedger): Position[] {
  const positions = new Map<string, { walletId: number; tokenId: number; quantity: Exact; cost: Exact | null }>();
  for (const { walletId, tokenId, quantity, costUsd } of lots) {
    const key = `${walletId} ${tokenId}`;
    const { quantity: sum, cost } = positions.get(key) ?? { quantity: new Exact(0), cost: new Exact(0) };
    positions.set(key, {
      walletId,
      tokenId,
      quantity: sum.plus(quantity),
      cost: cost === null || costUsd === null ? null : cost.plus(costUsd),
    });
  }
  return [...positions.values()].map(({ walletId, tokenId, quantity, cost }) => ({
    walletId,
    tokenId,
    quantity: quantity.toFixed(),
    costUsd: cost?.toFixed() ?? null,
  }));
}

/** No gains. */
export const noSums: RealisedSums = {
  proceeds: '0',
  cost: '0',
  fees: '0',
  gain: '0',
  income: '0',
  known: 0,
  unknown: 0,
};

/** The sum of sums. */
export function addSums(a: RealisedSums, b: RealisedSums): RealisedSums {
  return {
    proceeds: addDecimals(a.proceeds, b.proceeds),
    cost: addDecimals(a.cost, b.cost),
    fees: addDecimals(a.fees, b.fees),
    gain: addDecimals(a.gain, b.gain),
    income: addDecimals(a.income, b.income),
    known: a.known + b.known,
    unknown: a.unknown + b.unknown,
  };
}

function monthsOf({ realised, income }: LotLedger): MonthSums[] {
  const months = new Map<string, MonthSums>();
  const add = (walletId: number, time: number, sums: RealisedSums): void => {
    const month = new Date(time).toISOString().slice(0, 7);
    const key = `${month} ${walletId}`;
    months.set(key, { ...addSums(months.get(key) ?? noSums, sums), walletId, month });
  };
  for (const { walletId, disposedAt, proceedsUsd, costUsd, feeUsd, gainUsd } of realised) {
    const known = { proceeds: proceedsUsd ?? '0', cost: costUsd ?? '0', fees: feeUsd, gain: gainUsd ?? '0' };
    add(
      walletId,
      disposedAt,
      gainUsd === null ? { ...noSums, unknown: 1 } : { ...known, income: '0', known: 1, unknown: 0 },
    );
  }
  for (const { walletId, time, valueUsd } of income)
    if (valueUsd !== null) add(walletId, time, { ...noSums, income: valueUsd });
  return [...months.values()].sort((a, b) => (a.month < b.month ? -1 : 1));
}
