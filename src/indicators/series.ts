import { type CandleInterval, intervalMs } from '../lib/interval.ts';
import { assertWithin } from '../lib/limits.ts';
import { assertSpan } from '../lib/span.ts';
import type { Bar } from './bar.ts';
import { type ResolvedIndicator, resolveIndicator } from './catalog.ts';
import type { BarsKey, TokenBars } from './store.ts';

/**
 * Indicators of a stored series: which candles to read for an answer, and the answer from them.
 *
 * The warm-up rule: averages that reach back without end (EMA, Wilder) start anew at the first candle read, so candles before
 * the answer are read and computed but not shown: ten times what the indicator needs for its first value, at most 1,000
 * (or what it needs, if more). What is left of the start is then below 0.01 % of the distance between start and value for
 * Wilder and EMA of up to 100 bars, below 0.04 % at 200.
 */

/** Candles read for the newest values of all indicators. */
export const setBars = 1000;
const leadFactor = 10;

/** Most points of one series. */
export const pointsMax = 1500;
/** Points of a series that has no `limit`. */
export const pointsDefault = 500;

/** An indicator with its parameters, as the grade models and strategies read it. */
export interface StandardIndicator {
  /** Unique: the catalog's name, and its length where there are several (`ema50`). */
  readonly key: string;
  readonly name: string;
  readonly params: readonly number[];
}

const averages = (name: string, lengths: readonly number[]): StandardIndicator[] =>
  lengths.map((length) => ({ key: `${name}${length}`, name, params: [length] }));

const oscillator = (name: string, ...params: number[]): StandardIndicator => ({ key: name, name, params });

/** Every indicator that a model reads, with its parameters; a test holds this to the vote rules of the grades. */
export const standardIndicators: readonly StandardIndicator[] = [
  ...averages('sma', [10, 20, 30, 50, 100, 200]),
  ...averages('ema', [10, 20, 30, 50, 100, 200]),
  ...averages('hma', [9]),
  ...averages('vwma', [20]),
  oscillator('ichimoku', 9, 26, 52),
  oscillator('rsi', 14),
  oscillator('stoch', 14, 3, 3),
  oscillator('cci', 20),
  oscillator('adx', 14),
  oscillator('ao'),
  oscillator('mom', 10),
  oscillator('macd', 12, 26, 9),
  oscillator('stochrsi', 14, 14, 3, 3),
  oscillator('willr', 14),
  oscillator('bbp', 13),
  oscillator('uo', 7, 14, 28),
];

/** A parameter or an output by name. */
export interface NamedValue {
  readonly name: string;
  /** Null during warm-up or where undefined, such as a zero range. */
  readonly value: number | null;
}

/** An indicator at one close. */
export interface IndicatorValue {
  readonly key: string;
  readonly name: string;
  readonly params: readonly NamedValue[];
  readonly outputs: readonly NamedValue[];
}

/** Every standard indicator at one close. */
export interface IndicatorSet {
  readonly interval: CandleInterval;
  /** Epoch ms of the close. */
  readonly asOf: number;
  readonly source: string;
  /** The close itself. */
  readonly close: number;
  /** How many candles the values were computed from. */
  readonly barCount: number;
  readonly values: readonly IndicatorValue[];
}

/** The newest `back` closed candles at `asOf` (epoch ms; null: now), as they were known at `knownAt` (null: now). */
export function barsUpTo(
  point: { readonly tokenId: number; readonly interval: CandleInterval; readonly asOf: number | null },
  back: number,
  knownAt: number | null = null,
): BarsKey {
  const { tokenId, interval, asOf } = point;
  const pivot = asOf === null ? null : asOf - intervalMs(interval) + 1;
  return { tokenId, interval, pivot, back, forward: 0, to: null, knownAt };
}

/** The candles that {@link computeSet} needs for the newest close at `asOf` (epoch ms; null: now) or before. */
export function setKey(tokenId: number, interval: CandleInterval, asOf: number | null): BarsKey {
  return barsUpTo({ tokenId, interval, asOf }, setBars);
}

/** The standard indicators at the last of these candles; null where there is none. */
export function computeSet(interval: CandleInterval, found: TokenBars | null): IndicatorSet | null {
  const last = found?.bars.at(-1);
  if (!found || !last) return null;
  const { source, bars } = found;
  const values = standardIndicators.map(({ key, name, params }) => {
    const resolved = resolveIndicator(name, params);
    const machine = resolved.definition.create(resolved.params);
    let now: readonly (number | null)[] = [];
    for (const bar of bars) now = machine.update(bar);
    return { key, name, params: namedParams(resolved), outputs: namedOutputs(resolved, now) };
  });
  return { interval, asOf: last.closeTime, source, close: last.close, barCount: bars.length, values };
}

function namedParams({ definition, params }: ResolvedIndicator): NamedValue[] {
  return definition.params.map(({ name }, index) => ({ name, value: params[index] ?? null }));
}

function namedOutputs({ definition }: ResolvedIndicator, values: readonly (number | null)[]): NamedValue[] {
  return definition.outputs.map((name, index) => ({ name, value: values[index] ?? null }));
}

/** What a client asks of a series. Times are epoch ms of open times: `from` inclusive, `to` exclusive. */
export interface SeriesRequest {
  readonly tokenId: number;
  readonly name: string;
  readonly params: readonly number[] | null;
  readonly interval: CandleInterval;
  readonly from: number | null;
  readonly to: number | null;
  readonly limit: number | null;
}

/** A checked request and the candles it needs. */
export interface SeriesPlan {
  readonly resolved: ResolvedIndicator;
  readonly request: SeriesRequest;
  readonly limit: number;
  readonly key: BarsKey;
}

/** One output of an indicator over a series. */
export interface OutputColumn {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

/** An indicator over a series, in columns of the same length, oldest first. */
export interface IndicatorSeries {
  readonly name: string;
  readonly interval: CandleInterval;
  /** Null where the token has no default series; the columns are then empty. */
  readonly source: string | null;
  readonly params: readonly NamedValue[];
  readonly openTime: readonly number[];
  readonly outputs: readonly OutputColumn[];
  readonly isTruncated: boolean;
}

/**
 * Checks a request. Throws BAD_USER_INPUT for an unknown name, parameters out of bounds or an empty span, LIMIT_EXCEEDED for
 * a limit out of 1..1,500. One candle more than the limit is read, to tell whether there are more.
 */
export function planSeries(request: SeriesRequest): SeriesPlan {
  const { tokenId, name, params, interval, from, to } = request;
  const resolved = resolveIndicator(name, params ?? []);
  const limit = request.limit ?? pointsDefault;
  assertWithin(limit, { name: 'indicatorSeries', argument: 'limit', max: pointsMax });
  assertSpan({ from, to });
  const needed = resolved.definition.warmupBars(resolved.params);
  const lead = Math.max(needed, Math.min(setBars, leadFactor * needed));
  const key: BarsKey =
    from === null
      ? { tokenId, interval, pivot: to, back: lead + limit + 1, forward: 0, to: null, knownAt: null }
      : { tokenId, interval, pivot: from, back: lead, forward: limit + 1, to, knownAt: null };
  return { resolved, request, limit, key };
}

/** The series from the candles its plan asked for: the oldest `limit` from `from` on, else the newest `limit`. */
export function computeIndicatorSeries(
  { resolved, request, limit }: SeriesPlan,
  found: TokenBars | null,
): IndicatorSeries {
  const { definition, params } = resolved;
  const { interval, from } = request;
  const bars = found?.bars ?? [];
  const machine = definition.create(params);
  const rows = bars.map((bar) => machine.update(bar));
  const [start, end, isTruncated] = shownSpan(bars, from, limit);
  return {
    name: definition.name,
    interval,
    source: found?.source ?? null,
    params: namedParams(resolved),
    openTime: bars.slice(start, end).map(({ openTime }) => openTime),
    outputs: definition.outputs.map((name, output) => ({
      name,
      values: rows.slice(start, end).map((row) => row[output] ?? null),
    })),
    isTruncated,
  };
}

/** Which of the candles are the answer, and whether the span asked for holds more than `limit`. */
function shownSpan(
  bars: readonly Bar[],
  from: number | null,
  limit: number,
): [start: number, end: number, isTruncated: boolean] {
  if (from === null) return [Math.max(0, bars.length - limit), bars.length, bars.length > limit];
  const first = bars.findIndex(({ openTime }) => openTime >= from);
  const start = first === -1 ? bars.length : first;
  return [start, Math.min(bars.length, start + limit), bars.length - start > limit];
}
