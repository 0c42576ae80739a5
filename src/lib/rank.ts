/** Ranks, and the correlation of ranks. */

/** The rank 1..n of each value, ascending; equal values share the mean of their ranks. */
export function ranksOf(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let start = 0, end = 1; start < order.length; start = end, end += 1) {
    const value = values[order[start] ?? 0];
    while (end < order.length && values[order[end] ?? 0] === value) end += 1;
    for (let at = start; at < end; at += 1) ranks[order[at] ?? 0] = (start + 1 + end) / 2;
  }
  return ranks;
}

/** Spearman's rank correlation, -1..1: Pearson's of the ranks, ties averaged. Null where one side does not vary. */
export function rankCorrelation(a: Float64Array, b: Float64Array): number | null {
  const [left, right] = [ranksOf(a), ranksOf(b)];
  const mean = (a.length + 1) / 2;
  let [both, squaresLeft, squaresRight] = [0, 0, 0];
  for (let index = 0; index < left.length; index += 1) {
    const x = (left[index] ?? 0) - mean;
    const y = (right[index] ?? 0) - mean;
    both += x * y;
    squaresLeft += x * x;
    squaresRight += y * y;
  }
  return squaresLeft === 0 || squaresRight === 0 ? null : both / Math.sqrt(squaresLeft * squaresRight);
}
