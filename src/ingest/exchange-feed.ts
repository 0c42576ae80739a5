/**
 * The live feed of one exchange from end to end: which of its markets come in, how it goes on from what is stored, what
 * is said about it. Markets are listed anew once a day, so new ones are taken up and delisted ones let go.
 */
import { messageOf } from '../lib/errors.ts';
import { dayMs } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import { listLastCandles } from '../prices/universe-store.ts';
import { openVenue, type Venue } from '../sources/ccxt.ts';
import type { ExchangeAddresses } from '../sources/ccxt-client.ts';
import type { SourceMarket } from '../sources/exchange.ts';
import { createVenueFeed, type VenueFeed } from '../sources/venue-feed.ts';
import type { Gap } from '../sources/venue-gaps.ts';
import { recordFeedStatus } from './feed-status-store.ts';
import { runLive } from './live.ts';
import { listKnown } from './live-markets.ts';
import type { LiveWriterDeps } from './live-writer.ts';

/** What a feed of an exchange needs. */
export interface ExchangeFeedDeps extends LiveWriterDeps {
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Told of every gap once it is whole. */
  onRepaired?(gap: Gap): void;
}

/** Which exchange, and how much of it. */
export interface ExchangeFeedOptions extends ExchangeAddresses {
  /** Its id in ccxt. */
  readonly exchange: string;
  /** Markets that come in, those with the largest volume first. */
  readonly marketsMax: number;
  /** How often markets are listed anew, in ms; a day by default. */
  readonly relistMs?: number;
  readonly signal: AbortSignal;
}

const reportMs = 1_000;

/** Runs the feed until the signal aborts. Throws where the exchange cannot be opened, or a failure would not pass. */
export async function runExchangeFeed(deps: ExchangeFeedDeps, options: ExchangeFeedOptions): Promise<void> {
  while (!options.signal.aborted) await runListed(deps, options);
}

/** Runs the markets that are listed now until they are to be listed anew. */
async function runListed(
  deps: ExchangeFeedDeps,
  { exchange, marketsMax, relistMs = dayMs, signal, ...addresses }: ExchangeFeedOptions,
): Promise<void> {
  const { db, clock, log } = deps;
  let feed: VenueFeed | null = null;
  const venue = await openVenue(exchange, { ...addresses, nowMs: clock.now, onMessage: () => feed?.heard() });
  const controller = new AbortController();
  const inner = AbortSignal.any([signal, controller.signal]);
  try {
    const markets = await chooseMarkets(deps, venue, marketsMax);
    log.info({ feed: exchange, listed: venue.markets.length, taken: markets.length }, 'markets of an exchange listed');
    const last = await listLastCandles(db, exchange, 'ONE_MINUTE');
    const resumeFrom = new Map(last.map(({ marketSymbol, openTime }) => [marketSymbol, openTime]));
    const { onRepaired } = deps;
    feed = createVenueFeed({ venue, markets, clock, resumeFrom, log, ...(onRepaired ? { onRepaired } : {}) });
    const report = createReport(deps, feed);
    const stopReporting = clock.every(reportMs, () => report.write());
    const relisting = clock.sleep(relistMs, inner).then(() => controller.abort());
    try {
      await runLive({ ...deps, onProgress: report.note }, feed, { signal: inner });
    } finally {
      stopReporting();
      controller.abort();
      await relisting;
    }
  } finally {
    await venue.close();
  }
}

interface Report {
  note(progress: { readonly quarantined: number }): void;
  /** Says how the feed is; never rejects. */
  write(): Promise<void>;
}

function createReport({ db, clock, log }: ExchangeFeedDeps, feed: VenueFeed): Report {
  let quarantined = 0;
  return {
    note(progress) {
      quarantined = progress.quarantined;
    },
    async write() {
      try {
        await recordFeedStatus(db, feed.name, { ...feed.health(), quarantined }, clock.now());
      } catch (error) {
        log.warn({ feed: feed.name, reason: messageOf(error) }, 'the state of a feed was not stored');
      }
    },
  };
}

/** The markets in dollars of known tokens, those with the largest volume where there are too many. */
async function chooseMarkets({ db, log }: ExchangeFeedDeps, venue: Venue, marketsMax: number): Promise<SourceMarket[]> {
  const known = await listKnown(db, { kind: 'EXCHANGE', markets: venue.markets });
  const markets = known.map(({ market }) => market);
  if (markets.length <= marketsMax) return markets;
  try {
    const volumes = await venue.fetchVolumes(markets.map(({ symbol }) => symbol));
    markets.sort((a, b) => (volumes.get(b.symbol) ?? 0) - (volumes.get(a.symbol) ?? 0));
  } catch (error) {
    log.warn({ feed: venue.id, reason: messageOf(error) }, 'volumes are not known; markets are taken as listed');
  }
  return markets.slice(0, marketsMax);
}
