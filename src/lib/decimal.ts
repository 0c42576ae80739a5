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
  return addShort(a, b) ?? addLong(a, b);
}

/** The exact difference of two decimal texts. */
export function subtractDecimals(a: DecimalText, b: DecimalText): DecimalText {
  return addDecimals(a, b.startsWith('-') ? b.slice(1) : `-${b}`);
}

/** More characters may not fit into a safe integer together. */
const shortMax = 14;

/** The sum by integers, twenty times as fast, where both are short enough for it to be exact; else null. */
function addShort(a: DecimalText, b: DecimalText): DecimalText | null {
  if (a.length > shortMax || b.length > shortMax) return null;
  const places = Math.max(placesOf(a), placesOf(b));
  const sum = scaled(a, places) + scaled(b, places);
  if (!Number.isSafeInteger(sum)) return null;
  return (sum < 0 ? '-' : '') + withPoint(String(Math.abs(sum)), places);
}

const zeroCode = '0'.charCodeAt(0);

function placesOf(text: DecimalText): number {
  const point = text.indexOf('.');
  return point < 0 ? 0 : text.length - point - 1;
}

/** The number times ten to the power `places`; NaN where that is no safe integer. */
function scaled(text: DecimalText, places: number): number {
  const point = text.indexOf('.');
  const digits = point < 0 ? text : text.slice(0, point) + text.slice(point + 1);
  const value = Number(digits) * 10 ** (places - placesOf(text));
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function addLong(a: DecimalText, b: DecimalText): DecimalText {
  const places = Math.max(placesOf(a), placesOf(b));
  const scale = (text: DecimalText): bigint => digitsOf(text) * 10n ** BigInt(places - placesOf(text));
  return textOf(scale(a) + scale(b), places);
}

/** The exact product of two decimal texts, without zeros at the end of its fraction. */
export function multiplyDecimals(a: DecimalText, b: DecimalText): DecimalText {
  return textOf(digitsOf(a) * digitsOf(b), placesOf(a) + placesOf(b));
}

/** A whole number by ten to the power `places`, as text. */
function textOf(value: bigint, places: number): DecimalText {
  return value < 0n ? `-${withPoint(String(-value), places)}` : withPoint(String(value), places);
}

/** The number without its point. */
function digitsOf(text: DecimalText): bigint {
  return BigInt(text.replace('.', ''));
}

/** Digits of a whole number with a point before the last `places` of them, and no zeros at the end of the fraction. */
function withPoint(digits: string, places: number): string {
  if (places === 0) return digits;
  const padded = digits.padStart(places + 1, '0');
  let end = padded.length;
  while (end > padded.length - places && padded.charCodeAt(end - 1) === zeroCode) end -= 1;
  const whole = padded.slice(0, padded.length - places);
  const fraction = padded.slice(padded.length - places, end);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** -1, 0 or 1 as a is below, equal to or above b. */
export function compareDecimals(a: DecimalText, b: DecimalText): number {
  if (a === b) return 0;
  const [x, y] = [Number(a), Number(b)];
  if (x < y) return -1; // rounding to floating point keeps the order …
  return x > y ? 1 : new Exact(a).comparedTo(b); // … so that only equal roundings need all digits
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
