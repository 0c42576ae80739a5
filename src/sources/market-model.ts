/**
 * The simulated market day by day: one factor (BTC) times beta, plus what BTC does not explain.
 *
 * BTC's shocks are GARCH(1,1) Student-t. The rest of a coin is a common part, a part of its sector and its own
 * Student-t noise, mixed so that any two coins correlate as measured, with its own GARCH volatility; weekends are
 * calmer. Every number depends only on (seed, coin, day): a coin's past does not change with what else is simulated,
 * nor with the day the simulation is looked at. Days before {@link firstDay} do not exist.
 */
import { type AssetModel, assetModels, garchOf, idioCorrelation, weekdayVolatility } from './calibration.ts';
import { createRandom, hashText, type Random } from './random.ts';

/** A coin's day: log price at its close (0 at the end of the day before {@link firstDay}) and the day's volatility. */
export interface ModelDay {
  readonly logClose: number;
  /** Standard deviation of the day's log return as known at its open. */
  readonly volatility: number;
}

/** A coin's path; days are counted from the epoch and must not lie before {@link firstDay}. */
export type CoinPath = (day: number) => ModelDay;

/** 2019-01-01. */
export const firstDay = 17_897;

/** Infinite kurtosis has no place in a test bench: tails are never fatter than these degrees of freedom. */
const dofMin = 4;
/** Fitted persistence close to 1 makes calm or wild years; a little less keeps the long-run volatility recognisable. */
const persistenceMax = 0.97;
/** Largest log return of a day, both ways; the worst real day of the calibration was -0.81, of SOL. */
const dayReturnMax = 0.8;

/** Opens the market of a seed: asks for the path of any coin. */
export function createMarketModel(seed: string): (asset: AssetModel) => CoinPath {
  const stream = (name: string): Random => createRandom(hashText(`${seed}|${name}`), 0, 0);
  const draws = (name: string): Daily<number> => {
    const random = stream(name);
    return daily(() => random.studentT(dofMin));
  };
  const bitcoin = bitcoinShocks(stream('BTC'));
  const common = draws('common');
  const sectors = new Map(assetModels.map(({ sector }) => [sector, draws(`sector ${sector}`)]));
  return (asset) => {
    if (asset.idioVolatilityAnnual === 0) return coinPath(asset, bitcoin, () => ({ value: 0, volatility: 0 }));
    const sector = sectors.get(asset.sector) ?? common;
    return coinPath(asset, bitcoin, idioShocks(asset, stream(asset.coin), common, sector));
  };
}

/** A value per day, each computed once, in order of days. */
type Daily<Value> = (day: number) => Value;

function daily<Value>(compute: (day: number) => Value): Daily<Value> {
  const values: Value[] = [];
  return (day) => {
    while (values.length <= day - firstDay) values.push(compute(firstDay + values.length));
    const value = values[day - firstDay];
    if (value === undefined) throw new RangeError(`day ${day} lies before the simulation`);
    return value;
  };
}

/** A day's shock (log return without drift) and the standard deviation it was drawn from. */
interface Shock {
  readonly value: number;
  readonly volatility: number;
}

function bitcoinShocks(random: Random): Daily<Shock> {
  const [btc] = assetModels;
  if (btc === undefined) throw new Error('the calibration holds no coin');
  const dof = Math.max(dofMin, garchOf(btc).dof);
  return garchShocks(btc, btc.volatilityAnnual, () => random.studentT(dof));
}

function idioShocks(asset: AssetModel, random: Random, common: Daily<number>, sector: Daily<number>): Daily<Shock> {
  const inSector = idioCorrelation.bySector[asset.sector] ?? idioCorrelation.any;
  const commonWeight = Math.sqrt(idioCorrelation.any);
  const sectorWeight = Math.sqrt(inSector - idioCorrelation.any);
  const ownWeight = Math.sqrt(1 - inSector);
  const dof = Math.max(dofMin, asset.idioDof);
  return garchShocks(
    asset,
    asset.idioVolatilityAnnual,
    (day) => commonWeight * common(day) + sectorWeight * sector(day) + ownWeight * random.studentT(dof),
  );
}

/** Scales draws of variance 1 by a GARCH(1,1) variance whose long-run mean is the given volatility. */
function garchShocks(asset: AssetModel, volatilityAnnual: number, draw: Daily<number>): Daily<Shock> {
  const { alpha, beta: fitted } = garchOf(asset);
  const beta = Math.min(fitted, persistenceMax - alpha);
  const longRun = volatilityAnnual ** 2 / 365;
  let variance = longRun;
  return daily((day) => {
    const plain = Math.sqrt(variance) * draw(day);
    const weekday = weekdayVolatility(day);
    const shock = { value: plain * weekday, volatility: Math.sqrt(variance) * weekday };
    const next = longRun * (1 - alpha - beta) + alpha * plain * plain + beta * variance;
    variance = Math.max(0.3 * longRun, Math.min(4 * longRun, next));
    return shock;
  });
}

function coinPath(asset: AssetModel, bitcoin: Daily<Shock>, idio: Daily<Shock>): CoinPath {
  let logClose = 0;
  return daily((day) => {
    const factor = bitcoin(day);
    const own = idio(day);
    const value = asset.betaToBtc * factor.value + own.value;
    logClose += asset.driftAnnual / 365 + Math.max(-dayReturnMax, Math.min(dayReturnMax, value));
    return { logClose, volatility: Math.hypot(asset.betaToBtc * factor.volatility, own.volatility) };
  });
}
