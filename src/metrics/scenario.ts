import { type DecimalText, Exact } from '../lib/decimal.ts';

/**
 * Scenarios: what a stated assumption would make of the price. Never a forecast. Two kinds: the token's share of an assumed
 * total market cap, and quantiles of paths drawn from its own past returns. Pure.
 */

/** What a scenario assumes. */
export type ScenarioKind = 'MARKET_CAP_GRID' | 'BOOTSTRAP';

/** The three quantiles of the drawn paths. */
export type ScenarioOutlook = 'BEAR' | 'BASE' | 'BULL';

/** Why a scenario has no price. */
export type ScenarioAbsence = 'NO_PRICE' | 'NO_MARKET_CAP' | 'TOO_LITTLE_HISTORY';

/** Fewest daily returns to draw from; a horizon needs as many as it has days, if that is more. */
export const historyMin = 90;

/** One scenario. What does not belong to its kind is null. */
export interface Scenario {
  readonly kind: ScenarioKind;
  readonly outlook: ScenarioOutlook | null;
  readonly horizonDays: number | null;
  /** Of the drawn paths, 0..100. */
  readonly percentile: number | null;
  readonly totalMarketCapUsd: DecimalText | null;
  readonly dominancePct: number | null;
  readonly supply: DecimalText | null;
  /** What the assumption makes of the price; null with a reason. */
  readonly priceUsd: DecimalText | null;
  readonly changePct: number | null;
  readonly reason: ScenarioAbsence | null;
  readonly basePriceUsd: DecimalText | null;
  /** Epoch ms of the last close that went into it; null where none did. */
  readonly asOf: number | null;
  /** Returns drawn from, or tokens counted in the present total. */
  readonly n: number;
  readonly seed: number | null;
}

/** The outlooks by their percentile. */
export const outlooks: readonly { readonly outlook: ScenarioOutlook; readonly percentile: number }[] = [
  { outlook: 'BEAR', percentile: 10 },
  { outlook: 'BASE', percentile: 50 },
  { outlook: 'BULL', percentile: 90 },
];

/** Multiples of the present total and of the token's present share of it, where none are asked for. */
const totalMultiples = [0.5, 1, 2, 4];
const shareMultiples = [0.5, 1, 2];

const digits = 12;
const rounded = (value: Exact): DecimalText => value.toSignificantDigits(digits).toFixed();
const changeOf = (price: DecimalText, base: DecimalText): number =>
  new Exact(price).div(base).minus(1).times(100).toNumber();

const empty = {
  outlook: null,
  horizonDays: null,
  percentile: null,
  totalMarketCapUsd: null,
  dominancePct: null,
  supply: null,
  priceUsd: null,
  changePct: null,
  asOf: null,
  seed: null,
};

/** What a grid is made of. */
export interface GridInput {
  readonly priceUsd: DecimalText | null;
  /** The token's market cap. */
  readonly marketCapUsd: DecimalText | null;
  /** What all tokens with a known market cap are worth, and how many they are. */
  readonly totalUsd: DecimalText | null;
  readonly totalCount: number;
  /** Totals to assume; null: multiples of the present one. */
  readonly totals: readonly DecimalText[] | null;
  /** Shares to assume, percent; null: multiples of the token's present one. */
  readonly dominancePcts: readonly number[] | null;
}

/** total x dominance / supply, total by total. Without price, market cap or total one scenario says what is missing. */
export function computeGrid(input: GridInput): Scenario[] {
  const { priceUsd, marketCapUsd, totalUsd, totalCount, totals } = input;
  const base = { ...empty, kind: 'MARKET_CAP_GRID', basePriceUsd: priceUsd, n: totalCount } as const;
  if (priceUsd === null) return [{ ...base, reason: 'NO_PRICE' }];
  if (marketCapUsd === null || Number(marketCapUsd) === 0 || totalUsd === null || Number(totalUsd) === 0)
    return [{ ...base, reason: 'NO_MARKET_CAP' }];
  const supply = new Exact(marketCapUsd).div(priceUsd).toSignificantDigits(30);
  const share = new Exact(marketCapUsd).div(totalUsd).times(100);
  const assumed = totals ?? totalMultiples.map((multiple) => rounded(new Exact(totalUsd).times(multiple)));
  const shares = input.dominancePcts ?? shareMultiples.map((multiple) => share.times(multiple).toNumber());
  return assumed.flatMap((total) =>
    shares
      .filter((dominancePct) => dominancePct <= 100)
      .map((dominancePct) => {
        const price = rounded(new Exact(total).times(dominancePct).div(100).div(supply));
        const facts = { totalMarketCapUsd: total, dominancePct, supply: rounded(supply), priceUsd: price };
        return { ...base, ...facts, changePct: changeOf(price, priceUsd), reason: null };
      }),
  );
}

/** What the drawn paths say of a token. */
export interface OutlookInput {
  readonly priceUsd: DecimalText | null;
  /** Epoch ms of the last close of the returns. */
  readonly asOf: number | null;
  /** Daily returns there are. */
  readonly n: number;
  readonly horizons: readonly number[];
  readonly seed: number;
  /** Log returns by horizon (in the order of `horizons`) and outlook; null for a horizon that was not drawn. */
  readonly quantiles: readonly (readonly number[] | null)[];
}

/** Whether there are returns enough for a horizon. */
export function hasHistory(n: number, horizonDays: number): boolean {
  return n >= Math.max(historyMin, horizonDays);
}

/** Bear, base and bull of each horizon. */
export function computeOutlooks({ priceUsd, asOf, n, horizons, seed, quantiles }: OutlookInput): Scenario[] {
  return horizons.flatMap((horizonDays, index) =>
    outlooks.map(({ outlook, percentile }, at): Scenario => {
      const facts = {
        ...empty,
        kind: 'BOOTSTRAP',
        outlook,
        horizonDays,
        percentile,
        basePriceUsd: priceUsd,
        asOf,
        n,
        seed,
      } as const;
      const logReturn = quantiles[index]?.[at];
      if (priceUsd === null) return { ...facts, reason: 'NO_PRICE' };
      if (logReturn === undefined) return { ...facts, reason: 'TOO_LITTLE_HISTORY' };
      const price = rounded(new Exact(priceUsd).times(Math.exp(logReturn)));
      return { ...facts, priceUsd: price, changePct: changeOf(price, priceUsd), reason: null };
    }),
  );
}
