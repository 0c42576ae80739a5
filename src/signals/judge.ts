import type { VoteResult } from '../grades/votes.ts';
import type { Bar } from '../indicators/bar.ts';
import type { SignalEvidence } from './evidence.ts';
import type { SignalDirection } from './strategy.ts';

/** One series' closed candle as a strategy judges it. */
export interface DetectorInput {
  /** `closeTime` is later than the series' last. */
  readonly bar: Bar;
  /** Null for a strategy that reads no votes. */
  readonly votes: VoteResult | null;
  /** The current Trader Grade's value at this close, 0..100; null where there is none. Evidence only, not a condition. */
  readonly gradeValue: number | null;
}

/** What a strategy sees in one close. */
export interface Judgement {
  /** Whether the close agrees with each direction; never with both. */
  readonly isBullish: boolean;
  readonly isBearish: boolean;
  /** Whether the direction held ends here, unless the other one begins. */
  readonly isLeft: boolean;
  /** The reasons for a transition to a direction that `closes` in a row agree with, and how sure it is, 0..1. */
  explain(
    direction: SignalDirection,
    closes: number,
  ): { readonly confidence: number; readonly evidence: SignalEvidence };
}

/**
 * What one kind of strategy sees in one series, close by close; `detect.ts` makes directions of it. Its public fields are
 * its state: numbers and machines, so that it is saved and restored as an indicator is.
 */
export interface Judge {
  /** Takes the next close, `held` being the direction before it. Null where it cannot be judged yet. */
  judge(input: DetectorInput, held: SignalDirection): Judgement | null;
}
