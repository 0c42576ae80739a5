/**
 * Simulated candles as whole numbers, and how one is split into finer ones.
 *
 * A {@link Box} counts price in ticks and volume in lots, so sums and comparisons are exact. Splitting works from
 * coarse to fine: the parts have the parent's open, high, low, close and volumes exactly, whatever was drawn, so every
 * finer series folds to the coarser one and none has to be generated to know another.
 */
import type { Random } from './random.ts';

/** A candle in whole numbers: prices in ticks, `base` in lots of the coin, `quote` in cents. */
export interface Box {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly base: number;
  readonly quote: number;
}

/** A single price of a box's path, with the volume that traded at it; units as in {@link Box}. */
export interface BoxPoint {
  readonly price: number;
  readonly base: number;
  readonly quote: number;
}

/** How volatility and volume are spread over the parts: relative weights, one per part. */
export interface BoxProfile {
  readonly volatility: readonly number[];
  readonly volume: readonly number[];
}

/** The same volatility and volume in each of `parts`. */
export function flatProfile(parts: number): BoxProfile {
  const weights = Array.from({ length: parts }, () => 1);
  return { volatility: weights, volume: weights };
}

/**
 * The highest value of a Brownian path that moves by `move` in all with standard deviation `deviation`, as a distance
 * above its start (0 or more, at least `move`). Exact law of a bridge's maximum by inversion; `uniform` in (0, 1).
 */
export function bridgeHigh(move: number, deviation: number, uniform: number): number {
  return (move + Math.sqrt(move * move - 2 * deviation * deviation * Math.log(uniform))) / 2;
}

/** Splits a box into one part per weight of the profile; they fold to it exactly. */
export function splitBox(box: Box, profile: BoxProfile, random: Random): Box[] {
  const { steps, deviations } = walk(box, profile.volatility, random);
  const parts = steps.map((close, index) => {
    const open = steps[index - 1] ?? box.open;
    const deviation = deviations[index] ?? 0;
    const high = open + bridgeHigh(close - open, deviation, random.uniform());
    const low = open - bridgeHigh(open - close, deviation, random.uniform());
    return { open, close, high: Math.min(box.high, Math.round(high)), low: Math.max(box.low, Math.round(low)) };
  });
  const highest = parts[indexOfMax(parts.map((part) => part.high))];
  const lowest = parts[indexOfMax(parts.map((part) => -part.low))];
  if (highest !== undefined) highest.high = box.high;
  if (lowest !== undefined) lowest.low = box.low;
  const volumes = splitVolume(box, parts.map(middleOf), profile.volume, random);
  return parts.map((part, index) => ({ ...part, base: volumes.base[index] ?? 0, quote: volumes.quote[index] ?? 0 }));
}

/**
 * Prices along the box, `count` (4 or more) evenly in time: first its open, last its close, its high and its low in
 * between, so that a candle folded from them is the box.
 */
export function pathOfBox(box: Box, count: number, random: Random): BoxPoint[] {
  const { volatility, volume } = flatProfile(count);
  const prices = [box.open, ...walk(box, volatility.slice(1), random).steps];
  const inner = prices.slice(1, -1);
  const highest = indexOfMax(inner);
  const lowest = indexOfMax(inner.map((price, index) => (index === highest ? -Infinity : -price)));
  if (box.high > Math.max(box.open, box.close)) prices[highest + 1] = box.high;
  if (box.low < Math.min(box.open, box.close)) prices[lowest + 1] = box.low;
  const volumes = splitVolume(box, prices, volume, random);
  return prices.map((price, index) => ({ price, base: volumes.base[index] ?? 0, quote: volumes.quote[index] ?? 0 }));
}

/** The box that neighbouring boxes (oldest first, at least one) make together. */
export function foldBoxes(boxes: readonly Box[]): Box {
  const [first, ...others] = boxes;
  if (first === undefined) throw new RangeError('nothing to fold');
  return others.reduce(
    (folded, box) => ({
      open: folded.open,
      high: Math.max(folded.high, box.high),
      low: Math.min(folded.low, box.low),
      close: box.close,
      base: folded.base + box.base,
      quote: folded.quote + box.quote,
    }),
    first,
  );
}

/** Degrees of freedom of moves within a day: fatter tails than days have. */
const innerDof = 3.5;

/** The close of each step of a walk, and the standard deviation of the step. */
interface Walk {
  readonly steps: number[];
  readonly deviations: number[];
}

/** A walk may keep this far (in ranges of the box) from the price paid on average before another one is drawn. */
const walkMissMax = 0.08;
const walkTriesMax = 6;

/** A random walk from open to close within high and low, the best of a few in keeping near the box's mean price. */
function walk(box: Box, volatility: readonly number[], random: Random): Walk {
  const middle = middleOf(box);
  let best: Walk | null = null;
  let least = Infinity;
  for (let tries = 0; tries < walkTriesMax && least > walkMissMax * (box.high - box.low); tries += 1) {
    const drawn = drawWalk(box, volatility, random);
    const miss = Math.abs(drawn.steps.reduce((sum, price) => sum + price, 0) / drawn.steps.length - middle);
    if (best !== null && miss >= least) continue;
    best = drawn;
    least = miss;
  }
  return best ?? drawWalk(box, volatility, random);
}

function drawWalk(box: Box, volatility: readonly number[], random: Random): Walk {
  const weights = volatility.map((weight) => weight * weight * Math.exp(0.7 * random.normal()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Parkinson: the mean squared range of a Brownian path is 4 ln 2 times its variance.
  const deviation = (box.high - box.low) / Math.sqrt(4 * Math.LN2);
  const deviations = weights.map((weight) => deviation * Math.sqrt(weight / total));
  const moves = deviations.map((size) => size * random.studentT(innerDof));
  // The walk is tied to the close by sharing out what it misses, by variance.
  const missing = box.close - box.open - moves.reduce((sum, move) => sum + move, 0);
  let price = box.open;
  const steps = moves.map((move, index) => {
    price += move + (missing * (weights[index] ?? 0)) / total;
    return Math.round(Math.max(box.low, Math.min(box.high, price)));
  });
  steps[steps.length - 1] = box.close;
  return { steps, deviations };
}

/**
 * Shares out base and quote volume over parts at given prices. The drawn weights are tilted towards dear or cheap parts
 * until the mean price paid is the box's, so quote / base is a price of each part and both sums are the box's.
 */
function splitVolume(
  box: Box,
  prices: readonly number[],
  profile: readonly number[],
  random: Random,
): { base: number[]; quote: number[] } {
  const weights = profile.map((weight) => weight * Math.exp(0.5 * random.normal()));
  const base = tiltWeights(weights, prices, middleOf(box));
  const quote = base.map((weight, index) => weight * (prices[index] ?? 0));
  return { base: apportion(box.base, base), quote: apportion(box.quote, quote) };
}

/**
 * Multiplies weights by exp(λ × price) with the λ, found by Newton's method, whose mean price is `target`. λ is bounded:
 * where the path keeps far from the target, its mean price misses it a little rather than most parts going without trade.
 */
function tiltWeights(weights: readonly number[], prices: readonly number[], target: number): number[] {
  const range = Math.max(...prices) - Math.min(...prices);
  if (range === 0) return [...weights];
  const distances = prices.map((price) => (price - target) / range);
  let tilt = 0;
  for (let round = 0; ; round += 1) {
    let sum = 0;
    let first = 0;
    let second = 0;
    const tilted = weights.map((weight, index) => {
      const distance = distances[index] ?? 0;
      const share = weight * Math.exp(tilt * distance);
      sum += share;
      first += share * distance;
      second += share * distance * distance;
      return share;
    });
    const mean = first / sum;
    const next = tilt - mean / Math.max(second / sum - mean * mean, 1e-6);
    const bounded = Math.max(-tiltMax, Math.min(tiltMax, next));
    if (round === tiltRoundsMax || Math.abs(mean) < 1e-3 || bounded === tilt) return tilted;
    tilt = bounded;
  }
}

/** At most e^3 between the weights at the lowest and the highest price. */
const tiltMax = 3;
const tiltRoundsMax = 10;

/** What a box's trades cost on average, in ticks; its quote volume is base volume times this. */
export function middleOf(box: Pick<Box, 'open' | 'high' | 'low' | 'close'>): number {
  return (box.open + box.high + box.low + box.close) / 4;
}

/** Whole shares of a whole total in proportion to the weights; their sum is the total exactly. */
function apportion(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((subtotal, weight) => subtotal + weight, 0);
  let weight = 0;
  let given = 0;
  return weights.map((share, index) => {
    weight += share;
    const upTo = index === weights.length - 1 ? total : Math.min(total, Math.round((total * weight) / sum));
    const part = upTo - given;
    given = upTo;
    return part;
  });
}

function indexOfMax(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? -Infinity) ? index : best), 0);
}
