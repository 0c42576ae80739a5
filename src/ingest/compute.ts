import type { Db } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { Clock } from '../lib/clock.ts';
import { refreshGradeKeys } from '../grades/record-store.ts';
import { dayMs } from '../lib/interval.ts';
import type { FallbackReason, ModelServer } from '../sources/model-server.ts';
import type { UniverseClose } from '../signals/universe.ts';
import { type ComputedSignals, withdrawSignals } from '../signals/withdrawal-store.ts';
import { createBacklog, type SettledClose } from './backlog.ts';
import { listCloses, mergeCloses, type StoredClose } from './closes.ts';
import { createSignalAccount } from './computed-signals.ts';
import {
  createMarket,
  eventsOf,
  type Market,
  onlyModels,
  type Published,
  publishShipped,
  recordCloses,
  recordPastCloses,
  settledIntervals,
} from './market.ts';
import { answerQuestions } from './remote-answers.ts';

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

/** All of it, of every token. */
export const allOfHistory: ComputeRange = { fromMs: null, toMs: null, tokenIds: null };

/** What a computation did. */
export interface ComputeSummary {
  tokenDays: number;
  closes: number;
  gradesWritten: number;
  signalsWritten: number;
  /** Stored signals that corrected candles no longer give. */
  signalsWithdrawn: number;
  outcomesWritten: number;
  readonly ungraded: Record<string, number>;
  /** Closes that the fallback of a remote model graded, by model and reason. */
  readonly fallbacks: Record<string, number>;
}

/** What it needs; `onProgress` is told the close just settled. */
export interface ComputeDeps {
  readonly db: Db;
  readonly clock: Clock;
  /** Answers for remote models; absent: their fallbacks do. */
  readonly modelServer?: ModelServer | null;
  onProgress?(closeTimeMs: number, summary: ComputeSummary): void;
}

/** Grades and signals are written when so many wait: large enough for one bulk statement, small enough for memory. */
const pendingMax = 4000;

/** Computes history; see the module text. Idempotent. */
export async function compute(deps: ComputeDeps, range: ComputeRange): Promise<ComputeSummary> {
  const summary: ComputeSummary = {
    tokenDays: 0,
    closes: 0,
    gradesWritten: 0,
    signalsWritten: 0,
    signalsWithdrawn: 0,
    outcomesWritten: 0,
    ungraded: {},
    fallbacks: {},
  };
  const everything = await publishShipped(deps.db, deps.clock.now());
  const published =
    range.models === undefined ? everything : { ...onlyModels(everything, range.models), strategies: [] };
  for (const isSimulated of [false, true]) {
    await computeMarket(deps, range, await createMarket(deps.db, isSimulated, published), published, summary);
  }
  return summary;
}

async function computeMarket(
  deps: ComputeDeps,
  range: ComputeRange,
  market: Market,
  published: Published,
  summary: ComputeSummary,
): Promise<void> {
  const backlog = createBacklog();
  const account = createSignalAccount(market, published);
  const onFallback = (asOf: number, version: string, reason: FallbackReason): void => {
    if (isBefore(range, asOf)) return;
    const name = `${version}: ${reason}`;
    summary.fallbacks[name] = (summary.fallbacks[name] ?? 0) + 1;
  };
  let writing: Promise<void> = Promise.resolve(); // one write is under way while the next closes are settled
  const writePast = async (): Promise<void> => {
    await writing;
    writing = recordPast(deps, market, published, backlog.takePast(), summary);
    writing.catch(() => {}); // told at the next `await writing`
  };
  const asking = { db: deps.db, server: deps.modelServer ?? null, keepsFallbacks: false, onFallback };
  for await (const close of mergeCloses(streamsOf(deps, market, range))) {
    const { interval, closeTime } = close;
    const open = market.universe.begin(interval, closeTime, close.rows);
    const answers = needsAnswers(range, closeTime)
      ? await answerQuestions(asking, market, published, open.questions)
      : [];
    const settled = open.finish(answers);
    countClose(summary, close, settled);
    deps.onProgress?.(closeTime, summary);
    if (isBefore(range, closeTime)) continue;
    account.add(close, settled);
    const { tokenIds } = range;
    backlog.add(tokenIds ? onlyTokens({ ...settled, interval }, (id) => tokenIds.has(id)) : { ...settled, interval });
    if (backlog.pastCount() >= pendingMax) await writePast();
  }
  await writePast();
  await writing;
  const computed = account.list(range.tokenIds);
  await recordCurrent(deps, market, published, { current: backlog.takeCurrent(), computed }, summary);
}

/** Whether a close is replayed without being recorded. */
function isBefore({ fromMs }: ComputeRange, closeTime: number): boolean {
  return fromMs !== null && closeTime < fromMs;
}

/**
 * Whether the values of remote models at a close can reach what is recorded. Of what is not recorded, grades alone need
 * the day before, for their change; signals are told a token's last grade, however old it is.
 */
function needsAnswers(range: ComputeRange, closeTime: number): boolean {
  return range.models === undefined || !isBefore(range, closeTime + dayMs);
}

/**
 * What is no longer current. PostgreSQL takes it as two transactions side by side, each with half of the tokens, so that an
 * outcome still follows its signal; a crash between leaves nothing that the same computation would not complete.
 */
async function recordPast(
  { db, clock }: ComputeDeps,
  market: Market,
  published: Published,
  closes: readonly SettledClose[],
  summary: ComputeSummary,
): Promise<void> {
  const halfOf = (half: number) => closes.map((close) => onlyTokens(close, (tokenId) => tokenId % 2 === half));
  const parts = db.mode === 'POSTGRES' ? [halfOf(0), halfOf(1)] : [closes];
  const written = await Promise.all(
    parts.map((part) => db.transaction((tx) => recordPastCloses(tx, market, published, part, clock.now()))),
  );
  for (const { grades, signals, outcomes } of written) {
    summary.gradesWritten += grades;
    summary.signalsWritten += signals;
    summary.outcomesWritten += outcomes;
  }
}

function streamsOf(deps: ComputeDeps, market: Market, range: ComputeRange): AsyncGenerator<StoredClose>[] {
  const untilOpen = Math.min(range.toMs ?? Number.POSITIVE_INFINITY, deps.clock.now());
  const intervals = range.models === undefined ? settledIntervals : settledIntervals.slice(0, 1); // grades are daily
  return intervals.map((interval) =>
    listCloses(deps.db, market.seriesOf.get(interval) ?? new Map(), interval, null, untilOpen),
  );
}

function countClose(summary: ComputeSummary, close: StoredClose, { ungraded }: UniverseClose): void {
  summary.closes += 1;
  if (close.interval === settledIntervals[0]) summary.tokenDays += close.rows.length;
  for (const { reason } of ungraded) summary.ungraded[reason] = (summary.ungraded[reason] ?? 0) + 1;
}

function onlyTokens(settled: SettledClose, isOfThem: (tokenId: number) => boolean): SettledClose {
  const isWanted = ({ key }: { key: number }): boolean => isOfThem(key);
  return {
    interval: settled.interval,
    grades: settled.grades.filter(isWanted),
    issued: settled.issued.filter(isWanted),
    closed: settled.closed.filter(isWanted),
  };
}

/**
 * What is current: the last grades and signals, and the withdrawal of what is no longer given, in one transaction with their
 * events and the keys of token lists.
 */
async function recordCurrent(
  { db, clock }: ComputeDeps,
  market: Market,
  published: Published,
  { current, computed }: { readonly current: readonly SettledClose[]; readonly computed: readonly ComputedSignals[] },
  summary: ComputeSummary,
): Promise<void> {
  await db.transaction(async (tx) => {
    const nowMs = clock.now();
    const recorded = await recordCloses(tx, market, published, current, nowMs);
    const withdrawn = await withdrawSignals(tx, computed, nowMs);
    if (summary.gradesWritten > 0) await refreshGradeKeys(tx, null);
    await appendEvents(tx, eventsOf({ ...recorded, withdrawn }), nowMs);
    summary.signalsWithdrawn += withdrawn.length;
    summary.gradesWritten += recorded.grades.length;
    summary.signalsWritten += recorded.signals.length;
    summary.outcomesWritten += recorded.outcomes.length;
  });
}
