import { type DecimalText, Exact } from '../lib/decimal.ts';
import { BadCell, readNumber } from '../sources/csv-file.ts';
import type { TransactionType } from './movement.ts';

/** A row of a file of transactions as its format tells it, before anyone knows which tokens are meant. */

/** An amount of something that a file names: the ticker or slug of a token, or a currency. */
export interface NamedAmount {
  readonly name: string;
  readonly amount: DecimalText;
}

/** What one row says. */
export interface CsvRow {
  /** Epoch ms. */
  readonly time: number;
  /** Null: what came and what went tell. */
  readonly type: TransactionType | null;
  readonly received: NamedAmount | null;
  readonly sent: NamedAmount | null;
  readonly fee: NamedAmount | null;
  /** USD, without fees; null where the row does not tell. */
  readonly valueUsd: DecimalText | null;
  readonly reference: string | null;
  /** The tool's own id of the row; null where it has none. */
  readonly externalId: string | null;
  readonly note: string | null;
}

/** The cells of a row by the names of their columns, lower case; an empty or absent one is null. */
export type Cells = (...names: readonly string[]) => string | null;

/** A format of files: `open` returns the reader of its rows, or null where the header is another's. */
export interface CsvFormat {
  readonly name: 'TOKENGRAPH' | 'KOINLY' | 'COINTRACKING';
  /** For people: what its header is. */
  readonly describe: string;
  /** Throws a BadCell where a row makes no sense; returns text where a row is rightly left out, saying why. */
  open(header: readonly string[]): ((cells: readonly string[]) => CsvRow | string) | null;
}

/** Digits before and after the point that an amount or a value may have; more is a mistake, and would not be exact. */
const digitsMax = { whole: 30, fraction: 30 };

/** A number in a cell that is not below 0; null where it is empty. Throws a BadCell. */
export function readAmount(column: string, text: string | null): DecimalText | null {
  const number = readNumber(column, text ?? '');
  if (number === null) return null;
  const value = new Exact(number);
  if (value.lt(0)) throw new BadCell(`${column} must not be below 0: "${number}"`);
  if (value.decimalPlaces() > digitsMax.fraction || value.gte(new Exact(10).pow(digitsMax.whole)))
    throw new BadCell(`${column} has too many digits: "${number}"`);
  return number;
}

/** An amount and the name of what it is of; null where there is none of it (empty, or 0). Throws a BadCell. */
export function readNamed(column: string, amountText: string | null, name: string | null): NamedAmount | null {
  const amount = readAmount(column, amountText);
  if (amount === null || new Exact(amount).isZero()) return null;
  if (name === null) throw new BadCell(`${column} is ${amount}, but of what is not told`);
  return { name, amount };
}

/** Exports write times without a zone; they are read as UTC. */
const plainTime = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(\.\d{1,3})?)?(?: ?(?:UTC|Z))?$/;
const dayFirst = /^(\d\d)[.-](\d\d)[.-](\d{4})(?: (\d\d):(\d\d)(?::(\d\d))?)?$/;

/** `2021-06-11 05:31:00`, with or without seconds, `UTC`, `T` and `Z`; or `11.06.2021 05:31`. UTC. Throws a BadCell. */
export function readUtcTime(column: string, text: string | null): number {
  const value = text ?? '';
  const [, year, month, day, hour, minute, second = '00', fraction = ''] = plainTime.exec(value) ?? [];
  if (year !== undefined)
    return instantOf(column, value, `${year}-${month}-${day}`, `${hour}:${minute}:${second}${fraction}`);
  const [, d, m, y, h = '00', min = '00', s = '00'] = dayFirst.exec(value) ?? [];
  if (y !== undefined) return instantOf(column, value, `${y}-${m}-${d}`, `${h}:${min}:${s}`);
  throw new BadCell(`${column} is not a time like 2021-06-11 05:31:00: "${value.slice(0, 50)}"`);
}

function instantOf(column: string, text: string, day: string, time: string): number {
  const instant = Date.parse(`${day}T${time}Z`);
  if (Number.isNaN(instant) || !new Date(instant).toISOString().startsWith(day))
    throw new BadCell(`${column} is no day or time that there is: "${text}"`);
  return instant;
}
