/**
 * Grades: a 0..100 score of a token by a published model version, as of a candle close, explained by its factors.
 *
 * A model is data ({@link GradeModel}); `engine.ts` turns closed candles into {@link ScoredGrade}s. Invariants: the
 * contributions add up to the value; a missing input is dropped, the weights of the others are renormalised and
 * `coverage` says how much was there, missing is never 0; a grade as of t uses only candles with closeTime <= t; a
 * published version never changes, a change is a new version.
 *
 * Late, doubled and wrong input: candles reach the engine after `prices/` has quarantined the wrong ones. The engine
 * settles every close once, in order: a close that is not later than the last, a key twice in one close, or a candle
 * stamped with another close is a caller's bug and throws before any state has changed. A candle that arrives after its
 * close was settled is a hole for the engine; a hole longer than the universe rule allows starts the history over.
 */
import type { CandleInterval } from '../lib/interval.ts';
import type { FactorPeers, FactorValues } from './factor-values.ts';
import type { FallbackReason } from '../sources/model-server.ts';

/** What a grade speaks about: days to weeks (`TRADER`) or years (`INVESTOR`). */
export type GradeKind = 'TRADER' | 'INVESTOR';

/** A named range of the value, best first. */
export const gradeBands = ['STRONG_BUY', 'BUY', 'NEUTRAL', 'SELL', 'STRONG_SELL'] as const;

/** One of {@link gradeBands}. */
export type GradeBand = (typeof gradeBands)[number];

/** Where a band begins: values >= `from` and below the band above. */
export interface BandEdge {
  readonly band: GradeBand;
  readonly from: number;
}

/** The inputs a factor can read: one number per token and close, null where it cannot be computed. See features.ts. */
export const featureNames = [
  'idiosyncraticVolatility',
  'largestIdiosyncraticGain',
  'dailyRangeWeek',
  'dailyRangeMonth',
  'upperWick',
  'returnFiveDays',
  'returnVolumeCorrelation',
  'volumeTrend',
  'maxDrawdownYear',
  'largestGain',
  'rsi',
  'returnSkew',
  'volumeRatio',
  'listingAgeDays',
  'movingAverageVotes',
  'oscillatorVotes',
  'sharpe',
  'sortino',
  'maxDrawdown',
  'profitFactor',
  'tailRatio',
  'feesToCap',
  'volumeToCap',
  'supplyInflation',
  'activityGrowth',
] as const;

/** One of {@link featureNames}. */
export type FeatureName = (typeof featureNames)[number];

/**
 * How a raw input becomes a score 0..100. `PERCENTILE`: its mid-rank among the graded tokens of the same close, ties
 * averaged, held within 1..99. `VOTES`: a mean vote v in -1..1 becomes (v + 1) * 50, whatever other tokens do.
 */
export type Normalisation = 'PERCENTILE' | 'VOTES';

/** One input of a model. */
export interface FactorDefinition {
  /** Unique in the model, `group.name`; the `key` of the factor in every grade. */
  readonly key: string;
  readonly group: string;
  readonly description: string;
  readonly feature: FeatureName;
  readonly normalisation: Normalisation;
  /** `LOWER_IS_BETTER` ranks the raw input downwards; the raw input itself is shown unchanged. */
  readonly direction: 'HIGHER_IS_BETTER' | 'LOWER_IS_BETTER';
  /** Share of the value when every input is there, 0..1; a model's weights sum to 1. */
  readonly weight: number;
  /**
   * `NARRATIVE`: a percentile among the tokens of the token's narrative, the smallest one in which at least
   * {@link narrativeTokensMin} tokens have the input at that close; without one, and by default, among all graded tokens.
   */
  readonly peers?: 'NARRATIVE' | undefined;
}

/** Fewer tokens with an input do not make a rank within a narrative. */
export const narrativeTokensMin = 10;

/** All models share each token's history, so it starts over after the same hole for all of them. */
export const gapBarsOfAll = 7;

/** Which tokens a model grades and ranks against each other at a close. */
export interface UniverseRule {
  readonly description: string;
  /** Fewer closed candles since the last long hole: no grade, reason `TOO_LITTLE_HISTORY`. */
  readonly historyBarsMin: number;
  /** More missing candles in a row start the history over. */
  readonly gapBarsMax: number;
  /**
   * Interquartile range of the last 90 returns below this: the price is held at a peg (or is not traded), and a rank of
   * its calm says nothing; no grade, reason `PRICE_PEGGED`. A fraction, 0.002 is 0.2 %.
   */
  readonly returnSpreadMin: number;
}

/**
 * How a model server is asked. It is sent the model's factors as one table, a row a token, a column a factor in the
 * order of the definition, and answers with a value 0..100 a row. See docs/models.md.
 */
export interface RemoteServing {
  /** The model's name and version on the server. */
  readonly name: string;
  readonly version: string;
  /** What a column holds: the input as measured, or its score 0..100, as the grade shows them. */
  readonly input: 'RAWS' | 'SCORES';
  /** Stands for an input that is missing. */
  readonly missing: number;
  readonly datatype: 'FP32' | 'FP64';
  /** The published model, computed here, that answers for a close at which the server does not. */
  readonly fallback: string;
}

/** The rules of a model version, as a file states them and the API shows them. */
export interface GradeModel {
  readonly kind: GradeKind;
  /** Unique among all models, e.g. `measured-v1`. */
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly interval: CandleInterval;
  readonly universe: UniverseRule;
  readonly factors: readonly FactorDefinition[];
  /** Best band first; the last begins at 0. */
  readonly bands: readonly BandEdge[];
  /** Absent: values are computed here, from the weights. */
  readonly remote?: RemoteServing | undefined;
}

/** A token's grade by one model at one close. Immutable once published. */
export interface ScoredGrade {
  /** The series the grade was computed from. */
  readonly key: number;
  readonly modelVersion: string;
  readonly kind: GradeKind;
  /** Epoch ms of the close the grade speaks about. */
  readonly asOf: number;
  /** 0..100, the sum of the contributions; rounded to 9 decimals only to drop the noise of adding. */
  readonly value: number;
  readonly band: GradeBand;
  /** Sum of the model's weights whose inputs were there, 0..1. */
  readonly coverage: number;
  readonly factors: FactorValues;
  readonly peers: FactorPeers;
  /** Of a remote model: `name:version` as the server gave them, or the version of the fallback; absent: the model itself. */
  readonly servedBy?: string;
  /** Why the fallback answered; absent where it did not. */
  readonly fallbackReason?: FallbackReason;
}

/** Why a token with a candle at this close has no grade. */
export type UngradedReason = 'TOO_LITTLE_HISTORY' | 'PRICE_PEGGED' | 'NO_INPUT';

/** A token that a model did not grade at a close. */
export interface Ungraded {
  readonly key: number;
  readonly modelVersion: string;
  readonly reason: UngradedReason;
}

/**
 * The edges of the shipped models. A value is spoken of as a whole number, so the edges lie half-way: 80.5 rounds to 81,
 * the first STRONG_BUY.
 */
export const standardBands: readonly BandEdge[] = [
  { band: 'STRONG_BUY', from: 80.5 },
  { band: 'BUY', from: 60.5 },
  { band: 'NEUTRAL', from: 40.5 },
  { band: 'SELL', from: 20.5 },
  { band: 'STRONG_SELL', from: 0 },
];

/** The band of a value by a model's edges: the first whose `from` the value reaches. */
export function bandOf(bands: readonly BandEdge[], value: number): GradeBand {
  return bands.find((edge) => value >= edge.from)?.band ?? 'STRONG_SELL';
}
