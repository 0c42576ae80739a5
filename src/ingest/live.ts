/**
 * Runs a feed: what it yields becomes candles, quotes and events in the database, about once a second.
 *
 * Invariants: a batch of candles, the quotes that follow from them and the events that tell of both are one
 * transaction; `closes` are told in order of time, after the candles they speak of. The feed is read only as fast as
 * its candles can be written; open candles are conflated, final ones are not; of more than 1,000 markets open candles
 * coarser than a minute are written in turn. For a replay each watermark that closes an
 * hour or a day is written before the next event is taken.
 * - Late, doubled: left to the builder, which counts them; after a restart it goes on from what is stored. What corrects a
 *   final candle of a venue (a late trade, the venue's own candle of a gap) raises its revision, and those of all coarser.
 * - Wrong: bad candles and ticks go to the quarantine, markets without a token are dropped; the feed goes on.
 * - While the database is away the batch is kept and tried again. Only a failure that would not pass ends the run.
 */
import { messageOf } from '../lib/errors.ts';
import { minuteMs } from '../lib/interval.ts';
import { type BuildCounts, createCandleBuilder } from '../prices/build.ts';
import type { Feed } from '../sources/exchange.ts';
import { createLiveIntake, type IntakeCounts } from './live-intake.ts';
import { openMarkets } from './live-markets.ts';
import { listStoredStates } from './live-store.ts';
import { createLiveWriter, type LiveWriter, type LiveWriterDeps } from './live-writer.ts';

/** What a run needs; progress is told after every watermark (epoch ms): candles taken so far, rows refused so far. */
export interface LiveDeps extends LiveWriterDeps {
  onProgress?(progress: { readonly candles: number; readonly quarantined: number; readonly timeMs: number }): void;
}

/** How a feed is run. */
export interface LiveOptions {
  /** How often is written, in ms; 1,000 by default. */
  readonly flushMs?: number;
  /** Ends the run: what has been read is still written. */
  readonly signal: AbortSignal;
}

/** What a run has done; see {@link IntakeCounts} and {@link BuildCounts}. */
export interface LiveStats extends IntakeCounts, BuildCounts {
  /** Writes. */
  readonly flushes: number;
}

/** Final candles that may wait for the database before the feed has to wait as well, or so many of each market … */
const finalsMax = 5_000;
/** … which is more than close at once. */
const finalsMaxOfMarket = 10;

/** Trades of a venue still count so long after the close of their minute; what comes later, its own candles make up for. */
const latenessMs = 2 * minuteMs;
/** A venue's clock may be ahead of ours by so much. */
const aheadMs = 5 * minuteMs;

/** A feed that always has more is read for so long at a time, in ms: timers and the database's answers get their turn. */
const turnMs = 20;

/** Runs a feed until it is over or the signal aborts. Throws on a failure that trying again does not mend. */
export async function runLive(
  deps: LiveDeps,
  feed: Feed,
  { flushMs = 1_000, signal }: LiveOptions,
): Promise<LiveStats> {
  const { db, clock, log } = deps;
  const markets = new Map((await openMarkets(deps, feed)).map((market) => [market.symbol, market]));
  const isVenue = feed.kind === 'EXCHANGE';
  const builder = createCandleBuilder({ retells: !isVenue, latenessMs: isVenue ? latenessMs : 0 });
  const seriesIds = [...markets.values()].map(({ seriesId }) => seriesId);
  for (const [seriesId, stored] of await listStoredStates(db, seriesIds)) builder.resume(seriesId, stored);
  const latestMs = isVenue ? () => clock.now() + aheadMs : () => Infinity;
  const intake = createLiveIntake({ name: feed.name, markets, latestMs }, builder);
  const controller = new AbortController();
  const inner = AbortSignal.any([signal, controller.signal]);
  const writer = createLiveWriter(deps, { kind: feed.kind, markets, builder, intake }, inner);
  const watched = watch(writer, controller);
  const stopTimer = clock.every(flushMs, () => void watched.flush());
  const waitingMax = Math.max(finalsMax, markets.size * finalsMaxOfMarket);
  const mustFlush = (): boolean =>
    builder.finalCount() >= waitingMax || (feed.kind === 'REPLAY' && builder.hasCloses());
  try {
    let turnAt = clock.now();
    for await (const event of feed.events(inner)) {
      intake.apply(event);
      if (clock.now() - turnAt >= turnMs) {
        await new Promise((resolve) => setImmediate(resolve));
        turnAt = clock.now();
      }
      while (mustFlush() && !inner.aborted) await watched.flush();
      if (event.kind === 'watermark') deps.onProgress?.({ ...intake.counts(), timeMs: event.timeMs });
    }
    await watched.flush(); // the one under way
    await watched.flush(); // and what came meanwhile
    while (builder.isBehind() && !watched.hasFailed()) await watched.flush();
  } finally {
    stopTimer();
  }
  watched.assertNone(signal.aborted ? log : undefined);
  return { ...intake.counts(), ...builder.counts(), flushes: writer.flushes() };
}

interface Watch {
  /** Flushes; never rejects. */
  readonly flush: () => Promise<void>;
  hasFailed(): boolean;
  /** Throws the first failure; where a log is given, it only goes there. */
  assertNone(log: LiveDeps['log']): void;
}

/** Ends the run at the first flush that fails. */
function watch(writer: LiveWriter, controller: AbortController): Watch {
  let failure: { readonly error: unknown } | null = null;
  return {
    async flush() {
      if (failure !== null) return;
      try {
        await writer.flush();
      } catch (error) {
        failure ??= { error };
        controller.abort();
      }
    },
    hasFailed: () => failure !== null,
    assertNone(log) {
      if (failure === null) return;
      if (log === undefined) throw failure.error;
      log.warn({ reason: messageOf(failure.error) }, 'the last batch of the feed was not written; it will come again');
    },
  };
}
