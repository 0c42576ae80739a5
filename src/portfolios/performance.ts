import { dayMs } from '../lib/interval.ts';
import type { LevelSeries } from '../metrics/returns.ts';
import type { DayPoint } from './history.ts';

/** How a portfolio did: the time-weighted return, which its flows do not touch, and the money-weighted one. Pure. */

/** Why a return is null. */
export const absences = {
  NOTHING_HELD: 'Nothing with a price was held in the window.',
  TOO_SHORT: 'The window is shorter than a day.',
  NO_GAIN_OR_LOSS_RATE: 'The flows have no rate: nothing was paid in, or nothing came back.',
  SEVERAL_RATES: 'The flows change sign so that more than one rate fits them.',
} as const;

/** One of {@link absences}. */
export type ReturnAbsence = keyof typeof absences;

/** A return, or why there is none. */
export interface Told {
  readonly value: number | null;
  readonly reason: ReturnAbsence | null;
}

/** The levels that daily returns chain to, beginning at 1 the day before the first return; days without one are bridged. */
export function levelsOf(points: readonly DayPoint[]): LevelSeries {
  const first = points.findIndex(({ dayReturn }) => dayReturn !== null);
  const start = points[Math.max(0, first - 1)];
  if (first < 0 || start === undefined) return { times: [], levels: [] };
  const [times, levels] = [[start.time], [1]];
  let level = 1;
  for (const { time, dayReturn } of points.slice(first)) {
    if (dayReturn === null) continue;
    level *= 1 + dayReturn;
    if (level <= 0) break; // all is lost: nothing compounds from there
    times.push(time);
    levels.push(level);
  }
  return { times, levels };
}

/** The time-weighted return over the window: daily returns chained. A fraction. */
export function computeTimeWeighted(points: readonly DayPoint[]): Told {
  const returns = points.flatMap(({ dayReturn }) => dayReturn ?? []);
  if (returns.length === 0) return { value: null, reason: points.length < 2 ? 'TOO_SHORT' : 'NOTHING_HELD' };
  return { value: returns.reduce((level, one) => level * (1 + one), 1) - 1, reason: null };
}

/** Money that went into the portfolio (below 0) or came out of it, as of a time in years. */
export interface CashFlow {
  readonly years: number;
  readonly amount: number;
}

/** The flows of a window: its first value is paid in, its last one comes out. */
export function cashFlowsOf(points: readonly DayPoint[]): CashFlow[] {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return [];
  const flows = points.map(({ time, paidIn, takenOut }) => ({
    years: (time - first.time) / dayMs / 365,
    amount: Number(takenOut) - Number(paidIn),
  }));
  const ends = [
    { years: 0, amount: -Number(first.value) },
    { years: (last.time - first.time) / dayMs / 365, amount: Number(last.value) },
  ];
  return [...flows, ...ends].filter(({ amount }) => amount !== 0);
}

/** Yearly rates are looked for between these; a loss of all but a millionth, and a gain of a billion times. */
const rateBounds = { lowest: -0.999999, highest: 1e9 };
const gridSteps = 400;

/** XIRR: the yearly rate r at which the flows, each divided by (1 + r)^years, sum to 0. A fraction. */
export function computeXirr(flows: readonly CashFlow[]): Told {
  const span = Math.max(0, ...flows.map(({ years }) => years));
  if (span * 365 < 1) return { value: null, reason: flows.length === 0 ? 'NOTHING_HELD' : 'TOO_SHORT' };
  const roots = rootsOf((logGrowth) =>
    flows.reduce((sum, { years, amount }) => sum + amount * Math.exp(-logGrowth * years), 0),
  );
  const [root] = roots;
  if (root === undefined) return { value: null, reason: 'NO_GAIN_OR_LOSS_RATE' };
  return roots.length > 1 ? { value: null, reason: 'SEVERAL_RATES' } : { value: Math.expm1(root), reason: null };
}

/** Where a function of the logarithm of growth crosses 0 within the bounds: looked for on a grid, then halved. */
function rootsOf(valueAt: (logGrowth: number) => number): number[] {
  const [low, high] = [Math.log1p(rateBounds.lowest), Math.log1p(rateBounds.highest)];
  const roots: number[] = [];
  const at = (step: number): number => low + ((high - low) * step) / gridSteps;
  let left = valueAt(at(0));
  for (let step = 1; step <= gridSteps; step += 1) {
    const right = valueAt(at(step));
    if (Number.isFinite(left) && Number.isFinite(right) && left !== 0 && Math.sign(left) !== Math.sign(right))
      roots.push(halve(valueAt, at(step - 1), at(step)));
    left = right;
  }
  return roots;
}

function halve(valueAt: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  const sign = Math.sign(valueAt(low));
  for (let turn = 0; turn < 200 && high - low > 1e-14; turn += 1) {
    const middle = (low + high) / 2;
    if (Math.sign(valueAt(middle)) === sign) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
