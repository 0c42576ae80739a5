import type { Db, Sql } from '../db/client.ts';
import { appendEvents, findConsumerSeq, findLastSeq, listEvents, saveConsumerSeq } from '../events/store.ts';
import type { StoredEvent } from '../events/topics.ts';
import type { Clock } from '../lib/clock.ts';
import { type CandleInterval, intervalMs } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import { readModelsRevision } from '../grades/model-store.ts';
import { listUniverseMembers } from '../prices/universe-store.ts';
import type { SettledClose } from './backlog.ts';
import { listCloses, mergeCloses, type StoredClose } from './closes.ts';
import {
  createMarket,
  eventsOf,
  type Market,
  type Published,
  publishShipped,
  recordCloses,
  settledIntervals,
} from './market.ts';

/**
 * The live engine: takes `closes` events from the log in order, settles each close and records what it brought in one
 * transaction with its own position, so that a crash anywhere loses nothing and doubles nothing. After a restart, and
 * when the tokens of a universe change (an import replaced a simulated series), its engines are rebuilt from the stored
 * candles, which gives the same state as having been there. So they are when a model is published or made current.
 * Of closes at one time the coarser comes first.
 *
 * A close that comes after a later one of its universe was settled (a second feed lagging) is left to `compute`,
 * counted and logged. A close settled before (a replay played twice) writes nothing.
 */
export interface Engine {
  /** Settles all closes that wait; resolves when there are no more. */
  drain(): Promise<void>;
  stats(): EngineStats;
}

/** What an engine has done since it was made. */
export interface EngineStats {
  readonly settled: number;
  readonly late: number;
  readonly rebuilt: number;
}

/** What it needs; `onPublished` is told after each transaction that appended to the log. */
export interface EngineDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  onPublished(): void;
}

type CloseEvent = Extract<StoredEvent, { topic: 'closes' }>;

/** A universe and how far each of its intervals has been settled (epoch ms of the last close). */
interface RunningMarket extends Market {
  readonly settledTo: Map<CandleInterval, number>;
}

const consumerName = 'engine';
const eventsPerBatch = 200;

/** An engine at the position where the last one stopped; at the end of the log where there never was one. */
export async function createEngine(deps: EngineDeps): Promise<Engine> {
  const { db, clock } = deps;
  let published = await publishShipped(db, clock.now());
  let seq = (await findConsumerSeq(db, consumerName)) ?? (await findLastSeq(db));
  await saveConsumerSeq(db, consumerName, seq, clock.now());
  const markets = new Map<boolean, RunningMarket>();
  const stats = { settled: 0, late: 0, rebuilt: 0 };

  async function marketFor(isSimulated: boolean, event: CloseEvent): Promise<RunningMarket> {
    const known = markets.get(isSimulated);
    if (known && (await hasSameMembers(db, known, isSimulated))) return known;
    const market: RunningMarket = { ...(await createMarket(db, isSimulated, published)), settledTo: new Map() };
    for await (const close of closesUpTo(db, market, event)) if (!isOf(event, close)) applyClose(market, close);
    stats.rebuilt += 1;
    deps.log.info({ isSimulated, closeTime: event.payload.closeTime }, 'engines rebuilt from stored candles');
    markets.set(isSimulated, market);
    return market;
  }

  /** Takes up models that were published or made current since; the engines are rebuilt with them at their next close. */
  async function followModels(): Promise<void> {
    if ((await readModelsRevision(db)) === published.revision) return;
    published = await publishShipped(db, clock.now());
    markets.clear();
    deps.log.info({ models: [...published.modelIds.keys()] }, 'grade models changed');
  }

  async function settle(event: CloseEvent): Promise<void> {
    const isSimulated = await findUniverseOf(db, event);
    if (isSimulated === null) return; // none of the series is its token's default: nothing to judge
    const market = await marketFor(isSimulated, event);
    let count = 0;
    for await (const close of closesUpTo(db, market, event)) {
      const result = { ...applyClose(market, close), interval: close.interval };
      await record(deps, market, published, result, isOf(event, close) ? event.seq : null);
      count += 1;
    }
    stats.settled += count;
    if (count > 0) return;
    stats.late += 1;
    deps.log.warn(event.payload, 'a close came after a later one was settled; `compute` takes it in');
  }

  return {
    stats: () => ({ ...stats }),
    async drain() {
      for (;;) {
        const events = (await listEvents(db, ['closes'], seq, eventsPerBatch)) as CloseEvent[];
        if (events.length === 0) return;
        await followModels();
        for (const event of events) {
          await settle(event).catch((error: unknown) => {
            markets.clear(); // half-applied engines are not trusted: the next try rebuilds them
            throw error;
          });
          seq = event.seq;
        }
        await saveConsumerSeq(db, consumerName, seq, clock.now());
      }
    },
  };
}

function isOf({ payload }: CloseEvent, close: StoredClose): boolean {
  return close.interval === payload.interval && close.closeTime === payload.closeTime;
}

function applyClose(market: RunningMarket, close: StoredClose) {
  market.settledTo.set(close.interval, close.closeTime);
  return market.universe.close(close.interval, close.closeTime, close.rows);
}

/** The stored closes of a universe that are not settled yet, up to and with the one an event speaks of. */
function closesUpTo(db: Sql, market: RunningMarket, { payload }: CloseEvent): AsyncGenerator<StoredClose> {
  const streams = settledIntervals.map((interval) => {
    const isFiner = settledIntervals.indexOf(interval) > settledIntervals.indexOf(payload.interval);
    const lastOpen = payload.closeTime - intervalMs(interval);
    const settledTo = market.settledTo.get(interval) ?? null;
    return listCloses(
      db,
      market.seriesOf.get(interval) ?? new Map(),
      interval,
      settledTo,
      isFiner ? lastOpen : lastOpen + 1,
    );
  });
  return mergeCloses(streams);
}

/** Which universe the series of a close belong to; null when none of them is its token's default series. */
async function findUniverseOf(db: Sql, { payload }: CloseEvent): Promise<boolean | null> {
  const given = new Set(payload.seriesIds);
  const members = await listUniverseMembers(db, payload.interval);
  return members.find(({ seriesId }) => given.has(seriesId))?.isSimulated ?? null;
}

async function hasSameMembers(db: Sql, market: Market, isSimulated: boolean): Promise<boolean> {
  for (const interval of settledIntervals) {
    const now = (await listUniverseMembers(db, interval)).filter((member) => member.isSimulated === isSimulated);
    const then = market.seriesOf.get(interval);
    if (now.length !== then?.size || now.some(({ tokenId, seriesId }) => then.get(tokenId) !== seriesId)) return false;
  }
  return true;
}

/** Records a close, its events and, where it was the one an event spoke of, the position: together or not at all. */
async function record(
  deps: EngineDeps,
  market: Market,
  published: Published,
  result: SettledClose,
  seq: number | null,
): Promise<void> {
  const appended = await deps.db.transaction(async (tx) => {
    const nowMs = deps.clock.now();
    const recorded = await recordCloses(tx, market, published, [result], nowMs);
    if (seq !== null) await saveConsumerSeq(tx, consumerName, seq, nowMs);
    return appendEvents(tx, eventsOf(recorded), nowMs);
  });
  if (appended.length > 0) deps.onPublished();
}
