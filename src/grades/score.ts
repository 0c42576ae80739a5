import type { Features } from './features.ts';
import {
  type FactorPeers,
  type FactorValues,
  pushFactor,
  pushMissing,
  round6,
  round9,
  shareWeights,
  sumContributions,
} from './factor-values.ts';
import {
  bandOf,
  type FactorDefinition,
  type GradeModel,
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
  { factors }: GradeModel,
  { raws, shares }: Features,
  columns: readonly FactorColumn[],
  rowIndex: number,
): { values: FactorValues; coverage: number } {
  const values: number[] = [];
  let sum = 0;
  for (const [index, { feature, weight }] of factors.entries()) {
    const [raw, score] = [raws[feature], columns[index]?.scores[rowIndex] ?? null];
    if (raw === null || score === null) {
      pushMissing(values);
      continue;
    }
    const available = weight * (shares[feature] ?? 1);
    sum += available;
    pushFactor(values, round6(raw), score, available, 0);
  }
  // A full set of weights adds up to 1 but for the last bit: dividing by that would only blur every weight.
  const available = Math.abs(sum - 1) < 1e-9 ? 1 : sum;
  shareWeights(values, available);
  return { values, coverage: round6(available) };
}

/** The narratives that the factors of one row were ranked within; see {@link FactorPeers}. */
export function peersOf(columns: readonly FactorColumn[], rowIndex: number): FactorPeers {
  if (columns.every(({ peers }) => peers === null || peers[rowIndex] === null)) return [];
  return columns.map(({ peers }) => peers?.[rowIndex] ?? null);
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
  const { values: factors, coverage } = contributionsOf(model, row.features, columns, rowIndex);
  if (coverage === 0) return null;
  const value = round9(sumContributions(factors));
  const { version: modelVersion, kind, bands } = model;
  const peers = peersOf(columns, rowIndex);
  return { key: row.key, modelVersion, kind, asOf, value, band: bandOf(bands, value), coverage, factors, peers };
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
