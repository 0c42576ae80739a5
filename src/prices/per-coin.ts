import { type DecimalText, shiftDecimal } from '../lib/decimal.ts';

/** From a source's market to prices in USD per coin: which markets count, and how a traded unit becomes a coin. Pure. */

/** Quote currencies that are pegged to the US dollar: candles count them as one, quotes by what they are worth. */
export const dollarPegs = ['USDT', 'USDC', 'BUSD', 'FDUSD', 'TUSD', 'USDP', 'PYUSD', 'USDS', 'DAI'] as const;

const dollars = new Set<string>(['USD', ...dollarPegs]);

/** Whether a market's quote currency counts as the US dollar; other markets are left out. */
export function isDollar(quote: string): boolean {
  return dollars.has(quote);
}

/** What of a candle depends on the traded unit. */
export interface UnitCandle {
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  readonly volumeBase: DecimalText | null;
}

/** A candle per coin, where the source trades ten to the power `unitExponent` coins as one. Exact. */
export function candlePerCoin<C extends UnitCandle>(candle: C, unitExponent: number): C {
  if (unitExponent === 0) return candle;
  const { open, high, low, close, volumeBase } = candle;
  return {
    ...candle,
    open: shiftDecimal(open, -unitExponent),
    high: shiftDecimal(high, -unitExponent),
    low: shiftDecimal(low, -unitExponent),
    close: shiftDecimal(close, -unitExponent),
    volumeBase: volumeBase === null ? null : shiftDecimal(volumeBase, unitExponent),
  };
}

/** A tick per coin; see {@link candlePerCoin}. */
export function tickPerCoin<T extends { readonly price: DecimalText; readonly volumeBase: DecimalText }>(
  tick: T,
  unitExponent: number,
): T {
  if (unitExponent === 0) return tick;
  const { price, volumeBase } = tick;
  return { ...tick, price: shiftDecimal(price, -unitExponent), volumeBase: shiftDecimal(volumeBase, unitExponent) };
}
