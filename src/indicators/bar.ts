/** One closed candle as the engines read it: floating point, times in epoch ms. The exact text stays in `prices/`. */
export interface Bar {
  readonly openTime: number;
  readonly closeTime: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Volume in the quote currency when the source has it, else base volume; 0 where it has neither. */
  readonly volume: number;
}
