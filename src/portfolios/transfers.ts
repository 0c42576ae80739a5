import { Exact } from '../lib/decimal.ts';
import { dayMs } from '../lib/interval.ts';
import type { Leg, Transaction } from './transaction.ts';

/** Finds which withdrawals and deposits are two sides of one transfer between own wallets. */

/** The two sides of an own transfer. */
export interface OwnTransfer {
  readonly out: Transaction & { readonly sent: Leg };
  readonly in: Transaction & { readonly received: Leg };
}

/** Two records of one transfer lie at most so far apart: chains confirm within hours, exports write local times. */
export const transferGapMsMax = dayMs;

type Out = OwnTransfer['out'];
type In = OwnTransfer['in'];

const isOut = (one: Transaction): one is Out => one.type === 'TRANSFER_OUT' && one.sent !== null;
const isIn = (one: Transaction): one is In => one.type === 'TRANSFER_IN' && one.received !== null;

/**
 * Own transfers among the transactions of one account: a TRANSFER_OUT of one wallet and a TRANSFER_IN of another, of
 * the same token, at most {@link transferGapMsMax} apart, that have the same reference (then no more may arrive than
 * was sent; what did not arrive is its fee), or else equal amounts and not two different references. References are
 * matched first; each side is used once, the nearest in time first.
 */
export function pairTransfers(transactions: readonly Transaction[]): OwnTransfer[] {
  const outs = transactions.filter(isOut).sort(byTime);
  const ins = new Map<number, In[]>();
  for (const one of transactions.filter(isIn).sort(byTime))
    ins.set(one.received.tokenId, [...(ins.get(one.received.tokenId) ?? []), one]);
  const used = new Set<string>();
  const pairs: OwnTransfer[] = [];
  for (const fits of [haveSameReference, haveEqualAmounts]) {
    for (const out of outs) {
      if (used.has(out.id)) continue;
      const found = nearest(out, ins.get(out.sent.tokenId) ?? [], (one) => !used.has(one.id) && fits(out, one));
      if (found === null) continue;
      used.add(out.id).add(found.id);
      pairs.push({ out, in: found });
    }
  }
  return pairs;
}

function byTime(a: Transaction, b: Transaction): number {
  return a.time - b.time || (a.id < b.id ? -1 : 1);
}

function haveSameReference(out: Out, one: In): boolean {
  return (
    out.reference !== null && out.reference === one.reference && new Exact(one.received.amount).lte(out.sent.amount)
  );
}

function haveEqualAmounts(out: Out, one: In): boolean {
  const areBothNamed = out.reference !== null && one.reference !== null;
  return !areBothNamed && new Exact(one.received.amount).eq(out.sent.amount);
}

/** The fitting deposit of another wallet that is nearest in time; they are ordered by time. */
function nearest(out: Out, ins: readonly In[], fits: (one: In) => boolean): In | null {
  let best: In | null = null;
  const gapOf = (one: In): number => Math.abs(one.time - out.time);
  for (let index = firstAt(ins, out.time - transferGapMsMax); index < ins.length; index += 1) {
    const one = ins[index];
    if (one === undefined || one.time > out.time + transferGapMsMax) break;
    if (one.walletId === out.walletId || !fits(one)) continue;
    if (best === null || gapOf(one) < gapOf(best)) best = one;
  }
  return best;
}

function firstAt(ins: readonly In[], time: number): number {
  let [low, high] = [0, ins.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ins[middle]?.time ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
