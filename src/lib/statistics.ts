/**
 * Statistics of a window of returns or volumes, oldest first. All are null where the window is too short or the
 * statistic undefined; never NaN or Infinity. Ratios are annualised with 365 periods a year unless told otherwise.
 */

/** How the ratios of returns to risk are read. */
export interface RatioOptions {
  /** What a period yields without risk, a fraction; 0 when not given. */
  readonly riskFree?: number;
  /** 365 when not given: daily returns of a market that never closes. */
  readonly periodsPerYear?: number;
}

const daysPerYear = 365;

/** A deviation below this is rounding, not spread: equal returns rarely come out equal to the last bit. */
const deviationMin = 1e-12;

/** A number that may leave the engine, or null. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Arithmetic mean; null for an empty window. */
export function meanOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  let sum = 0;
  for (const value of values) sum += value;
  return finite(sum / values.length);
}

/** Standard deviation with ddof 1; 0 where only rounding tells the values apart, null for fewer than two values. */
export function deviationOf(values: readonly number[]): number | null {
  const mean = meanOf(values);
  if (mean === null || values.length < 2) return null;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const deviation = Math.sqrt(squares / (values.length - 1));
  return deviation < deviationMin ? 0 : finite(deviation);
}

/** Bias-corrected skewness (Fisher-Pearson, G1); null for fewer than three values or no spread. */
export function skewOf(values: readonly number[]): number | null {
  const count = values.length;
  const mean = meanOf(values);
  if (mean === null || count < 3) return null;
  let [second, third] = [0, 0];
  for (const value of values) {
    const distance = value - mean;
    second += distance * distance;
    third += distance * distance * distance;
  }
  if (second < count * deviationMin ** 2) return null;
  const biased = third / count / (second / count) ** 1.5;
  return finite((biased * Math.sqrt(count * (count - 1))) / (count - 2));
}

/** Bias-corrected excess kurtosis (G2); null for fewer than four values or no spread. */
export function excessKurtosisOf(values: readonly number[]): number | null {
  const count = values.length;
  const mean = meanOf(values);
  if (mean === null || count < 4) return null;
  let [second, fourth] = [0, 0];
  for (const value of values) {
    const square = (value - mean) ** 2;
    second += square;
    fourth += square * square;
  }
  if (second < count * deviationMin ** 2) return null;
  const biased = (count * fourth) / (second * second) - 3;
  return finite(((count - 1) / ((count - 2) * (count - 3))) * ((count + 1) * biased + 6));
}

/** The q-quantile (0..1) of ascending values, linear between neighbours; null for an empty window. */
export function quantileOf(ascending: ArrayLike<number>, q: number): number | null {
  const at = (ascending.length - 1) * q;
  const low = ascending[Math.floor(at)];
  const high = ascending[Math.ceil(at)];
  if (low === undefined || high === undefined) return null;
  return low + (high - low) * (at - Math.floor(at));
}

/** (mean - riskFree) / deviation * sqrt(periods per year); null where the returns do not vary. */
export function sharpeOf(returns: readonly number[], options: RatioOptions = {}): number | null {
  const { riskFree = 0, periodsPerYear = daysPerYear } = options;
  const [mean, deviation] = [meanOf(returns), deviationOf(returns)];
  if (mean === null || deviation === null || deviation === 0) return null;
  return finite(((mean - riskFree) / deviation) * Math.sqrt(periodsPerYear));
}

/** Root mean square, over all N, of how far returns fall short of `riskFree`; null for an empty window. */
export function downsideOf(returns: readonly number[], riskFree = 0): number | null {
  if (returns.length === 0) return null;
  let squares = 0;
  for (const value of returns) squares += Math.min(value - riskFree, 0) ** 2;
  return finite(Math.sqrt(squares / returns.length));
}

/** (mean - riskFree) / {@link downsideOf} * sqrt(periods per year); null where no return fell short. */
export function sortinoOf(returns: readonly number[], options: RatioOptions = {}): number | null {
  const { riskFree = 0, periodsPerYear = daysPerYear } = options;
  const [mean, downside] = [meanOf(returns), downsideOf(returns, riskFree)];
  if (mean === null || downside === null || downside === 0) return null;
  return finite(((mean - riskFree) / downside) * Math.sqrt(periodsPerYear));
}

/** Deepest fall from a peak along the compounded returns, a fraction <= 0; null for an empty window. */
export function maxDrawdownOf(returns: readonly number[]): number | null {
  if (returns.length === 0) return null;
  let [level, peak, deepest] = [1, 1, 0];
  for (const value of returns) {
    level *= 1 + value;
    peak = Math.max(peak, level);
    deepest = Math.min(deepest, level / peak - 1);
  }
  return finite(deepest);
}

/** The deepest fall of a chain of levels: how deep, and the positions of its peak, its trough and its recovery. */
export interface Drawdown {
  /** A fraction of the peak, 0 or below. */
  readonly depth: number;
  readonly peak: number;
  readonly trough: number;
  /** The first position after the trough at the peak or above; null while it has not been reached again. */
  readonly recovery: number | null;
}

/** The deepest fall of positive levels (the earliest of equals); null where they never fell. */
export function drawdownOf(levels: readonly number[]): Drawdown | null {
  let [depth, peak, trough, highest] = [0, 0, 0, 0];
  for (let index = 0; index < levels.length; index += 1) {
    if ((levels[index] ?? 0) > (levels[highest] ?? 0)) highest = index;
    const fall = (levels[index] ?? 0) / (levels[highest] ?? 1) - 1;
    if (fall < depth) [depth, peak, trough] = [fall, highest, index];
  }
  if (depth === 0) return null;
  const recovery = levels.findIndex((level, index) => index > trough && level >= (levels[peak] ?? 0));
  return { depth, peak, trough, recovery: recovery === -1 ? null : recovery };
}

/** How far each level lies below the highest so far, fractions of it, 0 or below. */
export function fallsOf(levels: readonly number[]): number[] {
  let highest = 0;
  return levels.map((level) => {
    highest = Math.max(highest, level);
    return level / highest - 1;
  });
}

/** Sum of gains over `threshold` by sum of shortfalls below it (omega ratio); null where nothing fell short. */
export function omegaOf(returns: readonly number[], threshold = 0): number | null {
  let [gains, shortfalls] = [0, 0];
  for (const value of returns) {
    if (value >= threshold) gains += value - threshold;
    else shortfalls += threshold - value;
  }
  return shortfalls === 0 ? null : finite(gains / shortfalls);
}

/** Least squares of `own` on `market`, pair by pair. */
export interface Regression {
  /** Slope; null where the market did not move. */
  readonly beta: number | null;
  /** Pearson's correlation, -1..1; null where either did not move. */
  readonly correlation: number | null;
}

/** Beta and correlation of pairs at equal positions; both null for fewer than two pairs. */
export function regressionOf(own: readonly number[], market: readonly number[]): Regression {
  const [meanOwn, meanMarket] = [meanOf(own), meanOf(market)];
  if (meanOwn === null || meanMarket === null || own.length < 2) return { beta: null, correlation: null };
  let [varOwn, varMarket, both] = [0, 0, 0];
  for (let index = 0; index < own.length; index += 1) {
    const [x, y] = [(market[index] ?? 0) - meanMarket, (own[index] ?? 0) - meanOwn];
    varMarket += x * x;
    varOwn += y * y;
    both += x * y;
  }
  const squaresMin = own.length * deviationMin ** 2;
  if (varMarket < squaresMin) return { beta: null, correlation: null };
  if (varOwn < squaresMin) return { beta: finite(both / varMarket), correlation: null };
  const correlation = Math.max(-1, Math.min(1, both / Math.sqrt(varMarket * varOwn)));
  return { beta: finite(both / varMarket), correlation: finite(correlation) };
}

/** Sum of gains over the absolute sum of losses; null where there was no loss. */
export function profitFactorOf(returns: readonly number[]): number | null {
  return omegaOf(returns);
}

/** |95th / 5th percentile| of ascending returns; null where the 5th is zero. */
export function tailRatioOf(ascending: ArrayLike<number>): number | null {
  const [upper, lower] = [quantileOf(ascending, 0.95), quantileOf(ascending, 0.05)];
  return upper === null || lower === null || lower === 0 ? null : finite(Math.abs(upper / lower));
}
