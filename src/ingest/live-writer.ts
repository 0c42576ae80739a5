import type { Db, Sql } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { NewEvent } from '../events/topics.ts';
import type { EventBus } from '../events/wake.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { minuteMs } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import { isPassing, retryDelayMs } from '../lib/retry.ts';
import type { Built, CandleBuilder } from '../prices/build.ts';
import type { NewCandle } from '../prices/candle.ts';
import { type NewQuarantined, recordQuarantine } from '../prices/quarantine-store.ts';
import { refreshQuotes } from '../prices/quote-store.ts';
import { purgeSimulated, refreshDefaults } from '../prices/series-store.ts';
import type { StoredState } from '../prices/series-build.ts';
import { recordCandles, recordFolds, spansOf } from '../prices/store.ts';
import { listTokensPricedIn, pegOfMarket } from '../prices/venue-store.ts';
import type { SourceKind } from '../sources/exchange.ts';
import type { LiveIntake } from './live-intake.ts';
import type { LiveMarket } from './live-markets.ts';
import { holdSeries, listStoredStates } from './live-store.ts';

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
    const changed = [...batch.candles, ...batch.corrections];
    if (changed.length + batch.refused.length === 0) return;
    const { alive, corrected } = await persist(deps, signal, (tx) => writeBatch(tx, deps, run, batch, held));
    if (corrected.size > 0) builder.refold(corrected);
    for (const { seriesId, interval } of changed) held.add(keyOf(seriesId, interval));
    const written = new Set(changed.map(({ seriesId }) => seriesId));
    for (const [symbol, { seriesId }] of markets) {
      if (alive.has(seriesId) || !written.has(seriesId)) continue;
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

/** What a batch has done. */
interface Written {
  /** The series that exist; what is of others was left out. */
  readonly alive: ReadonlySet<number>;
  /** What is stored now of the series that were corrected. */
  readonly corrected: ReadonlyMap<number, StoredState>;
}

async function writeBatch(
  tx: Sql,
  { clock }: LiveWriterDeps,
  { kind, markets }: LiveRun,
  { candles, corrections, closes, watermark, refused }: Batch,
  held: ReadonlySet<string>,
): Promise<Written> {
  const nowMs = clock.now();
  await recordQuarantine(tx, refused, nowMs);
  const changed = [...candles, ...corrections];
  const alive = await holdSeries(tx, [...new Set(changed.map(({ seriesId }) => seriesId))]);
  const kept = changed.filter(({ seriesId }) => alive.has(seriesId));
  if (kept.length === 0) return { alive, corrected: new Map() };
  await recordCandles(tx, kept, nowMs);
  const corrected = await foldCorrections(tx, corrections, alive, watermark, nowMs);
  const tokenOf = new Map([...markets.values()].map(({ seriesId, tokenId }) => [seriesId, tokenId]));
  const tokensOf = (ids: Iterable<number>): number[] => [...new Set([...ids].flatMap((id) => tokenOf.get(id) ?? []))];
  const begun = kept.filter(({ seriesId, interval }) => !held.has(keyOf(seriesId, interval)));
  if (begun.length > 0) {
    const begunIds = tokensOf(begun.map(({ seriesId }) => seriesId));
    if (kind !== 'SIMULATED') await purgeSimulated(tx, begunIds);
    await refreshDefaults(tx, begunIds);
  }
  const more = kept.filter(({ interval, isFinal }) => interval !== 'ONE_MINUTE' || isFinal);
  const changedIds = new Set(tokensOf([...more, ...begun].map(({ seriesId }) => seriesId)));
  const tokenIds = [...new Set([...tokensOf(alive), ...(await listRepriced(tx, kept, markets, kind))])];
  const movedIds = tokenIds.filter((id) => !changedIds.has(id));
  const quoted = await refreshQuotes(tx, tokenIds, nowMs, movedIds);
  const told = closes
    .map((close) => ({ ...close, seriesIds: close.seriesIds.filter((id) => alive.has(id)) }))
    .filter(({ seriesIds }) => seriesIds.length > 0);
  const events: NewEvent[] = [
    { topic: 'prices', payload: { seriesIds: [...alive], tokenIds: quoted } },
    ...told.map((payload): NewEvent => ({ topic: 'closes', payload })),
  ];
  await appendEvents(tx, events, nowMs);
  return { alive, corrected };
}

/**
 * The tokens that a stablecoin's new rate prices anew. Only its closed minutes count, not its ticks: all that is priced in
 * it is much to compute.
 */
async function listRepriced(
  tx: Sql,
  candles: readonly NewCandle[],
  markets: ReadonlyMap<string, LiveMarket>,
  kind: SourceKind,
): Promise<number[]> {
  if (kind !== 'EXCHANGE') return [];
  const pegOf = new Map(
    [...markets.values()].flatMap(({ symbol, seriesId }) => {
      const peg = pegOfMarket(symbol);
      return peg === null ? [] : [[seriesId, peg] as const];
    }),
  );
  const closed = candles.filter(
    ({ interval, isFinal, seriesId }) => interval === 'ONE_MINUTE' && isFinal && pegOf.has(seriesId),
  );
  const pegs = new Set(closed.flatMap(({ seriesId }) => pegOf.get(seriesId) ?? []));
  const closedAt = closed.reduce((last, { openTime }) => Math.max(last, openTime + minuteMs), 0);
  return listTokensPricedIn(tx, [...pegs], closedAt);
}

/** Folds what is coarser than the corrections anew, and reads what the builder is to go on from. */
async function foldCorrections(
  tx: Sql,
  corrections: readonly NewCandle[],
  alive: ReadonlySet<number>,
  watermark: number,
  nowMs: number,
): Promise<ReadonlyMap<number, StoredState>> {
  const spans = spansOf(corrections.filter(({ seriesId }) => alive.has(seriesId)));
  if (spans.length === 0) return new Map();
  await recordFolds(tx, spans, watermark, nowMs);
  return listStoredStates(tx, [...new Set(spans.map(({ seriesId }) => seriesId))]);
}
