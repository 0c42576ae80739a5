import type { Db } from '../db/client.ts';
import { type CandleInterval, intervalMs } from '../lib/interval.ts';
import { assertLength } from '../lib/limits.ts';
import { largestCloses, type TokenCloses, tokenCloses } from '../prices/close-store.ts';
import { readSlug } from '../tokens/inputs.ts';
import { tokenBySlug } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';
import { findTokenIds } from '../tokens/token-ids.ts';
import { assertAllRead, nothing, readWindow } from './token-metrics.ts';
import {
  computeMatrix,
  type Correlation,
  type CorrelationAbsence,
  type CorrelationMethod,
  createComparison,
  createReturnGrid,
} from './correlation.ts';

/** Correlations of tokens: which closes are read for what is asked, and the answer from them. */

/** Closes read when no `from` is given: 90 returns. */
export const correlationClosesDefault = 91;
/** Most closes of a token in a matrix, and in a token's correlations. */
export const matrixClosesMax = 500;
export const correlationClosesMax = 400;
/** Most tokens of a matrix. */
export const matrixTokensMax = 100;

/** A window of open times, epoch ms; null: unbounded. */
interface Window {
  readonly from: number | null;
  readonly to: number | null;
}

interface Ctx {
  readonly db: Db;
}

/** The first open time that an answer without `from` reaches back to: so many closes before the last one of any. */
function windowStart(series: readonly TokenCloses[], from: number | null, stepMs: number): number | null {
  const ends = series.flatMap(({ openTimes }) => openTimes.at(-1) ?? []);
  return from !== null || ends.length === 0 ? null : Math.max(...ends) - (correlationClosesDefault - 1) * stepMs;
}

// A matrix ----------------------------------------------------------------------------------------------------------

/** What is asked of a matrix. */
export interface MatrixRequest extends Window {
  readonly slugs: readonly string[];
  readonly interval: CandleInterval;
  readonly method: CorrelationMethod;
}

/** A pair of a matrix whose correlation is null. */
export interface MissingCorrelation {
  readonly a: Token;
  readonly b: Token;
  readonly n: number;
  readonly reason: CorrelationAbsence;
}

/** A matrix: times are those of the first and the last close; `pairs[i][j]` is the correlation of `tokens[i]` with `tokens[j]`. */
export interface CorrelationMatrix extends Window {
  readonly tokens: readonly Token[];
  readonly interval: CandleInterval;
  readonly method: CorrelationMethod;
  readonly pairs: readonly (readonly Correlation[])[];
  /** Each pair once. */
  readonly missing: readonly MissingCorrelation[];
}

/**
 * The correlations of tokens with each other. Two statements. Throws LIMIT_EXCEEDED for more than 100 tokens,
 * BAD_USER_INPUT for slugs of no token and for a window upside down.
 */
export async function loadCorrelationMatrix(ctx: Ctx, request: MatrixRequest): Promise<CorrelationMatrix> {
  const { interval, method } = request;
  const bounds = { name: 'correlationMatrix', argument: 'slugs', max: matrixTokensMax };
  assertLength(request.slugs, bounds);
  const size = { name: 'correlationMatrix', newest: correlationClosesDefault, closesMax: matrixClosesMax };
  const window = readWindow(request, size);
  const ids = await findTokenIds(ctx, request.slugs);
  const slugs = [...new Set(request.slugs.map((slug) => readSlug(slug, 'slugs')))];
  const tokens = (await Promise.all(slugs.map((slug) => tokenBySlug(ctx).load(slug)))) as Token[]; // all were found
  const found = await Promise.all(ids.map((tokenId) => tokenCloses(ctx).load({ tokenId, ...window })));
  const series = found.map((closes) => closes ?? nothing);
  for (const closes of series) assertAllRead(closes, size.name, size.closesMax);
  const stepMs = intervalMs(interval);
  const grid = createReturnGrid(series, stepMs, windowStart(series, request.from, stepMs));
  const pairs = separate(computeMatrix(grid?.columns ?? series.map(() => new Float64Array()), method), series);
  return {
    tokens,
    interval,
    method,
    from: grid && grid.from + stepMs,
    to: grid && grid.to + stepMs,
    pairs,
    missing: missingOf(pairs, tokens),
  };
}

/** Real prices say nothing about simulated ones. */
function separate(pairs: readonly (readonly Correlation[])[], series: readonly TokenCloses[]): Correlation[][] {
  return pairs.map((row, a) =>
    row.map((pair, b) =>
      pair.value === null || series[a]?.isSimulated === series[b]?.isSimulated
        ? pair
        : { value: null, n: pair.n, reason: 'REAL_AND_SIMULATED' },
    ),
  );
}

function missingOf(pairs: readonly (readonly Correlation[])[], tokens: readonly Token[]): MissingCorrelation[] {
  return pairs.flatMap((row, b) =>
    row
      .slice(0, b + 1)
      .flatMap(({ n, reason }, a) => (reason === null ? [] : [{ a: tokens[a]!, b: tokens[b]!, n, reason }])),
  );
}

// One token ---------------------------------------------------------------------------------------------------------

/** A token that another was compared with. */
export interface CorrelatedToken {
  readonly tokenId: number;
  readonly value: number;
  readonly n: number;
}

/** What a token moves with, and against. */
export interface TokenCorrelations extends Window {
  /** Highest correlation first, and lowest first; each at most as many as asked for. */
  readonly most: readonly CorrelatedToken[];
  readonly least: readonly CorrelatedToken[];
  /** How many tokens it was compared with, and how many of them had too little in common with it. */
  readonly compared: number;
  readonly leftOut: number;
}

/**
 * The tokens most and least correlated with one, of the 250 largest of its universe, by Pearson on daily log returns. Two
 * statements for any number of tokens. Throws BAD_USER_INPUT for a window upside down.
 */
export async function loadTokenCorrelations(
  ctx: Ctx,
  tokenId: number,
  { first, ...asked }: Window & { readonly first: number },
): Promise<TokenCorrelations> {
  const stepMs = intervalMs('ONE_DAY');
  const size = { name: 'correlations', newest: correlationClosesDefault, closesMax: correlationClosesMax };
  const window = readWindow({ ...asked, interval: 'ONE_DAY' }, size);
  const own = (await tokenCloses(ctx).load({ tokenId, ...window })) ?? nothing;
  assertAllRead(own, size.name, size.closesMax);
  const [from, last] = [own.openTimes[0], own.openTimes.at(-1)];
  if (from === undefined || last === undefined)
    return { most: [], least: [], compared: 0, leftOut: 0, from: null, to: null };
  const span = { from, to: last + stepMs, take: correlationClosesMax };
  const candidates = await largestCloses(ctx).load({ interval: 'ONE_DAY', isSimulated: own.isSimulated, ...span });
  const others = candidates.filter((candidate) => candidate.tokenId !== tokenId);
  const grid = createReturnGrid([own, ...others], stepMs, from);
  const compare = createComparison(grid?.columns ?? [], 'PEARSON');
  const correlated = others.flatMap((other, index) => {
    const { value, n } = compare(0, index + 1);
    return value === null ? [] : [{ tokenId: other.tokenId, value, n }];
  });
  const descending = correlated.sort((a, b) => b.value - a.value || a.tokenId - b.tokenId);
  return {
    most: descending.slice(0, first),
    least: descending.toReversed().slice(0, first),
    compared: others.length,
    leftOut: others.length - correlated.length,
    from: from + stepMs,
    to: last + stepMs,
  };
}
