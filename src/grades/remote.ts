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
  bandOf,
  type GradeModel,
  type RemoteServing,
  type ScoredFactor,
  type ScoredGrade,
  type Ungraded,
} from './model.ts';
import { admitRows, round6, round9, type ScoreRow, scoreFactor, scoreModel } from './score.ts';

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
  /** Of a factor ranked within narratives; see {@link ScoredFactor.peers}. */
  readonly peers?: string | null;
}

/** What a model server is to be asked at a close: the tokens of the model's universe, by ascending key. */
export interface RemoteQuestion {
  readonly model: RemoteModel;
  readonly asOf: number;
  readonly tokens: readonly { readonly key: number; readonly inputs: readonly RemoteInput[] }[];
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

/** The factors of a remote grade that are no inputs. */
export const remoteRestKeys = { explained: 'model.base', unexplained: 'model.output' } as const;

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
      const narratives = columns[column]?.peers;
      const peers = narratives == null ? {} : { peers: narratives[rowIndex] ?? null };
      return [{ column, key: factor.key, raw: round6(raw), score, ...peers }];
    });
    return { key, inputs };
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
  return tokens.map(({ key, inputs }, index) => {
    const factors = explain(inputs, values[index] ?? 0, contributions?.[index] ?? null);
    const value = round9(sumOf(factors));
    const coverage = round6(inputs.reduce((sum, { column }) => sum + (model.factors[column]?.weight ?? 0), 0));
    return { key, modelVersion, kind, asOf, value, band: bandOf(model.bands, value), coverage, factors, servedBy };
  });
}

function sumOf(factors: readonly ScoredFactor[]): number {
  let sum = 0;
  for (const { contribution } of factors) sum += contribution;
  return sum;
}

/** What each input contributed, and the rest. A percentile is 1 or more, so the weight is always a number. */
function explain(
  inputs: readonly RemoteInput[],
  value: number,
  contributions: readonly number[] | null,
): ScoredFactor[] {
  const factors = inputs.map(({ column, key, raw, score, ...peers }): ScoredFactor => {
    const contribution = round9(contributions?.[column] ?? 0);
    return { key, raw, score, weight: contribution / score, contribution, ...peers };
  });
  const rest = round9(value - sumOf(factors));
  const key = contributions === null ? remoteRestKeys.unexplained : remoteRestKeys.explained;
  return [...factors, { key, raw: null, score: rest, weight: 1, contribution: rest }];
}
