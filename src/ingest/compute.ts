import type { Db } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { CandleInterval } from '../lib/interval.ts';
import type { UniverseClose } from '../signals/universe.ts';
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
 * Grades, signals and outcomes for history: every universe is replayed from its first candle, so that the result is the
 * same bytes as if each close had been settled live; what is stored already is not written again. Only what is current
 * afterwards (a token's last grade and signal) is announced in the event log; older history is recorded silently.
 */

/** What to compute; null means no bound. History before `fromMs` is replayed but not recorded. */
export interface ComputeRange {
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Only these tokens are recorded; all of them are ranked. */
  readonly tokenIds: ReadonlySet<number> | null;
  /** Only grades by these model versions are computed, and no signals; absent: everything published. */
  readonly models?: ReadonlySet<string>;
}

/** What a computation did. */
export interface ComputeSummary {
  tokenDays: number;
  closes: number;
  gradesWritten: number;
  signalsWritten: number;
  outcomesWritten: number;
  readonly ungraded: Record<string, number>;
}

/** What it needs; `onProgress` is told the close just settled. */
export interface ComputeDeps {
  readonly db: Db;
  readonly clock: Clock;
  onProgress?(closeTimeMs: number, summary: ComputeSummary): void;
}

type Settled = UniverseClose & { readonly interval: CandleInterval; readonly closeTime: number };

/** Grades are written when so many wait: large enough for one bulk statement, small enough for memory. */
const pendingGradesMax = 4000;

/** Computes history; see the module text. Idempotent. */
export async function compute(deps: ComputeDeps, range: ComputeRange): Promise<ComputeSummary> {
  const summary: ComputeSummary = {
    tokenDays: 0,
    closes: 0,
    gradesWritten: 0,
    signalsWritten: 0,
    outcomesWritten: 0,
    ungraded: {},
  };
  const published = onlyModels(await publishShipped(deps.db, deps.clock.now()), range.models);
  for (const isSimulated of [false, true]) {
    await computeMarket(deps, range, await createMarket(deps.db, isSimulated, published), published, summary);
  }
  return summary;
}

/** What is published, or a part of it. Throws BAD_USER_INPUT naming what there is where one is unknown. */
function onlyModels(published: Published, versions: ReadonlySet<string> | undefined): Published {
  if (versions === undefined) return published;
  const { modelIds } = published;
  const unknown = [...versions].find((version) => !modelIds.has(version));
  if (unknown !== undefined)
    throw new AppError(
      'BAD_USER_INPUT',
      `There is no model "${unknown}". Published: ${[...modelIds.keys()].join(', ')}.`,
    );
  const models = published.models.filter(({ version }) => versions.has(version));
  return { ...published, models, strategies: [] };
}

async function computeMarket(
  deps: ComputeDeps,
  range: ComputeRange,
  market: Market,
  published: Published,
  summary: ComputeSummary,
): Promise<void> {
  const kept: Settled[] = []; // signals and outcomes: few, written last, with the events of those that are current
  let waiting: Settled[] = []; // grades, written as they gather
  let writing: Promise<void> = Promise.resolve(); // one write is under way while the next closes are settled
  const record = async (closes: readonly Settled[]): Promise<void> => {
    await writing;
    writing = recordGradesOf(deps, market, published, closes, summary);
    writing.catch(() => {}); // told at the next `await writing`
  };
  for await (const close of mergeCloses(streamsOf(deps, market, range))) {
    const { interval, closeTime } = close;
    const settled = { ...market.universe.close(interval, closeTime, close.rows), interval, closeTime };
    countClose(summary, close, settled);
    deps.onProgress?.(closeTime, summary);
    if (range.fromMs !== null && closeTime < range.fromMs) continue;
    const wanted = onlyTokens(settled, range.tokenIds);
    if (wanted.issued.length + wanted.closed.length > 0) kept.push({ ...wanted, grades: [] });
    if (wanted.grades.length > 0) waiting.push({ ...wanted, issued: [], closed: [] });
    if (waiting.reduce((sum, { grades }) => sum + grades.length, 0) < pendingGradesMax) continue;
    await record(waiting.slice(0, -1));
    waiting = waiting.slice(-1); // the newest may be the last, which is announced
  }
  await record(waiting.slice(0, -1));
  await writing;
  await recordCurrent(deps, market, published, [...kept, ...waiting.slice(-1)], summary);
}

async function recordGradesOf(
  { db, clock }: ComputeDeps,
  market: Market,
  published: Published,
  closes: readonly Settled[],
  summary: ComputeSummary,
): Promise<void> {
  const recorded = await db.transaction((tx) => recordCloses(tx, market, published, closes, clock.now()));
  summary.gradesWritten += recorded.grades.length;
}

function streamsOf(deps: ComputeDeps, market: Market, range: ComputeRange): AsyncGenerator<StoredClose>[] {
  const untilOpen = Math.min(range.toMs ?? Number.POSITIVE_INFINITY, deps.clock.now());
  const intervals = range.models === undefined ? settledIntervals : settledIntervals.slice(0, 1); // grades are daily
  return intervals.map((interval) =>
    listCloses(deps.db, market.seriesOf.get(interval) ?? new Map(), interval, null, untilOpen),
  );
}

function countClose(summary: ComputeSummary, close: StoredClose, settled: Settled): void {
  summary.closes += 1;
  if (close.interval === settledIntervals[0]) summary.tokenDays += close.rows.length;
  for (const { reason } of settled.ungraded) summary.ungraded[reason] = (summary.ungraded[reason] ?? 0) + 1;
}

function onlyTokens(settled: Settled, tokenIds: ReadonlySet<number> | null): Settled {
  if (tokenIds === null) return settled;
  const isWanted = ({ key }: { key: number }): boolean => tokenIds.has(key);
  return {
    ...settled,
    grades: settled.grades.filter(isWanted),
    issued: settled.issued.filter(isWanted),
    closed: settled.closed.filter(isWanted),
  };
}

/** Signals and outcomes of all closes and the last grades, in one transaction with the events of what is current. */
async function recordCurrent(
  deps: ComputeDeps,
  market: Market,
  published: Published,
  kept: readonly Settled[],
  summary: ComputeSummary,
): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const nowMs = deps.clock.now();
    const recorded = await recordCloses(tx, market, published, kept, nowMs);
    summary.gradesWritten += recorded.grades.length;
    summary.signalsWritten += recorded.signals.length;
    summary.outcomesWritten += recorded.outcomes.length;
    const newest = new Map(recorded.signals.map((signal) => [`${signal.strategy}:${signal.tokenId}`, signal.id]));
    const signals = recorded.signals.filter(({ id, strategy, tokenId }) => newest.get(`${strategy}:${tokenId}`) === id);
    await appendEvents(tx, eventsOf({ grades: recorded.grades, outcomes: [], signals }), nowMs);
  });
}
