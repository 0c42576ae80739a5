import { setMaxListeners } from 'node:events';
import {
  BaseError,
  createPublicClient,
  HttpRequestError,
  http,
  type PublicClient,
  ResponseBodyTooLargeError,
  RpcRequestError,
  TimeoutError,
} from 'viem';
import type { Clock } from '../lib/clock.ts';
import { retryDelayMs } from '../lib/retry.ts';
import { ChainError, type ChainTrouble, isTrouble } from './chain.ts';

/** Requests to a node: batched, timed out, tried again where that helps, and told as one of a few kinds of trouble. */
export interface RpcClient {
  /** viem's client, for contract calls; run it inside of {@link RpcClient.attempt}. */
  readonly viem: PublicClient;
  /** One request. Throws ChainError. */
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Runs requests of viem's client under the same rules; `slow` is what it means when one takes too long. */
  attempt<R>(run: () => Promise<R>, slow?: 'UNREACHABLE' | 'TOO_MUCH'): Promise<R>;
}

/** What a client is made of. */
export interface RpcOptions {
  readonly url: string;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** How long one request may take, in ms; 20,000 by default. */
  readonly timeoutMs?: number;
  /** Tries of a request; 6 by default. */
  readonly triesMax?: number;
}

/** Requests of the same tick that go out as one. */
const batchSize = 100;
const bodyBytesMax = 128 * 1024 * 1024;
/** A node that wants to be left alone for longer than this is asked again by the next sync. */
const retryAfterMaxMs = 30_000;

/** Long-lived: a client of the node at `url`. Nothing is sent yet. */
export function createRpcClient(options: RpcOptions): RpcClient {
  const { url, clock, signal, timeoutMs = 20_000, triesMax = 6 } = options;
  if (signal) setMaxListeners(0, signal); // every request of a batch waits with it while the node is away
  const viem = createPublicClient({
    transport: http(url, {
      batch: { batchSize },
      retryCount: 0, // tried again below, by our clock
      timeout: timeoutMs,
      maxResponseBodySize: bodyBytesMax,
    }),
  });

  async function attempt<R>(run: () => Promise<R>, slow: 'UNREACHABLE' | 'TOO_MUCH' = 'UNREACHABLE'): Promise<R> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await run();
      } catch (error) {
        const trouble = error instanceof ChainError ? error : troubleOf(error, slow, clock.now());
        const waitMs = Math.max(trouble.retryAfterMs ?? 0, retryDelayMs(tries));
        const isWorthIt = isTrouble(trouble, 'UNREACHABLE', 'RATE_LIMITED') && waitMs <= retryAfterMaxMs;
        if (!isWorthIt || tries >= triesMax || signal?.aborted) throw trouble;
        await clock.sleep(waitMs, signal);
      }
    }
  }

  return {
    viem,
    attempt,
    request: (method, params) =>
      attempt(
        () => viem.request({ method, params } as unknown as Parameters<typeof viem.request>[0]),
        method === 'eth_getLogs' ? 'TOO_MUCH' : 'UNREACHABLE', // a smaller range may be quicker
      ),
  };
}

const sentences: Readonly<Record<ChainTrouble, string>> = {
  UNREACHABLE: 'The node does not answer.',
  RATE_LIMITED: 'The node asks to be asked less often.',
  TOO_MUCH: 'The node refuses to answer so much at once.',
  LIED: 'The node gave an answer that cannot be right.',
  MOVED: 'The chain changed while it was read.',
  REFUSED: 'The node refused a request',
};

/** How nodes say that a range holds too much; there is no standard code for it. */
const tooMuch =
  /more than \d+ (results|logs)|too many (results|logs|blocks)|block range|range (is )?too|response size|size exceeded|query timeout|exceeds? (the )?(max|limit)|log response|limit exceeded/i;
const tooOften = /rate limit|too many requests|requests? per second|capacity|throttl|slow down/i;

/** What an error of viem's means; the message of a node is not passed on, for it may hold keys. */
function troubleOf(error: unknown, slow: ChainTrouble, nowMs: number): ChainError {
  const find = <E>(kind: abstract new (...args: never[]) => E): E | null =>
    error instanceof BaseError ? (error.walk((cause) => cause instanceof kind) as E | null) : null;
  const make = (trouble: ChainTrouble, retryAfterMs: number | null = null): ChainError =>
    new ChainError(trouble, sentences[trouble], { cause: error, retryAfterMs });
  const httpError = find(HttpRequestError);
  if (httpError?.status === 429) return make('RATE_LIMITED', retryAfterOf(httpError.headers, nowMs));
  if (httpError?.status === 413 || find(ResponseBodyTooLargeError)) return make('TOO_MUCH');
  const rpcError = find(RpcRequestError);
  if (rpcError !== null) {
    const said = `${rpcError.details} ${rpcError.message}`;
    if (tooOften.test(rpcError.details) || rpcError.code === 429) return make('RATE_LIMITED');
    if (tooMuch.test(said)) return make('TOO_MUCH');
    return new ChainError('REFUSED', `${sentences.REFUSED} (code ${rpcError.code}).`, { cause: error });
  }
  const status = httpError?.status;
  if (status !== undefined && status >= 400 && status < 500)
    return new ChainError('REFUSED', `${sentences.REFUSED} (HTTP ${status}).`, { cause: error });
  if (find(TimeoutError)) return make(slow);
  if (httpError) return make('UNREACHABLE');
  return new ChainError('LIED', sentences.LIED, { cause: error });
}

/** `Retry-After` in ms: seconds, or an HTTP date. */
function retryAfterOf(headers: Headers | undefined, nowMs: number): number | null {
  const value = headers?.get('retry-after');
  if (value == null) return null;
  const seconds = Number(value);
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(value) - nowMs;
  return Number.isFinite(waitMs) && waitMs >= 0 ? waitMs : null;
}
