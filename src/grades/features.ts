import type { FactInputs } from '../facts/inputs.ts';
import type { Bar } from '../indicators/bar.ts';
import { dayMs } from '../lib/interval.ts';
import { computeFactFeatures } from './fact-features.ts';
import { type Line, fitLine, largestResidual } from './line.ts';
import type { FeatureName } from './model.ts';
import { voteRules } from './vote-rules.ts';
import { createVotes, type VoteResult, type VotesSnapshot } from './votes.ts';
import {
  maxDrawdownOf,
  profitFactorOf,
  quantileOf,
  sharpeOf,
  skewOf,
  sortinoOf,
  tailRatioOf,
} from '../lib/statistics.ts';

/** What is kept per token, in bars: each series for the longest of its windows. */
const returnsMax = 90;
const volumesMax = 180;
const volumeChangesMax = 60;
const rangesMax = 30;
const closesMax = 365;

const gainBars = 30;
const skewBars = 60;
const weekBars = 7;
const monthBars = 30;
const marketPairsMin = 60;
const volumePairsMin = 45;
const reversalBars = 5;
const drawdownClosesMin = 180;
const rsiIndex = voteRules.findIndex(({ name }) => name === 'rsi');

/** What the models read of a token at its newest close. */
export interface Features {
  /** Null where the input cannot be computed at this close. */
  readonly raws: Readonly<Record<FeatureName, number | null>>;
  /** The part of an input that was there, 0..1: below 1 only for the votes, while long averages still warm up. */
  readonly shares: Readonly<Partial<Record<FeatureName, number>>>;
  /** Interquartile range of the kept returns; tells a pegged price. Null without returns. */
  readonly returnSpread: number | null;
}

/** The windows of one token, oldest first. Plain numbers, so that thousands of tokens stay small: NaN is null in JSON. */
interface TokenWindows {
  /** Open of the first bar ever; outlives a hole. */
  firstOpenTime: number | null;
  lastCloseTime: number | null;
  /** Bars since the first one or the last long hole. */
  bars: number;
  lastClose: number | null;
  /** The benchmark's close at `lastCloseTime`. */
  lastMarketClose: number | null;
  readonly returns: number[];
  /** Beside each return, the benchmark's over the same span; NaN where it had no candle at either end. */
  readonly marketReturns: number[];
  /** Beside the newest returns, ln(volume / volume of the bar before); NaN where either is 0. */
  readonly volumeChanges: number[];
  readonly volumes: number[];
  /** ln(high / low). */
  readonly ranges: number[];
  /** (high - max(open, close)) / close. */
  readonly upperWicks: number[];
  readonly closes: number[];
}

/** Plain JSON: everything a {@link FeatureMachine} needs to go on. */
export interface FeatureSnapshot {
  readonly windows: TokenWindows;
  readonly votes: VotesSnapshot;
}

/** The inputs of one token, kept up to date bar by bar. */
export interface FeatureMachine {
  /**
   * Takes the next closed bar, later than the last. `marketClose` is the benchmark's close at the same close, null
   * where it has none.
   */
  update(bar: Bar, marketClose: number | null): VoteResult;
  /** The inputs at the newest bar and of what was known beside it; a new object. */
  read(facts?: FactInputs | null): Features;
  /** Bars since the first one or the last long hole. */
  barCount(): number;
  snapshot(): FeatureSnapshot;
}

/** What a token is before its first bar, or after a long hole. */
function emptyWindows(firstOpenTime: number | null): TokenWindows {
  return {
    firstOpenTime,
    lastCloseTime: null,
    bars: 0,
    lastClose: null,
    lastMarketClose: null,
    returns: [],
    marketReturns: [],
    volumeChanges: [],
    volumes: [],
    ranges: [],
    upperWicks: [],
    closes: [],
  };
}

/** A copy that shares nothing with the original. */
function copyOf(windows: TokenWindows): TokenWindows {
  return {
    ...windows,
    returns: numbersOf(windows.returns),
    marketReturns: numbersOf(windows.marketReturns),
    volumeChanges: numbersOf(windows.volumeChanges),
    volumes: numbersOf(windows.volumes),
    ranges: numbersOf(windows.ranges),
    upperWicks: numbersOf(windows.upperWicks),
    closes: numbersOf(windows.closes),
  };
}

/** Copied one by one: in an array as it is read from a saved state every number is an object of its own. */
function numbersOf(saved: readonly (number | null)[]): number[] {
  return Array.from({ length: saved.length }, (_, index) => saved[index] ?? Number.NaN);
}

/** Appends and drops the oldest beyond `max`, in place: an array that is shifted keeps room that it never uses. */
function pushBounded(ring: number[], value: number, max: number): void {
  if (ring.length < max) {
    ring.push(value);
    return;
  }
  for (let index = 1; index < max; index += 1) ring[index - 1] = ring[index] ?? Number.NaN;
  ring[max - 1] = value;
}

/** ln(volume / volume before); NaN where either bar traded nothing. */
function volumeChangeOf(before: number | undefined, volume: number): number {
  return before !== undefined && before > 0 && volume > 0 ? Math.log(volume / before) : Number.NaN;
}

/** Takes the next bar into the windows. */
function advance(windows: TokenWindows, bar: Bar, marketClose: number | null): void {
  const { lastClose, lastMarketClose } = windows;
  if (lastClose !== null) {
    const market = marketClose === null || lastMarketClose === null ? Number.NaN : marketClose / lastMarketClose - 1;
    pushBounded(windows.returns, bar.close / lastClose - 1, returnsMax);
    pushBounded(windows.marketReturns, market, returnsMax);
    pushBounded(windows.volumeChanges, volumeChangeOf(windows.volumes.at(-1), bar.volume), volumeChangesMax);
  }
  pushBounded(windows.volumes, bar.volume, volumesMax);
  pushBounded(windows.ranges, Math.log(bar.high / bar.low), rangesMax);
  pushBounded(windows.upperWicks, (bar.high - Math.max(bar.open, bar.close)) / bar.close, rangesMax);
  pushBounded(windows.closes, bar.close, closesMax);
  windows.firstOpenTime ??= bar.openTime;
  windows.lastCloseTime = bar.closeTime;
  windows.bars += 1;
  windows.lastClose = bar.close;
  windows.lastMarketClose = marketClose;
}

/** Mean of the last `count` values; null before there are as many. */
function meanOfLast(values: readonly number[], count: number): number | null {
  const from = values.length - count;
  if (from < 0) return null;
  let sum = 0;
  for (let index = from; index < values.length; index += 1) sum += values[index] ?? Number.NaN;
  return Number.isFinite(sum) ? sum / count : null;
}

/** Mean of the last `shortBars` volumes over the mean of the last `longBars`; null before there are as many or when nothing was traded. */
function volumeRatioOf(volumes: readonly number[], shortBars: number, longBars: number): number | null {
  const [short, long] = [meanOfLast(volumes, shortBars), meanOfLast(volumes, longBars)];
  return short === null || long === null || long <= 0 ? null : short / long;
}

/** Deepest fall of the closes from the highest before, a fraction <= 0; null under {@link drawdownClosesMin} closes. */
function deepestFallOf(closes: readonly number[]): number | null {
  if (closes.length < drawdownClosesMin) return null;
  let [highest, deepest] = [0, 0];
  for (const close of closes) {
    highest = Math.max(highest, close);
    deepest = Math.min(deepest, close / highest - 1);
  }
  return deepest;
}

/** The newest close over the one five bars before, minus 1; null before there are six. */
function reversalOf(closes: readonly number[]): number | null {
  const [before, last] = [closes.at(-1 - reversalBars), closes.at(-1)];
  return before === undefined || last === undefined ? null : last / before - 1;
}

/** How the returns of {@link returnsMax} bars went with the benchmark's; null where the benchmark has no newest close. */
function marketLineOf({ returns, marketReturns, lastMarketClose }: TokenWindows): Line | null {
  return lastMarketClose === null ? null : fitLine(returns, marketReturns, marketPairsMin);
}

/** Days from the first open to the newest close; null before the first bar. */
function listingAgeOf({ firstOpenTime, lastCloseTime }: TokenWindows): number | null {
  return firstOpenTime === null || lastCloseTime === null ? null : (lastCloseTime - firstOpenTime) / dayMs;
}

/** The inputs at the newest bar. `ascending` are the returns, sorted. */
function featuresOf(
  windows: TokenWindows,
  voted: VoteResult | null,
  ascending: Float64Array,
  facts: FactInputs | null,
): Features {
  const { returns, marketReturns, volumes, volumeChanges, closes } = windows;
  const [lower, upper] = [quantileOf(ascending, 0.25), quantileOf(ascending, 0.75)];
  const { movingAverages, oscillators } = voted?.groups ?? {};
  const marketLine = marketLineOf(windows);
  const known = computeFactFeatures(facts, windows.lastClose, meanOfLast(volumes, monthBars));
  return {
    // One literal in one shape: a spread here would cost more than all the statistics.
    raws: {
      idiosyncraticVolatility: marketLine?.deviation ?? null,
      largestIdiosyncraticGain:
        marketLine && largestResidual(marketLine, returns.slice(-gainBars), marketReturns.slice(-gainBars)),
      dailyRangeWeek: meanOfLast(windows.ranges, weekBars),
      dailyRangeMonth: meanOfLast(windows.ranges, monthBars),
      upperWick: meanOfLast(windows.upperWicks, monthBars),
      returnFiveDays: reversalOf(closes),
      returnVolumeCorrelation:
        fitLine(returns.slice(-volumeChangesMax), volumeChanges, volumePairsMin)?.correlation ?? null,
      volumeTrend: volumeRatioOf(volumes, monthBars, volumesMax),
      maxDrawdownYear: deepestFallOf(closes),
      largestGain: returns.length < gainBars ? null : Math.max(...returns.slice(-gainBars)),
      rsi: voted?.values[rsiIndex] ?? null,
      returnSkew: returns.length < skewBars ? null : skewOf(returns.slice(-skewBars)),
      volumeRatio: volumeRatioOf(volumes, weekBars, 60),
      listingAgeDays: listingAgeOf(windows),
      movingAverageVotes: movingAverages?.mean ?? null,
      oscillatorVotes: oscillators?.mean ?? null,
      sharpe: sharpeOf(returns),
      sortino: sortinoOf(returns),
      maxDrawdown: maxDrawdownOf(returns),
      profitFactor: profitFactorOf(returns),
      tailRatio: tailRatioOf(ascending),
      feesToCap: known.feesToCap,
      volumeToCap: known.volumeToCap,
      supplyInflation: known.supplyInflation,
      activityGrowth: known.activityGrowth,
    },
    shares: {
      movingAverageVotes: movingAverages === undefined ? 0 : movingAverages.available / movingAverages.total,
      oscillatorVotes: oscillators === undefined ? 0 : oscillators.available / oscillators.total,
    },
    returnSpread: lower === null || upper === null ? null : upper - lower,
  };
}

/**
 * The inputs of one token on bars of `intervalMs`. More than `gapBarsMax` missing bars start windows and votes over;
 * a shorter hole yields one return over the whole hole, paired with the benchmark's return over the same span.
 */
export function createFeatures(
  rule: { readonly intervalMs: number; readonly gapBarsMax: number },
  from: FeatureSnapshot | null = null,
): FeatureMachine {
  const gapMaxMs = rule.gapBarsMax * rule.intervalMs;
  // Sorting needs a copy at every close; one buffer per token is far cheaper than a new one.
  const scratch = new Float64Array(returnsMax);
  let windows = from === null ? emptyWindows(null) : copyOf(from.windows);
  let votes = createVotes(from?.votes ?? null);
  let voted: VoteResult | null = null;

  return {
    update: (bar, marketClose) => {
      if (windows.lastCloseTime !== null && bar.openTime - windows.lastCloseTime > gapMaxMs) {
        windows = emptyWindows(windows.firstOpenTime);
        votes = createVotes();
      }
      advance(windows, bar, marketClose);
      voted = votes.update(bar);
      return voted;
    },
    read: (facts = null) => {
      scratch.set(windows.returns);
      return featuresOf(windows, voted, scratch.subarray(0, windows.returns.length).sort(), facts);
    },
    barCount: () => windows.bars,
    snapshot: () => ({ windows: copyOf(windows), votes: votes.snapshot() }),
  };
}
