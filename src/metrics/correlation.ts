/**
 * Correlation of log returns, pairwise complete: of two columns only the rows that both have count. A column is one token,
 * a row one period; NaN stands for a return that is not there. Pure.
 */

/** Fewest common observations that a correlation is told of. */
export const observationsMin = 30;

/** How two columns are compared: by their values, or by their ranks (ties share the mean of theirs). */
export type CorrelationMethod = 'PEARSON' | 'SPEARMAN';

/** Why a correlation is null. */
export type CorrelationAbsence = 'TOO_FEW_OBSERVATIONS' | 'NO_VARIATION' | 'REAL_AND_SIMULATED';

/** A correlation of -1..1 of `n` common observations; null with a reason. */
export interface Correlation {
  readonly value: number | null;
  readonly n: number;
  readonly reason: CorrelationAbsence | null;
}

/** Closes at open times, oldest first. */
export interface Closes {
  readonly openTimes: readonly number[];
  readonly closes: readonly number[];
}

/** Log returns of several series on one grid of times. */
export interface ReturnGrid {
  /** Epoch ms: open times of the first and the last close on the grid. */
  readonly from: number;
  readonly to: number;
  readonly columns: readonly Float64Array[];
}

/** A relative spread of squares below this is rounding. */
const spreadMin = 1e-24;

/**
 * Puts series on one grid of steps from `from` (the earliest close when null) to the last close of any, and takes log
 * returns from each close to the next one a step later; over a hole there is none. Null where there is no close.
 */
export function createReturnGrid(series: readonly Closes[], stepMs: number, from: number | null): ReturnGrid | null {
  const ends = series.flatMap(({ openTimes }) => openTimes.at(-1) ?? []);
  if (ends.length === 0) return null;
  const starts = series.flatMap(({ openTimes }) => openTimes[0] ?? []);
  const [start, to] = [from ?? Math.min(...starts), Math.max(...ends)];
  const rows = Math.round((to - start) / stepMs);
  const columns = series.map(({ openTimes, closes }) => {
    const column = new Float64Array(Math.max(0, rows)).fill(Number.NaN);
    for (let index = 1; index < closes.length; index += 1) {
      const [before, at] = [openTimes[index - 1] ?? 0, openTimes[index] ?? 0];
      if (at - before !== stepMs || before < start) continue;
      column[Math.round((at - start) / stepMs) - 1] = Math.log((closes[index] ?? 0) / (closes[index - 1] ?? 0));
    }
    return column;
  });
  return { from: start, to, columns };
}

/** Makes the comparison of two columns of a grid by their position. */
export function createComparison(
  columns: readonly Float64Array[],
  method: CorrelationMethod,
): (a: number, b: number) => Correlation {
  const rows = columns[0]?.length ?? 0;
  const [x, y] = [new Float64Array(rows), new Float64Array(rows)];
  if (method === 'PEARSON') {
    const columnOf = (at: number): Float64Array => columns[at] as Float64Array;
    return (a, b) => pearson(x, y, gather(columnOf(a), columnOf(b), x, y));
  }
  const ranked = columns.map(createRanked);
  const rankedOf = (at: number): Ranked => ranked[at] as Ranked;
  return (a, b) => {
    const [own, other] = [rankedOf(a), rankedOf(b)];
    if (own.isWhole && other.isWhole) return pearson(x, y, gather(own.ranks, other.ranks, x, y));
    writeRanks(own, other.column, x);
    writeRanks(other, own.column, y);
    return pearson(x, y, gather(x, y, x, y));
  };
}

/** Copies the rows that both columns have to the front of `x` and `y`, which may be the columns themselves; how many. */
function gather(a: Float64Array, b: Float64Array, x: Float64Array, y: Float64Array): number {
  let n = 0;
  for (let row = 0; row < a.length; row += 1) {
    const [own, other] = [a[row] as number, b[row] as number];
    if (Number.isNaN(own) || Number.isNaN(other)) continue;
    x[n] = own;
    y[n] = other;
    n += 1;
  }
  return n;
}

function pearson(x: Float64Array, y: Float64Array, n: number): Correlation {
  if (n < observationsMin) return { value: null, n, reason: 'TOO_FEW_OBSERVATIONS' };
  let [sumX, sumY] = [0, 0];
  for (let row = 0; row < n; row += 1) {
    sumX += x[row] as number;
    sumY += y[row] as number;
  }
  const [meanX, meanY] = [sumX / n, sumY / n];
  let [varX, varY, both] = [0, 0, 0];
  for (let row = 0; row < n; row += 1) {
    const [dx, dy] = [(x[row] as number) - meanX, (y[row] as number) - meanY];
    varX += dx * dx;
    varY += dy * dy;
    both += dx * dy;
  }
  if (varX < n * spreadMin || varY < n * spreadMin) return { value: null, n, reason: 'NO_VARIATION' };
  return { value: Math.max(-1, Math.min(1, both / Math.sqrt(varX * varY))), n, reason: null };
}

/** A column made ready for ranks: among which rows they are taken differs from pair to pair where values are missing. */
interface Ranked {
  readonly column: Float64Array;
  /** The rows that have a value, smallest value first. */
  readonly order: Uint32Array;
  readonly isWhole: boolean;
  /** Room for the rows of `order` that another column has too. */
  readonly common: Uint32Array;
  /** Among all rows that have a value. */
  readonly ranks: Float64Array;
}

function createRanked(column: Float64Array): Ranked {
  const order = Uint32Array.from(column.keys()).filter((row) => !Number.isNaN(column[row]));
  order.sort((a, b) => (column[a] as number) - (column[b] as number));
  const ranks = new Float64Array(column.length);
  const ranked = { column, order, isWhole: order.length === column.length, common: order.slice(), ranks };
  writeRanks(ranked, column, ranks);
  return ranked;
}

/** Writes the ranks among the rows that `beside` has too; NaN elsewhere. Ties share the mean of their ranks. */
function writeRanks({ column, order, common }: Ranked, beside: Float64Array, ranks: Float64Array): void {
  ranks.fill(Number.NaN);
  let n = 0;
  for (let position = 0; position < order.length; position += 1) {
    const row = order[position] as number;
    if (!Number.isNaN(beside[row])) common[n++] = row;
  }
  for (let start = 0; start < n; ) {
    const value = column[common[start] as number];
    let end = start + 1;
    while (end < n && column[common[end] as number] === value) end += 1;
    for (let at = start; at < end; at += 1) ranks[common[at] as number] = (start + end + 1) / 2;
    start = end;
  }
}

/** Every pair of columns: `pairs[a][b]` is that of a and b, and the same as `pairs[b][a]`. */
export function computeMatrix(columns: readonly Float64Array[], method: CorrelationMethod): Correlation[][] {
  const compare = createComparison(columns, method);
  const pairs: Correlation[][] = columns.map(() => []);
  for (let a = 0; a < columns.length; a += 1) {
    for (let b = 0; b <= a; b += 1) {
      const pair = compare(a, b);
      (pairs[a] as Correlation[])[b] = pair;
      (pairs[b] as Correlation[])[a] = pair;
    }
  }
  return pairs;
}
