import { minuteMs } from '../../src/lib/interval.ts';

/**
 * A market that follows a script: every trade is a function of its number, so what an exchange would serve at any time,
 * over any of its interfaces, can be told without keeping anything. Arithmetic is in whole units, apart from the code
 * that is tested.
 */

/** A trade; the ids of a market have no holes. */
export interface ScriptedTrade {
  readonly id: number;
  readonly symbol: string;
  readonly timeMs: number;
  readonly price: string;
  readonly amount: string;
}

/** A candle of the script; `count` trades. */
export interface ScriptedCandle {
  readonly openTime: number;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volumeBase: string;
  readonly volumeQuote: string;
  readonly count: number;
}

export interface ScriptedMarket {
  /** The trades of `[fromMs, toMs)`, oldest first. */
  trades(symbol: string, fromMs: number, toMs: number): ScriptedTrade[];
  /** The candles that open in `[fromMs, toMs)`, of the trades before `toMs`; those without a trade are missing. */
  candles(symbol: string, lengthMs: number, fromMs: number, toMs: number): ScriptedCandle[];
}

/** What a script is made of. */
export interface ScriptOptions {
  /** The first trade comes in this minute, epoch ms. */
  readonly startMs: number;
  readonly tradesPerMinute: number;
}

const firstId = 1_000;
/** Prices in cents, amounts in units of 1e-8. */
const cents = 2;
const lots = 8;

/** Tells the script of any symbol; each has prices of its own. */
export function createScriptedMarket({ startMs, tradesPerMinute }: ScriptOptions): ScriptedMarket {
  function tradeAt(symbol: string, index: number): { timeMs: number; price: bigint; amount: bigint } {
    const twin = index % 10 === 9 ? index - 1 : index; // every tenth trade looks like the one before
    const minute = Math.floor(twin / tradesPerMinute);
    const within = (twin % tradesPerMinute) / tradesPerMinute;
    const noise = mix(twin * 31 + Buffer.from(symbol).reduce((sum, byte) => sum + byte, 0));
    const level = 1_000_000 + 5_000 * symbol.charCodeAt(0);
    return {
      timeMs: startMs + minute * minuteMs + Math.floor(within * minuteMs),
      price: BigInt(level + Math.round(20_000 * Math.sin(twin / 40)) + (noise % 400)),
      amount: BigInt(1 + (noise % 1_000_000_007)),
    };
  }
  function indexesOf(fromMs: number, toMs: number): number[] {
    const first = Math.max(0, Math.floor(((fromMs - startMs) / minuteMs) * tradesPerMinute) - 2);
    const last = Math.ceil(((toMs - startMs) / minuteMs) * tradesPerMinute) + 2;
    return Array.from({ length: Math.max(0, last - first) }, (_, index) => first + index);
  }
  function listTrades(symbol: string, fromMs: number, toMs: number) {
    return indexesOf(fromMs, toMs)
      .map((index) => ({ index, ...tradeAt(symbol, index) }))
      .filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
  }
  return {
    trades: (symbol, fromMs, toMs) =>
      listTrades(symbol, fromMs, toMs).map(({ index, timeMs, price, amount }) => ({
        id: firstId + index,
        symbol,
        timeMs,
        price: textOf(price, cents),
        amount: textOf(amount, lots),
      })),
    candles(symbol, lengthMs, fromMs, toMs) {
      const candles: ScriptedCandle[] = [];
      for (let open = Math.ceil(Math.max(fromMs, startMs) / lengthMs) * lengthMs; open < toMs; open += lengthMs) {
        const trades = listTrades(symbol, open, Math.min(toMs, open + lengthMs));
        const [first] = trades;
        const last = trades.at(-1);
        if (first === undefined || last === undefined) continue;
        const prices = trades.map(({ price }) => price);
        candles.push({
          openTime: open,
          open: textOf(first.price, cents),
          high: textOf(
            prices.reduce((a, b) => (b > a ? b : a)),
            cents,
          ),
          low: textOf(
            prices.reduce((a, b) => (b < a ? b : a)),
            cents,
          ),
          close: textOf(last.price, cents),
          volumeBase: textOf(
            trades.reduce((sum, { amount }) => sum + amount, 0n),
            lots,
          ),
          volumeQuote: textOf(
            trades.reduce((sum, { amount, price }) => sum + amount * price, 0n),
            cents + lots,
          ),
          count: trades.length,
        });
      }
      return candles;
    },
  };
}

/** A well-mixed 32-bit number of a number (Wang's hash). */
function mix(seed: number): number {
  let value = (seed ^ 61 ^ (seed >>> 16)) >>> 0;
  value = (value + (value << 3)) >>> 0;
  value = (value ^ (value >>> 4)) >>> 0;
  value = Math.imul(value, 0x27d4eb2d) >>> 0;
  return (value ^ (value >>> 15)) >>> 0;
}

function textOf(units: bigint, places: number): string {
  const digits = units.toString().padStart(places + 1, '0');
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
