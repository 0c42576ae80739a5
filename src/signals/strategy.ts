/**
 * Signals: immutable statements that a strategy turned BULLISH, BEARISH or NEUTRAL on a token at a close, and what came
 * of them.
 *
 * A strategy is data ({@link Strategy}); `detect.ts` is its state machine, `outcome.ts` follows an issued signal to its
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

/** A published strategy version, as the API shows it. A change of anything but the prose is a new version. */
export interface Strategy {
  /** Unique among all strategies, e.g. `trend-votes-1d`. */
  readonly name: string;
  readonly version: number;
  readonly title: string;
  readonly description: string;
  readonly interval: CandleInterval;
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
  /** Fee of each fill, entry and exit, in hundredths of a percent of the price filled at. */
  readonly feeBps: number;
}

/** The same machine on another interval. */
function trendVotes(name: string, interval: CandleInterval, title: string, candles: string): Strategy {
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
