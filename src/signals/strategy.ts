/**
 * Signals: immutable statements that a strategy turned BULLISH, BEARISH or NEUTRAL on a token at a close, and what came
 * of them.
 *
 * A strategy is data ({@link Strategy}); `detect.ts` is the state machine all share, `judge.ts` what each kind of strategy sees in
 * a close, `outcome.ts` follows an issued signal to its
 * end, `engine.ts` joins the two per close. Invariants: a signal is issued only at a close and from that close and those
 * before it; it is identified by (strategy, key, issuedAt) and never changed or taken back; an outcome is a separate fact
 * that appears one candle later, because it fills at that candle's open.
 *
 * Late, doubled and wrong input: candles reach the engine after `prices/` has quarantined the wrong ones, each once and
 * in order. A close that is not later than the strategy's last, or a key twice in one close, is a caller's bug and throws
 * before any state has changed. A hole in a series breaks the run of closes that confirms a signal; an open signal stays
 * open over it.
 */
import type { CandleInterval } from '../lib/interval.ts';

/** What a signal says. */
export type SignalDirection = 'BULLISH' | 'BEARISH' | 'NEUTRAL';

/** The kinds of state machine that a strategy can be; `kinds.ts` says what each reads and takes. */
export type StrategyKind = 'TREND_VOTES' | 'LEVEL_BREAKOUT' | 'MEAN_REVERSION';

/** What every strategy version states. A change of anything but the prose is a new version. */
interface Definition {
  /** Unique among all strategies, e.g. `trend-votes-1d`. */
  readonly name: string;
  readonly version: number;
  readonly title: string;
  readonly description: string;
  readonly interval: CandleInterval;
  /** Fee of each fill, entry and exit, in hundredths of a percent of the price filled at. */
  readonly feeBps: number;
}

/** Follows the mean of the 26 technical votes. */
export interface TrendVotes extends Definition {
  /** Absent: the definitions published first were of the only kind there was. */
  readonly kind?: 'TREND_VOTES';
  readonly params: {
    /** BULLISH is entered while the overall vote is above this, BEARISH while it is below its negative. */
    readonly enterAbove: number;
    /** BULLISH is left when the overall vote is below this, BEARISH when it is above its negative. */
    readonly leaveBelow: number;
    /** Closes in a row, without a missing candle, that must agree before a direction is entered. */
    readonly confirmCloses: number;
    /** With fewer castable votes a close is not judged at all. */
    readonly votesMin: number;
  };
}

/** Follows a close beyond every swing point that still stands, until it falls back by some average ranges. */
export interface LevelBreakout extends Definition {
  readonly kind: 'LEVEL_BREAKOUT';
  readonly params: {
    /** A swing point stands out from so many candles on either side, and is known so many later. */
    readonly swingReach: number;
    /** Swing points older than this many candles are forgotten. */
    readonly levelBars: number;
    /** The volume of the close must be at least this many times the mean of the `volumeBars` before it. */
    readonly volumeRatioMin: number;
    readonly volumeBars: number;
    readonly atrPeriod: number;
    /** A direction is left when the close lies this many ATRs behind the best close since it was entered. */
    readonly stopAtrs: number;
    /** Closes in a row beyond the level, without a missing candle, before a direction is entered. */
    readonly confirmCloses: number;
  };
}

/** Expects an extreme to return to the mean, unless the trend is strong. */
export interface MeanReversion extends Definition {
  readonly kind: 'MEAN_REVERSION';
  readonly params: {
    readonly rsiPeriod: number;
    /** BULLISH needs an RSI below this, BEARISH one above 100 less this. */
    readonly rsiBelow: number;
    /** The close must also lie outside the Bollinger bands, whose middle is the mean that is expected. */
    readonly bandBars: number;
    readonly bandSigmas: number;
    readonly adxPeriod: number;
    /** Above this ADX the trend is too strong to be stood against. */
    readonly adxMax: number;
    /** A direction is left after so many closes, though the mean was not reached. */
    readonly holdClosesMax: number;
    /** Closes in a row at the extreme, without a missing candle, before a direction is entered. */
    readonly confirmCloses: number;
  };
}

/** A published strategy version, as the API shows it. */
export type Strategy = TrendVotes | LevelBreakout | MeanReversion;

/** What kind of state machine a strategy is. */
export function kindOf({ kind }: Strategy): StrategyKind {
  return kind ?? 'TREND_VOTES';
}

/** The same machine on another interval. */
function trendVotes(name: string, interval: CandleInterval, title: string, candles: string): TrendVotes {
  return {
    name,
    version: 1,
    title,
    description:
      `Follows the mean of the 26 technical votes on ${candles}: BULLISH after two closes above +0.1, left below 0; ` +
      'BEARISH after two closes below -0.1, left above 0; else NEUTRAL. It tends to avoid crashes and to miss the ' +
      'start of rallies; its track record is shown whatever it says.',
    interval,
    params: { enterAbove: 0.1, leaveBelow: 0, confirmCloses: 2, votesMin: 10 },
    feeBps: 10,
  };
}

/** The default strategy: daily candles. */
export const trendVotes1d = trendVotes('trend-votes-1d', 'ONE_DAY', 'Trend votes, daily', 'daily candles');

/** The default's machine on hourly candles. */
export const trendVotes1h = trendVotes('trend-votes-1h', 'ONE_HOUR', 'Trend votes, hourly', 'hourly candles');

/** Breakouts on daily candles. */
export const levelBreakout1d: LevelBreakout = {
  name: 'level-breakout-1d',
  version: 1,
  title: 'Level breakout, daily',
  description:
    'BULLISH when a daily close on at least 1.5 times the usual volume lies above every swing high of the last 60 ' +
    'days that no close has passed; BEARISH below every such swing low. Left when the close falls back by 3 ATRs ' +
    'from the best close since. Most breakouts fail; the few that run are to pay for them, and its track record is shown ' +
    'whatever it says.',
  interval: 'ONE_DAY',
  kind: 'LEVEL_BREAKOUT',
  params: {
    swingReach: 5,
    levelBars: 60,
    volumeRatioMin: 1.5,
    volumeBars: 20,
    atrPeriod: 14,
    stopAtrs: 3,
    confirmCloses: 1,
  },
  feeBps: 10,
};

/** Returns to the mean on daily candles. */
export const meanReversion1d: MeanReversion = {
  name: 'mean-reversion-1d',
  version: 1,
  title: 'Mean reversion, daily',
  description:
    'BULLISH when a daily close lies below the lower Bollinger band (20 days, 2 sigmas) with an RSI below 30, BEARISH ' +
    'above the upper one with an RSI above 70; never while the ADX is above 40, since a strong trend runs over it. ' +
    'Left at the middle band, or after 20 closes. Its losses are larger than its gains; its track record is shown ' +
    'whatever it says.',
  interval: 'ONE_DAY',
  kind: 'MEAN_REVERSION',
  params: {
    rsiPeriod: 14,
    rsiBelow: 30,
    bandBars: 20,
    bandSigmas: 2,
    adxPeriod: 14,
    adxMax: 40,
    holdClosesMax: 20,
    confirmCloses: 1,
  },
  feeBps: 10,
};

/** Every strategy that ships. */
export const shippedStrategies: readonly Strategy[] = [trendVotes1d, trendVotes1h, levelBreakout1d, meanReversion1d];
