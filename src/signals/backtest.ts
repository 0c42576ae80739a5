import { gapBarsOfAll } from '../grades/model.ts';
import { createVotes, type VoteResult } from '../grades/votes.ts';
import type { Bar } from '../indicators/bar.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { bucketClose, intervalMs } from '../lib/interval.ts';
import { type BacktestTrade, computeFigures, type Figures } from './equity.ts';
import { createSignalEngine, type IssuedSignal } from './engine.ts';
import type { Outcome } from './outcome.ts';
import { kindOf, type Strategy } from './strategy.ts';

/**
 * A backtest: the state machine of the ledger (`engine.ts`) over the closed candles of one series, from the first on, so
 * that it stands at `from` where the live one stood. Pure. With the published parameters its trades are the recorded
 * signals and outcomes; with others they are what would have been recorded.
 */

/** Candles in columns, oldest first: cheap to hand to another thread. */
export interface BarColumns {
  readonly openTime: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  /** The opens in the digits of the source; fills are told in them. */
  readonly openText: readonly DecimalText[];
}

/** What is run. Only trades issued at `from` (epoch ms; null: ever) or later count. */
export interface BacktestInput {
  readonly strategy: Strategy;
  readonly bars: BarColumns;
  readonly from: number | null;
}

/** What came of it. */
export interface BacktestResult extends Figures {
  /** Oldest first. */
  readonly trades: readonly BacktestTrade[];
  /** Closes of the window, and closes before it that warmed the machine up. */
  readonly n: number;
  readonly warmupN: number;
  /** Epoch ms of the first and the last close of the window; null without one. */
  readonly firstClose: number | null;
  readonly lastClose: number | null;
}

/** The votes on a series, begun anew after a long hole exactly where the grades' history is; see `features.ts`. */
function createJury(strategy: Strategy): (bar: Bar) => VoteResult | null {
  if (kindOf(strategy) !== 'TREND_VOTES') return () => null;
  const gapMaxMs = strategy.interval === 'ONE_DAY' ? gapBarsOfAll * intervalMs('ONE_DAY') : Number.POSITIVE_INFINITY;
  let votes = createVotes();
  let lastCloseTime: number | null = null;
  return (bar) => {
    if (lastCloseTime !== null && bar.openTime - lastCloseTime > gapMaxMs) votes = createVotes();
    lastCloseTime = bar.closeTime;
    return votes.update(bar);
  };
}

/** The bars of columns. */
function* barsOf({ interval }: Strategy, columns: BarColumns): Generator<{ bar: Bar; openText: DecimalText }> {
  const { openTime, open, high, low, close, volume, openText } = columns;
  for (const [at, openAt] of openTime.entries()) {
    const prices = { open: open[at]!, high: high[at]!, low: low[at]!, close: close[at]! };
    const bar = { openTime: openAt, closeTime: bucketClose(interval, openAt), ...prices, volume: volume[at]! };
    yield { bar, openText: openText[at]! };
  }
}

/** Runs a backtest. */
export function computeBacktest({ strategy, bars: columns, from }: BacktestInput): BacktestResult {
  const key = 1;
  const engine = createSignalEngine({ strategies: [strategy] });
  const castVotes = createJury(strategy);
  const issued: IssuedSignal[] = [];
  const outcomes = new Map<number, Outcome>();
  const window: Bar[] = [];
  for (const { bar, openText } of barsOf(strategy, columns)) {
    const row = { key, bar, openText, closeText: String(bar.close), votes: castVotes(bar), gradeValue: null };
    const settled = engine.close(strategy.name, bar.closeTime, [row]);
    for (const outcome of settled.closed) outcomes.set(outcome.issuedAt, outcome);
    if (from !== null && bar.closeTime < from) continue;
    window.push(bar);
    issued.push(...settled.issued.filter(({ direction }) => direction !== 'NEUTRAL'));
  }
  const open = engine.snapshot()[strategy.name]?.outcomes[0]?.[1] ?? [];
  const entries = new Map(open.map(({ issuedAt, entry }) => [issuedAt, entry]));
  const trades = issued.map(({ issuedAt, direction, confidence }): BacktestTrade => {
    const outcome = outcomes.get(issuedAt) ?? null;
    const entry = entries.get(issuedAt) ?? null;
    return {
      direction,
      issuedAt,
      confidence,
      enteredAt: outcome?.enteredAt ?? entry?.at ?? null,
      entryPriceUsd: outcome?.entryPriceUsd ?? entry?.priceUsd ?? null,
      closedAt: outcome?.closedAt ?? null,
      exitPriceUsd: outcome?.exitPriceUsd ?? null,
      returnPct: outcome?.returnPct ?? null,
      holdReturnPct: outcome?.holdReturnPct ?? null,
      maxAdversePct: outcome?.maxAdversePct ?? null,
    };
  });
  return {
    trades,
    ...computeFigures(strategy, trades, window),
    n: window.length,
    warmupN: columns.openTime.length - window.length,
    firstClose: window[0]?.closeTime ?? null,
    lastClose: window.at(-1)?.closeTime ?? null,
  };
}
