import type { Db, Sql } from '../db/client.ts';
import { appendEvents, findConsumerSeq, findLastSeq, listEvents, saveConsumerSeq } from '../events/store.ts';
import type { StoredEvent } from '../events/topics.ts';
import type { Clock } from '../lib/clock.ts';
import { intervalMs } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import { readModelsRevision } from '../grades/model-store.ts';
import { listUniverseMembers } from '../prices/universe-store.ts';
import type { ModelServer } from '../sources/model-server.ts';
import type { SettledClose } from './backlog.ts';
import {
  applyClose,
  type CheckpointDeps,
  createRunningMarket,
  restoreCheckpoint,
  type RunningMarket,
  saveCheckpoint,
} from './checkpoint.ts';
import { countCorrections } from './checkpoint-store.ts';
import { listCloses, mergeCloses, type StoredClose } from './closes.ts';
import { readCodeVersion } from './code-version.ts';
import {
  createMarket,
  eventsOf,
  type Market,
  onlyModels,
  type Published,
  publishShipped,
  recordCloses,
  settledIntervals,
} from './market.ts';
import { answerQuestions, type Asker, type AskerDeps } from './remote-answers.ts';

/**
 * The live engine: takes `closes` events from the log in order, settles each close and records what it brought in one
 * transaction with its own position, so that a crash anywhere loses nothing and doubles nothing. After a restart it goes on
 * from its saved state (`checkpoint.ts`) and the closes since. Where none fits, and when the tokens of a universe change (an
 * import replaced a simulated series), a model is published or made current, its engines are rebuilt from the stored
 * candles, which gives the same state as having been there. Candles that are corrected after their close was settled are
 * taken up at the next daily close, by a rebuild; what was recorded stays until `compute` supersedes it.
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
  /** Times a universe was computed anew from its candles, and times it was put back into its saved state. */
  readonly rebuilt: number;
  readonly restored: number;
}

/** What it needs; `onPublished` is told after each transaction that appended to the log. */
export interface EngineDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  onPublished(): void;
  /** Answers for remote models; absent: their fallbacks do. */
  readonly modelServer?: ModelServer | null;
  /** Only grades by these model versions are settled; absent: by all that is published. */
  readonly models?: ReadonlySet<string>;
  /** The state is saved after so many closes, {@link closesPerCheckpointDefault} by default. */
  readonly closesPerCheckpoint?: number;
}

type CloseEvent = Extract<StoredEvent, { topic: 'closes' }>;

const consumerName = 'engine';
const eventsPerBatch = 200;
/** A day of hourly closes: what a restart has to take again at most. */
const closesPerCheckpointDefault = 24;

/** An engine at the position where the last one stopped; at the end of the log where there never was one. */
export async function createEngine(deps: EngineDeps): Promise<Engine> {
  const { db, clock } = deps;
  const readPublished = async (): Promise<Published> => onlyModels(await publishShipped(db, clock.now()), deps.models);
  let published = await readPublished();
  let seq = (await findConsumerSeq(db, consumerName)) ?? (await findLastSeq(db));
  await db.transaction((tx) => saveConsumerSeq(tx, consumerName, seq, clock.now()));
  const markets = new Map<boolean, RunningMarket>();
  const unsaved = new Map<boolean, number>(); // closes settled since the state of a universe was saved
  const corrections = new Map<boolean, number>();
  const checkpoints: CheckpointDeps = { ...deps, codeVersion: readCodeVersion() };
  const closesPerCheckpoint = deps.closesPerCheckpoint ?? closesPerCheckpointDefault;
  const ask = createAsker(deps, () => published);
  const stats = { settled: 0, late: 0, rebuilt: 0, restored: 0 };

  async function marketFor(isSimulated: boolean, event: CloseEvent): Promise<RunningMarket> {
    const known = markets.get(isSimulated);
    if (known && (await isUpToDate(known, isSimulated, event))) return known;
    const fresh = await createMarket(db, isSimulated, published);
    const isFirst = known === undefined;
    const saved = isFirst ? await restoreCheckpoint(checkpoints, isSimulated, fresh, published) : null;
    const market = saved ?? createRunningMarket(await createMarket(db, isSimulated, published));
    corrections.set(isSimulated, await countCorrections(db, seriesIdsOf(market), settledIntervals));
    for await (const close of closesUpTo(db, market, event))
      if (!isOf(event, close)) await applyClose(market, close, ask);
    stats[saved ? 'restored' : 'rebuilt'] += 1;
    const facts = { isSimulated, closeTime: event.payload.closeTime };
    deps.log.info(facts, saved ? 'engines restored from their saved state' : 'engines rebuilt from stored candles');
    unsaved.set(isSimulated, saved ? 0 : closesPerCheckpoint);
    markets.set(isSimulated, market);
    return market;
  }

  async function isUpToDate(market: RunningMarket, isSimulated: boolean, { payload }: CloseEvent): Promise<boolean> {
    if (!(await hasSameMembers(db, market, isSimulated))) return false;
    if (payload.interval !== settledIntervals[0]) return true;
    return (await countCorrections(db, seriesIdsOf(market), settledIntervals)) === corrections.get(isSimulated);
  }

  async function keepState(isSimulated: boolean, market: RunningMarket, settled: number): Promise<void> {
    const count = (unsaved.get(isSimulated) ?? 0) + settled;
    unsaved.set(isSimulated, count % closesPerCheckpoint);
    if (count >= closesPerCheckpoint) await saveCheckpoint(checkpoints, isSimulated, market, published);
  }

  /** Takes up models that were published or made current since; the engines are rebuilt with them at their next close. */
  async function followModels(): Promise<void> {
    if ((await readModelsRevision(db)) === published.revision) return;
    published = await readPublished();
    markets.clear();
    deps.log.info({ models: [...published.modelIds.keys()] }, 'grade models changed');
  }

  async function settle(event: CloseEvent): Promise<void> {
    const isSimulated = await findUniverseOf(db, event);
    if (isSimulated === null) return; // none of the series is its token's default: nothing to judge
    const market = await marketFor(isSimulated, event);
    let count = 0;
    for await (const close of closesUpTo(db, market, event)) {
      const result = { ...(await applyClose(market, close, ask)), interval: close.interval };
      await record(deps, market, published, result, isOf(event, close) ? event.seq : null);
      count += 1;
    }
    stats.settled += count;
    if (count > 0) return keepState(isSimulated, market, count);
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
        await db.transaction((tx) => saveConsumerSeq(tx, consumerName, seq, clock.now()));
      }
    },
  };
}

/** Answers for remote models; what was published stays, fallbacks too, and a close that falls back is told to the log. */
function createAsker({ db, log, modelServer = null }: EngineDeps, readPublished: () => Published): Asker {
  const asking: AskerDeps = {
    db,
    server: modelServer,
    keepsFallbacks: true,
    onFallback: (asOf, model, reason, detail) =>
      log.warn({ model, asOf: new Date(asOf), reason, detail }, 'the model server gave no answer; the fallback grades'),
  };
  return (market, questions) => answerQuestions(asking, market, readPublished(), questions);
}

function isOf({ payload }: CloseEvent, close: StoredClose): boolean {
  return close.interval === payload.interval && close.closeTime === payload.closeTime;
}

function seriesIdsOf({ seriesOf }: Market): number[] {
  return [...new Set([...seriesOf.values()].flatMap((series) => [...series.values()]))];
}

/** The stored closes of a universe that are not settled yet, up to and with the one an event speaks of. */
function closesUpTo(db: Sql, market: RunningMarket, { payload }: CloseEvent): AsyncGenerator<StoredClose> {
  const streams = settledIntervals.map((interval) => {
    const isFiner = settledIntervals.indexOf(interval) > settledIntervals.indexOf(payload.interval);
    const lastOpen = payload.closeTime - intervalMs(interval);
    const settledTo = market.taken.get(interval)?.settledTo ?? null;
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
