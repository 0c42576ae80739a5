import { type Breaker, createBreaker } from '../lib/breaker.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { retryDelayMs } from '../lib/retry.ts';
import { type ModelMetadata, type Outputs, readMetadata, readOutputs } from './inference-protocol.ts';

/**
 * A model server that speaks the Open Inference Protocol, version 2, over REST (KServe, Triton, MLServer and others). One
 * table of numbers goes out in batches of bounded size, one value a row comes back.
 *
 * - Late: a request has a time limit and so has the whole table; what is not there by then counts as no answer.
 * - Failing: requests that may do better are sent again after growing pauses of random length; after some failures in a
 *   row nothing is sent for a while (a circuit breaker), then a look at the server's readiness decides.
 * - Wrong: an answer that is not one finite value 0..100 a row, all from one model version, is no answer. Nothing partial
 *   is ever used.
 */
export interface ModelServer {
  /** Never throws for what a server can do wrong: that is a value with its reason. */
  infer(request: InferenceRequest): Promise<Inference>;
}

/** What a model is asked. */
export interface InferenceRequest {
  /** The model's name and version on the server. */
  readonly name: string;
  readonly version: string;
  readonly datatype: 'FP32' | 'FP64';
  /** All of one length. Each is answered by itself: what else is asked with it must not matter. */
  readonly rows: readonly (readonly number[])[];
}

/** Why a server gave no answer that can be used. */
export const fallbackReasons = [
  'NO_SERVER',
  'UNREACHABLE',
  'TIMEOUT',
  'SERVER_ERROR',
  'UNKNOWN_MODEL',
  'BAD_ANSWER',
  'CIRCUIT_OPEN',
] as const;

/** One of {@link fallbackReasons}. */
export type FallbackReason = (typeof fallbackReasons)[number];

/** An answer, or why there is none, with a sentence for the log. */
export type Inference =
  | {
      readonly isAnswered: true;
      /** The model's name and version as the server gave them. */
      readonly name: string;
      readonly version: string;
      /** One a row, 0..100. */
      readonly values: readonly number[];
      /** One row of contributions a row; null where the model gives none. */
      readonly contributions: readonly (readonly number[])[] | null;
    }
  | { readonly isAnswered: false; readonly reason: FallbackReason; readonly detail: string };

/** What the client needs. `random` is for tests: 0..1. */
export interface ModelServerOptions {
  /** Base of the server's address; paths of the protocol (`v2/…`) are added to it. */
  readonly url: string;
  /** Time limit of one request. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random?: () => number;
}

/** A request has so many rows at most. */
export const batchRowsMax = 500;
const batchesAtOnce = 4;
const attemptsMax = 3;
const tableWithinMs = 30_000;
const breakerOptions = { failuresMax: 6, openMs: 30_000 };
const bytesPerNumberMax = 32;
const bytesBesideMax = 64 * 1024;

/** A failure of the server; `isPassing`: another try may do better. */
class ServerFailure extends Error {
  readonly reason: FallbackReason;
  readonly isPassing: boolean;

  constructor(reason: FallbackReason, message: string, isPassing = false) {
    super(message);
    this.reason = reason;
    this.isPassing = isPassing;
  }
}

/** Sends one request, and again while another try may do better and there is time. Throws a {@link ServerFailure}. */
type Send = (path: string, body: object | null, bytesMax: number, table: AbortSignal) => Promise<unknown>;

function createSend(options: ModelServerOptions, base: string, breaker: Breaker): Send {
  const { clock, timeoutMs, random = Math.random } = options;

  /** One request. Counts for the breaker: an answer that came is a server that is there, whatever it says. */
  async function send(path: string, body: object | null, bytesMax: number, table: AbortSignal): Promise<unknown> {
    const limit = new AbortController();
    const abort = (): void => limit.abort();
    table.addEventListener('abort', abort, { once: true });
    const done = new AbortController();
    void clock.sleep(timeoutMs, done.signal).then(() => (done.signal.aborted ? undefined : limit.abort()));
    try {
      const response = await fetch(new URL(path, base), {
        signal: limit.signal,
        redirect: 'error',
        ...(body === null
          ? {}
          : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      const text = await readText(response, bytesMax);
      if (!response.ok) throw statusFailure(response.status, path, text);
      breaker.succeeded();
      return path.endsWith('/ready') ? null : parseJson(text);
    } catch (error) {
      const failure = failureOf(error, limit.signal.aborted, path);
      if (failure.isPassing) breaker.failed();
      else breaker.succeeded();
      throw failure;
    } finally {
      done.abort();
      table.removeEventListener('abort', abort);
    }
  }

  return async (path, body, bytesMax, table) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send(path, body, bytesMax, table);
      } catch (error) {
        const isWorthIt = error instanceof ServerFailure && error.isPassing;
        if (!isWorthIt || attempt >= attemptsMax || table.aborted || breaker.isOpen()) throw error;
        await clock.sleep(retryDelayMs(attempt, random), table);
      }
    }
  };
}

/** A client; it connects when it is asked something. */
export function createModelServer(options: ModelServerOptions): ModelServer {
  const base = options.url.endsWith('/') ? options.url : `${options.url}/`;
  const breaker = createBreaker(options.clock, breakerOptions);
  const send = createSend(options, base, breaker);
  const described = new Map<string, ModelMetadata>();

  /** What the server says of a model, asked once until something fails. */
  async function describe(model: string, columns: number, table: AbortSignal): Promise<ModelMetadata> {
    const known = described.get(model);
    if (known) return known;
    await send('v2/health/ready', null, bytesBesideMax, table);
    const metadata = readMetadata(await send(model, null, bytesBesideMax, table), columns);
    if (typeof metadata === 'string') throw new ServerFailure('UNKNOWN_MODEL', metadata);
    described.set(model, metadata);
    return metadata;
  }

  async function inferTable(request: InferenceRequest, table: AbortController): Promise<Inference> {
    const { rows, datatype } = request;
    const model = `v2/models/${encodeURIComponent(request.name)}/versions/${encodeURIComponent(request.version)}`;
    const columns = rows[0]?.length ?? 0;
    const { hasContributions } = await describe(model, columns, table.signal);
    const outputs = [{ name: 'value' }, ...(hasContributions ? [{ name: 'contributions' }] : [])];
    const bytesMax = bytesBesideMax + batchRowsMax * (1 + columns) * bytesPerNumberMax;

    async function ask(batch: InferenceRequest['rows']): Promise<Outputs> {
      const input = { name: 'input', shape: [batch.length, columns], datatype, data: batch.flat() };
      const answer = await send(`${model}/infer`, { inputs: [input], outputs }, bytesMax, table.signal);
      const read = readOutputs(answer, { rows: batch.length, columns, hasContributions });
      if (typeof read === 'string') throw new ServerFailure('BAD_ANSWER', read);
      return read;
    }

    const batches: InferenceRequest['rows'][] = [];
    for (let from = 0; from < rows.length; from += batchRowsMax) batches.push(rows.slice(from, from + batchRowsMax));
    const answers = await mapSome(batches, batchesAtOnce, ask);
    const [first] = answers;
    const { name = request.name, version = request.version } = first ?? {};
    if (answers.some((one) => one.name !== name || one.version !== version))
      throw new ServerFailure('BAD_ANSWER', 'Two model versions answered parts of one table.');
    const contributions = hasContributions ? answers.flatMap((one) => one.contributions ?? []) : null;
    return { isAnswered: true, name, version, values: answers.flatMap(({ values }) => values), contributions };
  }

  return {
    async infer(request) {
      if (!breaker.allows())
        return refused('CIRCUIT_OPEN', `${base} failed several times in a row and is left alone for a while.`);
      const table = new AbortController();
      void options.clock.sleep(tableWithinMs, table.signal).then(() => table.abort());
      try {
        return await inferTable(request, table);
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error;
        described.clear();
        return refused(error.reason, error.message);
      } finally {
        table.abort(); // ends what is under way, and the time limit
      }
    },
  };
}

function refused(reason: FallbackReason, detail: string): Inference {
  return { isAnswered: false, reason, detail };
}

/** Runs over items, some at a time; answers in their order. The first failure is thrown when all under way have ended. */
async function mapSome<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  let hasFailed = false;
  async function runSome(): Promise<void> {
    while (next < items.length && !hasFailed) {
      const index = next;
      next += 1;
      try {
        results[index] = await run(items[index] as Item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, runSome));
  const failure = ended.find((one) => one.status === 'rejected');
  if (failure) throw failure.reason;
  return results;
}

/** The text of an answer. Throws where it is longer than an honest one. */
async function readText(response: Response, bytesMax: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw new ServerFailure('BAD_ANSWER', `An answer is longer than ${bytesMax} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServerFailure('BAD_ANSWER', `An answer is no JSON: ${messageOf(error)}.`);
  }
}

function statusFailure(status: number, path: string, text: string): ServerFailure {
  const sentence = `${path} answered ${status}: ${text.slice(0, 200)}`;
  if (status === 404) return new ServerFailure('UNKNOWN_MODEL', sentence);
  return new ServerFailure('SERVER_ERROR', sentence, status >= 500 || status === 429);
}

function failureOf(error: unknown, isAborted: boolean, path: string): ServerFailure {
  if (error instanceof ServerFailure) return error;
  if (isAborted) return new ServerFailure('TIMEOUT', `${path} did not answer in time.`, true);
  const { cause } = error as { cause?: unknown };
  return new ServerFailure('UNREACHABLE', `${path} cannot be reached: ${messageOf(cause ?? error)}.`, true);
}
