import type { Bar } from './bar.ts';

/**
 * Technical indicators as state machines: one closed bar in, one value per output out, O(1) amortised (deviations and
 * regressions read their window, which is short). There is no second, "batch" formula: a series is the machine run
 * over its bars, so a live value and a recomputed one are the same bits.
 *
 * Invariants: pure (no clock, no I/O); values are finite numbers or null (warm-up, or undefined such as a zero range),
 * never NaN or Infinity; state is numbers, nulls, arrays and nested machines, so it survives JSON unchanged. Rolling
 * sums only ever add, never subtract, so nothing drifts however long a machine runs.
 *
 * Late, doubled or wrong bars: a machine trusts its caller to pass each closed bar once, in order, with finite numbers.
 * It cannot take a bar back: after a correction restore an earlier snapshot, or run the series again. Bars missing from
 * a series are simply not seen; periods count bars, not time.
 */

/** An indicator over bars. `update` returns one value per output, in the catalog's order; null where undefined. */
export interface Machine {
  update(bar: Bar): readonly (number | null)[];
}

/** A machine over plain numbers, the building block of indicators; null during warm-up or where undefined. */
export interface ScalarMachine {
  update(x: number): number | null;
}

/** `x`, or null where it is not a finite number; −0 becomes 0, which JSON could not keep. */
export function finite(x: number): number | null {
  return Number.isFinite(x) ? x + 0 : null;
}

/** numerator / denominator, null where the denominator is 0 or the quotient leaves the finite numbers. */
export function ratio(numerator: number, denominator: number): number | null {
  return finite(numerator / denominator);
}

/** Feeds a machine where there is something to feed: a null input gives null and leaves the state as it was. */
export function feed(machine: ScalarMachine, x: number | null): number | null {
  return x === null ? null : machine.update(x);
}

/** A copy of a machine's whole state as plain JSON data; give it to {@link restore} on a machine made the same way. */
export function snapshot(machine: object): unknown {
  return copyOf(machine);
}

/**
 * Puts a {@link snapshot} back into a machine made with the same name and parameters; its next values are the identical
 * bits. Throws an Error, before anything changes, if the snapshot has another shape: then run the bars again.
 */
export function restore(machine: object, state: unknown): void {
  assertFits(machine, state, 'state');
  overwrite(machine as Branch, state as Branch);
}

/** An object or an array, walked alike; every other value in a machine is a number or null. */
type Branch = Record<string, unknown>;

function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isBranch(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copyOf(field)]));
}

function overwrite(target: Branch, state: Branch): void {
  for (const [key, value] of Object.entries(state)) {
    const field = target[key];
    if (isBranch(field)) overwrite(field, value as Branch);
    else target[key] = value;
  }
}

function assertFits(field: unknown, value: unknown, path: string): void {
  if (!isBranch(field)) {
    if (value !== null && typeof value !== 'number') throw misfit(path);
    return;
  }
  const keys = Object.keys(field);
  const isSameShape = isBranch(value) && Array.isArray(value) === Array.isArray(field);
  if (!isSameShape || Object.keys(value).length !== keys.length) throw misfit(path);
  for (const key of keys) {
    if (!Object.hasOwn(value, key)) throw misfit(`${path}.${key}`);
    assertFits(field[key], value[key], `${path}.${key}`);
  }
}

function misfit(path: string): Error {
  return new Error(`The snapshot does not fit this indicator at ${path}; run its bars again`);
}
