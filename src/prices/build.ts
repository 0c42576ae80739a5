/**
 * Builds the candles of many series from ticks and from candles of a source, as a watermark passes. Pure: no clock, no
 * I/O. A tick costs one merge; coarser candles are the fold of finer ones and are only made when they are taken.
 *
 * Invariants: a candle becomes final when the watermark has passed its close, once, and not before; the result does not
 * depend on the order in which ticks of a minute come, except that of two at the same millisecond the later one closes.
 * - Late: a tick or candle of a bucket that is final already is left out and counted.
 * - Doubled: the same tick (time, price, volume) of a minute, and a second candle of a bucket, are left out and counted.
 *   A source's own minute replaces what ticks made of it; its own coarser candle gives way to finer ones.
 * - Wrong: not judged here (see `validate.ts`), except a tick so far ahead that its series would hold ever more minutes.
 */
import { type CandleInterval, candleIntervals } from '../lib/interval.ts';
import type { NewCandle } from './candle.ts';
import { closeAt, type Emit, intervalAt } from './fold.ts';
import {
  applyCandle,
  applyTick,
  dueOf,
  emitOpen,
  emptyState,
  type GivenCandle,
  type Outcome,
  resumeSeries,
  type SeriesState,
  type SeriesTick,
  settleSeries,
  type StoredState,
} from './series-build.ts';

/** A close that the watermark passed: `seriesIds` have a final candle there. */
export interface Close {
  readonly interval: CandleInterval;
  /** Epoch ms. */
  readonly closeTime: number;
  readonly seriesIds: readonly number[];
}

/** What changed since the last take. */
export interface Built {
  /** Each bucket once, in its last state. */
  readonly candles: readonly NewCandle[];
  /** In order of time; of those at one time the coarser first. */
  readonly closes: readonly Close[];
}

/** What was left out, in ticks and candles. */
export interface BuildCounts {
  readonly late: number;
  readonly repeated: number;
  /** Candles whose bucket finer ones make up, and ticks too far ahead. */
  readonly shadowed: number;
}

/** The builder of all series of a feed. */
export interface CandleBuilder {
  /** Continues a series from what is stored. */
  resume(seriesId: number, stored: StoredState): void;
  applyTicks(ticks: readonly SeriesTick[]): void;
  applyCandles(candles: readonly GivenCandle[]): void;
  /** Says that nothing older than `watermarkMs` (epoch ms) will come: closes what ends by then. */
  advance(watermarkMs: number): void;
  /** Forgets a series. */
  drop(seriesId: number): void;
  /** Final candles that wait to be taken: they pile up, open ones do not. */
  finalCount(): number;
  hasCloses(): boolean;
  take(): Built;
  counts(): BuildCounts;
}

/** How candles are built. */
export interface BuildOptions {
  /** The intervals whose closes are told; hours and days by default. */
  readonly closeIntervals?: readonly CandleInterval[];
  /** Whether, after a restart, the source tells the minute under way from its start again: the stored one is then replaced. */
  readonly retells: boolean;
}

interface TellingClose extends Close {
  readonly seriesIds: number[];
}

/** A builder without series. */
export function createCandleBuilder({
  closeIntervals = ['ONE_HOUR', 'ONE_DAY'],
  retells,
}: BuildOptions): CandleBuilder {
  const series = new Map<number, SeriesState>();
  const finals: NewCandle[] = [];
  const closes = new Map<string, TellingClose>();
  const counts = { late: 0, repeated: 0, shadowed: 0 };
  let watermark = -Infinity;
  let dueMs = Infinity; // nothing closes before it

  function apply(seriesId: number, run: (state: SeriesState) => Outcome): void {
    let state = series.get(seriesId);
    if (state === undefined) series.set(seriesId, (state = emptyState()));
    const outcome = run(state);
    if (outcome === 'TAKEN') dueMs = Math.min(dueMs, dueOf(state));
    else counts[outcome] += 1;
  }
  function emitFinal(seriesId: number): Emit {
    return (level, candle, isNative) => {
      const interval = intervalAt(level);
      finals.push({ ...candle, seriesId, interval, isNative, isFinal: true });
      if (closeIntervals.includes(interval)) addClose(closes, interval, closeAt(level, candle), seriesId);
    };
  }
  function settleDue(): void {
    dueMs = Infinity;
    for (const [seriesId, state] of series) {
      if (dueOf(state) <= watermark) counts.shadowed += settleSeries(state, watermark, emitFinal(seriesId));
      dueMs = Math.min(dueMs, dueOf(state));
    }
  }
  function take(): Built {
    const candles = finals.splice(0);
    for (const [seriesId, state] of series) {
      if (!state.isChanged) continue;
      emitOpen(state, (level, candle, isNative) =>
        candles.push({ ...candle, seriesId, interval: intervalAt(level), isNative, isFinal: false }),
      );
    }
    const told = [...closes.values()].sort(byTime);
    closes.clear();
    return { candles, closes: told };
  }

  return {
    resume: (seriesId, stored) =>
      apply(seriesId, (state) => {
        resumeSeries(state, stored);
        return 'TAKEN';
      }),
    applyTicks(ticks) {
      for (const tick of ticks) apply(tick.seriesId, (state) => applyTick(state, tick, watermark, retells));
    },
    applyCandles(candles) {
      for (const candle of candles) apply(candle.seriesId, (state) => applyCandle(state, candle, watermark));
    },
    advance(watermarkMs) {
      watermark = Math.max(watermark, watermarkMs);
      if (watermark >= dueMs) settleDue();
    },
    drop: (seriesId) => void series.delete(seriesId),
    finalCount: () => finals.length,
    hasCloses: () => closes.size > 0,
    take,
    counts: () => ({ ...counts }),
  };
}

function addClose(
  closes: Map<string, TellingClose>,
  interval: CandleInterval,
  closeTime: number,
  seriesId: number,
): void {
  const key = `${closeTime} ${interval}`;
  const close = closes.get(key);
  if (close === undefined) closes.set(key, { interval, closeTime, seriesIds: [seriesId] });
  else close.seriesIds.push(seriesId);
}

function byTime(a: Close, b: Close): number {
  return a.closeTime - b.closeTime || candleIntervals.indexOf(b.interval) - candleIntervals.indexOf(a.interval);
}
