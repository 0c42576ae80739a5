/** One simulated coin: its candles at the three levels everything else folds from (day, hour, minute), and its ticks. */
import { dayMs, hourMs, minuteMs } from '../lib/interval.ts';
import { type Box, type BoxPoint, bridgeHigh, flatProfile, middleOf, pathOfBox, splitBox } from './box.ts';
import { type AssetModel, anchorDay, hourProfile } from './calibration.ts';
import { type CoinPath, firstDay } from './market-model.ts';
import { createRandom, hashText } from './random.ts';

/** A coin's candles by open time (epoch ms, aligned); numbers are in the units of {@link scaleOf}. */
export interface SimulatedCoin {
  readonly asset: AssetModel;
  readonly scale: CoinScale;
  day(openTime: number): Box;
  hour(openTime: number): Box;
  minute(openTime: number): Box;
  /** `count` (4 or more) prices of a minute, evenly in time; they fold to the minute's candle. */
  ticks(openTime: number, count: number): BoxPoint[];
}

/** Decimal places of one coin's units; negative places are powers of ten (a lot of 1,000,000 coins is -6). */
export interface CoinScale {
  /** A tick is ten to minus this, in USD. */
  readonly pricePlaces: number;
  /** A lot is ten to minus this, in coins. */
  readonly lotPlaces: number;
}

/** Six significant digits at the anchor price; lots worth about a cent, so that volumes stay exact as numbers. */
export function scaleOf(asset: AssetModel): CoinScale {
  const magnitude = Math.floor(Math.log10(asset.anchorPriceUsd));
  return { pricePlaces: Math.max(2, 5 - magnitude), lotPlaces: magnitude + 2 };
}

/** First moment (epoch ms) with simulated candles. */
export const simulationStart = firstDay * dayMs;

const levels = { day: 1, hour: 2, minute: 3, tick: 4 };
const minuteProfile = flatProfile(60);

/**
 * A coin of a seed along its daily path. `level` multiplies its prices (1 = the calibrated level), so that a simulation
 * can go on from prices another one left behind. Pure in its arguments; the last day and hour split are remembered.
 */
export function createSimulatedCoin(seed: string, asset: AssetModel, path: CoinPath, level: number): SimulatedCoin {
  const scale = scaleOf(asset);
  const stream = hashText(`${seed}|${asset.coin}|candles`);
  const logLevel = Math.log(asset.anchorPriceUsd * level * 10 ** scale.pricePlaces) - path(anchorDay).logClose;

  function closeOf(day: number): number {
    return Math.max(1, Math.round(Math.exp(logLevel + (day < firstDay ? 0 : path(day).logClose))));
  }
  function day(openTime: number): Box {
    const index = openTime / dayMs;
    const random = createRandom(stream, levels.day, index);
    const { volatility } = path(index);
    const open = closeOf(index - 1);
    const close = closeOf(index);
    const move = Math.log(close / open);
    const high = Math.round(open * Math.exp(bridgeHigh(move, volatility, random.uniform())));
    const low = Math.round(open * Math.exp(-bridgeHigh(-move, volatility, random.uniform())));
    const prices = { open, high: Math.max(high, open, close), low: Math.max(1, Math.min(low, open, close)), close };
    return { ...prices, ...volumeOf(asset, scale, middleOf(prices), move / volatility, random.normal()) };
  }
  const hours = remembered((openTime) =>
    splitBox(day(openTime), hourProfile, createRandom(stream, levels.hour, openTime / dayMs)),
  );
  function hour(openTime: number): Box {
    const dayOpen = Math.floor(openTime / dayMs) * dayMs;
    return partOf(hours(dayOpen), (openTime - dayOpen) / hourMs);
  }
  const minutes = remembered((openTime) =>
    splitBox(hour(openTime), minuteProfile, createRandom(stream, levels.minute, openTime / hourMs)),
  );
  function minute(openTime: number): Box {
    const hourOpen = Math.floor(openTime / hourMs) * hourMs;
    return partOf(minutes(hourOpen), (openTime - hourOpen) / minuteMs);
  }
  function ticks(openTime: number, count: number): BoxPoint[] {
    return pathOfBox(minute(openTime), count, createRandom(stream, levels.tick, openTime / minuteMs));
  }
  return { asset, scale, day, hour, minute, ticks };
}

/** Correlation of log volume with the size of the day's move. */
const volumeToMove = 0.5;

/** A day's volume: log-normal about the calibrated median, more when the price moves. */
function volumeOf(
  asset: AssetModel,
  scale: CoinScale,
  middle: number,
  move: number,
  normal: number,
): { base: number; quote: number } {
  // 0.75 is about the mean absolute move of a day in its own standard deviations.
  const excitement = Math.min(4, Math.abs(move)) - 0.75;
  const spread = volumeToMove * excitement + Math.sqrt(1 - volumeToMove ** 2) * normal;
  const usd = asset.dailyVolumeUsd * Math.exp(asset.volumeSpread * spread);
  const priceUsd = middle * 10 ** -scale.pricePlaces;
  return { base: Math.round((usd / priceUsd) * 10 ** scale.lotPlaces), quote: Math.round(usd * 100) };
}

function partOf(boxes: readonly Box[], index: number): Box {
  const box = boxes[index];
  if (box === undefined) throw new RangeError(`no part ${index} of ${boxes.length}`);
  return box;
}

/** Keeps the last result: candles are asked for in order of time. */
function remembered(compute: (openTime: number) => Box[]): (openTime: number) => Box[] {
  let lastTime = Number.NaN;
  let last: Box[] = [];
  return (openTime) => {
    if (openTime !== lastTime) {
      last = compute(openTime);
      lastTime = openTime;
    }
    return last;
  };
}
