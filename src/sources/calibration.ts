/** What the simulator imitates: measured facts about real markets, read from `calibration.json`. */
import { dayMs } from '../lib/interval.ts';
import calibration from './calibration.json' with { type: 'json' };

/** One coin to imitate. Volatilities and drift are of log returns, per year of 365 days. */
export interface AssetModel {
  /** The coin, e.g. `PEPE`; never a multiple like `1000PEPE`. */
  readonly coin: string;
  readonly sector: string;
  /** USD at the end of {@link anchorDay}. */
  readonly anchorPriceUsd: number;
  readonly driftAnnual: number;
  readonly volatilityAnnual: number;
  readonly betaToBtc: number;
  readonly correlationToBtc: number;
  /** Volatility of what BTC does not explain, and its Student-t degrees of freedom; both 0 for BTC itself. */
  readonly idioVolatilityAnnual: number;
  readonly idioDof: number;
  readonly dailyVolumeUsd: number;
  /** Standard deviation of log daily volume. */
  readonly volumeSpread: number;
  /** Invented: by rank of volume, BTC at 20 million. */
  readonly supply: number;
}

/** GARCH(1,1) with Student-t shocks: today's variance = omega + alpha × yesterday's shock² + beta × its variance. */
export interface GarchModel {
  readonly alpha: number;
  readonly beta: number;
  readonly dof: number;
}

type AssetRow = readonly [
  coin: string,
  sector: string,
  days: number,
  price: number,
  drift: number,
  volatility: number,
  beta: number,
  correlation: number,
  idioVolatility: number,
  idioDof: number,
  volumeUsd: number,
  volumeSpread: number,
];

/** The day (days since the epoch) at whose end every simulated price equals the real last price. */
export const anchorDay = Date.parse(`${calibration.lastDay}T00:00:00Z`) / dayMs;

/** Relative volatility and volume of the 24 UTC hours. */
export const hourProfile: { readonly volatility: readonly number[]; readonly volume: readonly number[] } = {
  volatility: calibration.hourVolatility,
  volume: calibration.hourVolume,
};

/** Correlation between what BTC does not explain of any two coins, and of two coins of one sector. */
export const idioCorrelation: { readonly any: number; readonly bySector: Readonly<Record<string, number>> } = {
  any: calibration.idioCorrelation,
  bySector: calibration.idioCorrelationInSector,
};

/** The coins in order of volume, largest first. */
export const assetModels: readonly AssetModel[] = (calibration.assets as unknown as readonly AssetRow[]).map(assetOf);

/** Relative volatility of a day (days since the epoch) by its weekday; its mean square over a week is 1. */
export function weekdayVolatility(day: number): number {
  // 1970-01-01 was a Thursday, the fourth day of a week that opens on Monday.
  return weekdays[(((day + 3) % 7) + 7) % 7] ?? 1;
}

/** How volatility clusters for a coin; coins that were not measured behave like SOL, memes like DOGE. */
export function garchOf(asset: AssetModel): GarchModel {
  const measured: Record<string, number[]> = calibration.garch;
  const [alpha = 0, beta = 0, dof = 5] =
    measured[asset.coin] ?? measured[asset.sector === 'Meme' ? 'DOGE' : 'SOL'] ?? [];
  return { alpha, beta, dof };
}

const weekdays = normaliseSquares(calibration.weekdayVolatilityMondayFirst);

function normaliseSquares(values: readonly number[]): number[] {
  const meanSquare = values.reduce((sum, value) => sum + value * value, 0) / values.length;
  return values.map((value) => value / Math.sqrt(meanSquare));
}

function assetOf(row: AssetRow, index: number): AssetModel {
  const [coin, sector, days, anchorPriceUsd, drift, volatility, beta, correlation, idio, idioDof, volume, spread] = row;
  return {
    coin,
    sector,
    anchorPriceUsd,
    driftAnnual: shrinkDrift(drift, volatility, days),
    volatilityAnnual: volatility,
    betaToBtc: beta,
    correlationToBtc: correlation,
    idioVolatilityAnnual: idio,
    idioDof,
    dailyVolumeUsd: volume,
    volumeSpread: spread,
    supply: inventSupply(anchorPriceUsd, index + 1),
  };
}

/**
 * A drift measured over a few years is mostly luck: it is pulled towards 0 by how uncertain it is (James-Stein, with a
 * spread of 0.3 a year taken for believable), else most coins would fade to nothing within years.
 */
function shrinkDrift(drift: number, volatility: number, days: number): number {
  const believable = 0.3 ** 2;
  const uncertain = (volatility * volatility * 365) / days;
  return (drift * believable) / (believable + uncertain);
}

/** Capitalisation falls with rank by a power law; rounded to two digits so that it looks like what it is: made up. */
function inventSupply(priceUsd: number, rank: number): number {
  return Number(((20e6 * 107_080) / rank ** 1.8 / priceUsd).toPrecision(2));
}
