import { type CandleInterval, dayMs } from '../lib/interval.ts';
import { assertWithin } from '../lib/limits.ts';
import { assertSpan } from '../lib/span.ts';
import { computeQuantMetrics, type MetricsGround, type QuantMetrics } from '../metrics/quant-metrics.ts';
import type { LevelSeries } from '../metrics/returns.ts';
import { benchmarkDefault } from '../metrics/token-metrics.ts';
import { tokenBySlug } from '../tokens/store.ts';
import { type DailyCloses, listDailyCloses } from './close-store.ts';
import type { PortfolioDeps } from './derived.ts';
import { carryDaysMax, computeHistory, type DayPoint, type HistoryInput } from './history.ts';
import { levelsOf } from './performance.ts';
import type { Portfolio } from './portfolio.ts';
import { computeRiskShares, riskDays } from './risk.ts';

/** What a portfolio did over time: which closes are read for it, and what is kept of what was computed. */

/** Days of a history without `from`, and the most of any. */
export const historyDaysDefault = 366;
export const historyDaysMax = 2_500;

/** A window; epoch ms, null: not given. */
export interface HistoryWindow {
  readonly from: number | null;
  readonly to: number | null;
}

/** A history with what its risk is compared with. */
export interface PortfolioHistory {
  /** Oldest first, one a day. */
  readonly points: readonly DayPoint[];
  /** Daily closes of the benchmark over the same days; null where prices of the portfolio are not of its kind. */
  readonly benchmark: LevelSeries | null;
}

/** What a thread computes histories with; the GraphQL context fits. */
export interface HistoryDeps extends PortfolioDeps {
  readonly work: PortfolioDeps['work'] & {
    run(name: 'portfolioHistory', input: HistoryInput, options: { readonly signal: AbortSignal }): Promise<DayPoint[]>;
  };
}

/** More days times tokens are computed in a thread. */
const inlineMax = 4_000;

/** Kept as long as what they were computed from. */
const keptByDerivation = new WeakMap<object, Map<string, Promise<PortfolioHistory>>>();

/** The history of a portfolio over a window of days. Throws BAD_USER_INPUT for one upside down, LIMIT_EXCEEDED for one too long. */
export async function loadHistory(
  deps: HistoryDeps,
  portfolio: Portfolio,
  window: HistoryWindow,
): Promise<PortfolioHistory> {
  const { fromDay, toDay } = daysOf(portfolio, window);
  const { movements } = portfolio.derivation;
  const kept = keptByDerivation.get(movements) ?? new Map<string, Promise<PortfolioHistory>>();
  keptByDerivation.set(movements, kept);
  const walletIds = portfolio.wallets.map(({ id }) => id);
  const key = JSON.stringify([walletIds, fromDay, toDay]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = readHistory(deps, portfolio, { walletIds, fromDay, toDay });
  kept.set(key, made);
  made.catch(() => kept.delete(key));
  return made;
}

/** Which days a window is: whole ones, from the first movement at the earliest, until the last close. */
function daysOf(
  { asOf, derivation, wallets }: Portfolio,
  { from, to }: HistoryWindow,
): { fromDay: number; toDay: number } {
  assertSpan({ from, to });
  const own = new Set(wallets.map(({ id }) => id));
  const first = derivation.movements.reduce(
    (least, { time, walletId, toWalletId }) =>
      own.has(walletId) || own.has(toWalletId ?? -1) ? Math.min(least, time) : least,
    asOf,
  );
  const toDay = Math.floor(Math.min(to ?? asOf, asOf) / dayMs);
  const earliest = Math.floor(first / dayMs);
  const asked = from === null ? toDay - historyDaysDefault + 1 : Math.ceil(from / dayMs);
  const fromDay = Math.max(earliest, asked);
  assertWithin(toDay - fromDay, {
    name: 'portfolioHistory',
    argument: 'from',
    min: Number.NEGATIVE_INFINITY,
    max: historyDaysMax,
  });
  return { fromDay, toDay };
}

interface Days {
  readonly walletIds: readonly number[];
  readonly fromDay: number;
  readonly toDay: number;
}

async function readHistory(deps: HistoryDeps, { derivation }: Portfolio, days: Days): Promise<PortfolioHistory> {
  const { walletIds, fromDay, toDay } = days;
  const own = new Set(walletIds);
  const { movements, ledger } = derivation;
  const touched = movements.filter(({ walletId, toWalletId }) => own.has(walletId) || own.has(toWalletId ?? -1));
  const tokenIds = [...new Set(touched.map(({ tokenId }) => tokenId))];
  const benchmark = await tokenBySlug(deps).load(benchmarkDefault);
  const all = await listDailyCloses(deps.db, [...new Set([...tokenIds, benchmark?.id ?? 0])], {
    from: (fromDay - carryDaysMax) * dayMs,
    to: toDay * dayMs,
  });
  const closes = all.filter(({ tokenId }) => tokenIds.includes(tokenId));
  const input: HistoryInput = { movements: touched, unmatched: ledger.unmatched, walletIds, closes, fromDay, toDay };
  const isSmall = (toDay - fromDay) * tokenIds.length <= inlineMax;
  const points = isSmall
    ? computeHistory(input)
    : await deps.work.run('portfolioHistory', input, { signal: new AbortController().signal });
  return {
    points,
    benchmark: benchmarkOf(
      all.find(({ tokenId }) => tokenId === benchmark?.id),
      closes,
      fromDay,
    ),
  };
}

/** Simulated and real prices are never compared with each other. */
function benchmarkOf(
  benchmark: DailyCloses | undefined,
  closes: readonly DailyCloses[],
  fromDay: number,
): LevelSeries | null {
  if (benchmark === undefined || closes.some(({ isSimulated }) => isSimulated !== benchmark.isSimulated)) return null;
  const inside = benchmark.days.flatMap((day, index) =>
    day < fromDay ? [] : [{ time: day * dayMs, level: Number(benchmark.closes[index]) }],
  );
  return { times: inside.map(({ time }) => time), levels: inside.map(({ level }) => level) };
}

/** Risk and return of a portfolio, net of its flows. */
export function computeRisk(
  { points, benchmark }: PortfolioHistory,
  riskFreeRate: number,
): QuantMetrics & MetricsGround {
  const interval: CandleInterval = 'ONE_DAY';
  const periodsPerYear = 365;
  const series = levelsOf(points);
  return {
    ...computeQuantMetrics({ series, benchmark, riskFreeRate, periodsPerYear }),
    interval,
    source: null,
    missingCandles: Math.max(0, points.length - series.times.length),
    benchmark: benchmarkDefault,
    riskFreeRate,
    periodsPerYear,
  };
}

/** Each token's share of the variance of the portfolio as it stands; empty where it cannot be told. One statement. */
export async function loadRiskShares(
  deps: PortfolioDeps,
  { holdings, totals, asOf }: Portfolio,
): Promise<Map<number, number>> {
  const total = Number(totals.valueUsd);
  const weights = new Map<number, number>();
  for (const { tokenId, status, valueUsd } of holdings)
    if (status === 'VALUED' && valueUsd !== null && total > 0)
      weights.set(tokenId, (weights.get(tokenId) ?? 0) + Number(valueUsd) / total);
  const toDay = Math.floor(asOf / dayMs);
  const closes = await listDailyCloses(deps.db, [...weights.keys()], {
    from: (toDay - riskDays) * dayMs,
    to: toDay * dayMs,
  });
  return computeRiskShares(
    [...weights].map(([tokenId, weight]) => ({ tokenId, weight })),
    closes,
    toDay,
  );
}
