import { dayMs } from '../lib/interval.ts';
import type { MetricName } from '../sources/fact.ts';

/**
 * What grade models are told of a token's facts at a close: numbers made of the facts that were known at that close
 * and speak about days up to it. Pure.
 *
 * - A number is missing (null) where its newest day is more than seven days before the close.
 * - Sources are never mixed: each metric is read from the source with the newest day, of equals from the one that was
 *   known here first. Of a corrected day the newest number known at the close counts.
 */

/** Of one token at one close, in floating point. */
export interface FactInputs {
  readonly marketCapUsd: number | null;
  readonly circulatingSupply: number | null;
  /** The circulating supply 90 days before, from the same source, at most seven days off. */
  readonly supplyQuarterBefore: number | null;
  /** Mean of the fees of a day over 90 days, at least 60 of them. */
  readonly feesUsdMean: number | null;
  /** Mean of the active addresses of a day over 30 days, at least 20 of them, */
  readonly activeAddressesMonth: number | null;
  /** and over 365 days, at least 180 of them. */
  readonly activeAddressesYear: number | null;
}

/** A fact as the inputs are made of it. */
export interface FactPoint {
  readonly tokenId: number;
  readonly metric: MetricName;
  readonly sourceId: number;
  /** Epoch ms. */
  readonly asOf: number;
  readonly knownAt: number;
  readonly value: number;
}

/** Which facts the inputs need: of these metrics those of days from `oldest` to `newest` before a close, in days. */
export const factReach: readonly { readonly metric: MetricName; readonly oldest: number; readonly newest: number }[] = [
  { metric: 'MARKET_CAP_USD', oldest: 7, newest: 0 },
  { metric: 'CIRCULATING_SUPPLY', oldest: 7, newest: 0 },
  { metric: 'CIRCULATING_SUPPLY', oldest: 97, newest: 83 },
  { metric: 'FEES_USD', oldest: 90, newest: 0 },
  { metric: 'ACTIVE_ADDRESSES', oldest: 365, newest: 0 },
];

const staleMs = 7 * dayMs;
const quarterMs = 90 * dayMs;

/** The facts of many tokens, by token, metric and source; days in order, corrections after what they correct. */
export interface FactBook {
  /** The inputs of a token at a close (epoch ms); null where none is known. */
  at(tokenId: number, closeTime: number): FactInputs | null;
}

type Sheet = readonly FactPoint[];
type TokenSheets = Map<MetricName, Map<number, FactPoint[]>>;

/** A book of facts given by token, metric, source, day and then in the order in which they became known. */
export function createFactBook(points: readonly FactPoint[]): FactBook {
  const tokens = new Map<number, TokenSheets>();
  for (const point of points) {
    let sheets = tokens.get(point.tokenId);
    if (sheets === undefined) tokens.set(point.tokenId, (sheets = new Map()));
    let sources = sheets.get(point.metric);
    if (sources === undefined) sheets.set(point.metric, (sources = new Map()));
    const sheet = sources.get(point.sourceId);
    if (sheet === undefined) sources.set(point.sourceId, [point]);
    else sheet.push(point);
  }
  return {
    at(tokenId, closeTime) {
      const sheets = tokens.get(tokenId);
      return sheets === undefined ? null : inputsAt(sheets, closeTime);
    },
  };
}

function inputsAt(sheets: TokenSheets, closeTime: number): FactInputs | null {
  const sheetOf = (metric: MetricName): Sheet => newestSheet(sheets.get(metric), closeTime);
  const supplies = sheetOf('CIRCULATING_SUPPLY');
  const addresses = sheetOf('ACTIVE_ADDRESSES');
  const inputs: FactInputs = {
    marketCapUsd: valueAt(sheetOf('MARKET_CAP_USD'), closeTime, closeTime),
    circulatingSupply: valueAt(supplies, closeTime, closeTime),
    supplyQuarterBefore: nearestValue(supplies, closeTime - quarterMs, closeTime),
    feesUsdMean: meanOfDays(sheetOf('FEES_USD'), closeTime, 90, 60),
    activeAddressesMonth: meanOfDays(addresses, closeTime, 30, 20),
    activeAddressesYear: meanOfDays(addresses, closeTime, 365, 180),
  };
  return Object.values(inputs).every((input) => input === null) ? null : inputs;
}

const nothing: Sheet = [];

/** The sheet of the source with the newest day known at a close; empty where none is fresh. */
function newestSheet(sources: ReadonlyMap<number, Sheet> | undefined, closeTime: number): Sheet {
  let [best, bestAsOf, bestSource] = [nothing, closeTime - staleMs, Infinity];
  for (const [sourceId, sheet] of sources ?? []) {
    const asOf = newestPoint(sheet, closeTime, closeTime)?.asOf ?? -Infinity;
    if (asOf < bestAsOf || (asOf === bestAsOf && sourceId > bestSource)) continue;
    [best, bestAsOf, bestSource] = [sheet, asOf, sourceId];
  }
  return best;
}

/** The number of points of days up to a time: where the first later one stands. */
function countUpTo(sheet: Sheet, asOf: number): number {
  let [low, high] = [0, sheet.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sheet[middle]?.asOf ?? Infinity) <= asOf) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The newest number of the newest day up to `asOf`, as known at a time; undefined without one. */
function newestPoint(sheet: Sheet, asOf: number, knownAt: number): FactPoint | undefined {
  for (let index = countUpTo(sheet, asOf) - 1; index >= 0; index -= 1) {
    const point = sheet[index];
    if (point !== undefined && point.knownAt <= knownAt) return point;
  }
  return undefined;
}

/** The newest number of a day at most seven days before `asOf`; null without one. */
function valueAt(sheet: Sheet, asOf: number, knownAt: number): number | null {
  const point = newestPoint(sheet, asOf, knownAt);
  return point === undefined || point.asOf < asOf - staleMs ? null : point.value;
}

/** The number of the day nearest to `asOf`, at most seven days off; of two equally near the earlier. */
function nearestValue(sheet: Sheet, asOf: number, knownAt: number): number | null {
  const before = newestPoint(sheet, asOf, knownAt);
  const distance = before === undefined ? Infinity : asOf - before.asOf;
  for (let index = countUpTo(sheet, asOf); index < sheet.length; index += 1) {
    const point = sheet[index];
    if (point === undefined || point.asOf - asOf > staleMs || point.asOf - asOf >= distance) break;
    if (point.knownAt <= knownAt) return newestPoint(sheet, point.asOf, knownAt)?.value ?? null;
  }
  return before !== undefined && distance <= staleMs ? before.value : null;
}

/** Mean over the days within `days` before a close, each by its newest number; null under `daysMin` of them. */
function meanOfDays(sheet: Sheet, closeTime: number, days: number, daysMin: number): number | null {
  let [sum, count, lastAsOf] = [0, 0, Infinity];
  for (let index = countUpTo(sheet, closeTime) - 1; index >= 0; index -= 1) {
    const point = sheet[index];
    if (point === undefined || point.asOf <= closeTime - days * dayMs) break;
    if (point.asOf === lastAsOf || point.knownAt > closeTime) continue; // an older number of the day, or not out yet
    [sum, count, lastAsOf] = [sum + point.value, count + 1, point.asOf];
  }
  return count < daysMin ? null : sum / count;
}
