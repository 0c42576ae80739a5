import { bucketOpen, type CandleInterval, intervalMs } from '../../src/lib/interval.ts';
import { type Candle, mergeCandle } from '../../src/prices/candle.ts';

/**
 * The oracle of folding, written the plain way: the database and the live builder are held to it.
 * Folds finer candles, oldest first, into coarser ones, oldest first. A coarse candle is final when its whole bucket
 * lies before `closedBefore` (epoch ms).
 */
export function foldCandles(finer: readonly Candle[], interval: CandleInterval, closedBefore: number): Candle[] {
  const folded: Candle[] = [];
  for (const candle of finer) {
    const openTime = bucketOpen(interval, candle.openTime);
    const last = folded.at(-1);
    const moved = { ...candle, openTime };
    if (last?.openTime === openTime) folded[folded.length - 1] = mergeCandle(last, moved);
    else folded.push(moved);
  }
  return folded.map((candle) => ({ ...candle, isFinal: candle.openTime + intervalMs(interval) <= closedBefore }));
}
