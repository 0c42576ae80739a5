/** Many tokens by many days: one number each, or none. */

/** A token's numbers as a database strings them together: days since 1970 and values, each separated by commas, in one order. */
export interface DailySeries {
  readonly tokenId: number;
  readonly days: string;
  readonly values: string;
}

/** A rectangle of numbers: `values[token * dayCount + day]`, day 0 being `firstDay`; NaN where there is none. */
export interface Panel {
  readonly tokenIds: readonly number[];
  /** Days since 1970-01-01. */
  readonly firstDay: number;
  readonly dayCount: number;
  readonly values: Float64Array;
}

/** The days that series cover together, both inclusive; null where there is no number at all. */
export function daysOf(series: readonly DailySeries[]): { readonly first: number; readonly last: number } | null {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { days } of series) {
    for (const day of numbersOf(days)) {
      first = Math.min(first, day);
      last = Math.max(last, day);
    }
  }
  return last < first ? null : { first, last };
}

/** A panel of these tokens over these days; what lies outside is left out. Tokens without a series have no numbers. */
export function createPanel(
  series: readonly DailySeries[],
  tokenIds: readonly number[],
  { first, last }: { readonly first: number; readonly last: number },
): Panel {
  const dayCount = last - first + 1;
  const values = new Float64Array(tokenIds.length * dayCount).fill(Number.NaN);
  const rowOf = new Map(tokenIds.map((tokenId, row) => [tokenId, row]));
  for (const { tokenId, days, values: texts } of series) {
    const row = rowOf.get(tokenId);
    if (row === undefined) continue;
    const numbers = numbersOf(texts);
    for (const [index, day] of numbersOf(days).entries()) {
      if (day >= first && day <= last) values[row * dayCount + day - first] = numbers[index] ?? Number.NaN;
    }
  }
  return { tokenIds, firstDay: first, dayCount, values };
}

function numbersOf(text: string): number[] {
  return text === '' ? [] : text.split(',').map(Number);
}
