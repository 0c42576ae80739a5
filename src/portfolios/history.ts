import { type DecimalText, Exact } from '../lib/decimal.ts';
import { dayMs } from '../lib/interval.ts';
import type { DailyCloses } from './close-store.ts';
import { shareOf } from './lot-book.ts';
import type { UnmatchedDisposal } from './lots.ts';
import { compareMovements, type Movement } from './movement.ts';

/**
 * What a portfolio was worth at the close of each day, and how it did net of what was paid in and taken out. Pure.
 *
 * - A day's value is the sum of balances times daily closes; a close stands for at most {@link carryDaysMax} days after it.
 *   A token without one is not part of the value, and comes in, and goes, as a flow.
 * - Flows are at the prices of the transactions (else the day's close), fees of purchases and sales included: buying and
 *   receiving coins pays in, selling, spending and sending them away takes out. Income, gas and swaps are not flows.
 * - return of a day = (value + taken out) / (value of the day before + paid in) - 1: what is paid in works from the
 *   start of its day, what is taken out until its end. These returns are chained: the time-weighted return.
 */

/** A close is the price of later days without one for so many days. */
export const carryDaysMax = 7;

/** What a history is computed from. */
export interface HistoryInput {
  readonly movements: readonly Movement[];
  readonly unmatched: readonly UnmatchedDisposal[];
  /** The wallets that the portfolio is of; what moves to others leaves it. */
  readonly walletIds: readonly number[];
  readonly closes: readonly DailyCloses[];
  /** Days since 1970 that begin as the valued day closes, inclusive. */
  readonly fromDay: number;
  readonly toDay: number;
}

/** A portfolio at the close of a day. */
export interface DayPoint {
  /** Epoch ms of the close. */
  readonly time: number;
  /** USD. */
  readonly value: DecimalText;
  readonly paidIn: DecimalText;
  readonly takenOut: DecimalText;
  /** A fraction; null for the first day, and where nothing was there to return anything. */
  readonly dayReturn: number | null;
  /** Tokens held that had no price. */
  readonly unpriced: number;
}

/** The days from the first to the last, oldest first. */
export function computeHistory(input: HistoryInput): DayPoint[] {
  const walk = createWalk(input);
  walk.advance(input.fromDay);
  const points: DayPoint[] = [];
  let before: Exact | null = null;
  for (let day = input.fromDay; day <= input.toDay; day += 1) {
    const { paidIn, takenOut } = day === input.fromDay ? noFlows : walk.advance(day);
    const { value, unpriced } = walk.valueAt(day);
    points.push({
      time: day * dayMs,
      value: value.toFixed(),
      paidIn: paidIn.toFixed(),
      takenOut: takenOut.toFixed(),
      dayReturn: before === null ? null : returnOf(before.plus(paidIn), value.plus(takenOut)),
      unpriced,
    });
    before = value;
  }
  return points;
}

const zero = new Exact(0);
const noFlows: Flows = { paidIn: zero, takenOut: zero };

function returnOf(start: Exact, end: Exact): number | null {
  return start.gt(0) ? end.toNumber() / start.toNumber() - 1 : null;
}

interface Flows {
  paidIn: Exact;
  takenOut: Exact;
}

/** The balances of the portfolio as days pass. */
interface Walk {
  /** Applies what happened until the close of a day; the flows of it. */
  advance(day: number): Flows;
  valueAt(day: number): { value: Exact; unpriced: number };
}

function createWalk({ movements, unmatched, walletIds, closes }: HistoryInput): Walk {
  const own = new Set(walletIds);
  const touched = movements.filter(({ walletId, toWalletId }) => own.has(walletId) || own.has(toWalletId ?? -1));
  const ordered = touched.toSorted(compareMovements);
  const missing = new Map(unmatched.map(({ disposalId, quantity }) => [disposalId, new Exact(quantity)]));
  const priceAt = createPrices(closes);
  const balances = new Map<number, Exact>();
  const isPriced = new Map<number, Exact>();
  let next = 0;

  function advance(day: number): Flows {
    const flows: Flows = { paidIn: zero, takenOut: zero };
    changePriced(day, flows);
    const end = day * dayMs;
    const first = next;
    while ((ordered[next]?.time ?? Number.POSITIVE_INFINITY) <= end) next += 1;
    const todays = ordered.slice(first, next);
    const isHalfPriced = halfPricedSwaps(todays, (tokenId) => priceAt(tokenId, day) !== null);
    for (const movement of todays) apply(movement, priceAt(movement.tokenId, day), isHalfPriced(movement), flows);
    return flows;
  }
  /** What had no price and has one comes in at it; what had one and has none any more goes at its last. */
  function changePriced(day: number, flows: Flows): void {
    for (const [tokenId, balance] of balances) {
      const [before, now] = [isPriced.get(tokenId) ?? null, priceAt(tokenId, day)];
      if (before === null && now !== null) flows.paidIn = flows.paidIn.plus(balance.times(now));
      if (before !== null && now === null) flows.takenOut = flows.takenOut.plus(balance.times(before));
      if (now === null) isPriced.delete(tokenId);
      else isPriced.set(tokenId, now);
    }
  }
  function apply(movement: Movement, price: Exact | null, isHalf: boolean, flows: Flows): void {
    const { kind, id, tokenId, walletId, toWalletId } = movement;
    const quantity = new Exact(movement.quantity);
    const there = quantity.minus(missing.get(id) ?? 0);
    const [comes, goes] = [
      kind === 'ACQUIRE' || (kind === 'MOVE' && own.has(toWalletId ?? -1)),
      kind !== 'ACQUIRE' && own.has(walletId),
    ];
    if (price !== null) isPriced.set(tokenId, price);
    // A move within the portfolio changes it only by what arrives without having been there.
    const change = (comes ? quantity : zero).minus(goes ? there : zero);
    balances.set(tokenId, (balances.get(tokenId) ?? zero).plus(change));
    if (price === null || change.isZero() || !isFlow(movement, isHalf)) return;
    const worth = worthOf(movement, change.abs(), price);
    if (change.gt(0)) flows.paidIn = flows.paidIn.plus(worth);
    else flows.takenOut = flows.takenOut.plus(worth);
  }
  return {
    advance,
    valueAt(day) {
      let [value, unpriced] = [zero, 0];
      for (const [tokenId, balance] of balances) {
        if (balance.isZero()) continue;
        const price = priceAt(tokenId, day);
        if (price === null) unpriced += 1;
        else value = value.plus(balance.times(price));
      }
      return { value, unpriced };
    },
  };
}

function isFlow({ kind, type }: Movement, isHalf: boolean): boolean {
  if (type === 'SWAP') return isHalf;
  return kind === 'MOVE' || (type !== 'FEE' && type !== 'INCOME');
}

/** What a change was worth: the share of the movement's own value less its fee, else at the price. */
function worthOf({ kind, valueUsd, feeUsd, quantity }: Movement, change: Exact, price: Exact): Exact {
  if (valueUsd === null || kind === 'MOVE') return change.times(price);
  const net = kind === 'DISPOSE' ? new Exact(valueUsd).minus(feeUsd) : new Exact(valueUsd);
  return shareOf(net, change, new Exact(quantity));
}

/** A swap with a side that has no price is a flow on its other side. */
function halfPricedSwaps(
  movements: readonly Movement[],
  isPriced: (tokenId: number) => boolean,
): (movement: Movement) => boolean {
  const transactionOf = ({ id }: Movement): string => id.replace(/\.\w+$/, '');
  const half = new Set(
    movements.filter(({ type, tokenId }) => type === 'SWAP' && !isPriced(tokenId)).map(transactionOf),
  );
  return (movement) => half.has(transactionOf(movement));
}

/** The close of a token at a day, or the last before it that is not too old. Days are asked for in ascending order. */
function createPrices(closes: readonly DailyCloses[]): (tokenId: number, day: number) => Exact | null {
  const cursors = new Map(closes.map((series) => [series.tokenId, { ...series, at: -1, price: zero }]));
  return (tokenId, day) => {
    const cursor = cursors.get(tokenId);
    if (cursor === undefined) return null;
    let { at } = cursor;
    while ((cursor.days[at + 1] ?? Number.POSITIVE_INFINITY) <= day) at += 1;
    if (at !== cursor.at) {
      cursor.at = at;
      cursor.price = new Exact(cursor.closes[at] ?? 0);
    }
    const known = cursor.days[at];
    return known === undefined || day - known > carryDaysMax ? null : cursor.price;
  };
}
