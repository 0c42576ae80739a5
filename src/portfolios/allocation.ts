import { addDecimals, compareDecimals, type DecimalText, Exact, subtractDecimals } from '../lib/decimal.ts';
import { shareOf } from './lot-book.ts';

/** How a value is spread over tokens, narratives or chains. Pure; the slices sum to the whole to the last digit. */

/** A value and the names it belongs to: none, one, or several that share it equally. */
export interface Allocated {
  readonly valueUsd: DecimalText;
  readonly keys: readonly string[];
}

/** A part of the whole. */
export interface Slice {
  /** Null: what belongs to none. */
  readonly key: string | null;
  readonly valueUsd: DecimalText;
  /** Of the whole, 0..1, floating point. */
  readonly share: number;
}

/** The slices of values, largest first. */
export function computeAllocation(values: readonly Allocated[]): Slice[] {
  const sums = new Map<string | null, DecimalText>();
  for (const { valueUsd, keys } of values)
    for (const [key, part] of partsOf(valueUsd, keys.length === 0 ? [null] : keys))
      sums.set(key, addDecimals(sums.get(key) ?? '0', part));
  const total = Number([...sums.values()].reduce(addDecimals, '0'));
  return [...sums]
    .sort(([a, x], [b, y]) => compareDecimals(y, x) || ((a ?? '') < (b ?? '') ? -1 : 1))
    .map(([key, value]) => ({ key, valueUsd: value, share: total === 0 ? 0 : Number(value) / total }));
}

/** Equal parts of a value; what does not divide is in the last. */
function partsOf(value: DecimalText, keys: readonly (string | null)[]): [key: string | null, part: DecimalText][] {
  let left = value;
  return keys.map((key, index) => {
    const count = keys.length - index;
    const part = count === 1 ? left : shareOf(new Exact(left), new Exact(1), new Exact(count)).toFixed();
    left = subtractDecimals(left, part);
    return [key, part];
  });
}

/** The Herfindahl-Hirschman index of shares: 1 for one holding, 1/n for n equal ones; null without any. */
export function concentrationOf(shares: readonly number[]): number | null {
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share * share, 0);
}
