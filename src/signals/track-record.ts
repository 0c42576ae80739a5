import type { GradeBand } from '../grades/model.ts';

/**
 * The track record of a strategy version: what came of the signals it issued, from returns after fees. A hit is a return
 * above 0. Nothing is left out but what a correction superseded or withdrew, and the latter is counted.
 */

/** Sums over the BULLISH and BEARISH signals of one set. Percent; null where no signal is closed. */
export interface RecordSums {
  readonly count: number;
  /** With an outcome. */
  readonly closed: number;
  readonly hits: number;
  /** Sums of the returns above 0 and of the others. */
  readonly winPct: number | null;
  readonly lossPct: number | null;
  readonly medianPct: number | null;
  readonly bestPct: number | null;
  readonly worstPct: number | null;
  /** Sum of what holding brought over the same spans, without fees. */
  readonly holdPct: number | null;
  /** Sum of the deepest unrealised losses (each <= 0), and the deepest of all. */
  readonly adversePct: number | null;
  readonly worstAdversePct: number | null;
  /** First and last issue, epoch ms; null without a signal. */
  readonly from: number | null;
  readonly to: number | null;
}

/** The sums of all signals, and of those issued at a grade of each band; bands without a signal may be absent. */
export interface RecordTotals {
  readonly all: RecordSums;
  readonly byBand: ReadonlyMap<GradeBand, Pick<RecordSums, 'count' | 'closed' | 'hits' | 'winPct' | 'lossPct'>>;
  /** Signals that were withdrawn; they are in none of the sums. */
  readonly withdrawn: number;
}

/** A share of n trials with its Wilson 95 % interval, all 0..1. */
export interface HitRate {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** What came of the signals issued at grades of one band. Statistics are null under {@link closedMin} closed signals. */
export interface CalibrationBucket {
  readonly band: GradeBand;
  readonly count: number;
  readonly closed: number;
  readonly hitRate: HitRate | null;
  readonly meanReturnPct: number | null;
}

/** See the field descriptions of `TrackRecord` in the API. Statistics are null where `reason` says why. */
export interface TrackRecord {
  readonly count: number;
  readonly closed: number;
  readonly open: number;
  readonly withdrawn: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly hitRate: HitRate | null;
  readonly meanReturnPct: number | null;
  readonly medianReturnPct: number | null;
  readonly meanWinPct: number | null;
  readonly meanLossPct: number | null;
  readonly expectancyPct: number | null;
  readonly meanHoldReturnPct: number | null;
  readonly meanExcessPct: number | null;
  readonly meanAdversePct: number | null;
  /** Facts, not estimates: there with the first closed signal. */
  readonly bestReturnPct: number | null;
  readonly worstReturnPct: number | null;
  readonly worstAdversePct: number | null;
  /** One for each band, in the order given. */
  readonly calibration: readonly CalibrationBucket[];
  readonly reason: string | null;
}

/** Fewer closed signals give no statistic. */
export const closedMin = 30;

/** The normal quantile of 97.5 %. */
const z = 1.959963984540054;

/** Hits of n, n > 0, with the interval of Wilson (1927, JASA 22): it stays within 0..1 and holds for small n. */
export function wilsonOf(hits: number, n: number): HitRate {
  const rate = hits / n;
  const spread = z * Math.sqrt((rate * (1 - rate)) / n + (z * z) / (4 * n * n));
  const [middle, scale] = [rate + (z * z) / (2 * n), 1 + (z * z) / n];
  return { rate, low: Math.max(0, (middle - spread) / scale), high: Math.min(1, (middle + spread) / scale) };
}

/** The record that sums tell, with a bucket for each of `bands`. */
export function computeTrackRecord({ all, byBand, withdrawn }: RecordTotals, bands: readonly GradeBand[]): TrackRecord {
  const { count, closed, hits, from, to } = all;
  const isEnough = closed >= closedMin;
  const meanOf = (sum: number | null, n: number): number | null => (isEnough && n > 0 ? (sum ?? 0) / n : null);
  const [meanWinPct, meanLossPct] = [meanOf(all.winPct, hits), meanOf(all.lossPct, closed - hits)];
  const hitRate = isEnough ? wilsonOf(hits, closed) : null;
  const meanReturnPct = meanOf((all.winPct ?? 0) + (all.lossPct ?? 0), closed);
  const meanHoldReturnPct = meanOf(all.holdPct, closed);
  return {
    count,
    closed,
    open: count - closed,
    withdrawn,
    from,
    to,
    hitRate,
    meanReturnPct,
    medianReturnPct: isEnough ? all.medianPct : null,
    meanWinPct,
    meanLossPct,
    expectancyPct: hitRate === null ? null : hitRate.rate * (meanWinPct ?? 0) + (1 - hitRate.rate) * (meanLossPct ?? 0),
    meanHoldReturnPct,
    meanExcessPct: meanReturnPct === null ? null : meanReturnPct - (meanHoldReturnPct ?? 0),
    meanAdversePct: meanOf(all.adversePct, closed),
    bestReturnPct: all.bestPct,
    worstReturnPct: all.worstPct,
    worstAdversePct: all.worstAdversePct,
    calibration: bands.map((band) => bucketOf(band, byBand.get(band))),
    reason: isEnough ? null : `${closed} signals are closed; ${closedMin} are needed.`,
  };
}

function bucketOf(band: GradeBand, sums: ReturnType<RecordTotals['byBand']['get']>): CalibrationBucket {
  const { count, closed, hits, winPct, lossPct } = sums ?? { count: 0, closed: 0, hits: 0, winPct: 0, lossPct: 0 };
  if (closed < closedMin) return { band, count, closed, hitRate: null, meanReturnPct: null };
  return {
    band,
    count,
    closed,
    hitRate: wilsonOf(hits, closed),
    meanReturnPct: ((winPct ?? 0) + (lossPct ?? 0)) / closed,
  };
}
