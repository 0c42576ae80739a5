import { type DecimalText, Exact } from '../lib/decimal.ts';
import { type CandleInterval, intervalMs, minuteMs } from '../lib/interval.ts';
import type { QuoteMethod } from './venue-store.ts';

/** A token's price in USD at one moment: now, or as of an instant. Changes are percentages in floating point. */
export interface Quote {
  readonly tokenId: number;
  /** Of the price; `composite` where several venues made it. */
  readonly source: string;
  readonly method: QuoteMethod;
  /** The interval of the candle that gave the price. */
  readonly interval: CandleInterval;
  readonly priceUsd: DecimalText;
  readonly changePct1h: number | null;
  readonly changePct24h: number | null;
  readonly changePct7d: number | null;
  readonly marketCapUsd: DecimalText | null;
  readonly volume24hUsd: DecimalText | null;
  /** Coins that can ever exist, as the registry knows it now. */
  readonly maxSupply: DecimalText | null;
  /** When the price was true: the candle's close, or when an open candle was last heard of. Epoch ms. */
  readonly observedAt: number;
  /** The instant asked for, epoch ms; null where now was meant. */
  readonly asOf: number | null;
  /** The instant as known at which it is, epoch ms; null where that is now. */
  readonly knownAt: number | null;
}

/** A venue may be silent for so long before its price counts as old. */
const freshMs = 15 * minuteMs;

/**
 * Whether a quote is older, at the instant it was asked for, than twice the interval of the candle that gave it or
 * than 15 minutes, whichever is longer.
 */
export function isStaleQuote(quote: Quote, nowMs: number): boolean {
  return (quote.asOf ?? nowMs) - quote.observedAt > Math.max(2 * intervalMs(quote.interval), freshMs);
}

/** What all coins that can ever exist are worth, exactly; null where the maximum is not known or not limited. */
export function computeFullyDiluted({ priceUsd, maxSupply }: Quote): DecimalText | null {
  return maxSupply === null ? null : new Exact(priceUsd).times(maxSupply).toFixed();
}
