import type { Sql } from '../db/client.ts';
import type { EventFeed } from '../events/replay.ts';
import type { TopicPayloads } from '../events/topics.ts';
import type { Clock } from '../lib/clock.ts';
import { retryDelayMs, retrying } from '../lib/retry.ts';
import { listTokensOfSeries } from './hub-store.ts';
import type { Quote } from './quote.ts';
import { quoteByToken } from './quote-store.ts';

/**
 * What a process's price subscriptions share: one follower of the `prices` topic, which loads the changed quotes that
 * anybody watches in one statement and gives the same rows to all. It runs only while somebody watches.
 *
 * Whoever watches and then reads a snapshot misses nothing: a change is either in the snapshot or told afterwards. It
 * may be told what its snapshot had already. While the database is away changes pile up as a set of tokens.
 */
export interface PriceHub {
  /** Tells each changed quote of these tokens until the returned function is called. */
  watchQuotes(tokenIds: readonly number[], onQuote: (quote: Quote) => void): () => void;
  /**
   * Tells when candles of a token may have changed, until the returned function is called. All who are told at once get
   * the same `deps`, so that what they load then is one statement.
   */
  watchCandles(tokenId: number, onChange: (deps: HubDeps) => void): () => void;
}

/** What a hub needs, and price subscriptions with it: the GraphQL context fits. */
export interface HubDeps {
  readonly db: Sql;
  readonly events: Pick<EventFeed, 'wakeups'>;
  readonly clock: Clock;
}

const hubs = new WeakMap<object, PriceHub>();

/** The hub of a process: there is one for each reader of the event log. */
export function priceHubOf({ db, events, clock }: HubDeps): PriceHub {
  let hub = hubs.get(events);
  if (hub === undefined) hubs.set(events, (hub = createPriceHub({ db, events, clock })));
  return hub;
}

type Watchers<Tell> = Map<number, Set<Tell>>;

function createPriceHub(deps: HubDeps): PriceHub {
  const quoteWatchers: Watchers<(quote: Quote) => void> = new Map();
  const candleWatchers: Watchers<(deps: HubDeps) => void> = new Map();
  const tokensOf = createTokensOfSeries(deps.db);
  let running: AbortController | null = null;

  function startOrStop(): void {
    const isWatched = quoteWatchers.size + candleWatchers.size > 0;
    if (isWatched && running === null) {
      running = new AbortController();
      void follow(running.signal);
    } else if (!isWatched && running !== null) {
      running.abort();
      running = null;
    }
  }
  /** Whatever fails, watchers must not miss a change: it is tried again, from a new look at everything if need be. */
  async function follow(signal: AbortSignal): Promise<void> {
    const wakeups = deps.events.wakeups('prices', signal);
    const always = (): boolean => true;
    try {
      for await (const payloads of wakeups) await retrying(deps.clock, signal, () => tell(payloads), always);
    } catch {
      await deps.clock.sleep(retryDelayMs(1), signal);
      if (signal.aborted) return;
      void follow(signal);
      await retrying(deps.clock, signal, () => tell([]), always);
    }
  }
  async function tell(payloads: readonly TopicPayloads['prices'][]): Promise<void> {
    const isAnything = payloads.length === 0;
    const quoted = new Set(isAnything ? quoteWatchers.keys() : payloads.flatMap(({ tokenIds }) => tokenIds));
    const traded = isAnything ? [] : await tokensOf(new Set(payloads.flatMap(({ seriesIds }) => seriesIds)));
    const changed = isAnything ? new Set(candleWatchers.keys()) : new Set([...quoted, ...traded]);
    const quotes = await loadQuotes(
      deps.db,
      [...quoted].filter((tokenId) => quoteWatchers.has(tokenId)),
    );
    for (const quote of quotes) for (const onQuote of quoteWatchers.get(quote.tokenId) ?? []) onQuote(quote);
    const shared = { ...deps };
    for (const tokenId of changed) for (const onChange of candleWatchers.get(tokenId) ?? []) onChange(shared);
  }
  function watch<Tell>(watchers: Watchers<Tell>, tokenIds: readonly number[], told: Tell): () => void {
    for (const tokenId of tokenIds) watchers.set(tokenId, (watchers.get(tokenId) ?? new Set()).add(told));
    startOrStop();
    return () => {
      for (const tokenId of tokenIds) {
        const others = watchers.get(tokenId);
        others?.delete(told);
        if (others?.size === 0) watchers.delete(tokenId);
      }
      startOrStop();
    };
  }
  return {
    watchQuotes: (tokenIds, onQuote) => watch(quoteWatchers, tokenIds, (quote) => onQuote(quote)),
    watchCandles: (tokenId, onChange) => watch(candleWatchers, [tokenId], (shared) => onChange(shared)),
  };
}

/** Quotes of tokens as they are now, in one statement; those that have none are absent. */
export async function loadQuotes(db: Sql, tokenIds: readonly number[]): Promise<Quote[]> {
  const quotes = await quoteByToken({ db }).loadMany(tokenIds);
  return quotes.flatMap((quote) => {
    if (quote instanceof Error) throw quote;
    return quote ?? [];
  });
}

/** More series are forgotten and asked for anew. */
const seriesMax = 100_000;

/** Looks up the tokens of series; a series never changes its token. */
function createTokensOfSeries(db: Sql): (seriesIds: ReadonlySet<number>) => Promise<number[]> {
  const known = new Map<number, number>();
  return async (seriesIds) => {
    const missing = [...seriesIds].filter((id) => !known.has(id));
    if (known.size + missing.length > seriesMax) known.clear();
    const asked = [...seriesIds].filter((id) => !known.has(id));
    const rows = asked.length === 0 ? [] : await listTokensOfSeries(db, asked);
    for (const { seriesId, tokenId } of rows) known.set(seriesId, tokenId);
    return [...seriesIds].flatMap((id) => known.get(id) ?? []);
  };
}
