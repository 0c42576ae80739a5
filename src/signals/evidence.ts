import type { Vote } from '../grades/vote-rules.ts';

/** Why a transition happened: everything needed to judge it again. Plain JSON, one shape for each kind of strategy. */
export type SignalEvidence = TrendEvidence | BreakoutEvidence | ReversionEvidence;

/** What every kind tells. */
interface CommonEvidence {
  /** Closes in a row that agree with an entered direction; 1 for a return to NEUTRAL. */
  readonly closes: number;
  /** The current Trader Grade's value at the close, 0..100; null where the token had none. Never a condition. */
  readonly grade: number | null;
}

/** The votes and what they add up to. */
export interface TrendEvidence extends CommonEvidence {
  /** The mean vote, -1..1, and how many of the 26 votes it is made of. */
  readonly overall: number;
  readonly available: number;
  /** Mean votes of the two groups; null while none of theirs can be cast. */
  readonly movingAverages: number | null;
  readonly oscillators: number | null;
  /** The votes and the indicator values behind them, by rule name. */
  readonly votes: Readonly<Record<string, Vote | null>>;
  readonly values: Readonly<Record<string, number | null>>;
}

/** The level that was passed, or the stop. */
export interface BreakoutEvidence extends CommonEvidence {
  /** LEVEL: a close beyond the level, on volume. STOP: a close behind the stop. */
  readonly rule: 'LEVEL' | 'STOP';
  readonly close: number;
  /** The swing point passed, and the close of its candle (RFC 3339); null for STOP. */
  readonly level: number | null;
  readonly levelAt: string | null;
  readonly atr: number;
  /** Volume over the mean of the candles before; null without volume. */
  readonly volumeRatio: number | null;
  /** The best close since the direction was entered, and the stop that hangs on it; null for LEVEL. */
  readonly bestClose: number | null;
  readonly stop: number | null;
}

/** The extreme that was met, or how it ended. */
export interface ReversionEvidence extends CommonEvidence {
  /** EXTREME: entered. MEAN: the middle band was reached. TIME: it was not, for too long. */
  readonly rule: 'EXTREME' | 'MEAN' | 'TIME';
  readonly close: number;
  readonly rsi: number;
  readonly upper: number;
  readonly middle: number;
  readonly lower: number;
  readonly adx: number;
  /** Closes since the direction was entered; 0 for EXTREME. */
  readonly closesHeld: number;
}
