import { type DecimalText, Exact } from '../lib/decimal.ts';
import type { ValueSource } from './movement.ts';

/** The lots of one token in one wallet, kept in the order in which a cost basis takes them. */

/** Cost bases: which lots a disposal takes. */
export const costBases = ['FIFO', 'LIFO', 'HIFO', 'AVERAGE'] as const;

/** One of {@link costBases}. */
export type CostBasis = (typeof costBases)[number];

/** What is left of a bought amount. Under AVERAGE a wallet has one lot a token, as old as what it was begun with. */
export interface Lot {
  /** The movement that acquired it. */
  readonly id: string;
  /** Epoch ms; kept when it moves. */
  readonly acquiredAt: number;
  readonly quantity: Exact;
  /** USD, fees included; null where the record does not say and no price tells. */
  readonly cost: Exact | null;
  readonly costSource: ValueSource;
}

/** Costs and proceeds are split to so many decimals, half up; what is left over stays with the rest, so sums are exact. */
export const splitDecimals = 18;

/** Enough digits that a quotient of amounts below 10^40 is right to {@link splitDecimals}; never an exponent. */
const Quotient = Exact.clone({ precision: 80 });

/** The share of `total` that `part` is of `whole`, to {@link splitDecimals}; all of it for the whole. */
export function shareOf(total: Exact, part: Exact, whole: Exact): Exact {
  if (part.eq(whole)) return total;
  const share = new Quotient(total.times(part)).div(whole).toDecimalPlaces(splitDecimals, Exact.ROUND_HALF_UP);
  return new Exact(share);
}

/** The shares of `total` for parts of `whole` one after the other: what is left of the total is given on. */
export function createSplit(total: DecimalText | null, whole: DecimalText): (part: Exact) => Exact | null {
  if (total === null) return () => null;
  let [left, leftOf] = [new Exact(total), new Exact(whole)];
  return (part) => {
    const share = shareOf(left, part, leftOf);
    left = left.minus(share);
    leftOf = leftOf.minus(part);
    return share;
  };
}

/** Lots in order. */
export interface LotBook {
  add(lot: Lot): void;
  /** Takes a quantity, or as much as there is: the pieces of lots it came from, in order. */
  take(quantity: Exact): Lot[];
  /** What is left, in the order it would be taken. */
  list(): Lot[];
}

type Order = (a: Entry, b: Entry) => number;

/** A lot with what it is ordered by. */
interface Entry {
  readonly lot: Lot;
  /** Zero under other bases than HIFO. */
  readonly unitCost: Exact;
}

const byAge: Order = ({ lot: a }, { lot: b }) =>
  a.acquiredAt - b.acquiredAt || (a.id < b.id ? -1 : Number(a.id > b.id));

/** Which of two lots is taken first; a cost that is not known counts as none. */
const orders: Readonly<Record<Exclude<CostBasis, 'AVERAGE'>, Order>> = {
  FIFO: byAge,
  LIFO: (a, b) => byAge(b, a),
  HIFO: (a, b) => b.unitCost.comparedTo(a.unitCost) || byAge(a, b),
};

const zero = new Exact(0);

/** The quotient is dear, and only HIFO looks at it. */
function entryOf(lot: Lot, basis: CostBasis): Entry {
  const isOrdering = basis === 'HIFO' && lot.cost !== null;
  return { lot, unitCost: isOrdering ? new Exact(new Quotient(lot.cost).div(lot.quantity)) : zero };
}

/** An empty book. */
export function createLotBook(basis: CostBasis): LotBook {
  if (basis === 'AVERAGE') return createPool();
  const order = orders[basis];
  const entries: Entry[] = []; // the next to be taken is the last, so that taking is cheap
  return {
    add(lot) {
      const entry = entryOf(lot, basis);
      entries.splice(placeOf(entries, entry, order), 0, entry);
    },
    take(quantity) {
      const pieces: Lot[] = [];
      for (let left = quantity; left.gt(0); ) {
        const entry = entries.pop();
        if (entry === undefined) break;
        const [piece, rest] = cut(entry.lot, left);
        if (rest !== null) entries.push({ lot: rest, unitCost: entry.unitCost });
        pieces.push(piece);
        left = left.minus(piece.quantity);
      }
      return pieces;
    },
    list: () => entries.map(({ lot }) => lot).reverse(),
  };
}

/** Where an entry belongs in entries whose next to be taken is the last. */
function placeOf(entries: readonly Entry[], entry: Entry, order: Order): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = entries[middle];
    if (at !== undefined && order(entry, at) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A lot in two: what is taken of it, and what is left; null for nothing. */
function cut(lot: Lot, quantity: Exact): [taken: Lot, rest: Lot | null] {
  if (quantity.gte(lot.quantity)) return [lot, null];
  const cost = lot.cost === null ? null : shareOf(lot.cost, quantity, lot.quantity);
  const rest = lot.cost === null || cost === null ? null : lot.cost.minus(cost);
  return [
    { ...lot, quantity, cost },
    { ...lot, quantity: lot.quantity.minus(quantity), cost: rest },
  ];
}

/** All lots as one: every coin costs the average of what is there. A part of unknown cost makes the whole unknown. */
function createPool(): LotBook {
  let pool: Lot | null = null;
  return {
    add(lot) {
      pool = pool === null ? lot : merge(pool, lot);
    },
    take(quantity) {
      if (pool === null) return [];
      const [piece, rest] = cut(pool, quantity);
      pool = rest;
      return [piece];
    },
    list: () => (pool === null ? [] : [pool]),
  };
}

const sources: readonly ValueSource[] = ['RECORDED', 'MARKET', 'UNKNOWN'];

function merge(a: Lot, b: Lot): Lot {
  const older = b.acquiredAt < a.acquiredAt ? b : a;
  return {
    id: older.id,
    acquiredAt: older.acquiredAt,
    quantity: a.quantity.plus(b.quantity),
    cost: a.cost === null || b.cost === null ? null : a.cost.plus(b.cost),
    costSource: sources[Math.max(sources.indexOf(a.costSource), sources.indexOf(b.costSource))] ?? 'UNKNOWN',
  };
}
