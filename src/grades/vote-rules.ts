import type { Bar } from '../indicators/bar.ts';

/**
 * The 26 rules of TradingView's Technical Ratings, as published in its help centre ("Technical Ratings") and in the
 * `TechnicalRating` library, in its current form. Every rule is symmetric: a buy condition (+1), a sell condition (-1),
 * else 0; null while an input of the rule is missing. "Rising" and "falling" compare with the bar before.
 */

/** +1 buy, 0 neutral, -1 sell. */
export type Vote = -1 | 0 | 1;

/** The outputs of an indicator at one bar, in its catalog order. */
export type Outputs = readonly (number | null)[];

/** What a rule may look at. */
export interface VoteReading {
  readonly bar: Bar;
  readonly now: Outputs;
  /** The outputs one bar and two bars ago; null where there was no such bar or the rule does not look back so far. */
  readonly before: Outputs | null;
  readonly earlier: Outputs | null;
  /** EMA 50: the trend is up while the close is above it, down while below. */
  readonly trend: number | null;
}

/** One of the 26. */
export interface VoteRule {
  readonly name: string;
  readonly group: 'movingAverages' | 'oscillators';
  /** The indicator's name and parameters in the catalog. */
  readonly indicator: string;
  readonly params: readonly number[];
  /** How many bars before the newest the rule reads. */
  readonly lookback: 0 | 1 | 2;
  readonly vote: (reading: VoteReading) => Vote | null;
}

function voteIf(isBuy: boolean, isSell: boolean): Vote {
  if (isBuy) return 1;
  return isSell ? -1 : 0;
}

/** Buy: the average is below the close. Sell: above it. */
function averageVote({ bar, now }: VoteReading): Vote | null {
  const average = now[0] ?? null;
  return average === null ? null : voteIf(average < bar.close, average > bar.close);
}

/** Buy: span A > span B of the cloud at this bar, base > span A, conversion > base, close > conversion. Sell: all below. */
function ichimokuVote({ bar, now }: VoteReading): Vote | null {
  const [conversion = null, base = null, , , spanA = null, spanB = null] = now;
  if (conversion === null || base === null || spanA === null || spanB === null) return null;
  return voteIf(
    spanA > spanB && base > spanA && conversion > base && bar.close > conversion,
    spanA < spanB && base < spanA && conversion < base && bar.close < conversion,
  );
}

/** Buy: below `low` and rising. Sell: above `high` and falling. (RSI 30/70, CCI -100/100, Williams %R -80/-20.) */
function turnVote(low: number, high: number): VoteRule['vote'] {
  return ({ now, before }) => {
    const [value, previous] = [now[0] ?? null, before?.[0] ?? null];
    if (value === null || previous === null) return null;
    return voteIf(value < low && value > previous, value > high && value < previous);
  };
}

/** Buy: %K and %D below 20 and %K > %D. Sell: both above 80 and %K < %D. */
function stochasticVote({ now }: VoteReading): Vote | null {
  const [k = null, d = null] = now;
  if (k === null || d === null) return null;
  return voteIf(k < 20 && d < 20 && k > d, k > 80 && d > 80 && k < d);
}

/** The stochastic rule, buying only in a downtrend and selling only in an uptrend. */
function stochasticRsiVote(reading: VoteReading): Vote | null {
  const { trend, bar } = reading;
  const vote = stochasticVote(reading);
  if (trend === null || vote === null) return null;
  return voteIf(vote === 1 && bar.close < trend, vote === -1 && bar.close > trend);
}

/** Buy: ADX above 20 and rising with +DI > -DI. Sell: the same with +DI < -DI. */
function adxVote({ now, before }: VoteReading): Vote | null {
  const [adx = null, plus = null, minus = null] = now;
  const previous = before?.[0] ?? null;
  if (adx === null || plus === null || minus === null || previous === null) return null;
  const isTrending = adx > 20 && adx > previous;
  return voteIf(isTrending && plus > minus, isTrending && plus < minus);
}

/**
 * Buy: crosses above 0, or above 0 for two bars and turns up after falling (saucer). Sell: the mirror image. A cross is
 * value > 0 after previous <= 0.
 */
function awesomeVote({ now, before, earlier }: VoteReading): Vote | null {
  const [value, previous, third] = [now[0] ?? null, before?.[0] ?? null, earlier?.[0] ?? null];
  if (value === null || previous === null) return null;
  const isTurnUp = third !== null && value > previous && third > previous;
  const isTurnDown = third !== null && value < previous && third < previous;
  return voteIf(value > 0 && (previous <= 0 || isTurnUp), value < 0 && (previous >= 0 || isTurnDown));
}

/** Buy: rising. Sell: falling. */
function momentumVote({ now, before }: VoteReading): Vote | null {
  const [value, previous] = [now[0] ?? null, before?.[0] ?? null];
  return value === null || previous === null ? null : voteIf(value > previous, value < previous);
}

/** Buy: MACD above its signal line. Sell: below. */
function macdVote({ now }: VoteReading): Vote | null {
  const [macd = null, signal = null] = now;
  return macd === null || signal === null ? null : voteIf(macd > signal, macd < signal);
}

/**
 * On EMA 13: bull power = high - EMA, bear power = low - EMA. Buy: uptrend, bear power below 0 and rising. Sell:
 * downtrend, bull power above 0 and falling.
 */
function bullBearVote({ bar, now, before, trend }: VoteReading): Vote | null {
  const [, bull = null, bear = null] = now;
  const [bullBefore, bearBefore] = [before?.[1] ?? null, before?.[2] ?? null];
  if (bull === null || bear === null || bullBefore === null || bearBefore === null || trend === null) return null;
  return voteIf(bar.close > trend && bear < 0 && bear > bearBefore, bar.close < trend && bull > 0 && bull < bullBefore);
}

/** Buy: above 70. Sell: below 30 (a breakout reading, as published). */
function ultimateVote({ now }: VoteReading): Vote | null {
  const value = now[0] ?? null;
  return value === null ? null : voteIf(value > 70, value < 30);
}

function averageRule(indicator: string, length: number): VoteRule {
  const name = `${indicator}${length}`;
  return { name, group: 'movingAverages', indicator, params: [length], lookback: 0, vote: averageVote };
}

function oscillatorRule(
  indicator: string,
  params: readonly number[],
  lookback: VoteRule['lookback'],
  vote: VoteRule['vote'],
): VoteRule {
  return { name: indicator, group: 'oscillators', indicator, params, lookback, vote };
}

const ichimokuRule: VoteRule = {
  name: 'ichimoku',
  group: 'movingAverages',
  indicator: 'ichimoku',
  params: [9, 26, 52],
  lookback: 0,
  vote: ichimokuVote,
};

const averageLengths = [10, 20, 30, 50, 100, 200];

/** The 15 moving averages, then the 11 oscillators, in the published order. */
export const voteRules: readonly VoteRule[] = [
  ...averageLengths.map((length) => averageRule('sma', length)),
  ...averageLengths.map((length) => averageRule('ema', length)),
  averageRule('hma', 9),
  averageRule('vwma', 20),
  ichimokuRule,
  oscillatorRule('rsi', [14], 1, turnVote(30, 70)),
  oscillatorRule('stoch', [14, 3, 3], 0, stochasticVote),
  oscillatorRule('cci', [20], 1, turnVote(-100, 100)),
  oscillatorRule('adx', [14], 1, adxVote),
  oscillatorRule('ao', [], 2, awesomeVote),
  oscillatorRule('mom', [10], 1, momentumVote),
  oscillatorRule('macd', [12, 26, 9], 0, macdVote),
  oscillatorRule('stochrsi', [14, 14, 3, 3], 0, stochasticRsiVote),
  oscillatorRule('willr', [14], 1, turnVote(-80, -20)),
  oscillatorRule('bbp', [13], 1, bullBearVote),
  oscillatorRule('uo', [7, 14, 28], 0, ultimateVote),
];
