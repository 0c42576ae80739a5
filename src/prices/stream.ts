import { bucketClose, type CandleInterval } from '../lib/interval.ts';
import { type ConflatingQueue, createConflatingQueue } from '../lib/queue.ts';
import { retrying } from '../lib/retry.ts';
import type { Present } from '../lib/shared-stream.ts';
import { stoppable, whenAborted } from '../lib/stoppable.ts';
import { type HubDeps, loadQuotes, type PriceHub, priceHubOf } from './hub.ts';
import type { Quote } from './quote.ts';
import { listCandles } from './read-store.ts';
import type { CandleArgs, SeriesCandle } from './series.ts';

/**
 * Prices as streams. They conflate: who reads slowly gets the latest, never a growing queue; only closed candles are
 * all delivered, read from the store by position. Late or doubled wake-ups cost a look and yield nothing.
 * `return()`, or the signal, ends a stream at once.
 */

/** A stream waits no longer than this without looking again, in ms. */
const lookMs = 3_600_000;

/**
 * The current quotes of tokens first, then each changed one, at most once per token in `throttleMs`. A token without a
 * quote comes once it has one.
 */
export function streamQuotes(
  deps: HubDeps,
  tokenIds: readonly number[],
  throttleMs: number,
  signal: AbortSignal | null = null,
): AsyncGenerator<Quote, void, undefined> {
  return stoppable(signal, (inner) => {
    const queue = createConflatingQueue<number, Quote>(tokenIds.length);
    const unwatch = priceHubOf(deps).watchQuotes(tokenIds, (quote) => queue.push(quote.tokenId, quote));
    whenAborted(inner, () => {
      unwatch();
      queue.clear();
      queue.end();
    });
    return listQuotes(deps, tokenIds, throttleMs, queue);
  });
}

async function* listQuotes(
  { db, clock }: HubDeps,
  tokenIds: readonly number[],
  throttleMs: number,
  queue: ConflatingQueue<number, Quote>,
): AsyncGenerator<Quote, void, undefined> {
  const sent = new Map<number, { readonly quote: Quote; readonly atMs: number }>();
  const dueAt = (tokenId: number): number => (sent.get(tokenId)?.atMs ?? -Infinity) + throttleMs;
  for (const quote of await loadQuotes(db, tokenIds)) {
    if (queue.isEnded) return;
    sent.set(quote.tokenId, { quote, atMs: clock.now() });
    yield quote;
  }
  while (!queue.isEnded) {
    const nowMs = clock.now();
    const [tokenId, quote] = queue.take((id) => dueAt(id) <= nowMs) ?? [];
    if (tokenId === undefined || quote === undefined) await pause(clock, queue, dueAt);
    else if (isNews(sent.get(tokenId)?.quote, quote)) {
      sent.set(tokenId, { quote, atMs: nowMs });
      yield quote;
    }
  }
}

/** Waits until a quote comes or one that waits falls due. */
async function pause(
  clock: HubDeps['clock'],
  queue: ConflatingQueue<number, Quote>,
  dueAt: (tokenId: number) => number,
): Promise<void> {
  const dueMs = Math.min(...[...queue.keys()].map(dueAt)) - clock.now();
  const timer = new AbortController();
  await Promise.race([queue.changed(), clock.sleep(Math.min(dueMs, lookMs), timer.signal)]);
  timer.abort();
}

/** What was sent may be newer than what the hub had read before. */
function isNews(last: Quote | undefined, quote: Quote): boolean {
  if (last === undefined) return true;
  if (quote.observedAt < last.observedAt) return false;
  return (Object.keys(quote) as (keyof Quote)[]).some((key) => quote[key] !== last[key]);
}

/**
 * A token's newest candle of its default series, then the open candle whenever it changes, and every candle once when it
 * has closed, in order, however many close between two looks. A correction of a closed candle does not come.
 */
export function streamCandles(
  deps: HubDeps,
  tokenId: number,
  interval: CandleInterval,
  signal: AbortSignal | null = null,
): AsyncGenerator<SeriesCandle, void, undefined> {
  return stoppable(signal, (inner) => {
    const looks = createConflatingQueue<'LOOK', HubDeps>(1);
    const unwatch: ReturnType<PriceHub['watchCandles']> = priceHubOf(deps).watchCandles(tokenId, (shared) =>
      looks.push('LOOK', shared),
    );
    whenAborted(inner, () => {
      unwatch();
      looks.clear();
      looks.end();
    });
    looks.push('LOOK', { db: deps.db, events: deps.events, clock: deps.clock });
    return followCandles(tokenId, interval, looks, inner);
  });
}

/** Candles read at a look. */
const pageMax = 500;

async function* followCandles(
  tokenId: number,
  interval: CandleInterval,
  looks: ConflatingQueue<'LOOK', HubDeps>,
  signal: AbortSignal,
): AsyncGenerator<SeriesCandle, void, undefined> {
  let from: number | null = null; // everything that opens before it has been delivered
  const open = new Map<number, SeriesCandle>();
  for await (const [, deps] of looks) {
    for (let isMore = true; isMore && !looks.isEnded; ) {
      const limit: number = from === null ? 1 : pageMax;
      const range: CandleArgs = { interval, from, limit, gaps: 'OMIT' };
      let shared: HubDeps | null = deps; // loaders keep a failure: another try gets dependencies of its own
      const read = (): ReturnType<typeof listCandles> => {
        const own = shared ?? { ...deps };
        shared = null;
        return listCandles(own, tokenId, range);
      };
      const page = (await retrying(deps.clock, signal, read)) ?? [];
      for (const candle of page) {
        if (looks.isEnded) return;
        if (!candle.isFinal && isSame(open.get(candle.openTime), candle)) continue;
        yield candle;
        if (!candle.isFinal) open.set(candle.openTime, candle);
      }
      const closed = page.findLast(({ isFinal }) => isFinal);
      if (closed !== undefined) from = bucketClose(interval, closed.openTime);
      else from ??= page[0]?.openTime ?? null;
      for (const openTime of open.keys()) if (openTime < (from ?? 0)) open.delete(openTime);
      isMore = closed !== undefined && page.length === limit && limit > 1;
    }
  }
}

/** What one who joins a stream of candles is told first: the candles still open, or the last that closed. */
export function newestCandles(): Present<SeriesCandle> {
  const newest = new Map<number, SeriesCandle>();
  return {
    apply(candle) {
      newest.set(candle.openTime, candle);
      const last = Math.max(...newest.keys());
      for (const [openTime, { isFinal }] of newest) if (isFinal && openTime < last) newest.delete(openTime);
    },
    events: () => [...newest.values()].toSorted((a, b) => a.openTime - b.openTime),
  };
}

const shown = ['open', 'high', 'low', 'close', 'volumeBase', 'volumeQuote', 'source'] as const;

function isSame(a: SeriesCandle | undefined, b: SeriesCandle): boolean {
  return a !== undefined && shown.every((key) => a[key] === b[key]);
}
