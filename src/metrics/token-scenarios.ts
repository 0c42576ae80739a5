import type { Db } from '../db/client.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { assertLength, assertWithin } from '../lib/limits.ts';
import { defineLoader } from '../lib/loader.ts';
import { dayMs } from '../lib/interval.ts';
import { type TokenCloses, tokenCloses } from '../prices/close-store.ts';
import { marketTotals } from '../prices/market-store.ts';
import { quoteByToken } from '../prices/quote-store.ts';
import type { BootstrapInput } from './bootstrap.ts';
import { computeGrid, computeOutlooks, hasHistory, outlooks, type Scenario } from './scenario.ts';
import { simpleReturns } from './returns.ts';
import { nothing } from './token-metrics.ts';

/** Scenarios of a token: what is read for them, and the drawing off the event loop. */

/** Closes that returns are drawn from: the newest. */
export const historyClosesMax = 1_500;
/** Days ahead where none are asked for, and the most there can be. */
export const horizonsDefault: readonly number[] = [7, 30, 90, 365];
export const horizonMax = 730;
/** Most values in a list of horizons, totals or shares. */
export const valuesMax = 10;

/** What is asked of scenarios; null: the default. */
export interface ScenarioRequest {
  readonly horizons: readonly number[] | null;
  readonly seed: number;
  readonly totals: readonly DecimalText[] | null;
  readonly dominancePcts: readonly number[] | null;
}

/** What drawing needs of the context: a pool that runs it in a thread, for as long as the request lives. */
interface Drawing {
  readonly work: {
    run(name: 'bootstrap', input: BootstrapInput, options: { readonly signal: AbortSignal }): Promise<number[][][]>;
  };
  readonly signal: AbortSignal;
}

interface DrawKey {
  readonly tokenId: number;
  readonly returns: Float64Array;
  readonly horizons: readonly number[];
  readonly seed: number;
}

const shapeOf = ({ horizons, seed }: DrawKey): string => `${horizons.join(' ')} ${seed}`;

/** The quantiles of a token's paths by horizon. Tokens asked for the same horizons and seed are one job. */
const drawnQuantiles = defineLoader<Drawing, DrawKey, number[][]>(
  async ({ work, signal }, keys) => {
    const drawn = new Map<DrawKey, number[][]>();
    for (const shape of new Set(keys.map(shapeOf))) {
      const alike = keys.filter((key) => shapeOf(key) === shape);
      const [first] = alike;
      if (first === undefined) continue;
      const input: BootstrapInput = {
        returns: alike.map(({ returns }) => returns),
        horizons: first.horizons,
        quantiles: outlooks.map(({ percentile }) => percentile / 100),
        seed: first.seed,
      };
      const answers = await work.run('bootstrap', input, { signal });
      for (const [index, key] of alike.entries()) drawn.set(key, answers[index] ?? []);
    }
    return keys.map((key) => drawn.get(key) ?? []);
  },
  (key) => `${key.tokenId} ${shapeOf(key)}`,
);

/**
 * The scenarios of a token: the grid, then bear, base and bull of each horizon. Three statements and one job for any number
 * of tokens. Throws LIMIT_EXCEEDED for horizons of 0 or above 730 days, shares outside 0 to 100 and lists above ten,
 * BAD_USER_INPUT for a total that is not above 0.
 */
export async function loadScenarios(
  ctx: Drawing & { readonly db: Db },
  tokenId: number,
  request: ScenarioRequest,
): Promise<Scenario[]> {
  assertRequest(request);
  const { seed, totals, dominancePcts } = request;
  const horizons = [...new Set(request.horizons ?? horizonsDefault)];
  const window = { interval: 'ONE_DAY', from: null, to: null, take: historyClosesMax } as const;
  const [quote, found, markets] = await Promise.all([
    quoteByToken(ctx).load(tokenId),
    tokenCloses(ctx).load({ tokenId, ...window }),
    marketTotals(ctx).load('now'),
  ]);
  const closes = found ?? nothing;
  const market = markets.find(({ isSimulated }) => isSimulated === closes.isSimulated);
  const grid = computeGrid({
    priceUsd: quote?.priceUsd ?? null,
    marketCapUsd: quote?.marketCapUsd ?? null,
    totalUsd: market?.marketCapUsd ?? null,
    totalCount: market?.marketCapCount ?? 0,
    totals,
    dominancePcts,
  });
  const last = closes.openTimes.at(-1);
  const returns = logReturns(closes);
  const drawable = horizons.filter((horizonDays) => hasHistory(returns.length, horizonDays));
  const drawn =
    drawable.length === 0 ? [] : await drawnQuantiles(ctx).load({ tokenId, returns, horizons: drawable, seed });
  const outlooksOf = computeOutlooks({
    priceUsd: quote?.priceUsd ?? null,
    asOf: last === undefined ? null : last + dayMs,
    n: returns.length,
    horizons,
    seed,
    quantiles: horizons.map((horizonDays) => drawn[drawable.indexOf(horizonDays)] ?? null),
  });
  return [...grid, ...outlooksOf];
}

function logReturns({ openTimes, closes }: TokenCloses): Float64Array {
  return Float64Array.from(simpleReturns({ times: openTimes, levels: closes }), Math.log1p);
}

function assertRequest({ horizons, totals, dominancePcts, seed }: ScenarioRequest): void {
  for (const [argument, list] of Object.entries({
    horizonDays: horizons,
    totalMarketCapUsd: totals,
    dominancePct: dominancePcts,
  }))
    if (list !== null) assertLength(list, { name: 'scenarios', argument, max: valuesMax });
  for (const value of horizons ?? [])
    assertWithin(value, { name: 'scenarios', argument: 'horizonDays', max: horizonMax });
  for (const value of dominancePcts ?? [])
    assertWithin(value, { name: 'scenarios', argument: 'dominancePct', min: 0, max: 100 });
  assertWithin(seed, { name: 'scenarios', argument: 'seed', min: 0, max: 2_147_483_647 });
  if (totals?.some((total) => !(Number(total) > 0)) === true)
    throw new AppError('BAD_USER_INPUT', '`totalMarketCapUsd` must be above 0.', {
      extensions: { argument: 'totalMarketCapUsd' },
    });
}
