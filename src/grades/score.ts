import type { Features } from './features.ts';
import {
  bandOf,
  type FactorDefinition,
  type GradeModel,
  type ScoredFactor,
  type ScoredGrade,
  type Ungraded,
  type UngradedReason,
} from './model.ts';

/** One token at a close, as the cross-section sees it. */
export interface ScoreRow {
  readonly key: number;
  /** Bars since the first one or the last long hole. */
  readonly bars: number;
  /** Null only where no model can need them: `bars` is below every model's minimum. */
  readonly features: Features | null;
}

/** A row that a model grades. */
interface GradedRow {
  readonly key: number;
  readonly features: Features;
}

/** 6 decimals: enough for every input and score, and short as JSON. */
function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** 9 decimals: far below what a reader adds up, above the noise of adding it up. */
function round9(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/**
 * The percentile 0..100 of each value among those that are there: (mid-rank - 0.5) / n * 100, ties share the mean of
 * their ranks, winsorised to 1..99 (one extreme token of a thousand scores no better than one of a hundred). A lone
 * value is 50; null stays null.
 */
export function percentilesOf(values: readonly (number | null)[]): (number | null)[] {
  const present = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  present.sort((a, b) => a.value - b.value);
  const scores: (number | null)[] = values.map(() => null);
  for (let start = 0; start < present.length; ) {
    const value = present[start]?.value;
    let end = start + 1;
    while (end < present.length && present[end]?.value === value) end += 1;
    const percentile = ((start + end) / 2 / present.length) * 100;
    for (const tied of present.slice(start, end)) scores[tied.index] = Math.min(99, Math.max(1, percentile));
    start = end;
  }
  return scores;
}

/** The score 0..100 of every row by one factor, rounded as it is shown; null where the input is missing. */
function factorScores(factor: FactorDefinition, rows: readonly GradedRow[]): (number | null)[] {
  const sign = factor.direction === 'LOWER_IS_BETTER' ? -1 : 1;
  const raws = rows.map(({ features }) => {
    const raw = features.raws[factor.feature];
    return raw === null ? null : raw * sign;
  });
  if (factor.normalisation === 'PERCENTILE') {
    return percentilesOf(raws).map((score) => (score === null ? null : round6(score)));
  }
  return raws.map((vote) => (vote === null ? null : round6((vote + 1) * 50)));
}

/** The factors of one row with weights over what is there, and their sum before renormalising: the coverage. */
function contributionsOf(
  model: GradeModel,
  features: Features,
  scores: readonly (number | null)[],
): { factors: ScoredFactor[]; coverage: number } {
  const present = model.factors.flatMap(({ key, feature, weight }, index) => {
    const [raw, score] = [features.raws[feature], scores[index] ?? null];
    if (raw === null || score === null) return [];
    return [{ key, raw: round6(raw), score, weight: weight * (features.shares[feature] ?? 1) }];
  });
  let sum = 0;
  for (const { weight } of present) sum += weight;
  // A full set of weights adds up to 1 but for the last bit: dividing by that would only blur every weight.
  const available = Math.abs(sum - 1) < 1e-9 ? 1 : sum;
  const factors = present.map(({ key, raw, score, weight }) => {
    const share = weight / available;
    return { key, raw, score, weight: share, contribution: round9(share * score) };
  });
  return { factors, coverage: round6(available) };
}

/** Why a model cannot grade this row whatever its inputs say; null when it can. */
function reasonAgainst({ universe }: GradeModel, { bars, features }: ScoreRow): UngradedReason | null {
  if (bars < universe.historyBarsMin || features === null) return 'TOO_LITTLE_HISTORY';
  if (features.returnSpread === null || features.returnSpread < universe.returnSpreadMin) return 'PRICE_PEGGED';
  return null;
}

/** One grade from its factors; null where no input was there. */
function gradeOf(model: GradeModel, asOf: number, row: GradedRow, scores: (number | null)[]): ScoredGrade | null {
  const { factors, coverage } = contributionsOf(model, row.features, scores);
  if (coverage === 0) return null;
  let sum = 0;
  for (const { contribution } of factors) sum += contribution;
  const value = round9(sum);
  const { version: modelVersion, kind } = model;
  return { key: row.key, modelVersion, kind, asOf, value, band: bandOf(model.bands, value), coverage, factors };
}

/** Grades one close by one model: every row is ranked among the rows the model's universe admits. Keeps the order. */
export function scoreModel(
  model: GradeModel,
  asOf: number,
  rows: readonly ScoreRow[],
): { grades: ScoredGrade[]; ungraded: Ungraded[] } {
  const [grades, ungraded, universe]: [ScoredGrade[], Ungraded[], GradedRow[]] = [[], [], []];
  for (const row of rows) {
    const reason = reasonAgainst(model, row);
    if (reason !== null) ungraded.push({ key: row.key, modelVersion: model.version, reason });
    else if (row.features !== null) universe.push({ key: row.key, features: row.features });
  }
  const columns = model.factors.map((factor) => factorScores(factor, universe));
  for (const [index, row] of universe.entries()) {
    const scores = columns.map((column) => column[index] ?? null);
    const grade = gradeOf(model, asOf, row, scores);
    if (grade === null) ungraded.push({ key: row.key, modelVersion: model.version, reason: 'NO_INPUT' });
    else grades.push(grade);
  }
  return { grades, ungraded };
}
