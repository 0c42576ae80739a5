import type { GradeBand, GradeKind } from '../grades/model.ts';
import { type DecimalText, Exact } from '../lib/decimal.ts';
import type { MarketTotals } from '../prices/market-store.ts';
import type { SignalDirection } from '../signals/strategy.ts';
import type { BandRow, DirectionRow, TrendRow } from './store.ts';

/** The market at a glance, from what its tokens say together. Pure. */

/** Grades of one kind over the market. */
export interface GradeBreadth {
  readonly kind: GradeKind;
  /** Graded tokens. */
  readonly n: number;
  readonly mean: number;
  /** Epoch ms. */
  readonly asOf: number;
  readonly bands: readonly { readonly band: GradeBand; readonly count: number }[];
}

/** What a strategy says of the tokens it has a signal of. */
export interface SignalBreadth {
  readonly strategy: string;
  readonly bullish: number;
  readonly bearish: number;
  readonly neutral: number;
}

/** How many tokens stand above the mean of their last closes. */
export interface TrendBreadth {
  readonly days: number;
  readonly n: number;
  readonly above: number;
  /** `above` by `n`; null under {@link tokensMin} tokens. */
  readonly share: number | null;
}

/** What the market says as a whole. */
export interface MarketSignal {
  /** Null where fewer than two inputs are there. */
  readonly direction: SignalDirection | null;
  /** Mean of the inputs, -1..1; null likewise. */
  readonly score: number | null;
  readonly reason: string | null;
  readonly inputs: readonly { readonly name: string; readonly value: number | null; readonly n: number }[];
}

/** A market as of a time. */
export interface MarketOverview {
  /** The instant asked for, epoch ms; now where none was. */
  readonly asOf: number;
  readonly totals: MarketTotals | null;
  readonly bitcoinDominancePct: number | null;
  readonly ethereumDominancePct: number | null;
  readonly grades: readonly GradeBreadth[];
  readonly trends: readonly TrendBreadth[];
  readonly signals: readonly SignalBreadth[];
  readonly signal: MarketSignal;
}

/** Fewest tokens that an input of the market signal, and a share, is told of. */
export const tokensMin = 10;
const threshold = 0.2;

/** The rule of the market signal in words. */
export const marketSignalRule = `breadth-v1: the mean of three inputs of -1 to 1, each of at least ${tokensMin} tokens and at least two of them there: 2 x share above the 50-day mean - 1, 2 x share above the 200-day mean - 1, and (bullish - bearish) by the tokens with a signal of the default strategy. BULLISH above ${threshold}, BEARISH below -${threshold}, else NEUTRAL.`;

/** What an overview is made of. */
export interface OverviewInput {
  readonly asOf: number;
  readonly totals: MarketTotals | null;
  readonly bands: readonly BandRow[];
  readonly directions: readonly DirectionRow[];
  readonly trends: TrendRow;
  /** The strategy whose signals the market signal reads. */
  readonly defaultStrategy: string;
}

/** The overview of a market. */
export function computeOverview({
  asOf,
  totals,
  bands,
  directions,
  trends,
  defaultStrategy,
}: OverviewInput): MarketOverview {
  const signals = signalsOf(directions);
  const breadths = [trendOf(50, trends.above50, trends.of50), trendOf(200, trends.above200, trends.of200)];
  const ofDefault = signals.find(({ strategy }) => strategy === defaultStrategy);
  return {
    asOf,
    totals,
    bitcoinDominancePct: dominanceOf(totals?.bitcoinCapUsd, totals?.marketCapUsd),
    ethereumDominancePct: dominanceOf(totals?.ethereumCapUsd, totals?.marketCapUsd),
    grades: gradesOf(bands),
    trends: breadths,
    signals,
    signal: marketSignalOf(breadths, ofDefault),
  };
}

function dominanceOf(cap: DecimalText | null | undefined, total: DecimalText | null | undefined): number | null {
  if (cap == null || total == null || Number(total) === 0) return null;
  return new Exact(cap).div(total).times(100).toNumber();
}

function gradesOf(rows: readonly BandRow[]): GradeBreadth[] {
  return [...new Set(rows.map(({ kind }) => kind))].map((kind) => {
    const own = rows.filter((row) => row.kind === kind);
    const n = own.reduce((sum, { count }) => sum + count, 0);
    return {
      kind,
      n,
      mean: own.reduce((sum, row) => sum + row.sum, 0) / n,
      asOf: Math.max(...own.map((row) => row.asOf)),
      bands: own.map(({ band, count }) => ({ band, count })),
    };
  });
}

function signalsOf(rows: readonly DirectionRow[]): SignalBreadth[] {
  return [...new Set(rows.map(({ strategy }) => strategy))].map((strategy) => {
    const countOf = (direction: SignalDirection): number =>
      rows.find((row) => row.strategy === strategy && row.direction === direction)?.count ?? 0;
    return { strategy, bullish: countOf('BULLISH'), bearish: countOf('BEARISH'), neutral: countOf('NEUTRAL') };
  });
}

function trendOf(days: number, above: number, n: number): TrendBreadth {
  return { days, n, above, share: n < tokensMin ? null : above / n };
}

function marketSignalOf(trends: readonly TrendBreadth[], signals: SignalBreadth | undefined): MarketSignal {
  const { bullish = 0, bearish = 0, neutral = 0 } = signals ?? {};
  const judged = bullish + bearish + neutral;
  const inputs = [
    ...trends.map(({ days, share, n }) => ({
      name: `above${days}Days`,
      value: share === null ? null : 2 * share - 1,
      n,
    })),
    { name: 'signals', value: judged < tokensMin ? null : (bullish - bearish) / judged, n: judged },
  ];
  const known = inputs.flatMap(({ value }) => value ?? []);
  if (known.length < 2)
    return {
      direction: null,
      score: null,
      reason: `Fewer than two inputs are known: each needs ${tokensMin} tokens.`,
      inputs,
    };
  const score = known.reduce((sum, value) => sum + value, 0) / known.length;
  const leaning = score < -threshold ? 'BEARISH' : 'NEUTRAL';
  return { direction: score > threshold ? 'BULLISH' : leaning, score, reason: null, inputs };
}
