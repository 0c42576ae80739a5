import { returnsMin } from '../metrics/quant-metrics.ts';
import type { DailyCloses } from './close-store.ts';

/** What each holding adds to the risk of a portfolio as it stands. Pure; floating point. */

/** Days whose returns are looked at. */
export const riskDays = 90;

/** A holding's share of the portfolio. */
export interface Weight {
  readonly tokenId: number;
  /** 0..1. */
  readonly weight: number;
}

/** Where a token has fewer closes than this part of the days, its risk is not told. */
const coverageMin = 0.9;

/**
 * The share of the portfolio's variance that each token brings: w * cov(r, R) / var(R), R being the return of today's
 * weights over the last {@link riskDays} days; they sum to 1. A day without a close of a token counts as no change of it.
 * Tokens with closes on fewer than nine days of ten are left out, and the others' weights are of what is left. Empty
 * where fewer than 30 returns are known or nothing varies.
 */
export function computeRiskShares(
  weights: readonly Weight[],
  closes: readonly DailyCloses[],
  toDay: number,
): Map<number, number> {
  const series = new Map(closes.map((one) => [one.tokenId, returnsOf(one, toDay)]));
  const known = weights.filter(({ tokenId, weight }) => weight > 0 && (series.get(tokenId) ?? null) !== null);
  const total = known.reduce((sum, { weight }) => sum + weight, 0);
  const rows = known.map(({ tokenId, weight }) => ({
    tokenId,
    weight: weight / total,
    returns: series.get(tokenId) ?? new Float64Array(riskDays),
  }));
  const portfolio = new Float64Array(riskDays);
  for (const { weight, returns } of rows)
    for (let day = 0; day < riskDays; day += 1) portfolio[day] = (portfolio[day] ?? 0) + weight * (returns[day] ?? 0);
  const variance = covariance(portfolio, portfolio);
  if (!(variance > 0)) return new Map();
  return new Map(
    rows.map(({ tokenId, weight, returns }) => [tokenId, (weight * covariance(returns, portfolio)) / variance]),
  );
}

/** The returns of the last days, oldest first; null where too few closes are known. */
function returnsOf({ days, closes }: DailyCloses, toDay: number): Float64Array | null {
  const byDay = new Map(days.map((day, index) => [day, Number(closes[index])]));
  const returns = new Float64Array(riskDays);
  let [known, last] = [0, byDay.get(toDay - riskDays) ?? null];
  for (let index = 0; index < riskDays; index += 1) {
    const close = byDay.get(toDay - riskDays + 1 + index) ?? null;
    if (close === null) continue;
    if (last !== null) {
      returns[index] = close / last - 1;
      known += 1;
    }
    last = close;
  }
  return known >= Math.max(returnsMin, riskDays * coverageMin) ? returns : null;
}

function covariance(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += ((a[index] ?? 0) - meanA) * ((b[index] ?? 0) - meanB);
  return sum / (a.length - 1);
}
