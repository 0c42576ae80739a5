import { addDecimals, compareDecimals, type DecimalText } from '../lib/decimal.ts';
import type { CandleInterval } from '../lib/interval.ts';

/**
 * The candle contract, in one place. A candle covers `[openTime, openTime + interval)` in UTC; a coarser candle is always the
 * fold of its finer ones; a series belongs to one market of one source. Prices are per coin and exact: text that is not
 * computed on keeps the digits of its source. Late or repeated candles replace their bucket's row and raise its
 * revision only when a value differs; bad ones never get here (see `validate.ts`).
 */
export interface Candle {
  /** Epoch ms, aligned to the interval. */
  readonly openTime: number;
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  /** Coins traded; null where the source does not say. */
  readonly volumeBase: DecimalText | null;
  /** Quote currency traded; null where the source does not say. */
  readonly volumeQuote: DecimalText | null;
  readonly marketCapUsd: DecimalText | null;
  readonly supply: DecimalText | null;
  /** Whether the bucket's time has passed, so that only a correction can still change it. */
  readonly isFinal: boolean;
}

/** A candle as a writer hands it to the store. */
export interface NewCandle extends Candle {
  readonly seriesId: number;
  readonly interval: CandleInterval;
  /** Whether the source gave this candle itself; false where it was folded from finer ones. */
  readonly isNative: boolean;
}

function addKnown(a: DecimalText | null, b: DecimalText | null): DecimalText | null {
  if (a === null || b === null) return a ?? b;
  return addDecimals(a, b);
}

/** Extends a candle by a later one of the same bucket. An unknown volume counts as nothing, not as unknown in sum. */
export function mergeCandle(earlier: Candle, later: Candle): Candle {
  return {
    openTime: earlier.openTime,
    open: earlier.open,
    high: compareDecimals(later.high, earlier.high) > 0 ? later.high : earlier.high,
    low: compareDecimals(later.low, earlier.low) < 0 ? later.low : earlier.low,
    close: later.close,
    volumeBase: addKnown(earlier.volumeBase, later.volumeBase),
    volumeQuote: addKnown(earlier.volumeQuote, later.volumeQuote),
    marketCapUsd: later.marketCapUsd ?? earlier.marketCapUsd,
    supply: later.supply ?? earlier.supply,
    isFinal: later.isFinal,
  };
}
