import { bucketClose, bucketOpen, type CandleInterval, candleIntervals } from '../lib/interval.ts';
import type { Candle, NewCandle } from './candle.ts';
import {
  addComplete,
  closeAt,
  closeBuckets,
  type Emit,
  emptyParts,
  foldInto,
  type Parts,
  previewBuckets,
} from './fold.ts';
import { type Bucket, mergeTick, nativeBucket, type SeriesTick, tickBucket } from './minute.ts';

/** The building of one series; see `build.ts` for the rules. */

/** A whole candle that a source gave, per coin. */
export type GivenCandle = Omit<NewCandle, 'isFinal' | 'isNative'>;

/** What is stored of a series whose candles are to be continued. */
export interface StoredState {
  /** Open time of the newest final candle, by interval. */
  readonly lastFinal: ReadonlyMap<CandleInterval, number>;
  /** Final candles that lie in a coarser bucket which is not final yet, oldest first. */
  readonly unfolded: readonly { readonly interval: CandleInterval; readonly candle: Candle }[];
  /** Minutes that were under way, oldest first. */
  readonly openMinutes: readonly Candle[];
}

/** A series under way. */
export interface SeriesState {
  readonly parts: Parts;
  /** Buckets that the watermark has not passed, by close, of those the finer first. */
  readonly waiting: Bucket[];
  /** Final minutes that late ticks may still reach. */
  closed: Bucket[];
  /** Minutes that open by then (epoch ms) were made before a restart: which ticks they have is not known. */
  unknownUntil: number;
  /** By level, the open time of the newest final candle. */
  readonly lastFinal: number[];
  /** By level, the open candle as it was last taken. */
  readonly taken: (Candle | null)[];
  isChanged: boolean;
}

/** What holds for all series at this moment; see `BuildOptions`. */
export interface BuildRules {
  /** Epoch ms. */
  readonly watermark: number;
  readonly retells: boolean;
  readonly latenessMs: number;
}

/** Minutes that ticks may have under way at once. */
const minutesMax = 10;

/** What became of a tick or candle; all but TAKEN and corrections are left out. */
export type Outcome = 'TAKEN' | 'corrections' | 'late' | 'repeated' | 'shadowed';

/** A series of which nothing is known. */
export function emptyState(): SeriesState {
  const lastFinal = candleIntervals.map(() => -Infinity);
  const never = { unknownUntil: -Infinity, isChanged: false };
  return { parts: emptyParts(), waiting: [], closed: [], lastFinal, taken: emptyParts(), ...never };
}

/** Continues from what is stored. */
export function resumeSeries(state: SeriesState, stored: StoredState): void {
  resumeParts(state, stored);
  state.unknownUntil = state.lastFinal[0] ?? -Infinity;
  for (const minute of stored.openMinutes) wait(state, { ...nativeBucket(0, minute), isNative: false, isStored: true });
  state.isChanged = false;
}

function resumeParts({ parts, lastFinal }: SeriesState, stored: StoredState): void {
  for (const [interval, openTime] of stored.lastFinal) {
    const level = candleIntervals.indexOf(interval);
    lastFinal[level] = Math.max(lastFinal[level] ?? -Infinity, openTime);
  }
  for (const { interval, candle } of stored.unfolded) foldInto(parts, candleIntervals.indexOf(interval) + 1, candle);
}

/**
 * Makes the buckets under way anew: from what is stored after a correction, and from the candles that have become final
 * since it was read, in that order.
 */
export function refoldSeries(
  state: SeriesState,
  stored: StoredState,
  pending: readonly NewCandle[],
  watermark: number,
  emit: Emit,
): void {
  const note = noting(state, emit);
  state.parts.fill(null);
  state.taken.fill(null);
  resumeParts(state, stored);
  for (const { seriesId: _, interval, isNative, ...candle } of pending)
    addComplete(state.parts, candleIntervals.indexOf(interval), candle, isNative, note);
  closeBuckets(state.parts, watermark, note);
  state.isChanged = true;
}

function noting({ lastFinal }: SeriesState, emit: Emit): Emit {
  return (level, candle, isNative) => {
    lastFinal[level] = Math.max(lastFinal[level] ?? -Infinity, candle.openTime);
    emit(level, candle, isNative);
  };
}

/** Closes what ends by the watermark; returns how many candles gave way to finer ones. */
export function settleSeries(state: SeriesState, { watermark, latenessMs }: BuildRules, emit: Emit): number {
  const note = noting(state, emit);
  const open = state.waiting.findIndex(({ level, candle }) => closeAt(level, candle) > watermark);
  const due = state.waiting.splice(0, open < 0 ? Infinity : open);
  const shadowed = due.filter(
    ({ level, candle, isNative }) => !addComplete(state.parts, level, candle, isNative, note),
  );
  closeBuckets(state.parts, watermark, note);
  if (due.length > 0) state.isChanged = true;
  const minutes = due.filter(({ level }) => level === 0);
  for (const { candle, isStored } of minutes)
    if (isStored) state.unknownUntil = Math.max(state.unknownUntil, candle.openTime);
  state.closed = [...state.closed, ...minutes].filter(({ candle }) => closeAt(0, candle) + latenessMs > watermark);
  return shadowed.length;
}

/**
 * Counts a tick into its minute, which is begun where it is not under way. Where the minute is final, `correct` is told
 * what it has become, as long as the tick is not too late.
 */
export function applyTick(state: SeriesState, tick: SeriesTick, rules: BuildRules, correct: Emit): Outcome {
  const openTime = bucketOpen('ONE_MINUTE', tick.timeMs);
  const isFinal =
    bucketClose('ONE_MINUTE', openTime) <= rules.watermark || openTime <= (state.lastFinal[0] ?? -Infinity);
  if (isFinal) return applyLateTick(state, tick, openTime, rules, correct);
  const minutes = state.waiting.filter(({ level }) => level === 0);
  const bucket = minutes.find(({ candle }) => candle.openTime === openTime);
  if (bucket !== undefined && !(bucket.isStored && rules.retells)) {
    if (!mergeTick(bucket, tick)) return 'repeated';
    state.isChanged = true;
    return 'TAKEN';
  }
  if (bucket === undefined && minutes.length >= minutesMax) return 'shadowed';
  if (bucket !== undefined) state.waiting.splice(state.waiting.indexOf(bucket), 1);
  wait(state, tickBucket(tick, openTime));
  return 'TAKEN';
}

function applyLateTick(
  state: SeriesState,
  tick: SeriesTick,
  openTime: number,
  { watermark, latenessMs }: BuildRules,
  correct: Emit,
): Outcome {
  const isTooLate = bucketClose('ONE_MINUTE', openTime) + latenessMs <= watermark;
  if (isTooLate || openTime <= state.unknownUntil) return 'late';
  let bucket = state.closed.find(({ candle }) => candle.openTime === openTime);
  if (bucket === undefined) state.closed.push((bucket = tickBucket(tick, openTime)));
  else if (!mergeTick(bucket, tick)) return 'repeated';
  correct(0, bucket.candle, false);
  return 'corrections';
}

/** Keeps a whole candle until the watermark passes its close; one of a final bucket goes to `correct`. */
export function applyCandle(state: SeriesState, given: GivenCandle, rules: BuildRules, correct: Emit): Outcome {
  const { seriesId: _, interval, ...rest } = given;
  const candle = { ...rest, isFinal: false };
  const level = candleIntervals.indexOf(interval);
  const isKnown = candle.openTime <= (state.lastFinal[level] ?? -Infinity);
  const isPast = bucketClose(interval, candle.openTime) <= rules.watermark;
  if (rules.latenessMs > 0 && (isKnown || isPast)) {
    const closed = state.closed.findIndex((one) => one.candle.openTime === candle.openTime);
    if (level === 0 && closed >= 0) state.closed[closed] = nativeBucket(0, candle);
    correct(level, candle, true);
    return 'corrections';
  }
  const at = state.waiting.findIndex((one) => one.level === level && one.candle.openTime === candle.openTime);
  if (isKnown || state.waiting[at]?.isNative) return 'repeated';
  if (isPast) return 'late';
  if (at >= 0) state.waiting.splice(at, 1);
  wait(state, nativeBucket(level, candle));
  return 'TAKEN';
}

function wait(state: SeriesState, bucket: Bucket): void {
  state.waiting.push(bucket);
  state.waiting.sort(byClose);
  state.isChanged = true;
}

/** When the next bucket of a series closes, epoch ms; Infinity when none is under way. */
export function dueOf({ waiting, parts }: SeriesState): number {
  const [first] = waiting;
  let dueMs = first === undefined ? Infinity : closeAt(first.level, first.candle);
  for (const [level, part] of parts.entries()) if (part !== null) dueMs = Math.min(dueMs, closeAt(level, part));
  return dueMs;
}

/** Emits the open minutes that differ from how they were last emitted here. */
export function emitMinutes(state: SeriesState, emit: Emit): void {
  state.isChanged = false;
  const emitNew = newTo(state, emit);
  for (const minute of openMinutes(state)) emitNew(0, minute, false);
}

/** Emits the open candles coarser than minutes that differ from how they were last emitted here. */
export function emitCoarser(state: SeriesState, emit: Emit): void {
  const emitNew = newTo(state, emit);
  previewBuckets(state.parts, openMinutes(state), (level, candle, isNative) => {
    if (level > 0) emitNew(level, candle, isNative);
  });
}

function openMinutes({ waiting }: SeriesState): Candle[] {
  return waiting.filter(({ level }) => level === 0).map(({ candle }) => candle);
}

function newTo({ taken }: SeriesState, emit: Emit): Emit {
  return (level, candle, isNative) => {
    const last = taken[level] ?? null;
    if (last !== null && isSame(last, candle)) return;
    taken[level] = candle;
    emit(level, candle, isNative);
  };
}

const compared = [
  'openTime',
  'open',
  'high',
  'low',
  'close',
  'volumeBase',
  'volumeQuote',
  'marketCapUsd',
  'supply',
] as const;

function isSame(a: Candle, b: Candle): boolean {
  return compared.every((key) => a[key] === b[key]);
}

function byClose(a: Bucket, b: Bucket): number {
  return closeAt(a.level, a.candle) - closeAt(b.level, b.candle) || a.level - b.level;
}
