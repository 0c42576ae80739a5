/**
 * Builds the candles of many series from ticks and from candles of a source, as a watermark passes. Pure: no clock, no
 * I/O. A tick costs one merge; coarser candles are the fold of finer ones and are only made when they are taken, the open
 * ones of many series in turn.
 *
 * Invariants: a candle becomes final when the watermark has passed its close, once, and not before; the result does not
 * depend on the order in which ticks of a minute come (see `minute.ts`).
 * - Late: a tick of a minute that became final less than `latenessMs` ago still counts: the minute is a correction. Later
 *   ones, and those of minutes made before a restart, are left out and counted: the source's own minute makes up for them.
 * - Doubled: the same trade (its id; without one its time, price and volume) of a minute, and a second candle of a bucket,
 *   are left out and counted. A source's own minute replaces what ticks made of it, also where that is final: then it is a
 *   correction. Its own coarser candle gives way to finer ones.
 * - Corrected: what is coarser than a correction is folded where the candles are stored, since the finer ones of a bucket
 *   are not all kept here; {@link CandleBuilder.refold} then goes on from there.
 * - Wrong: not judged here (see `validate.ts`), except a tick so far ahead that its series would hold ever more minutes.
 */
import { bucketClose, type CandleInterval, candleIntervals } from '../lib/interval.ts';
import type { NewCandle } from './candle.ts';
import { closeAt, type Emit, intervalAt } from './fold.ts';
import type { SeriesTick } from './minute.ts';
import {
  applyCandle,
  applyTick,
  type BuildRules,
  dueOf,
  emitCoarser,
  emitMinutes,
  emptyState,
  type GivenCandle,
  type Outcome,
  refoldSeries,
  resumeSeries,
  type SeriesState,
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

/** What changed since the last take; open candles that are coarser than a minute may come with one of the next takes. */
export interface Built {
  /** Each bucket once, in its last state. */
  readonly candles: readonly NewCandle[];
  /** Candles of buckets that are final already, each once; all that is coarser is to be folded anew from what is stored. */
  readonly corrections: readonly NewCandle[];
  /** In order of time; of those at one time the coarser first. */
  readonly closes: readonly Close[];
  /** Epoch ms: what closes by then is final. */
  readonly watermark: number;
}

/** What became of ticks and candles that were not simply taken. */
export interface BuildCounts {
  /** Came after their bucket was final, and still counted. */
  readonly corrections: number;
  /** Left out, as all below. */
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
  /**
   * Goes on from what is stored of series after a correction of theirs was written. `stored` must hold what the last take
   * gave and nothing newer.
   */
  refold(stored: ReadonlyMap<number, StoredState>): void;
  /** Forgets a series. */
  drop(seriesId: number): void;
  /** Final candles and corrections that wait to be taken: they pile up, open ones do not. */
  finalCount(): number;
  hasCloses(): boolean;
  /** Whether open candles that have changed were left to the next take. */
  isBehind(): boolean;
  take(): Built;
  counts(): BuildCounts;
}

/** How candles are built. */
export interface BuildOptions {
  /** The intervals whose closes are told; hours and days by default. */
  readonly closeIntervals?: readonly CandleInterval[];
  /** Whether, after a restart, the source tells the minute under way from its start again: the stored one is then replaced. */
  readonly retells: boolean;
  /** How long after its close a final minute takes up late ticks, and whether a final candle can be corrected at all; 0: never. */
  readonly latenessMs?: number;
  /**
   * Series of which one take gives the open candles that are coarser than a minute, 1,000 by default. Of more series they
   * come in turn: they change with every tick and are six a series, while a minute is one.
   */
  readonly turnMax?: number;
}

interface TellingClose {
  readonly interval: CandleInterval;
  readonly closeTime: number;
  readonly seriesIds: Set<number>;
}

/** A builder without series. */
export function createCandleBuilder({
  closeIntervals = ['ONE_HOUR', 'ONE_DAY'],
  retells,
  latenessMs = 0,
  turnMax = 1_000,
}: BuildOptions): CandleBuilder {
  const series = new Map<number, SeriesState>();
  const output = createOutput(closeIntervals, turnMax);
  const counts = { corrections: 0, late: 0, repeated: 0, shadowed: 0 };
  let rules: BuildRules = { watermark: -Infinity, retells, latenessMs };
  let dueMs = Infinity; // nothing closes before it

  function apply(seriesId: number, run: (state: SeriesState) => Outcome): void {
    let state = series.get(seriesId);
    if (state === undefined) series.set(seriesId, (state = emptyState()));
    const outcome = run(state);
    if (outcome === 'TAKEN') dueMs = Math.min(dueMs, dueOf(state));
    else counts[outcome] += 1;
  }
  function settleDue(): void {
    dueMs = Infinity;
    for (const [seriesId, state] of series) {
      if (dueOf(state) <= rules.watermark) counts.shadowed += settleSeries(state, rules, output.final(seriesId));
      dueMs = Math.min(dueMs, dueOf(state));
    }
  }
  return {
    resume(seriesId, stored) {
      apply(seriesId, (state) => {
        resumeSeries(state, stored);
        return 'TAKEN';
      });
      if (latenessMs === 0) return; // what a replay has stored of one series says nothing about another
      const closed = [...stored.lastFinal].map(([interval, openTime]) => bucketClose(interval, openTime));
      rules = { ...rules, watermark: Math.max(rules.watermark, ...closed) };
    },
    applyTicks(ticks) {
      for (const tick of ticks)
        apply(tick.seriesId, (state) => applyTick(state, tick, rules, output.correction(tick.seriesId)));
    },
    applyCandles(candles) {
      for (const candle of candles)
        apply(candle.seriesId, (state) => applyCandle(state, candle, rules, output.correction(candle.seriesId)));
    },
    advance(watermarkMs) {
      if (watermarkMs > rules.watermark) rules = { ...rules, watermark: watermarkMs };
      if (rules.watermark >= dueMs) settleDue();
    },
    refold(stored) {
      const pending = output.withdraw(stored);
      for (const [seriesId, held] of stored) {
        const state = series.get(seriesId);
        if (state === undefined) continue;
        refoldSeries(state, held, pending.get(seriesId) ?? [], rules.watermark, output.final(seriesId));
        dueMs = Math.min(dueMs, dueOf(state));
      }
    },
    drop(seriesId) {
      series.delete(seriesId);
      output.drop(seriesId);
    },
    finalCount: output.count,
    hasCloses: output.hasCloses,
    isBehind: output.isBehind,
    take: () => ({ ...output.take(series), watermark: rules.watermark }),
    counts: () => ({ ...counts }),
  };
}

/** What waits to be taken. */
interface Output {
  final(seriesId: number): Emit;
  correction(seriesId: number): Emit;
  /** Takes the final candles of some series back, and returns by series those that are no folds, in their order. */
  withdraw(seriesIds: ReadonlyMap<number, unknown>): Map<number, NewCandle[]>;
  drop(seriesId: number): void;
  count(): number;
  hasCloses(): boolean;
  isBehind(): boolean;
  take(series: ReadonlyMap<number, SeriesState>): Omit<Built, 'watermark'>;
}

function createOutput(closeIntervals: readonly CandleInterval[], turnMax: number): Output {
  let finals: NewCandle[] = [];
  /** Series whose coarser open candles are to come, those first that have waited longest. */
  const behind = new Set<number>();
  const corrections = new Map<string, NewCandle>();
  const closes = new Map<string, TellingClose>();
  return {
    final: (seriesId) => (level, candle, isNative) => {
      const interval = intervalAt(level);
      finals.push({ ...candle, seriesId, interval, isNative, isFinal: true });
      if (closeIntervals.includes(interval)) addClose(closes, interval, closeAt(level, candle), seriesId);
    },
    correction: (seriesId) => (level, candle, isNative) => {
      const corrected = { ...candle, seriesId, interval: intervalAt(level), isNative, isFinal: true };
      corrections.set(bucketKey(corrected), corrected);
    },
    withdraw(seriesIds) {
      const pending = new Map<number, NewCandle[]>();
      for (const candle of finals) {
        const { seriesId, interval, isNative } = candle;
        if (!seriesIds.has(seriesId) || (interval !== 'ONE_MINUTE' && !isNative)) continue;
        const given = pending.get(seriesId);
        if (given === undefined) pending.set(seriesId, [candle]);
        else given.push(candle);
      }
      finals = finals.filter(({ seriesId }) => !seriesIds.has(seriesId));
      return pending;
    },
    drop(seriesId) {
      behind.delete(seriesId);
      for (const [key, candle] of corrections) if (candle.seriesId === seriesId) corrections.delete(key);
    },
    count: () => finals.length + corrections.size,
    hasCloses: () => closes.size > 0,
    isBehind: () => behind.size > 0,
    take(series) {
      const candles = corrections.size === 0 ? finals : finals.filter((one) => !corrections.has(bucketKey(one)));
      finals = [];
      const open = (seriesId: number): Emit => {
        return (level, candle, isNative) =>
          candles.push({ ...candle, seriesId, interval: intervalAt(level), isNative, isFinal: false });
      };
      for (const [seriesId, state] of series) {
        if (!state.isChanged) continue;
        behind.add(seriesId);
        emitMinutes(state, open(seriesId));
      }
      for (const seriesId of [...behind].slice(0, turnMax)) {
        behind.delete(seriesId);
        const state = series.get(seriesId);
        if (state !== undefined) emitCoarser(state, open(seriesId));
      }
      const told = [...closes.values()].map((close) => ({ ...close, seriesIds: [...close.seriesIds] })).sort(byTime);
      const taken = { candles, corrections: [...corrections.values()], closes: told };
      closes.clear();
      corrections.clear();
      return taken;
    },
  };
}

function bucketKey({ seriesId, interval, openTime }: NewCandle): string {
  return `${seriesId} ${interval} ${openTime}`;
}

function addClose(
  closes: Map<string, TellingClose>,
  interval: CandleInterval,
  closeTime: number,
  seriesId: number,
): void {
  const key = `${closeTime} ${interval}`;
  const close = closes.get(key);
  if (close === undefined) closes.set(key, { interval, closeTime, seriesIds: new Set([seriesId]) });
  else close.seriesIds.add(seriesId);
}

function byTime(a: Close, b: Close): number {
  return a.closeTime - b.closeTime || candleIntervals.indexOf(b.interval) - candleIntervals.indexOf(a.interval);
}
