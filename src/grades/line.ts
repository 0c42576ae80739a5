/** Least squares of one series on another, for windows in which some positions have no pair. Pure. */

/** A squared deviation below this is rounding, not spread. */
const squareMin = 1e-24;

/** The line `own = intercept + slope * other` and how well it fits. */
export interface Line {
  readonly intercept: number;
  readonly slope: number;
  /** Standard deviation of the residuals, ddof 2. */
  readonly deviation: number;
  /** Pearson's correlation, -1..1; null where `own` did not move. */
  readonly correlation: number | null;
}

/**
 * The line through the pairs at equal positions; a NaN in `other` is no pair. Null under `pairsMin` pairs, or where
 * `other` did not move.
 */
export function fitLine(own: readonly number[], other: readonly number[], pairsMin: number): Line | null {
  let [pairs, sumX, sumY] = [0, 0, 0];
  for (let index = 0; index < own.length; index += 1) {
    const x = other[index] ?? Number.NaN;
    if (Number.isNaN(x)) continue;
    pairs += 1;
    sumX += x;
    sumY += own[index] ?? 0;
  }
  if (pairs < Math.max(pairsMin, 3)) return null;
  const [meanX, meanY] = [sumX / pairs, sumY / pairs];
  let [varX, varY, both] = [0, 0, 0];
  for (let index = 0; index < own.length; index += 1) {
    const x = other[index] ?? Number.NaN;
    if (Number.isNaN(x)) continue;
    const y = (own[index] ?? 0) - meanY;
    varX += (x - meanX) ** 2;
    varY += y * y;
    both += (x - meanX) * y;
  }
  if (varX < pairs * squareMin) return null;
  const slope = both / varX;
  // Rounding can leave a hair below zero where one series is the other.
  const deviation = Math.sqrt(Math.max(0, varY - (both * both) / varX) / (pairs - 2));
  const correlation = varY < pairs * squareMin ? null : Math.max(-1, Math.min(1, both / Math.sqrt(varX * varY)));
  return { intercept: meanY - slope * meanX, slope, deviation, correlation };
}

/** How far the highest pair lies above the line, below 0 where all lie below; null where there is no pair. */
export function largestResidual(
  { intercept, slope }: Line,
  own: readonly number[],
  other: readonly number[],
): number | null {
  let largest: number | null = null;
  for (let index = 0; index < own.length; index += 1) {
    const x = other[index] ?? Number.NaN;
    if (Number.isNaN(x)) continue;
    const residual = (own[index] ?? 0) - intercept - slope * x;
    if (largest === null || residual > largest) largest = residual;
  }
  return largest;
}
