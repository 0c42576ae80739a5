import type { Bar } from '../indicators/bar.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { dayMs, intervalMs } from '../lib/interval.ts';
import { maxDrawdownOf, sharpeOf } from '../lib/statistics.ts';
import { returnPctOf } from './outcome.ts';
import type { SignalDirection, Strategy } from './strategy.ts';

/**
 * What trades make of 1 unit of money, close by close: all of it is put into each trade at its entry, and what is open is
 * valued at the close, less the entry's fee. Where a short position loses everything, nothing is left to go on with.
 */

/** One trade. What it has not come to yet is null: an entry before the next candle, an exit while it is open. */
export interface BacktestTrade {
  readonly direction: SignalDirection;
  readonly issuedAt: number;
  readonly confidence: number;
  readonly enteredAt: number | null;
  readonly entryPriceUsd: DecimalText | null;
  readonly closedAt: number | null;
  readonly exitPriceUsd: DecimalText | null;
  /** As in outcomes: percent of the entry price, after both fees, of holding, and the deepest loss on the way. */
  readonly returnPct: number | null;
  readonly holdReturnPct: number | null;
  readonly maxAdversePct: number | null;
}

/** Columns of the same length, oldest first, at most {@link curvePointsMax}: every so many closes, and the last. */
export interface EquityCurve {
  readonly closeTime: readonly number[];
  /** Of the strategy, and of holding the token, from 1 at the first close of the window. */
  readonly equity: readonly number[];
  readonly hold: readonly number[];
}

/** A figure that cannot be told. */
export interface MissingFigure {
  readonly name: string;
  readonly detail: string;
}

/** The figures of a window. Floating point; null where undefined, then named in `missing`. */
export interface Figures {
  readonly equity: EquityCurve;
  readonly returnPct: number | null;
  readonly holdReturnPct: number | null;
  /** Closed trades, and the share of them with a return above 0. */
  readonly closedCount: number;
  readonly hitRate: number | null;
  readonly maxDrawdownPct: number | null;
  /** Annualised, of the returns from close to close, risk-free rate 0. */
  readonly sharpe: number | null;
  /** Share of the closes with a position. */
  readonly exposure: number | null;
  readonly missing: readonly MissingFigure[];
}

/** Most points of a curve. */
export const curvePointsMax = 500;
const returnsMin = 30;

/** The figures of trades over the closes of a window; see the module text. */
export function computeFigures(strategy: Strategy, trades: readonly BacktestTrade[], window: readonly Bar[]): Figures {
  const { equity, heldCount } = valueCloses(strategy, trades, window);
  const firstClose = window[0]?.close ?? 0;
  const returns = equity.slice(1).map((value, at) => (equity[at] === 0 ? 0 : value / equity[at]! - 1));
  const closed = trades.flatMap(({ returnPct }) => returnPct ?? []);
  const isTold = returns.length >= returnsMin;
  const periodsPerYear = (365 * dayMs) / intervalMs(strategy.interval);
  const last = window.at(-1);
  const figures = {
    returnPct: last === undefined ? null : ((equity.at(-1) ?? 1) - 1) * 100,
    holdReturnPct: last === undefined ? null : (last.close / firstClose - 1) * 100,
    hitRate: closed.length === 0 ? null : closed.filter((value) => value > 0).length / closed.length,
    maxDrawdownPct: returns.length === 0 ? null : (maxDrawdownOf(returns) ?? 0) * 100,
    sharpe: isTold ? sharpeOf(returns, { periodsPerYear }) : null,
    exposure: window.length === 0 ? null : heldCount / window.length,
  };
  const reasons = {
    returnPct: 'There is no closed candle in the window.',
    holdReturnPct: 'There is no closed candle in the window.',
    hitRate: 'No trade was closed.',
    maxDrawdownPct: 'There are fewer than two closes in the window.',
    sharpe: isTold ? 'The returns do not vary.' : `There are ${returns.length} returns; ${returnsMin} are needed.`,
    exposure: 'There is no closed candle in the window.',
  } satisfies Record<keyof typeof figures, string>;
  const missing = Object.entries(reasons)
    .filter(([name]) => figures[name as keyof typeof figures] === null)
    .map(([name, detail]) => ({ name, detail }));
  return { ...figures, closedCount: closed.length, missing, equity: curveOf(window, equity) };
}

/** The value at every close, and at how many of them there was a position. */
function valueCloses(
  { feeBps }: Strategy,
  trades: readonly BacktestTrade[],
  window: readonly Bar[],
): { equity: number[]; heldCount: number } {
  const entries = new Map(trades.map((trade) => [trade.enteredAt, trade]));
  let money = 1;
  let held: BacktestTrade | null = null;
  let heldCount = 0;
  const equity = window.map((bar) => {
    if (held !== null && held.closedAt === bar.openTime) {
      money = Math.max(0, money * (1 + (held.returnPct ?? 0) / 100));
      held = null;
    }
    held = entries.get(bar.openTime) ?? held;
    if (held === null) return money;
    heldCount += 1;
    return Math.max(0, money * (1 + openReturn(held, bar.close, feeBps)));
  });
  return { equity, heldCount };
}

/** What an open trade has brought at a close, less the fee of its entry; a fraction of the entry price. */
function openReturn({ direction, entryPriceUsd }: BacktestTrade, close: number, feeBps: number): number {
  return returnPctOf(direction, Number(entryPriceUsd), close, 0) / 100 - feeBps / 10_000;
}

function curveOf(window: readonly Bar[], equity: readonly number[]): EquityCurve {
  const step = Math.max(1, Math.ceil(window.length / curvePointsMax));
  const firstClose = window[0]?.close ?? 1;
  // Counted back from the last close, so that the last is always there.
  const isShown = (at: number): boolean => (window.length - 1 - at) % step === 0;
  const shown = window.flatMap((bar, at) => (isShown(at) ? [{ bar, value: equity[at] ?? 1 }] : []));
  return {
    closeTime: shown.map(({ bar }) => bar.closeTime),
    equity: shown.map(({ value }) => value),
    hold: shown.map(({ bar }) => bar.close / firstClose),
  };
}
