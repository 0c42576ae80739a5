/** Jobs for the tests of the pool. */

/** Doubles. */
export function double(input: { readonly values: Float64Array }): Float64Array {
  return input.values.map((value) => value * 2);
}

/** Never answers. */
export function hang(_input: null): void {
  for (;;);
}

/** Fails as a bug does. */
export function fail(input: string): never {
  throw new RangeError(input);
}
