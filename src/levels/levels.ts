import type { Bar } from '../indicators/bar.ts';
import { createIndicator } from '../indicators/catalog.ts';
import type { TokenBars } from '../indicators/store.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { computeFloorPivots } from './floor-pivots.ts';
import { type Swing, SwingDetector } from './swing.ts';

/**
 * Support and resistance of a series at its newest close. Pure: what is computed depends on the bars given and nothing
 * else, so an answer as of a time is the answer that was given then.
 *
 * Swing points (`swing.ts`) of the last 400 bars are clustered in log price: sorted by price, each joins
 * the cluster before it while it lies within the bandwidth of that cluster's mean. The bandwidth is
 * max(0.5 * ATR14 / close, 0.3 %) at the newest close. Each touch weighs 0.5^(age / 90 bars) times its volume over the
 * mean volume, held within 0.5..2 (1 where there is no volume); a level's strength is the sum of its weights and its
 * price their weighted mean in log price.
 */
export type LevelMethod = 'SWINGS' | 'FLOOR_PIVOTS';

/** How many bars a method reads at most. */
export const barsMaxOf: Readonly<Record<LevelMethod, number>> = { SWINGS: 400, FLOOR_PIVOTS: 1 };

const barsMin = 30;

const reach = 5;
const halfLifeBars = 90;
const atrPeriod = 14;
const bandwidthAtrs = 0.5;
const bandwidthMin = 0.003;
const volumeFactorMax = 2;

/** A price that held, or should hold. */
export interface PriceLevel {
  readonly price: number;
  /** SUPPORT lies at or below the close, RESISTANCE above it. */
  readonly kind: 'SUPPORT' | 'RESISTANCE';
  /** The name of a floor pivot (`P`, `R1` …); null for a cluster of swings. */
  readonly label: string | null;
  /** Sum of the weights of its touches; null for a floor pivot, as is all that follows. */
  readonly strength: number | null;
  readonly touches: number | null;
  /** Lowest and highest of its touches. */
  readonly low: number | null;
  readonly high: number | null;
  /** Epoch ms: when its first touch was known, and the close of its last. */
  readonly firstSeenAt: number | null;
  readonly lastTouchedAt: number | null;
  /** Whether a close went through it, by more than the bandwidth, after its last touch. */
  readonly isBroken: boolean | null;
  /** price / close - 1 in percent. */
  readonly distancePct: number;
}

/** Why there are no levels, with a sentence. */
export interface LevelAbsence {
  readonly reason: 'NO_CANDLES' | 'TOO_FEW_CANDLES' | 'NO_SWINGS';
  readonly detail: string;
}

/** The levels of a series at a close, strongest first, with what they were computed from. */
export interface LevelSet {
  readonly method: LevelMethod;
  readonly interval: CandleInterval;
  /** Epoch ms of the close; null without a candle, as are `source` and `close`. */
  readonly asOf: number | null;
  readonly source: string | null;
  readonly close: number | null;
  /** How many bars were there to compute from. */
  readonly n: number;
  readonly inputs: Readonly<Record<string, number>>;
  readonly absence: LevelAbsence | null;
  readonly levels: readonly PriceLevel[];
}

/** What is asked for; `first` bounds the levels. */
export interface LevelRequest {
  readonly method: LevelMethod;
  readonly interval: CandleInterval;
  readonly first: number;
}

/** What a method finds in bars of which there is at least one. */
type Found = Pick<LevelSet, 'inputs' | 'absence' | 'levels'>;

/** The levels at the last of these bars; none with a reason where there are too few. */
export function computeLevels({ method, interval, first }: LevelRequest, found: TokenBars | null): LevelSet {
  const bars = found?.bars ?? [];
  const last = bars.at(-1);
  if (found === null || last === undefined) {
    const absence = { reason: 'NO_CANDLES', detail: 'There is no closed candle of this interval by then.' } as const;
    return { method, interval, asOf: null, source: null, close: null, n: 0, inputs: {}, absence, levels: [] };
  }
  const { inputs, absence, levels } = method === 'SWINGS' ? swingLevels(bars, last) : pivotLevels(last);
  const head = { method, interval, asOf: last.closeTime, source: found.source, close: last.close, n: bars.length };
  return { ...head, inputs, absence, levels: levels.slice(0, first) };
}

function pivotLevels(last: Bar): Found {
  const levels = computeFloorPivots(last).map(({ label, price }) => ({
    ...placeOf(price, last.close),
    label,
    ...unseen,
  }));
  return { inputs: { high: last.high, low: last.low, close: last.close }, absence: null, levels };
}

const unseen = {
  strength: null,
  touches: null,
  low: null,
  high: null,
  firstSeenAt: null,
  lastTouchedAt: null,
  isBroken: null,
} as const;

function placeOf(price: number, close: number): Pick<PriceLevel, 'price' | 'kind' | 'distancePct'> {
  return { price, kind: price <= close ? 'SUPPORT' : 'RESISTANCE', distancePct: (price / close - 1) * 100 };
}

function swingLevels(bars: readonly Bar[], last: Bar): Found {
  const fixed = { reach, halfLifeBars, barsMax: barsMaxOf.SWINGS };
  if (bars.length < barsMin) {
    const detail = `${bars.length} of the ${barsMin} candles needed are there.`;
    return { inputs: fixed, absence: { reason: 'TOO_FEW_CANDLES', detail }, levels: [] };
  }
  const { touches, atr } = readTouches(bars);
  const bandwidth = Math.max((bandwidthAtrs * atr) / last.close, bandwidthMin);
  const inputs = { ...fixed, atr, bandwidth, swings: touches.length };
  const levels = clustersOf(touches, bandwidth)
    .map((cluster) => levelOf(cluster, bars, bandwidth))
    .sort((a, b) => (b.strength ?? 0) - (a.strength ?? 0) || a.price - b.price);
  const absence =
    levels.length > 0
      ? null
      : ({ reason: 'NO_SWINGS', detail: `No candle stands out from the ${reach} on either side.` } as const);
  return { inputs, absence, levels };
}

/** A swing as a touch of a level. */
interface Touch extends Swing {
  readonly logPrice: number;
  /** Position of its bar. */
  readonly index: number;
  readonly weight: number;
}

/** The swings of the bars with their weights, oldest first, and the ATR at the last bar. */
function readTouches(bars: readonly Bar[]): { touches: Touch[]; atr: number } {
  const detector = new SwingDetector(reach);
  const range = createIndicator('atr', [atrPeriod]);
  const volumeMean = bars.reduce((sum, { volume }) => sum + volume, 0) / bars.length;
  const touches: Touch[] = [];
  let atr = 0;
  for (const [position, bar] of bars.entries()) {
    atr = range.update(bar)[0] ?? 0;
    for (const swing of detector.update(bar)) {
      const index = position - reach;
      const recency = 0.5 ** ((bars.length - 1 - index) / halfLifeBars);
      const weight = recency * volumeFactorOf(swing.volume, volumeMean);
      touches.push({ ...swing, logPrice: Math.log(swing.price), index, weight });
    }
  }
  return { touches, atr };
}

function volumeFactorOf(volume: number, mean: number): number {
  return mean > 0 ? Math.min(volumeFactorMax, Math.max(1 / volumeFactorMax, volume / mean)) : 1;
}

/** Clusters by ascending price; see the module text. */
function clustersOf(touches: readonly Touch[], bandwidth: number): Touch[][] {
  const clusters: Touch[][] = [];
  let mean = 0;
  for (const touch of touches.toSorted((a, b) => a.logPrice - b.logPrice || a.index - b.index)) {
    const cluster = clusters.at(-1);
    if (cluster !== undefined && touch.logPrice - mean <= bandwidth) {
      cluster.push(touch);
      mean += (touch.logPrice - mean) / cluster.length;
    } else {
      clusters.push([touch]);
      mean = touch.logPrice;
    }
  }
  return clusters;
}

function levelOf(cluster: readonly Touch[], bars: readonly Bar[], bandwidth: number): PriceLevel {
  const strength = cluster.reduce((sum, { weight }) => sum + weight, 0);
  const logPrice = cluster.reduce((sum, touch) => sum + touch.weight * touch.logPrice, 0) / strength;
  const prices = cluster.map(({ price }) => price);
  const newest = cluster.reduce((a, b) => (b.index > a.index ? b : a));
  return {
    ...placeOf(Math.exp(logPrice), bars.at(-1)?.close ?? 0),
    label: null,
    strength,
    touches: cluster.length,
    low: Math.min(...prices),
    high: Math.max(...prices),
    firstSeenAt: Math.min(...cluster.map(({ knownAt }) => knownAt)),
    lastTouchedAt: newest.closeTime,
    isBroken: isBrokenAfter(newest, logPrice, bars, bandwidth),
  };
}

/** Whether a close after the last touch lies beyond the level on the side that it held against. */
function isBrokenAfter({ kind, index }: Touch, logPrice: number, bars: readonly Bar[], bandwidth: number): boolean {
  const sign = kind === 'HIGH' ? 1 : -1;
  const edge = Math.exp(logPrice + sign * bandwidth);
  for (let at = index + 1; at < bars.length; at += 1) if (sign * (bars[at]!.close - edge) > 0) return true;
  return false;
}
