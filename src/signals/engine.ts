import type { VoteResult } from '../grades/votes.ts';
import type { Bar } from '../indicators/bar.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { createDetector, type Detector, type Transition } from './detect.ts';
import { createOutcomeTracker, type Outcome, type OutcomeTracker } from './outcome.ts';
import type { Strategy } from './strategy.ts';

/** The closed candle of one series with what the strategy judges it by. */
export interface SignalInput {
  /** The series, one per token. */
  readonly key: number;
  readonly bar: Bar;
  /** The candle's exact prices; `bar` holds their floating-point forms. */
  readonly openText: DecimalText;
  readonly closeText: DecimalText;
  /** Null for a strategy that reads no votes. */
  readonly votes: VoteResult | null;
  /** The current Trader Grade's value at this close, 0..100; null where there is none. */
  readonly gradeValue: number | null;
}

/** A signal as issued; (strategy, key, issuedAt) identifies it. Immutable. */
export interface IssuedSignal extends Transition {
  readonly strategy: string;
  readonly strategyVersion: number;
  readonly key: number;
  /** Epoch ms of the close that issued it. */
  readonly issuedAt: number;
  /** That close's exact price. */
  readonly priceUsd: DecimalText;
}

/** The outcome of an earlier signal; (strategy, key, issuedAt) names which. */
export interface ClosedSignal extends Outcome {
  readonly strategy: string;
  readonly strategyVersion: number;
  readonly key: number;
}

/** What one close brought, both by ascending key. */
export interface SignalClose {
  readonly issued: IssuedSignal[];
  readonly closed: ClosedSignal[];
}

/** Plain JSON: everything an engine needs to go on after a restart, by strategy name. */
export type SignalEngineSnapshot = Readonly<
  Record<
    string,
    {
      readonly version: number;
      readonly lastCloseTime: number | null;
      readonly detector: ReturnType<Detector['snapshot']>;
      readonly outcomes: ReturnType<OutcomeTracker['snapshot']>;
    }
  >
>;

/** Runs strategies over many series, close by close. Same closes, same order: the same bytes, live or from history. */
export interface SignalEngine {
  /**
   * Settles one close of a strategy. Throws a RangeError, and changes nothing, when the strategy is unknown, `closeTime`
   * is not later than its last one, a key comes twice or a bar closes elsewhere.
   */
  close(strategyName: string, closeTime: number, rows: readonly SignalInput[]): SignalClose;
  /** The state of one strategy, or of all. */
  snapshot(strategyName?: string): SignalEngineSnapshot;
  /** Replaces the state of the strategies that are named; one there in another version starts from nothing. */
  restore(snapshot: SignalEngineSnapshot): void;
}

/** One strategy at work. */
interface Desk {
  readonly strategy: Strategy;
  readonly detector: Detector;
  readonly outcomes: OutcomeTracker;
  lastCloseTime: number | null;
}

function createDesk(strategy: Strategy, from: SignalEngineSnapshot[string] | undefined): Desk {
  const saved = from?.version === strategy.version ? from : undefined;
  return {
    strategy,
    detector: createDetector(strategy, saved?.detector),
    outcomes: createOutcomeTracker(strategy.feeBps, saved?.outcomes),
    lastCloseTime: saved?.lastCloseTime ?? null,
  };
}

/** Throws where a close cannot be settled as given; see {@link SignalEngine.close}. */
function assertSettleable({ strategy, lastCloseTime }: Desk, closeTime: number, rows: readonly SignalInput[]): void {
  if (lastCloseTime !== null && closeTime <= lastCloseTime) {
    throw new RangeError(`${strategy.name}: close ${closeTime} is not later than the settled ${lastCloseTime}`);
  }
  for (const [index, { key, bar }] of rows.entries()) {
    if (bar.closeTime !== closeTime) throw new RangeError(`series ${key} closes at ${bar.closeTime}, not ${closeTime}`);
    if (rows[index - 1]?.key === key) throw new RangeError(`series ${key} comes twice at ${closeTime}`);
  }
}

/** One series at one close: first its open settles and fills, then its close may turn the direction. Adds to `into`. */
function settleRow(desk: Desk, closeTime: number, row: SignalInput, into: SignalClose): void {
  const { strategy, detector, outcomes } = desk;
  const { key, bar, openText, closeText } = row;
  const { name, version: strategyVersion } = strategy;
  for (const outcome of outcomes.advance(key, bar, openText))
    into.closed.push({ strategy: name, strategyVersion, key, ...outcome });
  const transition = detector.step(key, row);
  if (transition === null) return;
  outcomes.turn(key, closeTime, transition.direction);
  into.issued.push({ strategy: name, strategyVersion, key, issuedAt: closeTime, priceUsd: closeText, ...transition });
}

/** An engine over `strategies`, whose names are unique. */
export function createSignalEngine(options: { readonly strategies: readonly Strategy[] }): SignalEngine {
  const desks = new Map(options.strategies.map((strategy) => [strategy.name, createDesk(strategy, undefined)]));

  return {
    close: (strategyName, closeTime, rows) => {
      const desk = desks.get(strategyName);
      if (desk === undefined) throw new RangeError(`no strategy ${strategyName} in this engine`);
      const sorted = rows.toSorted((a, b) => a.key - b.key);
      assertSettleable(desk, closeTime, sorted);
      desk.lastCloseTime = closeTime;
      const settled: SignalClose = { issued: [], closed: [] };
      for (const row of sorted) settleRow(desk, closeTime, row, settled);
      return settled;
    },
    snapshot: (strategyName) =>
      Object.fromEntries(
        [...desks]
          .filter(([name]) => strategyName === undefined || name === strategyName)
          .map(([name, { strategy, detector, outcomes, lastCloseTime }]) => [
            name,
            { version: strategy.version, lastCloseTime, detector: detector.snapshot(), outcomes: outcomes.snapshot() },
          ]),
      ),
    restore: (snapshot) => {
      for (const [name, { strategy }] of desks) {
        if (snapshot[name] !== undefined) desks.set(name, createDesk(strategy, snapshot[name]));
      }
    },
  };
}
