import type { Db, Sql } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { NewEvent } from '../events/topics.ts';
import type { EventBus } from '../events/wake.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { isPassing, retryDelayMs } from '../lib/retry.ts';
import type { Built, CandleBuilder } from '../prices/build.ts';
import { type NewQuarantined, recordQuarantine } from '../prices/quarantine-store.ts';
import { refreshQuotes } from '../prices/quote-store.ts';
import { purgeSimulated, refreshDefaults } from '../prices/series-store.ts';
import { recordCandles } from '../prices/store.ts';
import type { SourceKind } from '../sources/exchange.ts';
import type { LiveIntake } from './live-intake.ts';
import type { LiveMarket } from './live-markets.ts';
import { holdSeries } from './live-store.ts';

/** Writes what a feed built, batch by batch, each in one transaction with its events. */
export interface LiveWriter {
  /**
   * Writes all that is there; resolves when it is stored. One write at a time: asked meanwhile, it is the one under way.
   * Tries again while the database is away, until the signal aborts; throws on any other failure.
   */
  flush(): Promise<void>;
  /** Writes so far. */
  flushes(): number;
}

/** What a writer needs. */
export interface LiveWriterDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly bus: Pick<EventBus, 'wake'>;
  readonly log?: Pick<Log, 'info' | 'warn'> | undefined;
}

/** The feed that is written. Markets whose series vanish are taken out of the map and the builder. */
export interface LiveRun {
  readonly kind: SourceKind;
  readonly markets: Map<string, LiveMarket>;
  readonly builder: CandleBuilder;
  readonly intake: Pick<LiveIntake, 'takeRefused'>;
}

interface Batch extends Built {
  readonly refused: readonly NewQuarantined[];
}

/** A writer for a run of a feed. */
export function createLiveWriter(deps: LiveWriterDeps, run: LiveRun, signal: AbortSignal): LiveWriter {
  const { builder, intake, markets } = run;
  /** Series and intervals that have a candle, as far as we know: a new one may change what answers by default. */
  const held = new Set<string>();
  let flushes = 0;
  let flushing: Promise<void> | null = null;

  async function flushOnce(): Promise<void> {
    const batch: Batch = { ...builder.take(), refused: intake.takeRefused() };
    if (batch.candles.length + batch.refused.length === 0) return;
    const alive = await persist(deps, signal, (tx) => writeBatch(tx, deps, run, batch, held));
    for (const { seriesId, interval } of batch.candles) held.add(keyOf(seriesId, interval));
    for (const [symbol, { seriesId }] of markets) {
      if (alive.has(seriesId) || !batch.candles.some((candle) => candle.seriesId === seriesId)) continue;
      markets.delete(symbol);
      builder.drop(seriesId);
      deps.log?.info({ symbol }, 'a series of the feed was removed; its market is left out from now on');
    }
    flushes += 1;
    await deps.bus.wake();
  }
  return {
    flush() {
      flushing ??= flushOnce().finally(() => {
        flushing = null;
      });
      return flushing;
    },
    flushes: () => flushes,
  };
}

const keyOf = (seriesId: number, interval: string): string => `${seriesId} ${interval}`;

/** Locks and conflicts that pass when the other transaction has ended. */
const passingCodes = new Set(['40001', '40P01', '55P03']);

function isWorthIt(error: unknown): boolean {
  return isPassing(error) || passingCodes.has(String((error as { code?: unknown })?.code));
}

/** Runs a transaction, again and again while it fails for a passing reason and the signal is not aborted. */
async function persist<T>(
  { db, clock, log }: LiveWriterDeps,
  signal: AbortSignal,
  run: (tx: Sql) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction(run);
    } catch (error) {
      if (signal.aborted || !isWorthIt(error)) throw error;
      if (attempt === 1) log?.warn({ reason: messageOf(error) }, 'a batch of the feed cannot be written; trying again');
      await clock.sleep(retryDelayMs(attempt), signal);
    }
  }
}

/** Returns the series that exist; what is of others is left out. */
async function writeBatch(
  tx: Sql,
  { clock }: LiveWriterDeps,
  { kind, markets }: LiveRun,
  { candles, closes, refused }: Batch,
  held: ReadonlySet<string>,
): Promise<ReadonlySet<number>> {
  const nowMs = clock.now();
  await recordQuarantine(tx, refused, nowMs);
  const alive = await holdSeries(tx, [...new Set(candles.map(({ seriesId }) => seriesId))]);
  const kept = candles.filter(({ seriesId }) => alive.has(seriesId));
  if (kept.length === 0) return alive;
  await recordCandles(tx, kept, nowMs);
  const tokenOf = new Map([...markets.values()].map(({ seriesId, tokenId }) => [seriesId, tokenId]));
  const tokensOf = (ids: Iterable<number>): number[] => [...new Set([...ids].flatMap((id) => tokenOf.get(id) ?? []))];
  const begun = kept.filter(({ seriesId, interval }) => !held.has(keyOf(seriesId, interval)));
  if (begun.length > 0) {
    const tokenIds = tokensOf(begun.map(({ seriesId }) => seriesId));
    if (kind !== 'SIMULATED') await purgeSimulated(tx, tokenIds);
    await refreshDefaults(tx, tokenIds);
  }
  const quoted = await refreshQuotes(tx, tokensOf(alive), nowMs);
  const told = closes
    .map((close) => ({ ...close, seriesIds: close.seriesIds.filter((id) => alive.has(id)) }))
    .filter(({ seriesIds }) => seriesIds.length > 0);
  const events: NewEvent[] = [
    { topic: 'prices', payload: { seriesIds: [...alive], tokenIds: quoted } },
    ...told.map((payload): NewEvent => ({ topic: 'closes', payload })),
  ];
  await appendEvents(tx, events, nowMs);
  return alive;
}
