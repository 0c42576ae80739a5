/** From prices, or any other chain of positive levels, to returns. Pure. */

/** Levels with their times, oldest first: closes of a token, or the value of a portfolio net of its flows. */
export interface LevelSeries {
  /** Epoch ms, ascending, as long as `levels`. */
  readonly times: readonly number[];
  /** Positive. */
  readonly levels: readonly number[];
}

/** Returns of two series over the same spans, position by position. */
export interface ReturnPairs {
  readonly own: readonly number[];
  readonly other: readonly number[];
}

/** Simple returns from each level to the next, whatever the time between them, so that they compound to the whole. */
export function simpleReturns({ levels }: LevelSeries): number[] {
  return levels.slice(1).map((level, index) => level / (levels[index] ?? 0) - 1);
}

/**
 * The simple returns of a series with those of another over exactly the same spans; spans at whose ends the other has no
 * level are left out.
 */
export function pairReturns(series: LevelSeries, other: LevelSeries): ReturnPairs {
  const otherAt = new Map(other.times.map((time, index) => [time, other.levels[index] ?? 0]));
  const pairs: { own: number[]; other: number[] } = { own: [], other: [] };
  for (const [index, own] of simpleReturns(series).entries()) {
    const [before, after] = [otherAt.get(series.times[index] ?? 0), otherAt.get(series.times[index + 1] ?? 0)];
    if (before === undefined || after === undefined) continue;
    pairs.own.push(own);
    pairs.other.push(after / before - 1);
  }
  return pairs;
}
