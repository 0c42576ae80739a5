/**
 * Grades by a model that is served elsewhere. Pure: a close gives a {@link RemoteQuestion}, whoever can reach the server
 * brings the {@link RemoteAnswer}, and the two make the grades.
 *
 * The contributions add up to the value here too. Where the server gives contributions, each input carries its own and
 * `model.base` the rest: what the model says before it looks at an input, and what it made of missing ones. Where it gives
 * none, nobody can say what an input contributed: inputs are listed with weight 0, and `model.output` carries the value.
 *
 * Wrong and missing answers: the server's client (`sources/model-server.ts`) lets no answer through that is not one value
 * 0..100 a row. Where there is none, the fallback grades the whole close, because two models' values do not rank against
 * each other, and every grade says so.
 */
import type { FallbackReason } from '../sources/model-server.ts';
import {
  type FactorPeers,
  type FactorValues,
  pushFactor,
  pushMissing,
  round6,
  round9,
  sumContributions,
} from './factor-values.ts';
import { bandOf, type GradeModel, type RemoteServing, type ScoredGrade, type Ungraded } from './model.ts';
import { admitRows, peersOf, type ScoreRow, scoreFactor, scoreModel } from './score.ts';

/** A model that a server answers for. */
export type RemoteModel = GradeModel & { readonly remote: RemoteServing };

/** An input of a token that is there, as the grade shows it. */
export interface RemoteInput {
  /** Its place among the model's factors. */
  readonly column: number;
  readonly key: string;
  /** Both rounded to 6 decimals: what is shown is what was sent. */
  readonly raw: number;
  readonly score: number;
}

/** What a model server is to be asked at a close: the tokens of the model's universe, by ascending key. */
export interface RemoteQuestion {
  readonly model: RemoteModel;
  readonly asOf: number;
  readonly tokens: readonly {
    readonly key: number;
    readonly inputs: readonly RemoteInput[];
    readonly peers: FactorPeers;
  }[];
}

/** What became of a question. Values, and contributions by column, in the order of its tokens. */
export type RemoteAnswer =
  | {
      readonly kind: 'ANSWERED';
      readonly servedBy: string;
      readonly values: readonly number[];
      readonly contributions: readonly (readonly number[])[] | null;
    }
  | { readonly kind: 'FALLBACK'; readonly reason: FallbackReason };

/** A question with what its answer is made into grades by. */
export interface OpenQuestion {
  readonly question: RemoteQuestion;
  grade(answer: RemoteAnswer): { grades: ScoredGrade[]; ungraded: Ungraded[] };
}

/** Whether a server answers for a model. */
export function isRemote(model: GradeModel): model is RemoteModel {
  return model.remote !== undefined;
}

/** What a close asks of a remote model. `fallback` grades the rows that the remote model's universe admits. */
export function openQuestion(
  model: RemoteModel,
  fallback: GradeModel,
  asOf: number,
  rows: readonly ScoreRow[],
): OpenQuestion {
  const { admitted, ungraded } = admitRows(model, rows);
  const columns = model.factors.map((factor) => scoreFactor(factor, admitted));
  const all = admitted.map(({ key, features }, rowIndex) => {
    const inputs = model.factors.flatMap((factor, column): RemoteInput[] => {
      const raw = features.raws[factor.feature];
      const score = columns[column]?.scores[rowIndex] ?? null;
      if (raw === null || score === null) return [];
      return [{ column, key: factor.key, raw: round6(raw), score }];
    });
    return { key, inputs, peers: peersOf(columns, rowIndex) };
  });
  const tokens = all.filter(({ inputs }) => inputs.length > 0);
  const refused = all.filter(({ inputs }) => inputs.length === 0).map(({ key }) => key);
  const question: RemoteQuestion = { model, asOf, tokens };
  return {
    question,
    grade(answer) {
      if (answer.kind === 'FALLBACK') return gradeByFallback(model, fallback, asOf, rows, answer.reason);
      const noInput = refused.map((key): Ungraded => ({ key, modelVersion: model.version, reason: 'NO_INPUT' }));
      return { grades: gradesOf(question, answer), ungraded: [...ungraded, ...noInput] };
    },
  };
}

function gradeByFallback(
  { version, kind, universe, bands }: RemoteModel,
  fallback: GradeModel,
  asOf: number,
  rows: readonly ScoreRow[],
  fallbackReason: FallbackReason,
): { grades: ScoredGrade[]; ungraded: Ungraded[] } {
  const { grades, ungraded } = scoreModel({ ...fallback, version, kind, universe, bands }, asOf, rows);
  return { grades: grades.map((grade) => ({ ...grade, servedBy: fallback.version, fallbackReason })), ungraded };
}

function gradesOf(
  { model, asOf, tokens }: RemoteQuestion,
  { servedBy, values, contributions }: Extract<RemoteAnswer, { kind: 'ANSWERED' }>,
): ScoredGrade[] {
  const { version: modelVersion, kind } = model;
  return tokens.map(({ key, inputs, peers }, index) => {
    const factors = explain(model, inputs, values[index] ?? 0, contributions?.[index] ?? null);
    const value = round9(sumContributions(factors));
    const coverage = round6(inputs.reduce((sum, { column }) => sum + (model.factors[column]?.weight ?? 0), 0));
    const band = bandOf(model.bands, value);
    return { key, modelVersion, kind, asOf, value, band, coverage, factors, peers, servedBy };
  });
}

/** What each input contributed, and the rest. A percentile is 1 or more, so the weight is always a number. */
function explain(
  model: RemoteModel,
  inputs: readonly RemoteInput[],
  value: number,
  contributions: readonly number[] | null,
): FactorValues {
  const values: number[] = [];
  for (const column of model.factors.keys()) {
    const input = inputs.find((one) => one.column === column);
    if (input === undefined) {
      pushMissing(values);
      continue;
    }
    const contribution = round9(contributions?.[column] ?? 0);
    pushFactor(values, input.raw, input.score, contribution / input.score, contribution);
  }
  const rest = round9(value - sumContributions(values));
  if (contributions === null) pushMissing(values); // nothing is explained
  pushFactor(values, Number.NaN, rest, 1, rest);
  return values;
}
