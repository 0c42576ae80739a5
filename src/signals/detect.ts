import type { Vote } from '../grades/vote-rules.ts';
import type { VoteResult } from '../grades/votes.ts';
import { intervalMs } from '../lib/interval.ts';
import type { SignalDirection, Strategy } from './strategy.ts';

/** One series' closed candle as a strategy judges it. */
export interface DetectorInput {
  /** Epoch ms; later than the series' last. */
  readonly closeTime: number;
  readonly votes: VoteResult;
  /** The current Trader Grade's value at this close, 0..100; null where there is none. Evidence only, not a condition. */
  readonly gradeValue: number | null;
}

/** Why a transition happened: everything needed to judge it again. Plain JSON. */
export interface SignalEvidence {
  /** The mean vote, -1..1, and how many of the 26 votes it is made of. */
  readonly overall: number;
  readonly available: number;
  /** Mean votes of the two groups; null while none of theirs can be cast. */
  readonly movingAverages: number | null;
  readonly oscillators: number | null;
  /** The votes and the indicator values behind them, by rule name. */
  readonly votes: Readonly<Record<string, Vote | null>>;
  readonly values: Readonly<Record<string, number | null>>;
  /** Closes in a row that agree with an entered direction; 1 for a return to NEUTRAL. */
  readonly closes: number;
  /** 0..100, null where the token had no grade. */
  readonly grade: number | null;
}

/** A change of direction at a close. */
export interface Transition {
  readonly direction: SignalDirection;
  readonly previousDirection: SignalDirection;
  /** 0..1: agreement of the votes times the share of them that could be cast; not a probability. See {@link confidenceOf}. */
  readonly confidence: number;
  readonly evidence: SignalEvidence;
}

/** Where one series stands. Plain JSON. */
export interface DetectorState {
  readonly direction: SignalDirection;
  /** Closes in a row above `enterAbove` and below its negative, up to this close. */
  readonly closesAbove: number;
  readonly closesBelow: number;
  readonly lastCloseTime: number | null;
}

/** A strategy's state machine over many series. */
export interface Detector {
  /** Judges the next close of a series; the transition it causes, or null. */
  step(key: number, input: DetectorInput): Transition | null;
  /** By ascending key. */
  snapshot(): readonly (readonly [key: number, state: DetectorState])[];
}

const votesTotal = 26;

const initial: DetectorState = { direction: 'NEUTRAL', closesAbove: 0, closesBelow: 0, lastCloseTime: null };

/** |overall| when a direction is entered, 1 - |overall| on a return to NEUTRAL; times the share of castable votes. */
export function confidenceOf(direction: SignalDirection, overall: number, available: number): number {
  const agreement = direction === 'NEUTRAL' ? 1 - Math.abs(overall) : Math.abs(overall);
  return agreement * Math.min(1, available / votesTotal);
}

/** The direction after a close, with hysteresis: entering needs more than staying does. */
function directionAfter(
  { params }: Strategy,
  { direction, closesAbove, closesBelow }: DetectorState,
  overall: number,
): SignalDirection {
  if (closesAbove >= params.confirmCloses) return 'BULLISH';
  if (closesBelow >= params.confirmCloses) return 'BEARISH';
  const isLeft =
    (direction === 'BULLISH' && overall < params.leaveBelow) ||
    (direction === 'BEARISH' && overall > -params.leaveBelow);
  return isLeft ? 'NEUTRAL' : direction;
}

/** The state after one close; a pure step. A close without enough votes, like a missing one, breaks the runs. */
export function applyClose(strategy: Strategy, state: DetectorState, input: DetectorInput): DetectorState {
  const { closeTime, votes } = input;
  const { params, interval } = strategy;
  if (votes.overall === null || votes.available < params.votesMin) {
    return { ...state, closesAbove: 0, closesBelow: 0, lastCloseTime: closeTime };
  }
  const isNext = state.lastCloseTime !== null && closeTime - state.lastCloseTime === intervalMs(interval);
  const run = (isAgreeing: boolean, before: number) => (isAgreeing ? (isNext ? before : 0) + 1 : 0);
  const counted: DetectorState = {
    direction: state.direction,
    closesAbove: run(votes.overall > params.enterAbove, state.closesAbove),
    closesBelow: run(votes.overall < -params.enterAbove, state.closesBelow),
    lastCloseTime: closeTime,
  };
  return { ...counted, direction: directionAfter(strategy, counted, votes.overall) };
}

/** The transition from one state to the next; null where the direction stayed. */
function transitionOf(before: DetectorState, after: DetectorState, input: DetectorInput): Transition | null {
  const { overall, available, groups, votes, values } = input.votes;
  const { direction } = after;
  if (direction === before.direction || overall === null) return null;
  const runs = { BULLISH: after.closesAbove, BEARISH: after.closesBelow, NEUTRAL: 1 };
  const evidence: SignalEvidence = {
    overall,
    available,
    movingAverages: groups.movingAverages.mean,
    oscillators: groups.oscillators.mean,
    votes,
    values,
    closes: runs[direction],
    grade: input.gradeValue,
  };
  const confidence = confidenceOf(direction, overall, available);
  return { direction, previousDirection: before.direction, confidence, evidence };
}

/** A detector from the start or from a snapshot. Every series begins NEUTRAL, which is not a signal. */
export function createDetector(strategy: Strategy, from: ReturnType<Detector['snapshot']> = []): Detector {
  const states = new Map(from);
  return {
    step: (key, input) => {
      const before = states.get(key) ?? initial;
      const after = applyClose(strategy, before, input);
      states.set(key, after);
      return transitionOf(before, after, input);
    },
    snapshot: () => [...states.entries()].sort(([a], [b]) => a - b),
  };
}
