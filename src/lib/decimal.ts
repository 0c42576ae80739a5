import { Decimal as BaseDecimal } from 'decimal.js';

/**
 * Exact decimals. Money, prices and amounts travel as decimal strings ({@link DecimalText}) and are only turned into
 * {@link Exact} where something is added or multiplied; a value that is not computed on keeps its digits untouched.
 */

/** A decimal number as text without an exponent, e.g. "0.00001240"; trailing zeros are kept. */
export type DecimalText = string;

/** Arithmetic with enough digits that sums and products of numeric(78,18) values stay exact; never an exponent. */
export const Exact = BaseDecimal.clone({ precision: 400, toExpNeg: -9e15, toExpPos: 9e15 });

/** What {@link Exact} makes. */
export type Exact = InstanceType<typeof Exact>;

const plain = /^[+-]?\d+(\.\d+)?$/;
const scientific = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** A number as written by a source, as plain decimal text; null where the text is no number. "4.6e-05" → "0.000046". */
export function parseDecimal(text: string): DecimalText | null {
  const trimmed = text.trim();
  if (plain.test(trimmed)) return trimmed.startsWith('+') ? trimmed.slice(1) : trimmed;
  if (!scientific.test(trimmed)) return null;
  return new Exact(trimmed).toFixed();
}

/** The exact sum of two decimal texts. */
export function addDecimals(a: DecimalText, b: DecimalText): DecimalText {
  return new Exact(a).plus(b).toFixed();
}

/** -1, 0 or 1 as a is below, equal to or above b. */
export function compareDecimals(a: DecimalText, b: DecimalText): number {
  return new Exact(a).comparedTo(b);
}

/** Moves the decimal point: `shiftDecimal("12.5", -3)` is "0.0125". Exact; keeps trailing zeros of the source. */
export function shiftDecimal(text: DecimalText, places: number): DecimalText {
  if (places === 0) return text;
  const isNegative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (isNegative ? text.slice(1) : text).split('.');
  const digits = whole + fraction;
  const point = whole.length + places;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const head = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const tail = padded.slice(at);
  return `${isNegative ? '-' : ''}${head}${tail === '' ? '' : `.${tail}`}`;
}
