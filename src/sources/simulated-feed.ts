/**
 * The simulator as a live feed: first the minutes missed since the last stored candle, then ticks as time passes.
 *
 * Every tick is due at a moment of the time grid and never comes early. After a pause longer than the minute under way
 * (a sleeping laptop, a slow reader) whole missed minutes come as candles instead of ticks, so nothing is left out.
 */
import { AppError } from '../lib/errors.ts';
import { bucketClose, bucketOpen, type CandleInterval, dayMs, hourMs, intervalMs, minuteMs } from '../lib/interval.ts';
import type { Feed, FeedEvent, SourceCandle, SourceMarket, SourceTick } from './exchange.ts';

/** Simulated markets as functions of time. */
export interface SimulatedHistory {
  readonly markets: readonly SourceMarket[];
  /**
   * The candles of a market, oldest first, that open at or after `from` and are closed by `to` (epoch ms). Empty before
   * 2019. Throws BAD_USER_INPUT where the market is not simulated.
   */
  history(symbol: string, interval: CandleInterval, from: number, to: number): SourceCandle[];
  /** The ticks of the minute that opens at `minuteOpen`, every `tickMs`; they fold to its candle. */
  ticks(symbol: string, minuteOpen: number, tickMs: number): SourceTick[];
}

/** What a simulated feed needs. */
export interface SimulatedFeedOptions {
  /** Milliseconds between ticks: divides a minute, at most 15,000; 1,000 by default. */
  readonly tickMs?: number;
  /**
   * By symbol, the last stored ONE_MINUTE candle. The feed continues after it, from its close; a symbol without an
   * entry starts with the minute under way.
   */
  readonly resumeFrom?: ReadonlyMap<string, { readonly openTime: number; readonly close: string }>;
  nowMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A stretch of time filled with candles of one interval; half-open, epoch ms, aligned to the interval. */
export interface GapPart {
  readonly interval: CandleInterval;
  readonly from: number;
  readonly to: number;
}

const tickMsMax = 15_000;
/** A stored close this far from the simulated one was left by another seed: the level is adjusted to it. */
const levelTolerance = 0.001;

/** Wraps a simulator as a feed; `atLevels` opens the same simulator with other price levels. */
export function createSimulatedFeed(
  simulator: SimulatedHistory,
  atLevels: (levels: ReadonlyMap<string, number>) => SimulatedHistory,
  options: SimulatedFeedOptions,
): Feed {
  const { tickMs = 1_000, resumeFrom = new Map() } = options;
  if (!(tickMs > 0 && tickMs <= tickMsMax && minuteMs % tickMs === 0)) {
    throw new AppError(
      'BAD_USER_INPUT',
      `A tick must last a whole part of a minute up to 15 seconds, not ${tickMs} ms.`,
    );
  }
  const levels = listLevels(simulator, resumeFrom);
  const running = levels.size === 0 ? simulator : atLevels(levels);
  return {
    name: 'simulated',
    kind: 'SIMULATED',
    markets: simulator.markets,
    events: (signal) => playMinutes(running, { ...options, tickMs, resumeFrom }, signal),
  };
}

async function* playMinutes(
  simulator: SimulatedHistory,
  options: Required<SimulatedFeedOptions>,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent> {
  const { nowMs, sleep, tickMs } = options;
  let minute = bucketOpen('ONE_MINUTE', nowMs());
  yield* fillGap(simulator, startTimes(options.resumeFrom), minute, signal);
  while (!signal.aborted) {
    const current = bucketOpen('ONE_MINUTE', nowMs());
    if (minute < current) {
      yield* fillGap(simulator, new Map(simulator.markets.map(({ symbol }) => [symbol, minute])), current, signal);
      minute = current;
    }
    for (const ticks of ticksByTime(simulator, minute, tickMs)) {
      const [{ timeMs } = { timeMs: minute }] = ticks;
      if (timeMs > nowMs()) await sleep(timeMs - nowMs(), signal);
      if (signal.aborted) return;
      yield { kind: 'ticks', ticks };
      yield { kind: 'watermark', timeMs };
    }
    minute += minuteMs;
    if (minute > nowMs()) await sleep(minute - nowMs(), signal);
  }
}

/** The ticks of one minute, those of all markets at one moment together. */
function ticksByTime(simulator: SimulatedHistory, minute: number, tickMs: number): SourceTick[][] {
  const bySymbol = simulator.markets.map(({ symbol }) => simulator.ticks(symbol, minute, tickMs));
  return Array.from({ length: minuteMs / tickMs }, (_, index) => bySymbol.flatMap((ticks) => ticks[index] ?? []));
}

/** Candles from each market's start up to `to`, in order of time, with a watermark after each step. */
async function* fillGap(
  simulator: SimulatedHistory,
  starts: ReadonlyMap<string, number>,
  to: number,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent> {
  const earliest = Math.min(to, ...starts.values());
  for (const step of planGap(earliest, to).flatMap(stepsOf)) {
    if (signal.aborted) return;
    const candles = [...starts].flatMap(([symbol, start]) => fillStep(simulator, symbol, step, start));
    if (candles.length > 0) yield { kind: 'candles', candles: candles.sort(byClose) };
    yield { kind: 'watermark', timeMs: step.to };
  }
}

/** A market that starts inside a coarse candle gets minutes up to that candle's end. */
function fillStep(simulator: SimulatedHistory, symbol: string, step: GapPart, start: number): SourceCandle[] {
  const from = Math.max(step.from, start);
  if (from >= step.to) return [];
  const open = bucketOpen(step.interval, from);
  const aligned = open === from ? from : Math.min(step.to, bucketClose(step.interval, open));
  return [
    ...simulator.history(symbol, 'ONE_MINUTE', from, aligned),
    ...simulator.history(symbol, step.interval, aligned, step.to),
  ];
}

/**
 * How a gap is filled: minutes for the last two days, hours for the last two weeks, days before that; where the gap
 * does not start on an hour or a day, finer candles lead up to it. Together the parts cover `[from, to)` exactly, and
 * both must be whole minutes.
 */
export function planGap(from: number, to: number): GapPart[] {
  const dailyUntil = bucketOpen('ONE_DAY', to - 14 * dayMs);
  const hourlyUntil = bucketOpen('ONE_HOUR', to - 2 * dayMs);
  const wholeHour = Math.ceil(from / hourMs) * hourMs;
  const wholeDay = Math.ceil(from / dayMs) * dayMs;
  const parts: GapPart[] = [];
  let at = from;
  function fill(interval: CandleInterval, until: number): void {
    if (until <= at) return;
    parts.push({ interval, from: at, to: until });
    at = until;
  }
  if (wholeHour < hourlyUntil) fill('ONE_MINUTE', wholeHour);
  if (wholeDay < dailyUntil) {
    fill('ONE_HOUR', wholeDay);
    fill('ONE_DAY', dailyUntil);
  }
  if (at === wholeHour || at === dailyUntil) fill('ONE_HOUR', hourlyUntil);
  fill('ONE_MINUTE', to);
  return parts;
}

/** Pieces small enough for one event: an hour of minutes, a day of hours, a month of days. */
function stepsOf({ interval, from, to }: GapPart): GapPart[] {
  const length = intervalMs(interval) * (interval === 'ONE_MINUTE' ? 60 : interval === 'ONE_HOUR' ? 24 : 30);
  const steps: GapPart[] = [];
  for (let at = from; at < to; at += length) steps.push({ interval, from: at, to: Math.min(to, at + length) });
  return steps;
}

function byClose(a: SourceCandle, b: SourceCandle): number {
  return bucketClose(a.interval, a.openTime) - bucketClose(b.interval, b.openTime);
}

function startTimes(resumeFrom: Required<SimulatedFeedOptions>['resumeFrom']): Map<string, number> {
  return new Map([...resumeFrom].map(([symbol, { openTime }]) => [symbol, bucketClose('ONE_MINUTE', openTime)]));
}

/** By symbol, stored close over simulated close, if any market was left at another level; else empty. */
function listLevels(
  simulator: SimulatedHistory,
  resumeFrom: Required<SimulatedFeedOptions>['resumeFrom'],
): Map<string, number> {
  const levels = new Map<string, number>();
  for (const { symbol } of simulator.markets) {
    const stored = resumeFrom.get(symbol);
    if (stored === undefined) continue;
    const { openTime } = stored;
    const [simulated] = simulator.history(symbol, 'ONE_MINUTE', openTime, bucketClose('ONE_MINUTE', openTime));
    const level = Number(stored.close) / Number(simulated?.close ?? stored.close);
    if (level > 0 && Math.abs(level - 1) > levelTolerance) levels.set(symbol, level);
  }
  return levels;
}
