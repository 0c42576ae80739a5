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
import { percentilesOf, rankWithinNarratives } from './rank.ts';

/** One token at a close, as the cross-section sees it. */
export interface ScoreRow {
  readonly key: number;
  /** Bars since the first one or the last long hole. */
  readonly bars: number;
  /** Null only where no model can need them: `bars` is below every model's minimum. */
  readonly features: Features | null;
  /** Slugs of the narratives it may be ranked within. */
  readonly narratives?: readonly string[];
}

/** A row that a model grades. */
export type GradedRow = ScoreRow & { readonly features: Features };

/** 6 decimals: enough for every input and score, and short as JSON. */
export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** 9 decimals: far below what a reader adds up, above the noise of adding it up. */
export function round9(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/** What one factor scores every row: 0..100, rounded as it is shown; null where the input is missing. */
export interface FactorColumn {
  readonly scores: readonly (number | null)[];
  /** The narrative that each was ranked within; null for a factor that is not ranked within narratives. */
  readonly peers: readonly (string | null)[] | null;
}

/** Scores every row by one factor. */
export function scoreFactor(factor: FactorDefinition, rows: readonly GradedRow[]): FactorColumn {
  const sign = factor.direction === 'LOWER_IS_BETTER' ? -1 : 1;
  const raws = rows.map(({ features }) => {
    const raw = features.raws[factor.feature];
    return raw === null ? null : raw * sign;
  });
  const rounded = (scores: readonly (number | null)[]) =>
    scores.map((score) => (score === null ? null : round6(score)));
  if (factor.normalisation === 'VOTES')
    return { scores: rounded(raws.map((vote) => (vote === null ? null : (vote + 1) * 50))), peers: null };
  if (factor.peers === undefined) return { scores: rounded(percentilesOf(raws)), peers: null };
  const ranks = rankWithinNarratives(
    raws,
    rows.map(({ narratives = [] }) => narratives),
  );
  return { scores: rounded(ranks.scores), peers: ranks.peers };
}

/** The factors of one row with weights over what is there, and their sum before renormalising: the coverage. */
function contributionsOf(
  model: GradeModel,
  features: Features,
  columns: readonly FactorColumn[],
  rowIndex: number,
): { factors: ScoredFactor[]; coverage: number } {
  const present = model.factors.flatMap(({ key, feature, weight }, index) => {
    const column = columns[index];
    const [raw, score] = [features.raws[feature], column?.scores[rowIndex] ?? null];
    if (raw === null || score === null) return [];
    const peers = column?.peers == null ? {} : { peers: column.peers[rowIndex] ?? null };
    return [{ key, raw: round6(raw), score, weight: weight * (features.shares[feature] ?? 1), peers }];
  });
  let sum = 0;
  for (const { weight } of present) sum += weight;
  // A full set of weights adds up to 1 but for the last bit: dividing by that would only blur every weight.
  const available = Math.abs(sum - 1) < 1e-9 ? 1 : sum;
  const factors = present.map(({ key, raw, score, weight, peers }) => {
    const share = weight / available;
    return { key, raw, score, weight: share, contribution: round9(share * score), ...peers };
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
function gradeOf(
  model: GradeModel,
  asOf: number,
  row: GradedRow,
  columns: readonly FactorColumn[],
  rowIndex: number,
): ScoredGrade | null {
  const { factors, coverage } = contributionsOf(model, row.features, columns, rowIndex);
  if (coverage === 0) return null;
  let sum = 0;
  for (const { contribution } of factors) sum += contribution;
  const value = round9(sum);
  const { version: modelVersion, kind } = model;
  return { key: row.key, modelVersion, kind, asOf, value, band: bandOf(model.bands, value), coverage, factors };
}

/** The rows that a model's universe admits, and why it refuses the others. */
export function admitRows(
  model: GradeModel,
  rows: readonly ScoreRow[],
): { readonly admitted: GradedRow[]; readonly ungraded: Ungraded[] } {
  const [admitted, ungraded]: [GradedRow[], Ungraded[]] = [[], []];
  for (const row of rows) {
    const reason = reasonAgainst(model, row);
    if (reason !== null) ungraded.push({ key: row.key, modelVersion: model.version, reason });
    else admitted.push(row as GradedRow); // a row without features was refused
  }
  return { admitted, ungraded };
}

/** Grades one close by one model: every row is ranked among the rows the model's universe admits. Keeps the order. */
export function scoreModel(
  model: GradeModel,
  asOf: number,
  rows: readonly ScoreRow[],
): { grades: ScoredGrade[]; ungraded: Ungraded[] } {
  const { admitted, ungraded } = admitRows(model, rows);
  const grades: ScoredGrade[] = [];
  const columns = model.factors.map((factor) => scoreFactor(factor, admitted));
  for (const [index, row] of admitted.entries()) {
    const grade = gradeOf(model, asOf, row, columns, index);
    if (grade === null) ungraded.push({ key: row.key, modelVersion: model.version, reason: 'NO_INPUT' });
    else grades.push(grade);
  }
  return { grades, ungraded };
}
