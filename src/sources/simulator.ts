/**
 * An honest market simulator: invented prices that behave like real ones, and say that they are invented.
 *
 * Everything is a function of (seed, coin, time): the same seed gives the same bytes, a restart finds the same past and
 * the same future, and no clock is read here. Days come from a factor model (market-model.ts), hours from days, minutes
 * from hours, ticks from minutes (box.ts), so every finer series folds exactly to the coarser one.
 * - Late, doubled: cannot happen within history; the live feed tells the minute under way from its start again after a
 *   restart, so a reader drops ticks it has already counted by their time.
 * - Wrong: an unknown symbol or a tick length that does not divide a minute is refused with BAD_USER_INPUT.
 * Market capitalisations rest on made-up supplies and exist in simulated data only.
 */
import { type DecimalText, shiftDecimal } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { bucketClose, bucketOpen, type CandleInterval, dayMs, hourMs, intervalMs, minuteMs } from '../lib/interval.ts';
import { type Box, foldBoxes } from './box.ts';
import { assetModels } from './calibration.ts';
import type { Feed, SourceCandle, SourceTick } from './exchange.ts';
import { createMarketModel } from './market-model.ts';
import { createSimulatedCoin, type SimulatedCoin, simulationStart } from './simulated-coin.ts';
import { createSimulatedFeed, type SimulatedFeedOptions, type SimulatedHistory } from './simulated-feed.ts';

/** What to simulate. */
export interface SimulatorOptions {
  readonly seed: string | number;
  /** Markets like `BTC/USD`; by default the `count` largest by volume. */
  readonly symbols?: readonly string[];
  /** How many markets where `symbols` is not given; 60 by default, at most the 143 calibrated coins. */
  readonly count?: number;
  /** Multiplies a market's prices (1 = calibrated), to go on from prices of another seed. */
  readonly levels?: ReadonlyMap<string, number>;
}

/** A simulated market: its past on demand, its present as a feed. */
export interface Simulator extends SimulatedHistory {
  /** A live feed that goes on where the history ends. */
  feed(options: SimulatedFeedOptions): Feed;
}

const countByDefault = 60;
const quote = 'USD';

/** Opens a simulated market. Throws BAD_USER_INPUT where a symbol is unknown to the calibration. */
export function createSimulator(options: SimulatorOptions): Simulator {
  const seed = String(options.seed);
  const pathOf = createMarketModel(seed);
  const assets = options.symbols?.map(assetOf) ?? assetModels.slice(0, options.count ?? countByDefault);
  const coins = new Map(
    assets.map((asset) => {
      const symbol = `${asset.coin}/${quote}`;
      return [symbol, createSimulatedCoin(seed, asset, pathOf(asset), options.levels?.get(symbol) ?? 1)];
    }),
  );
  const simulator: Simulator = {
    markets: assets.map(({ coin }) => ({ symbol: `${coin}/${quote}`, base: coin, quote, marketType: 'SPOT' })),
    history: (symbol, interval, from, to) => listHistory(findCoin(coins, symbol), symbol, interval, from, to),
    ticks: (symbol, minuteOpen, tickMs) => listTicks(findCoin(coins, symbol), symbol, minuteOpen, tickMs),
    feed: (feedOptions) =>
      createSimulatedFeed(simulator, (levels) => createSimulator({ ...options, levels }), feedOptions),
  };
  return simulator;
}

function assetOf(symbol: string): (typeof assetModels)[number] {
  const asset = assetModels.find(({ coin }) => symbol === `${coin}/${quote}`);
  if (asset === undefined) throw notSimulated(symbol);
  return asset;
}

function findCoin(coins: ReadonlyMap<string, SimulatedCoin>, symbol: string): SimulatedCoin {
  const coin = coins.get(symbol);
  if (coin === undefined) throw notSimulated(symbol);
  return coin;
}

function notSimulated(symbol: string): AppError {
  return new AppError('BAD_USER_INPUT', `${symbol} is not simulated; markets are spelled like BTC/USD.`);
}

function listHistory(
  coin: SimulatedCoin,
  symbol: string,
  interval: CandleInterval,
  from: number,
  to: number,
): SourceCandle[] {
  const candles: SourceCandle[] = [];
  const length = intervalMs(interval);
  const earliest = Math.max(from, simulationStart);
  const first = bucketOpen(interval, earliest);
  for (
    let openTime = first < earliest ? first + length : first;
    bucketClose(interval, openTime) <= to;
    openTime += length
  ) {
    candles.push(candleOf(coin, symbol, interval, openTime, boxOf(coin, openTime, length)));
  }
  return candles;
}

/** The box of any length, folded from the coarsest level that divides it. */
function boxOf(coin: SimulatedCoin, openTime: number, length: number): Box {
  const level = length % dayMs === 0 ? 'day' : length % hourMs === 0 ? 'hour' : 'minute';
  const step = { day: dayMs, hour: hourMs, minute: minuteMs }[level];
  if (length === step) return coin[level](openTime);
  return foldBoxes(Array.from({ length: length / step }, (_, index) => coin[level](openTime + index * step)));
}

function candleOf(
  { asset, scale }: SimulatedCoin,
  symbol: string,
  interval: CandleInterval,
  openTime: number,
  box: Box,
): SourceCandle {
  return {
    symbol,
    interval,
    openTime,
    open: textOf(box.open, scale.pricePlaces),
    high: textOf(box.high, scale.pricePlaces),
    low: textOf(box.low, scale.pricePlaces),
    close: textOf(box.close, scale.pricePlaces),
    volumeBase: textOf(box.base, scale.lotPlaces),
    volumeQuote: textOf(box.quote, 2),
    marketCapUsd: shiftDecimal(String(BigInt(box.close) * BigInt(asset.supply)), -scale.pricePlaces),
    supply: String(asset.supply),
  };
}

function listTicks(coin: SimulatedCoin, symbol: string, minuteOpen: number, tickMs: number): SourceTick[] {
  const { pricePlaces, lotPlaces } = coin.scale;
  return coin.ticks(minuteOpen, minuteMs / tickMs).map(({ price, base, quote: cents }, index) => ({
    symbol,
    timeMs: minuteOpen + index * tickMs,
    price: textOf(price, pricePlaces),
    volumeBase: textOf(base, lotPlaces),
    volumeQuote: textOf(cents, 2),
  }));
}

/** Whole units as decimal text. Dividing is exact after rounding below 2^52 units, and much faster than moving digits. */
function textOf(units: number, places: number): DecimalText {
  if (places >= 0 && units < 2 ** 52) return (units / 10 ** places).toFixed(places);
  return shiftDecimal(String(units), -places);
}
