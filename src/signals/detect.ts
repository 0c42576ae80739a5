import { restore, snapshot } from '../indicators/machine.ts';
import { intervalMs } from '../lib/interval.ts';
import type { SignalEvidence } from './evidence.ts';
import type { DetectorInput, Judge, Judgement } from './judge.ts';
import { createJudge } from './kinds.ts';
import type { SignalDirection, Strategy } from './strategy.ts';

/** A change of direction at a close. */
export interface Transition {
  readonly direction: SignalDirection;
  readonly previousDirection: SignalDirection;
  /** 0..1, by a rule of the kind of strategy (`kinds.ts`); not a probability. */
  readonly confidence: number;
  readonly evidence: SignalEvidence;
}

/** Where one series stands. Plain JSON. */
export interface DetectorState {
  readonly direction: SignalDirection;
  /** Closes in a row that agree with BULLISH and with BEARISH, up to this close. */
  readonly closesAbove: number;
  readonly closesBelow: number;
  readonly lastCloseTime: number | null;
}

/** One series of a {@link Detector.snapshot}: where it stands, and the state of its judge. Plain JSON. */
export type SavedSeries = readonly [key: number, state: DetectorState, judge: unknown];

/** A strategy's state machine over many series. */
export interface Detector {
  /** Judges the next close of a series; the transition it causes, or null. */
  step(key: number, input: DetectorInput): Transition | null;
  /** By ascending key. */
  snapshot(): readonly SavedSeries[];
}

const initial: DetectorState = { direction: 'NEUTRAL', closesAbove: 0, closesBelow: 0, lastCloseTime: null };

/**
 * The direction after a close, with hysteresis: entering needs `confirmCloses` closes that agree, and what is held stays
 * until its judge says that it ends or the other direction is confirmed.
 */
function directionAfter(state: DetectorState, confirmCloses: number, { isLeft }: Judgement): SignalDirection {
  const { direction, closesAbove, closesBelow } = state;
  const isUp = closesAbove >= confirmCloses;
  const isDown = closesBelow >= confirmCloses;
  if (isUp && direction === 'BEARISH') return 'BULLISH';
  if (isDown && direction === 'BULLISH') return 'BEARISH';
  if (direction !== 'NEUTRAL') return isLeft ? 'NEUTRAL' : direction;
  if (isUp) return 'BULLISH';
  return isDown ? 'BEARISH' : 'NEUTRAL';
}

/** The state after one close. A close that cannot be judged, like a missing one, breaks the runs. */
function stateAfter(
  { params, interval }: Strategy,
  before: DetectorState,
  closeTime: number,
  judgement: Judgement | null,
): DetectorState {
  if (judgement === null) return { ...before, closesAbove: 0, closesBelow: 0, lastCloseTime: closeTime };
  const isNext = before.lastCloseTime !== null && closeTime - before.lastCloseTime === intervalMs(interval);
  const run = (isAgreeing: boolean, count: number) => (isAgreeing ? (isNext ? count : 0) + 1 : 0);
  const counted: DetectorState = {
    direction: before.direction,
    closesAbove: run(judgement.isBullish, before.closesAbove),
    closesBelow: run(judgement.isBearish, before.closesBelow),
    lastCloseTime: closeTime,
  };
  return { ...counted, direction: directionAfter(counted, params.confirmCloses, judgement) };
}

/** One series at work. */
interface Seat {
  state: DetectorState;
  readonly judge: Judge;
}

/** A seat as it was saved. Throws an Error where the state is of another judge. */
function takeSeat(strategy: Strategy, [, state, saved]: SavedSeries): Seat {
  const judge = createJudge(strategy);
  restore(judge, saved);
  return { state, judge };
}

/** A detector from the start or from a snapshot. Every series begins NEUTRAL, which is not a signal. */
export function createDetector(strategy: Strategy, from: readonly SavedSeries[] = []): Detector {
  const seats = new Map(from.map((saved) => [saved[0], takeSeat(strategy, saved)]));

  function seatOf(key: number): Seat {
    const known = seats.get(key);
    if (known !== undefined) return known;
    const seat = { state: initial, judge: createJudge(strategy) };
    seats.set(key, seat);
    return seat;
  }

  return {
    step: (key, input) => {
      const seat = seatOf(key);
      const before = seat.state;
      const judgement = seat.judge.judge(input, before.direction);
      seat.state = stateAfter(strategy, before, input.bar.closeTime, judgement);
      const { direction, closesAbove, closesBelow } = seat.state;
      if (judgement === null || direction === before.direction) return null;
      const closes = { BULLISH: closesAbove, BEARISH: closesBelow, NEUTRAL: 1 }[direction];
      return { direction, previousDirection: before.direction, ...judgement.explain(direction, closes) };
    },
    snapshot: () =>
      [...seats.entries()]
        .map(([key, { state, judge }]): SavedSeries => [key, state, snapshot(judge)])
        .sort(([a], [b]) => a - b),
  };
}
