import { AppError } from './errors.ts';

/** One form of refusal for everything that is too much, wherever it is found. */

/** One refusal: which limit, its bound, what was asked, and where. */
export interface Refusal {
  readonly name: string;
  readonly limit: number;
  readonly value: number;
  /**
   * Dotted path of response names, with the argument in brackets (`token.candles(limit)`); empty for the whole document.
   * A resolver gives the brackets only: the path of its error is put before them.
   */
  readonly field: string;
  readonly sentence: string;
}

/** The error for a refusal: LIMIT_EXCEEDED with the limit's name and bound, the value and the field in `extensions`. */
export function limitExceeded({ name, limit, value, field, sentence }: Refusal): AppError {
  return new AppError('LIMIT_EXCEEDED', sentence, { extensions: { name, limit, value, field } });
}

/** A number that an argument may give: `name` is the limit's. */
export interface Bounds {
  readonly name: string;
  readonly argument: string;
  readonly min?: number;
  readonly max: number;
}

/** Throws LIMIT_EXCEEDED where the list of an argument is empty or has more than `max` items. */
export function assertLength({ length }: readonly unknown[], { name, argument, max }: Omit<Bounds, 'min'>): void {
  if (length >= 1 && length <= max) return;
  const sentence = `\`${argument}\` takes 1 to ${max} items; got ${length}.`;
  throw limitExceeded({ name, limit: max, value: length, field: `(${argument})`, sentence });
}

/** Throws LIMIT_EXCEEDED where the value of an argument lies outside `min` (1 when not given) to `max`. */
export function assertWithin(value: number, { name, argument, min = 1, max }: Bounds): void {
  if (value >= min && value <= max) return;
  const sentence = `\`${argument}\` must lie between ${min} and ${max}; got ${value}.`;
  throw limitExceeded({ name, limit: max, value, field: `(${argument})`, sentence });
}
