import type { Sql } from '../db/client.ts';
import { remoteRestKeys, type ScoredFactor } from '../grades/factor-values.ts';
import type { RemoteAnswer, RemoteInput, RemoteQuestion } from '../grades/remote.ts';
import { listPublishedAnswers, type PublishedAnswer } from '../grades/store.ts';
import { settledIntervals, type Market, type Published } from './market.ts';
import type { FallbackReason, ModelServer } from '../sources/model-server.ts';

/**
 * Answers for remote models: those that were published for the same inputs before anything else, so that settling a close
 * again (a restart, `compute`) gives the same bytes and asks nobody, then those of the model server.
 */

/** Answers the questions of a close, in their order. */
export type Asker = (market: Market, questions: readonly RemoteQuestion[]) => Promise<RemoteAnswer[]>;

/** What answering needs. */
export interface AskerDeps {
  readonly db: Sql;
  /** Null: there is none, and fallbacks answer. */
  readonly server: ModelServer | null;
  /** Whether a close that a fallback graded stays so; else the server is asked again. */
  readonly keepsFallbacks: boolean;
  /** Told of each close that the fallback of a model grades now and did not before. */
  onFallback(asOf: number, version: string, reason: FallbackReason, detail: string): void;
}

/** See {@link Asker}. */
export async function answerQuestions(
  deps: AskerDeps,
  market: Market,
  published: Published,
  questions: readonly RemoteQuestion[],
): Promise<RemoteAnswer[]> {
  const answers: RemoteAnswer[] = [];
  for (const question of questions) {
    const before = await findPublished(deps, market, published, question);
    answers.push(before ?? (await askServer(deps, question)));
  }
  return answers;
}

async function findPublished(
  { db, keepsFallbacks }: AskerDeps,
  market: Market,
  published: Published,
  { model, asOf, tokens }: RemoteQuestion,
): Promise<RemoteAnswer | null> {
  const series = market.seriesOf.get(settledIntervals[0] ?? model.interval);
  const rows = await listPublishedAnswers(
    db,
    published.modelIds.get(model.version) ?? 0,
    asOf,
    tokens.map(({ key }) => key),
    tokens.map(({ key }) => series?.get(key) ?? 0),
  );
  const [first] = rows;
  if (first === undefined) return null;
  if (first.fallbackReason !== null) return keepsFallbacks ? { kind: 'FALLBACK', reason: first.fallbackReason } : null;
  const byToken = new Map(rows.map((row) => [row.tokenId, row]));
  const same = tokens.flatMap(({ key, inputs }) => {
    const row = byToken.get(key);
    return row !== undefined && row.servedBy === first.servedBy && isSame(inputs, row) ? [{ inputs, row }] : [];
  });
  if (same.length < tokens.length) return null;
  const hasContributions = first.factors.at(-1)?.key === remoteRestKeys.explained;
  return {
    kind: 'ANSWERED',
    servedBy: first.servedBy,
    values: same.map(({ row }) => row.value),
    contributions: hasContributions
      ? same.map(({ inputs, row }) => columnsOf(model.factors.length, inputs, row))
      : null,
  };
}

/** Whether a grade was made of these inputs. */
function isSame(inputs: readonly RemoteInput[], { factors, fallbackReason }: PublishedAnswer): boolean {
  const isInput = (factor: ScoredFactor | undefined, { key, raw, score }: RemoteInput): boolean =>
    factor?.key === key && factor.raw === raw && factor.score === score;
  return (
    fallbackReason === null &&
    factors.length === inputs.length + 1 &&
    inputs.every((input, index) => isInput(factors[index], input))
  );
}

function columnsOf(count: number, inputs: readonly RemoteInput[], { factors }: PublishedAnswer): number[] {
  const columns = Array.from({ length: count }, () => 0);
  for (const [index, { column }] of inputs.entries()) columns[column] = factors[index]?.contribution ?? 0;
  return columns;
}

async function askServer({ server, onFallback }: AskerDeps, question: RemoteQuestion): Promise<RemoteAnswer> {
  const { model, asOf, tokens } = question;
  if (tokens.length === 0) return { kind: 'ANSWERED', servedBy: model.version, values: [], contributions: null };
  const refuse = (reason: FallbackReason, detail: string): RemoteAnswer => {
    onFallback(asOf, model.version, reason, detail);
    return { kind: 'FALLBACK', reason };
  };
  if (server === null) return refuse('NO_SERVER', 'MODEL_SERVER_URL is not set.');
  const { name, version, datatype } = model.remote;
  const inference = await server.infer({ name, version, datatype, rows: tableOf(question) });
  if (!inference.isAnswered) return refuse(inference.reason, inference.detail);
  const { values, contributions } = inference;
  return { kind: 'ANSWERED', servedBy: `${inference.name}:${inference.version}`, values, contributions };
}

/** The inputs as they are sent: a row a token, a column a factor. */
function tableOf({ model, tokens }: RemoteQuestion): number[][] {
  const { input: form, missing } = model.remote;
  return tokens.map(({ inputs }) => {
    const row = model.factors.map(() => missing);
    for (const { column, raw, score } of inputs) row[column] = form === 'RAWS' ? raw : score;
    return row;
  });
}
