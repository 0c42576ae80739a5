import { dayMs } from '../lib/interval.ts';
import { createPanel, type DailySeries, daysOf, type Panel } from '../lib/panel.ts';
import { rankCorrelation, ranksOf } from '../lib/rank.ts';

/**
 * The measured skill of a grade: how its order of the tokens at a close went with what they returned afterwards.
 *
 * The grade of close t is known at t; the position is entered at the close one day later and held for h days, so the
 * forward return is close[t+1+h] / close[t+1] - 1. The rank information coefficient (IC) of a day is Spearman's
 * correlation of the two over the tokens that have both, at least {@link tokensMin}. The mean of the daily ICs is tested
 * with the t-statistic of Newey and West (1987, Econometrica 55), Bartlett weights and h lags, because returns of
 * overlapping spans are not independent.
 *
 * Quintiles are fifths by the rank of the grade (ties share their mean rank), equally weighted. The spread is long the
 * best fifth, short the worst. Its yearly return has a portfolio begun every day, held for h days and then exchanged for
 * the new one, so that it does not depend on the day one begins; each unit bought or sold pays the fee. Not compounded.
 */
export interface SkillInput {
  readonly grades: readonly DailySeries[];
  /** Closes, by the day they close at the end of (the day of the close's own time); reaching h + 1 days past the grades. */
  readonly prices: readonly DailySeries[];
  /** Whole days, at least 1. */
  readonly horizonDays: number;
  /** Fee of each unit bought or sold, hundredths of a percent. */
  readonly feeBps: number;
}

/** What was measured. Percentages are floating point; statistics are null where `reason` says why. */
export interface GradeSkill {
  readonly horizonDays: number;
  readonly feeBps: number;
  /** Days measured: with enough tokens that have a grade and a forward return, neither equal for all. */
  readonly dayCount: number;
  /** First and last close measured, epoch ms; null where there is none. */
  readonly from: number | null;
  readonly to: number | null;
  /** Mean number of tokens a day. */
  readonly tokensPerDay: number | null;
  /** Mean daily rank IC, -1..1, its t-statistic, and the share of days above 0. */
  readonly meanIc: number | null;
  readonly icT: number | null;
  readonly positiveShare: number | null;
  /** Mean forward return in percent of each fifth by grade, best first. */
  readonly quintileReturnsPct: readonly number[] | null;
  /** Mean forward return in percent of all tokens, equally weighted. */
  readonly universeReturnPct: number | null;
  /** Best fifth minus worst, mean percent over the horizon, before fees, and the t-statistic of it. */
  readonly spreadPct: number | null;
  readonly spreadT: number | null;
  /** Percent a year of the spread, after fees. */
  readonly yearlySpreadPct: number | null;
  /** Mean share of the two fifths that is exchanged at a rebalance, 0..1. */
  readonly turnover: number | null;
  readonly reason: string | null;
}

/** Fewer tokens on a day give no cross-section; fewer days give no statistic. */
export const tokensMin = 10;
export const daysMin = 30;

const quintiles = 5;

/** The fifth of `count` that a rank lies in, 0 for the best (the highest ranks) to 4. */
export function fifthOf(rank: number, count: number): number {
  return quintiles - 1 - Math.floor(((rank - 0.5) / count) * quintiles);
}

const daysPerYear = 365;
/** Weight traded when both fifths are exchanged entirely: out of and into each. */
const tradedMax = 4;

/** One day's cross-section: who was in it, and where. */
interface Section {
  /** Rows of the panel. */
  readonly tokens: Uint32Array;
  readonly grades: Float64Array;
  readonly returns: Float64Array;
}

/** What one day adds to the statistics. */
interface DaySkill {
  readonly day: number;
  readonly tokenCount: number;
  /** Null where grades or returns do not vary. */
  readonly ic: number | null;
  /** Mean returns of the fifths, best first, and of all; fractions. */
  readonly fifths: readonly number[];
  readonly mean: number;
  /** Weight of each token in the spread portfolio, by row of the panel: they sum to 1 up and to 1 down. */
  readonly weights: Float64Array;
}

/** Measures a grade; see {@link SkillInput} and {@link GradeSkill}. About a second for 170,000 token-days. */
export function computeSkill({ grades, prices, horizonDays, feeBps }: SkillInput): GradeSkill {
  const span = daysOf(grades);
  if (span === null) return skillOf([], { horizonDays, feeBps });
  const tokenIds = grades.map(({ tokenId }) => tokenId);
  const gradePanel = createPanel(grades, tokenIds, span);
  const pricePanel = createPanel(prices, tokenIds, { first: span.first, last: span.last + 1 + horizonDays });
  const days: DaySkill[] = [];
  for (let day = 0; day < gradePanel.dayCount; day += 1) {
    const section = sectionOf(gradePanel, pricePanel, day, horizonDays);
    if (section.tokens.length >= tokensMin) days.push(measureDay(span.first + day, section, tokenIds.length));
  }
  return skillOf(days, { horizonDays, feeBps });
}

/** The tokens that have a grade at a day and a forward return after it. */
function sectionOf(grades: Panel, prices: Panel, day: number, horizonDays: number): Section {
  const [tokens, values, returns]: [number[], number[], number[]] = [[], [], []];
  for (let token = 0; token < grades.tokenIds.length; token += 1) {
    const grade = grades.values[token * grades.dayCount + day] ?? Number.NaN;
    const entryAt = token * prices.dayCount + day + 1;
    const entry = prices.values[entryAt] ?? Number.NaN;
    const exit = prices.values[entryAt + horizonDays] ?? Number.NaN;
    const change = exit / entry - 1;
    if (Number.isNaN(grade) || !Number.isFinite(change)) continue;
    tokens.push(token);
    values.push(grade);
    returns.push(change);
  }
  return { tokens: Uint32Array.from(tokens), grades: Float64Array.from(values), returns: Float64Array.from(returns) };
}

function measureDay(day: number, { tokens, grades, returns }: Section, tokenCount: number): DaySkill {
  const count = tokens.length;
  const ranks = ranksOf(grades);
  const [sums, sizes] = [new Float64Array(quintiles), new Float64Array(quintiles)];
  for (let index = 0; index < count; index += 1) {
    const fifth = fifthOf(ranks[index] ?? 0, count);
    sums[fifth] = (sums[fifth] ?? 0) + (returns[index] ?? 0);
    sizes[fifth] = (sizes[fifth] ?? 0) + 1;
  }
  const weights = new Float64Array(tokenCount);
  for (let index = 0; index < count; index += 1) {
    const fifth = fifthOf(ranks[index] ?? 0, count);
    if (fifth === 0) weights[tokens[index] ?? 0] = 1 / (sizes[0] ?? 1);
    if (fifth === quintiles - 1) weights[tokens[index] ?? 0] = -1 / (sizes[quintiles - 1] ?? 1);
  }
  return {
    day,
    tokenCount: count,
    ic: rankCorrelation(grades, returns),
    fifths: Array.from(sums, (sum, fifth) => sum / (sizes[fifth] ?? 1)),
    mean: returns.reduce((sum, value) => sum + value, 0) / count,
    weights,
  };
}

type Terms = Pick<SkillInput, 'horizonDays' | 'feeBps'>;

function skillOf(measured: readonly DaySkill[], terms: Terms): GradeSkill {
  const days = measured.filter(({ ic }) => ic !== null);
  const timeOf = (day: DaySkill | undefined): number | null => (day === undefined ? null : day.day * dayMs);
  const known = { ...terms, dayCount: days.length, from: timeOf(days[0]), to: timeOf(days.at(-1)) };
  if (days.length < daysMin) {
    const reason = `${days.length} days have at least ${tokensMin} tokens with a grade and a return over the ${terms.horizonDays} days after; ${daysMin} are needed.`;
    return { ...known, ...noRanks, ...noSpread, reason };
  }
  const ics = Float64Array.from(days, ({ ic }) => ic ?? 0);
  return {
    ...known,
    tokensPerDay: meanOf(days.map(({ tokenCount }) => tokenCount)),
    meanIc: meanOf(ics),
    icT: neweyWestT(ics, terms.horizonDays),
    positiveShare: ics.filter((ic) => ic > 0).length / ics.length,
    universeReturnPct: meanOf(days.map(({ mean }) => mean)) * 100,
    ...spreadOf(days, terms),
  };
}

const noRanks = { tokensPerDay: null, meanIc: null, icT: null, positiveShare: null, universeReturnPct: null } as const;
const noSpread = {
  quintileReturnsPct: null,
  spreadPct: null,
  spreadT: null,
  yearlySpreadPct: null,
  turnover: null,
} as const;

/** The fifths and the spread between them, over the days on which no fifth is empty, as many equal grades can leave one. */
function spreadOf(
  days: readonly DaySkill[],
  { horizonDays, feeBps }: Terms,
): { readonly [Key in keyof typeof noSpread | 'reason']: GradeSkill[Key] } {
  const full = days.filter(({ fifths }) => fifths.every(Number.isFinite));
  const traded = meanTraded(full, horizonDays);
  if (full.length < daysMin)
    return { ...noSpread, reason: `Only ${full.length} days have grades for all five fifths.` };
  const spreads = Float64Array.from(full, ({ fifths }) => (fifths[0] ?? 0) - (fifths[quintiles - 1] ?? 0));
  const spread = meanOf(spreads);
  const part = {
    quintileReturnsPct: Array.from(
      { length: quintiles },
      (_, fifth) => meanOf(full.map(({ fifths }) => fifths[fifth] ?? 0)) * 100,
    ),
    spreadPct: spread * 100,
    spreadT: neweyWestT(spreads, horizonDays),
  };
  if (traded === null) {
    const reason = `No two measured days lie ${horizonDays} days apart, so the turnover is not known.`;
    return { ...part, yearlySpreadPct: null, turnover: null, reason };
  }
  const yearly = (spread - (traded * feeBps) / 10_000) * (daysPerYear / horizonDays);
  return { ...part, yearlySpreadPct: yearly * 100, turnover: traded / tradedMax, reason: null };
}

/** Mean weight bought and sold when the portfolio of a day replaces the one of `horizonDays` before; null without a pair. */
function meanTraded(days: readonly DaySkill[], horizonDays: number): number | null {
  const byDay = new Map(days.map((day) => [day.day, day.weights]));
  const traded = days.flatMap(({ day, weights }) => {
    const before = byDay.get(day - horizonDays);
    return before === undefined ? [] : [distance(weights, before)];
  });
  return traded.length === 0 ? null : meanOf(traded);
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += Math.abs((a[index] ?? 0) - (b[index] ?? 0));
  return sum;
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] ?? 0;
  return sum / values.length;
}

/**
 * Mean over its standard error, the error with Bartlett weights over `lags` autocovariances (Newey and West 1987, no
 * small-sample correction). Null where the values do not vary.
 */
export function neweyWestT(values: Float64Array, lags: number): number | null {
  const mean = meanOf(values);
  const covariance = (lag: number): number => {
    let sum = 0;
    for (let at = lag; at < values.length; at += 1)
      sum += ((values[at] ?? 0) - mean) * ((values[at - lag] ?? 0) - mean);
    return sum / values.length;
  };
  let variance = covariance(0);
  if (variance < 1e-24) return null;
  for (let lag = 1; lag <= Math.min(lags, values.length - 1); lag += 1)
    variance += 2 * (1 - lag / (lags + 1)) * covariance(lag);
  return variance > 0 ? mean / Math.sqrt(variance / values.length) : null;
}
