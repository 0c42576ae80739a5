import { addDecimals, compareDecimals, type DecimalText } from '../lib/decimal.ts';
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

/** The building of one series; see `build.ts` for the rules. */

/** A tick of a series, per coin. */
export interface SeriesTick {
  readonly seriesId: number;
  /** Epoch ms. */
  readonly timeMs: number;
  readonly price: DecimalText;
  readonly volumeBase: DecimalText;
  readonly volumeQuote: DecimalText;
}

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

/** A bucket that the watermark has not passed. */
interface Waiting {
  readonly level: number;
  candle: Candle;
  readonly isNative: boolean;
  /** Made before a restart. */
  readonly isStored: boolean;
  firstTickMs: number;
  lastTickMs: number;
  /** Ticks counted so far, to know a repeated one. */
  readonly seen: Set<string>;
}

/** A series under way. */
export interface SeriesState {
  readonly parts: Parts;
  /** By close, of those the finer first. */
  readonly waiting: Waiting[];
  /** By level, the open time of the newest final candle. */
  readonly lastFinal: number[];
  /** By level, the open candle as it was last taken. */
  readonly taken: (Candle | null)[];
  isChanged: boolean;
}

/** Ticks of one minute that are remembered; a repeated one beyond them is counted twice. */
const seenMax = 5_000;
/** Minutes that ticks may have under way at once. */
const minutesMax = 10;

/** What became of a tick or candle; all but TAKEN are left out. */
export type Outcome = 'TAKEN' | 'late' | 'repeated' | 'shadowed';

/** A series of which nothing is known. */
export function emptyState(): SeriesState {
  const lastFinal = candleIntervals.map(() => -Infinity);
  return { parts: emptyParts(), waiting: [], lastFinal, taken: emptyParts(), isChanged: false };
}

/** Continues from what is stored. */
export function resumeSeries(state: SeriesState, stored: StoredState): void {
  for (const [interval, openTime] of stored.lastFinal) state.lastFinal[candleIntervals.indexOf(interval)] = openTime;
  for (const { interval, candle } of stored.unfolded)
    foldInto(state.parts, candleIntervals.indexOf(interval) + 1, candle);
  for (const minute of stored.openMinutes) wait(state, { ...nativeEntry(0, minute), isNative: false, isStored: true });
  state.isChanged = false;
}

/** Closes what ends by the watermark; returns how many candles gave way to finer ones. */
export function settleSeries(state: SeriesState, watermark: number, emit: Emit): number {
  const note: Emit = (level, candle, isNative) => {
    state.lastFinal[level] = Math.max(state.lastFinal[level] ?? -Infinity, candle.openTime);
    emit(level, candle, isNative);
  };
  const open = state.waiting.findIndex(({ level, candle }) => closeAt(level, candle) > watermark);
  const due = state.waiting.splice(0, open < 0 ? Infinity : open);
  const shadowed = due.filter(
    ({ level, candle, isNative }) => !addComplete(state.parts, level, candle, isNative, note),
  );
  closeBuckets(state.parts, watermark, note);
  if (due.length > 0) state.isChanged = true;
  return shadowed.length;
}

/** Counts a tick into its minute, which is begun where it is not under way. */
export function applyTick(state: SeriesState, tick: SeriesTick, watermark: number, retells: boolean): Outcome {
  const openTime = bucketOpen('ONE_MINUTE', tick.timeMs);
  const isClosed = bucketClose('ONE_MINUTE', openTime) <= watermark || openTime <= (state.lastFinal[0] ?? -Infinity);
  if (isClosed) return 'late';
  const minutes = state.waiting.filter(({ level }) => level === 0);
  const entry = minutes.find(({ candle }) => candle.openTime === openTime);
  if (entry !== undefined && !(entry.isStored && retells)) return mergeInto(state, entry, tick);
  if (entry === undefined && minutes.length >= minutesMax) return 'shadowed';
  if (entry !== undefined) state.waiting.splice(state.waiting.indexOf(entry), 1);
  wait(state, tickMinute(tick, openTime));
  return 'TAKEN';
}

/** Keeps a whole candle until the watermark passes its close. */
export function applyCandle(state: SeriesState, given: GivenCandle, watermark: number): Outcome {
  const { seriesId: _, interval, ...candle } = given;
  const level = candleIntervals.indexOf(interval);
  const at = state.waiting.findIndex((one) => one.level === level && one.candle.openTime === candle.openTime);
  if (candle.openTime <= (state.lastFinal[level] ?? -Infinity) || state.waiting[at]?.isNative) return 'repeated';
  if (bucketClose(interval, candle.openTime) <= watermark) return 'late';
  if (at >= 0) state.waiting.splice(at, 1);
  wait(state, nativeEntry(level, { ...candle, isFinal: false }));
  return 'TAKEN';
}

function wait(state: SeriesState, entry: Waiting): void {
  state.waiting.push(entry);
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

function nativeEntry(level: number, candle: Candle): Waiting {
  const never = { firstTickMs: Infinity, lastTickMs: -Infinity, seen: new Set<string>() };
  return { level, candle, isNative: true, isStored: false, ...never };
}

function tickMinute({ timeMs, price, volumeBase, volumeQuote, ...tick }: SeriesTick, openTime: number): Waiting {
  const prices = { open: price, high: price, low: price, close: price };
  const candle = { openTime, ...prices, volumeBase, volumeQuote, marketCapUsd: null, supply: null, isFinal: false };
  const seen = new Set([keyOf({ timeMs, price, volumeBase, volumeQuote, ...tick })]);
  return { level: 0, candle, isNative: false, isStored: false, firstTickMs: timeMs, lastTickMs: timeMs, seen };
}

function keyOf({ timeMs, price, volumeBase }: SeriesTick): string {
  return `${timeMs} ${price} ${volumeBase}`;
}

function mergeInto(state: SeriesState, entry: Waiting, tick: SeriesTick): Outcome {
  const key = keyOf(tick);
  if (entry.isNative || entry.seen.has(key)) return 'repeated';
  if (entry.seen.size < seenMax) entry.seen.add(key);
  entry.candle = mergeTick(entry, tick);
  entry.firstTickMs = Math.min(entry.firstTickMs, tick.timeMs);
  entry.lastTickMs = Math.max(entry.lastTickMs, tick.timeMs);
  state.isChanged = true;
  return 'TAKEN';
}

/** A tick older than one before it moves high, low and volume, the open where it is the oldest, but not the close. */
function mergeTick({ candle, firstTickMs, lastTickMs, isStored }: Waiting, tick: SeriesTick): Candle {
  const { price, timeMs } = tick;
  return {
    ...candle,
    open: timeMs < firstTickMs && !isStored ? price : candle.open,
    high: compareDecimals(price, candle.high) > 0 ? price : candle.high,
    low: compareDecimals(price, candle.low) < 0 ? price : candle.low,
    close: timeMs < lastTickMs ? candle.close : price,
    volumeBase: addDecimals(candle.volumeBase ?? '0', tick.volumeBase),
    volumeQuote: addDecimals(candle.volumeQuote ?? '0', tick.volumeQuote),
  };
}

/** Emits the open candles that differ from how they were last emitted here. */
export function emitOpen(state: SeriesState, emit: Emit): void {
  state.isChanged = false;
  const minutes = state.waiting.filter(({ level }) => level === 0).map(({ candle }) => candle);
  previewBuckets(state.parts, minutes, (level, candle, isNative) => {
    const taken = state.taken[level] ?? null;
    if (taken !== null && isSame(taken, candle)) return;
    state.taken[level] = candle;
    emit(level, candle, isNative);
  });
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

function byClose(a: Waiting, b: Waiting): number {
  return closeAt(a.level, a.candle) - closeAt(b.level, b.candle) || a.level - b.level;
}
