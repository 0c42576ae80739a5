import { AppError } from '../lib/errors.ts';
import { BreakoutJudge } from './breakout-judge.ts';
import type { Judge } from './judge.ts';
import { ReversionJudge } from './reversion-judge.ts';
import { kindOf, type Strategy, type StrategyKind } from './strategy.ts';
import { TrendJudge } from './trend-judge.ts';

/**
 * The kinds of strategies: what each reads, which parameters it takes and within which bounds, and what its confidence
 * means. A new kind is a judge, an entry here, and its types in `strategy.ts` and `evidence.ts`.
 */

/** One parameter of a kind. `isInteger` is true for counts of candles and closes. */
export interface ParamRule {
  readonly name: string;
  readonly description: string;
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
}

/** An indicator of the catalog with the names of the strategy's parameters it takes. */
interface IndicatorUse {
  readonly name: string;
  readonly params: readonly string[];
}

/** A kind. */
export interface KindRule {
  /** What its machine does, in sentences. */
  readonly description: string;
  /** What `confidence` of its signals means, 0..1. */
  readonly confidence: string;
  readonly params: readonly ParamRule[];
  readonly indicators: readonly IndicatorUse[];
}

function count(name: string, min: number, max: number, description: string): ParamRule {
  return { name, description, min, max, isInteger: true };
}

function number(name: string, min: number, max: number, description: string): ParamRule {
  return { name, description, min, max, isInteger: false };
}

const confirmCloses = count(
  'confirmCloses',
  1,
  20,
  'Closes in a row, without a missing candle, that must agree before a direction is entered.',
);

/** Every kind. */
export const strategyKinds: Readonly<Record<StrategyKind, KindRule>> = {
  TREND_VOTES: {
    description:
      'Follows the mean of the 26 technical votes: BULLISH above `enterAbove`, left below `leaveBelow`; BEARISH below the negatives.',
    confidence:
      'Agreement of the votes (|overall| entering, 1 - |overall| leaving) times the share of the 26 that could be cast.',
    params: [
      number('enterAbove', 0, 1, 'A direction is entered beyond this mean vote.'),
      number('leaveBelow', -1, 1, 'It is left on the other side of this mean vote; at most `enterAbove`.'),
      count('votesMin', 1, 26, 'With fewer castable votes a close is not judged.'),
      confirmCloses,
    ],
    indicators: [],
  },
  LEVEL_BREAKOUT: {
    description:
      'BULLISH when a close on enough volume lies above every swing high that still stands, BEARISH below every swing low. A swing that closes have passed is used up. Left when the close lies `stopAtrs` ATRs behind the best close since.',
    confidence: 'How far the close lies beyond the level (leaving: behind the stop) in ATRs, at most 1.',
    params: [
      count('swingReach', 1, 20, 'A swing stands out from so many candles on either side, and is known so many later.'),
      count('levelBars', 10, 400, 'Swings older than this many candles are forgotten.'),
      number('volumeRatioMin', 0, 20, 'The volume must be at least this many times the mean of the candles before.'),
      count('volumeBars', 2, 200, 'How many candles that mean is taken over.'),
      count('atrPeriod', 1, 200, 'Period of the ATR.'),
      number('stopAtrs', 0.1, 20, 'How many ATRs the stop hangs behind the best close.'),
      confirmCloses,
    ],
    indicators: [{ name: 'atr', params: ['atrPeriod'] }],
  },
  MEAN_REVERSION: {
    description:
      'BULLISH when a close lies below the lower Bollinger band with an RSI below `rsiBelow`, BEARISH above the upper band with one above 100 - `rsiBelow`, while the ADX is at most `adxMax`. Left at the middle band, or after `holdClosesMax` closes.',
    confidence:
      'Entering: how far the RSI lies beyond its bound, as a share of the bound. Leaving: 1 at the middle band; after too many closes less, by what is missing to it in half widths of the bands.',
    params: [
      count('rsiPeriod', 2, 200, 'Period of the RSI.'),
      number('rsiBelow', 1, 50, 'The RSI must be below this, or above 100 less this.'),
      count('bandBars', 2, 200, 'Candles of the Bollinger bands.'),
      number('bandSigmas', 0.1, 10, 'Their width on either side, in standard deviations.'),
      count('adxPeriod', 2, 200, 'Period of the ADX.'),
      number('adxMax', 0, 100, 'Above this ADX nothing is entered.'),
      count('holdClosesMax', 1, 400, 'A direction is left after so many closes at the latest.'),
      confirmCloses,
    ],
    indicators: [
      { name: 'rsi', params: ['rsiPeriod'] },
      { name: 'bbands', params: ['bandBars', 'bandSigmas'] },
      { name: 'adx', params: ['adxPeriod'] },
    ],
  },
};

/** A judge of a strategy that has seen nothing. */
export function createJudge(strategy: Strategy): Judge {
  if (strategy.kind === 'LEVEL_BREAKOUT') return new BreakoutJudge(strategy.params);
  if (strategy.kind === 'MEAN_REVERSION') return new ReversionJudge(strategy.params);
  return new TrendJudge(strategy.params);
}

/** The parameters of a strategy with their rules, in the order of its kind. */
export function listParams(strategy: Strategy): (ParamRule & { readonly value: number })[] {
  const values: Readonly<Record<string, number>> = { ...strategy.params };
  return strategyKinds[kindOf(strategy)].params.map((rule) => ({ ...rule, value: values[rule.name] ?? 0 }));
}

/**
 * The strategy with other parameters, those not given as published. Throws BAD_USER_INPUT for an unknown name, a value
 * that is no number or out of bounds, and parameters that contradict each other.
 */
export function overrideParams(strategy: Strategy, overrides: unknown): Strategy {
  if (overrides == null) return strategy;
  if (typeof overrides !== 'object' || Array.isArray(overrides))
    throw badParams('`params` must be an object of numbers, such as { "confirmCloses": 2 }.');
  const { params: rules } = strategyKinds[kindOf(strategy)];
  for (const [name, value] of Object.entries(overrides)) assertParam(rules, name, value);
  const params = { ...strategy.params, ...overrides };
  if ('leaveBelow' in params && params.leaveBelow > params.enterAbove)
    throw badParams('`leaveBelow` must be at most `enterAbove`, else a direction would be left where it is entered.');
  return { ...strategy, params } as Strategy;
}

function assertParam(rules: readonly ParamRule[], name: string, value: unknown): void {
  const rule = rules.find((one) => one.name === name);
  if (rule === undefined) {
    const names = rules.map((one) => one.name).join(', ');
    throw badParams(`This strategy has no parameter "${name}". It takes: ${names}.`);
  }
  const { min, max, isInteger } = rule;
  if (typeof value === 'number' && value >= min && value <= max && (!isInteger || Number.isInteger(value))) return;
  const kind = isInteger ? 'a whole number' : 'a number';
  throw badParams(`\`${name}\` must be ${kind} from ${min} to ${max}; got ${JSON.stringify(value)}.`);
}

function badParams(sentence: string): AppError {
  return new AppError('BAD_USER_INPUT', sentence, { extensions: { argument: 'params' } });
}
