import { setTimeout as sleep } from 'node:timers/promises';
import type { Feed, FeedEvent, SourceTick } from '../src/sources/exchange.ts';

/** A venue that is made up: trades of many markets at a steady rate, and one market whose price tells the time. */

/** What is traded. */
export interface TradesSize {
  /** Trades a second. */
  readonly rate: number;
  readonly markets: number;
  readonly seconds: number;
  /** The share of trades that come twice or late. */
  readonly disorder: number;
}

/** How far the trades are. */
export interface TradesProgress {
  /** When the first trade was due, epoch ms. */
  startedMs: number;
  /** Trades made so far. */
  made: number;
  /** By how many ms they are behind what the rate asks for. */
  behindMs: number;
  behindMsMax: number;
  /** How often, and how long in all, the feed had to wait longer than a quarter of a second until it was read again. */
  pauses: number;
  pausedMs: number;
  /** When the last trade was taken, epoch ms; null until then. */
  endedMs: number | null;
}

/** Trades come every so many ms. */
export const stepMs = 50;
const pauseMsMin = 250;
/** Price of the market that tells the time: so much, and a millionth for each ms since the start. */
const clockPrice = 100;

/** The market that tells the time by its price: a trade every {@link stepMs}. */
export const clockSymbol = 'X0Z/USDT';

/** How many ms after the start the trade of {@link clockSymbol} with this price was due. */
export function msOfPrice(price: string): number {
  return Math.round((Number(price) - clockPrice) * 1e6);
}

const symbolOf = (index: number): string => `X${index}Z/USDT`;

/** Trades of all markets but the first in turn, each price a small step from the last; and those that tell the time. */
function createMarkets(count: number, progress: TradesProgress) {
  const prices = Array.from({ length: count }, (_, index) => 10 + (index % 997));
  return {
    trade(timeMs: number): SourceTick {
      const id = progress.made++;
      const market = 1 + ((id * 7919) % (count - 1));
      const price = (prices[market] = Math.max(1, (prices[market] ?? 1) * (1 + (Math.random() - 0.5) * 0.0004)));
      const volume = 0.001 + Math.random();
      return {
        symbol: symbolOf(market),
        timeMs,
        price: price.toFixed(4),
        volumeBase: volume.toFixed(5),
        volumeQuote: (price * volume).toFixed(4),
        tradeId: String(id),
      };
    },
    clockTrade(timeMs: number, sinceMs: number): SourceTick {
      const price = (clockPrice + sinceMs / 1e6).toFixed(6);
      const values = { price, volumeBase: '1', volumeQuote: price };
      return { symbol: clockSymbol, timeMs, ...values, tradeId: String(progress.made++) };
    },
  };
}

/** Some trades come a second time at once, some up to a minute and a half later. */
function createDisorder(share: number): (ticks: readonly SourceTick[], step: number) => SourceTick[] {
  const late = new Map<number, SourceTick[]>();
  return (ticks, step) => {
    const now = late.get(step) ?? [];
    late.delete(step);
    for (const tick of ticks) {
      const dice = Math.random();
      if (dice < share / 2) now.push(tick, tick);
      else if (dice < share) {
        const due = step + 1 + Math.floor((Math.random() * 90_000) / stepMs);
        late.set(due, [...(late.get(due) ?? []), tick]);
      } else now.push(tick);
    }
    return now;
  };
}

/** The feed, and how far it is. */
export function createTrades({ rate, markets, seconds, disorder }: TradesSize): {
  readonly feed: Feed;
  readonly progress: TradesProgress;
} {
  const progress: TradesProgress = {
    startedMs: 0,
    made: 0,
    behindMs: 0,
    behindMsMax: 0,
    pauses: 0,
    pausedMs: 0,
    endedMs: null,
  };
  const { trade, clockTrade } = createMarkets(markets, progress);
  const disturb = createDisorder(disorder);

  async function* events(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    const startedMs = (progress.startedMs = Date.now());
    const perStep = Math.round((rate * stepMs) / 1000);
    for (let step = 0; !signal.aborted && step * stepMs < seconds * 1000; step += 1) {
      const sinceMs = step * stepMs;
      const dueMs = startedMs + sinceMs;
      if (Date.now() < dueMs) await sleep(dueMs - Date.now());
      progress.behindMs = Math.max(0, Date.now() - dueMs);
      progress.behindMsMax = Math.max(progress.behindMsMax, progress.behindMs);
      const ticks = Array.from({ length: perStep - 1 }, () => trade(dueMs));
      const givenMs = Date.now();
      yield { kind: 'ticks', ticks: [...disturb(ticks, step), clockTrade(dueMs, sinceMs)] };
      if (step % 4 === 0) yield { kind: 'watermark', timeMs: dueMs - 1000 };
      const takenMs = Date.now() - givenMs;
      if (takenMs < pauseMsMin) continue;
      progress.pauses += 1;
      progress.pausedMs += takenMs;
    }
    progress.endedMs = Date.now();
  }
  const feed: Feed = {
    name: 'bench',
    kind: 'EXCHANGE',
    markets: Array.from({ length: markets }, (_, index) => ({
      symbol: symbolOf(index),
      base: `X${index}Z`,
      quote: 'USDT',
      marketType: 'SPOT',
    })),
    events,
  };
  return { feed, progress };
}
