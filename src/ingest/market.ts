import type { Db, Sql } from '../db/client.ts';
import type { NewEvent } from '../events/topics.ts';
import type { GradeModel } from '../grades/model.ts';
import { investorV1 } from '../grades/models/investor-v1.ts';
import { measuredV1 } from '../grades/models/measured-v1.ts';
import { measuredV2 } from '../grades/models/measured-v2.ts';
import { technicalV1 } from '../grades/models/technical-v1.ts';
import {
  type GradeModelRow,
  listModels,
  listModelSwitches,
  type ModelSwitch,
  publishModels,
  readModelsRevision,
} from '../grades/model-store.ts';
import { isRemote } from '../grades/remote.ts';
import { type RecordedGrade, recordGrades, recordPastGrades } from '../grades/record-store.ts';
import { AppError } from '../lib/errors.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { listUniverseMembers } from '../prices/universe-store.ts';
import { publishStrategies, recordOutcomes, recordSignals, type SignalRow } from '../signals/store.ts';
import { shippedStrategies, type Strategy } from '../signals/strategy.ts';
import { createUniverse, type Universe } from '../signals/universe.ts';
import { listNarrativesOf, tokenBySlug } from '../tokens/store.ts';
import type { SettledClose } from './backlog.ts';

/**
 * What the live engine and `compute` share: which tokens make a universe, its engines, and how what they say is
 * recorded. Real and simulated tokens are two universes that never see each other.
 */

/** The models that ship; published with the strategies at the first start. */
const shippedModels: readonly GradeModel[] = [measuredV1, measuredV2, technicalV1, investorV1];

/** The shipped models that answer for their kinds until another is made current. */
const firstCurrent: readonly GradeModel[] = [measuredV2, investorV1];

/** The intervals whose closes are settled, coarsest first: the order in which closes of one instant are taken. */
export const settledIntervals: readonly CandleInterval[] = ['ONE_DAY', 'ONE_HOUR'];

const benchmarkSlug = 'bitcoin';

/** One universe at work. `seriesOf` tells each token's series by interval; engines are keyed by token. */
export interface Market {
  readonly universe: Universe;
  readonly seriesOf: ReadonlyMap<CandleInterval, ReadonlyMap<number, number>>;
  /** The token that risk is measured against; null where it is not known here. */
  readonly benchmarkKey: number | null;
}

/** What is published of models and strategies. */
export interface Published {
  readonly models: readonly GradeModelRow[];
  /** Which model answered for its kind since when, oldest first. */
  readonly switches: readonly ModelSwitch[];
  readonly strategies: readonly Strategy[];
  readonly modelIds: ReadonlyMap<string, number>;
  readonly strategyIds: ReadonlyMap<string, number>;
  /** The published models that are computed here: what remote ones fall back on. */
  readonly fallbacks: readonly GradeModel[];
  /** {@link readModelsRevision} before the rest was read. */
  readonly revision: string;
}

/** Publishes the shipped models and strategies, once, and reads all that is published, by whomever. */
export async function publishShipped(db: Db, nowMs: number): Promise<Published> {
  const before = await listModels(db);
  const current = firstCurrent.filter(({ kind }) => !before.some((row) => row.kind === kind && row.isCurrent));
  await publishModels(db, shippedModels, current, nowMs);
  const revision = await readModelsRevision(db);
  const strategies = await publishStrategies(db, shippedStrategies, nowMs);
  const models = await listModels(db);
  return {
    models,
    switches: await listModelSwitches(db),
    strategies: shippedStrategies,
    modelIds: new Map(models.map(({ id, version }) => [version, id])),
    strategyIds: new Map(strategies.map(({ id, name }) => [name, id])),
    fallbacks: models.map(({ definition }) => definition).filter((model) => !isRemote(model)),
    revision,
  };
}

/** What is published, or of the models only these versions; absent: all. Throws BAD_USER_INPUT naming what there is where one is unknown. */
export function onlyModels(published: Published, versions: ReadonlySet<string> | undefined): Published {
  if (versions === undefined) return published;
  const { modelIds } = published;
  const unknown = [...versions].find((version) => !modelIds.has(version));
  if (unknown !== undefined)
    throw new AppError(
      'BAD_USER_INPUT',
      `There is no model "${unknown}". Published: ${[...modelIds.keys()].join(', ')}.`,
    );
  const models = published.models.filter(({ version }) => versions.has(version));
  return { ...published, models };
}

/** A universe's tokens as they are now, with fresh engines of all that is published that have seen nothing. */
export async function createMarket(db: Db, isSimulated: boolean, published: Published): Promise<Market> {
  const seriesOf = new Map<CandleInterval, Map<number, number>>();
  for (const interval of settledIntervals) {
    const members = (await listUniverseMembers(db, interval)).filter((member) => member.isSimulated === isSimulated);
    seriesOf.set(interval, new Map(members.map(({ tokenId, seriesId }) => [tokenId, seriesId])));
  }
  const benchmarkKey = (await tokenBySlug({ db }).load(benchmarkSlug))?.id ?? null;
  const universe = createUniverse({
    models: published.models.map(({ definition }) => definition).toSorted(byVersion),
    switches: published.switches.filter(({ kind }) => kind === 'TRADER'),
    strategies: published.strategies,
    benchmarkKey,
    narrativesOf: await listNarrativesOf(db),
    fallbacks: published.fallbacks,
  });
  return { universe, seriesOf, benchmarkKey };
}

/** An order that no later publication or switch disturbs. */
function byVersion(a: GradeModel, b: GradeModel): number {
  return a.version < b.version ? -1 : 1;
}

/** What a transaction recorded of a close or several. */
export interface Recorded {
  readonly grades: readonly RecordedGrade[];
  readonly signals: readonly SignalRow[];
  readonly outcomes: readonly SignalRow[];
  /** Signals that no longer stand; absent: none. */
  readonly withdrawn?: readonly SignalRow[];
}

/** How much was written of closes that nobody is told of. */
export interface RecordedPast {
  readonly grades: number;
  readonly signals: number;
  readonly outcomes: number;
}

/** Records what closes brought, in the caller's transaction. What is there already writes nothing. */
export async function recordCloses(
  tx: Sql,
  market: Market,
  published: Published,
  closes: readonly SettledClose[],
  publishedAt: number,
): Promise<Recorded> {
  const rows = rowsOf(market, published, closes);
  return {
    grades: await recordGrades(tx, rows.grades, publishedAt),
    signals: await recordSignals(tx, rows.signals, publishedAt),
    outcomes: await recordOutcomes(tx, rows.outcomes, publishedAt),
  };
}

/** As {@link recordCloses}, for history that is not announced: cheaper, and leaves the keys of token lists alone. */
export async function recordPastCloses(
  tx: Sql,
  market: Market,
  published: Published,
  closes: readonly SettledClose[],
  publishedAt: number,
): Promise<RecordedPast> {
  const rows = rowsOf(market, published, closes);
  return {
    grades: await recordPastGrades(tx, rows.grades, publishedAt),
    signals: (await recordSignals(tx, rows.signals, publishedAt)).length,
    outcomes: (await recordOutcomes(tx, rows.outcomes, publishedAt)).length,
  };
}

/** Closes as rows: engines know tokens and names, tables know series and ids. */
function rowsOf(market: Market, published: Published, closes: readonly SettledClose[]) {
  const seriesAt = (interval: CandleInterval, tokenId: number): number =>
    market.seriesOf.get(interval)?.get(tokenId) ?? 0;
  const grades = closes.flatMap(({ grades, interval }) =>
    grades.map((grade) => ({
      // Field by field: leaving two out of a spread costs as much as scoring, for thousands of tokens.
      modelId: published.modelIds.get(grade.modelVersion) ?? 0,
      tokenId: grade.key,
      seriesId: seriesAt(interval, grade.key),
      asOf: grade.asOf,
      value: grade.value,
      band: grade.band,
      change24h: grade.change24h,
      coverage: grade.coverage,
      factors: grade.factors,
      peers: grade.peers,
      servedBy: grade.servedBy ?? null,
      fallbackReason: grade.fallbackReason ?? null,
    })),
  );
  const signals = closes.flatMap(({ issued, interval }) =>
    issued.map(({ key, strategy, ...signal }) => ({
      strategyId: published.strategyIds.get(strategy) ?? 0,
      tokenId: key,
      seriesId: seriesAt(interval, key),
      direction: signal.direction,
      priceUsd: signal.priceUsd,
      confidence: signal.confidence,
      issuedAt: signal.issuedAt,
      evidence: signal.evidence,
    })),
  );
  const outcomes = closes.flatMap(({ closed, interval }) =>
    closed.map(({ key, strategy, ...outcome }) => ({
      ...outcome,
      strategyId: published.strategyIds.get(strategy) ?? 0,
      tokenId: key,
      seriesId: seriesAt(interval, key),
    })),
  );
  return { grades, signals, outcomes };
}

/** The events that tell of what was recorded: grades first, then outcomes, withdrawals and new signals. */
export function eventsOf(recorded: Recorded): NewEvent[] {
  const signalEvent =
    (action: 'ISSUED' | 'CLOSED' | 'WITHDRAWN') =>
    (signal: SignalRow): NewEvent => ({
      topic: 'signals',
      payload: {
        action,
        signalId: signal.id,
        tokenId: signal.tokenId,
        strategy: signal.strategy,
        direction: signal.direction,
      },
    });
  return [
    ...recorded.grades.map(
      (grade): NewEvent => ({
        topic: 'grades',
        payload: { gradeId: grade.id, tokenId: grade.tokenId, kind: grade.kind, previousId: grade.previousId },
      }),
    ),
    ...recorded.outcomes.map(signalEvent('CLOSED')),
    ...(recorded.withdrawn ?? []).map(signalEvent('WITHDRAWN')),
    ...recorded.signals.map(signalEvent('ISSUED')),
  ];
}
