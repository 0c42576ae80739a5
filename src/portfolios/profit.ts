import { addDecimals, type DecimalText } from '../lib/decimal.ts';
import { addSums, noSums, type RealisedSums } from './derive.ts';
import type { Portfolio } from './portfolio.ts';

/** Profit and loss of a portfolio, from what was derived of its wallets. Pure. */

/** Profit and loss as of now. */
export interface Profit extends RealisedSums {
  readonly portfolio: Portfolio;
  /** Cost of what is held, where known. */
  readonly costBasis: DecimalText;
  /** Value less cost of VALUED holdings whose cost is known. */
  readonly unrealised: DecimalText;
  /** Holdings whose cost, or the cost of a part, is not known. */
  readonly unknownCost: number;
}

/** The profit of a portfolio. */
export function computeProfit(portfolio: Portfolio): Profit {
  const { holdings } = portfolio;
  const add = (values: readonly (DecimalText | null)[]): DecimalText =>
    values.reduce<DecimalText>((sum, value) => addDecimals(sum, value ?? '0'), '0');
  return {
    ...monthsOf(portfolio).reduce<RealisedSums>(addSums, noSums),
    portfolio,
    costBasis: add(holdings.map(({ costUsd }) => costUsd)),
    unrealised: add(holdings.map(({ status, unrealisedUsd }) => (status === 'VALUED' ? unrealisedUsd : null))),
    unknownCost: holdings.filter(({ costUsd }) => costUsd === null).length,
  };
}

function monthsOf({ wallets, derivation }: Portfolio): AccountMonths {
  const own = new Set(wallets.map(({ id }) => id));
  return derivation.months.filter(({ walletId }) => own.has(walletId));
}

type AccountMonths = Portfolio['derivation']['months'];

/** Lengths of periods. */
export const profitPeriods = ['MONTH', 'QUARTER', 'YEAR'] as const;

/** One of {@link profitPeriods}. */
export type ProfitPeriod = (typeof profitPeriods)[number];

/** What was realised in a period. */
export interface PeriodProfit extends RealisedSums {
  /** Epoch ms, inclusive and exclusive. */
  readonly from: number;
  readonly to: number;
}

const monthsIn: Readonly<Record<ProfitPeriod, number>> = { MONTH: 1, QUARTER: 3, YEAR: 12 };

/** What was realised in each period in which anything was, oldest first; the periods sum to the whole. */
export function computePeriods(portfolio: Portfolio, period: ProfitPeriod): PeriodProfit[] {
  const length = monthsIn[period];
  const periods = new Map<number, PeriodProfit>();
  for (const sums of monthsOf(portfolio)) {
    const [year = 0, month = 1] = sums.month.split('-').map(Number);
    const start = Math.floor((month - 1) / length) * length;
    const [from, to] = [Date.UTC(year, start), Date.UTC(year, start + length)];
    periods.set(from, { ...addSums(periods.get(from) ?? noSums, sums), from, to });
  }
  return [...periods.values()].sort((a, b) => a.from - b.from);
}
