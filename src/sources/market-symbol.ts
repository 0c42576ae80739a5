/** Market symbols as ccxt spells them, and the multiples of a coin (`1000PEPE`) that some venues trade. */
import type { SourceMarket } from './exchange.ts';

/** A market symbol taken apart. */
export interface MarketSymbol extends SourceMarket {
  /** The coin behind the traded unit: `PEPE` for `1000PEPE`, else the same as `base`. */
  readonly baseToken: string;
  /** One traded unit is ten to this power coins: 3 for `1000PEPE`, 0 for plain coins. */
  readonly unitMultiplierLog10: number;
}

const symbolShape = /^([^\s/:,"]+)\/([^\s/:,"]+)(?::([^\s/:,"-]+))?$/;
/** The rest must be named like a coin, so `1INCH`, `10001000` and `1MIL` are no multiples. */
const multipliedFront = /^(?:1(000000|0000|000)|1(M)(?=\p{L}{3}))(\p{L}.*)$/u;
const multipliedBack = /^(\p{L}.*?)1(000000|0000|000)$/u;

/**
 * Takes `BASE/QUOTE` (spot) or `BASE/QUOTE:SETTLE` (perpetual) apart. Null where the text is neither, dated futures
 * and options (`BTC/USDT:USDT-250627`) included.
 */
export function parseMarketSymbol(symbol: string): MarketSymbol | null {
  const [, base, quote, settle] = symbolShape.exec(symbol) ?? [];
  if (base === undefined || quote === undefined) return null;
  return { symbol, base, quote, marketType: settle === undefined ? 'SPOT' : 'PERPETUAL', ...unitOf(base) };
}

function unitOf(base: string): { baseToken: string; unitMultiplierLog10: number } {
  const [, zeros, million, coin] = multipliedFront.exec(base) ?? [];
  if (coin !== undefined)
    return { baseToken: coin, unitMultiplierLog10: million === undefined ? (zeros?.length ?? 0) : 6 };
  const [, name, backZeros] = multipliedBack.exec(base) ?? [];
  if (name !== undefined && backZeros !== undefined) return { baseToken: name, unitMultiplierLog10: backZeros.length };
  return { baseToken: base, unitMultiplierLog10: 0 };
}
