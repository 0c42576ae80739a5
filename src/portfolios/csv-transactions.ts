import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { type DecimalText, Exact } from '../lib/decimal.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { BadCell } from '../sources/csv-file.ts';
import { csvFormats } from './csv-formats.ts';
import type { CsvFormat, CsvRow, NamedAmount } from './csv-row.ts';
import type { TransactionType } from './movement.ts';
import { type Leg, legsOf, type Transaction } from './transaction.ts';

/** From the text of a file to transactions that can be recorded. Pure; every row is read, left out or bad, none is lost. */

/** A row that is not recorded, and why. Lines count from 1 with the header. */
export interface RowNotice {
  readonly line: number;
  readonly reason: string;
}

/** A row that was read. */
export interface ReadRow extends CsvRow {
  readonly line: number;
}

/** What a file says. */
export interface CsvFile {
  readonly format: CsvFormat['name'];
  readonly rows: readonly ReadRow[];
  readonly bad: readonly RowNotice[];
  readonly skipped: readonly RowNotice[];
}

/** Rows of one import. */
export const importRowsMax = 100_000;

/**
 * Reads the text of a file; `format` null: the one whose header it has. Throws BAD_USER_INPUT where it is no CSV, where
 * the header is of no (or of another) format, and for more than {@link importRowsMax} rows.
 */
export function readCsvTransactions(text: string, format: CsvFormat['name'] | null): CsvFile {
  const [head, ...records] = parseCsv(text);
  const header = (head?.cells ?? []).map((name) => name.trim().toLowerCase());
  const candidates = csvFormats.filter(({ name }) => format === null || name === format);
  for (const candidate of candidates) {
    const read = candidate.open(header);
    if (read === null) continue;
    if (records.length > importRowsMax)
      throw new AppError(
        'BAD_USER_INPUT',
        `The file has ${records.length} rows; import at most ${importRowsMax} at a time.`,
      );
    return { format: candidate.name, ...readRows(records, read) };
  }
  throw new AppError(
    'BAD_USER_INPUT',
    `Line 1 is not the header of a known format. Known: ${candidates.map(({ name, describe }) => `${name} (${describe})`).join('; ')}.`,
  );
}

interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

function parseCsv(text: string): CsvRecord[] {
  const options = { bom: true, info: true, relaxColumnCount: true, skipEmptyLines: true, delimiter: delimiterOf(text) };
  try {
    const records = parse(text, options) as unknown as { info: { lines: number }; record: string[] }[];
    return records.map(({ info, record }) => ({ line: info.lines, cells: record }));
  } catch (error) {
    throw new AppError('BAD_USER_INPUT', `The file is not readable as CSV: ${messageOf(error)}.`, { cause: error });
  }
}

/** Exports of some countries separate by semicolons. */
function delimiterOf(text: string): string {
  const header = /^[^\n]*/.exec(text)?.[0] ?? '';
  return header.includes(',') || !header.includes(';') ? ',' : ';';
}

function readRows(
  records: readonly CsvRecord[],
  read: (cells: readonly string[]) => CsvRow | string,
): Pick<CsvFile, 'rows' | 'bad' | 'skipped'> {
  const file = { rows: [] as ReadRow[], bad: [] as RowNotice[], skipped: [] as RowNotice[] };
  for (const { line, cells } of records) {
    try {
      const row = read(cells);
      if (typeof row === 'string') file.skipped.push({ line, reason: row });
      else file.rows.push({ ...row, line });
    } catch (error) {
      if (!(error instanceof BadCell)) throw error;
      file.bad.push({ line, reason: error.message });
    }
  }
  return file;
}

/** Currencies that files write; only the dollar has a value here, the others need one beside them. */
const currencies = new Set(
  'USD EUR GBP JPY CHF CAD AUD NZD CNY HKD SGD SEK NOK DKK PLN CZK HUF TRY BRL MXN ARS INR KRW ZAR THB IDR PHP MYR VND ILS AED UAH RUB NGN TWD'.split(
    ' ',
  ),
);

/** Whether a name in a file is a currency rather than a token. */
export function isCurrency(name: string): boolean {
  return currencies.has(name.toUpperCase());
}

/** A transaction without the wallet it will be in; `externalId` tells the same row of the same file again. */
export interface NewTransaction extends Omit<Transaction, 'id' | 'walletId'> {
  readonly externalId: string;
  readonly note: string | null;
}

/** Transactions of a file, with what could not become one. */
export interface PlannedImport {
  readonly transactions: readonly NewTransaction[];
  readonly bad: readonly RowNotice[];
  readonly skipped: readonly RowNotice[];
}

/** The transactions of rows. `tokenOf` is the id of the token that a name means; null where none is. */
export function planImport(file: CsvFile, tokenOf: (name: string) => number | null): PlannedImport {
  const plan = { transactions: [] as NewTransaction[], bad: [...file.bad], skipped: [...file.skipped] };
  const occurrences = new Map<string, number>();
  for (const row of file.rows) {
    try {
      const planned = planRow(row, tokenOf);
      if (typeof planned === 'string') plan.skipped.push({ line: row.line, reason: planned });
      else plan.transactions.push({ ...planned, externalId: row.externalId ?? rowHash(planned, occurrences) });
    } catch (error) {
      if (!(error instanceof BadCell)) throw error;
      plan.bad.push({ line: row.line, reason: error.message });
    }
  }
  plan.bad.push(...repeatedIds(file.rows));
  const byLine = (a: RowNotice, b: RowNotice): number => a.line - b.line;
  return { transactions: plan.transactions, bad: plan.bad.sort(byLine), skipped: plan.skipped.sort(byLine) };
}

/** Two rows with one id would be taken for one. */
function repeatedIds(rows: readonly ReadRow[]): RowNotice[] {
  const lines = new Map<string, number>();
  return rows.flatMap(({ externalId, line }) => {
    if (externalId === null) return [];
    const first = lines.get(externalId);
    if (first === undefined) lines.set(externalId, line);
    return first === undefined ? [] : [{ line, reason: `has the id of line ${first}: "${externalId.slice(0, 50)}"` }];
  });
}

/** Names a row by what it says and how often it was said before, so that equal rows of a file are kept, and known again. */
function rowHash(row: object, occurrences: Map<string, number>): string {
  const hash = createHash('sha256').update(JSON.stringify(row)).digest('base64url').slice(0, 32);
  const count = (occurrences.get(hash) ?? 0) + 1;
  occurrences.set(hash, count);
  return count === 1 ? `row ${hash}` : `row ${hash} ${count}`;
}

interface Sides {
  readonly received: Leg | null;
  readonly sent: Leg | null;
  /** USD that was paid or got for the other side; null where none. */
  readonly moneyUsd: DecimalText | null;
  readonly hasMoney: boolean;
}

function planRow(row: ReadRow, tokenOf: (name: string) => number | null): Omit<NewTransaction, 'externalId'> | string {
  const sides = sidesOf(row, tokenOf);
  const fee = row.fee === null ? null : legOf(row.fee, tokenOf);
  if (sides.received === null && sides.sent === null && fee === null)
    return 'no token comes or goes: money alone is not part of a portfolio';
  const type = typeOf(row, sides);
  const isFeeAlone = sides.received === null && sides.sent === null;
  const sent = isFeeAlone ? fee : sides.sent;
  assertLegs(type, sides.received, sent);
  const valueUsd = row.valueUsd ?? sides.moneyUsd;
  if (sides.hasMoney && valueUsd === null)
    throw new BadCell('money other than USD needs its value in USD beside it (value_usd, or a net worth in USD)');
  return {
    type,
    time: row.time,
    received: sides.received,
    sent,
    fee: isFeeAlone ? null : fee,
    feeUsd: moneyFee(row, type),
    valueUsd,
    reference: row.reference?.slice(0, 200) ?? null,
    note: row.note?.slice(0, 500) ?? null,
  };
}

function sidesOf({ received, sent }: ReadRow, tokenOf: (name: string) => number | null): Sides {
  const money = [received, sent].filter((side) => side !== null && isCurrency(side.name));
  const usd = money.find((side) => side?.name.toUpperCase() === 'USD') ?? null;
  return {
    received: received === null ? null : legOf(received, tokenOf),
    sent: sent === null ? null : legOf(sent, tokenOf),
    moneyUsd: usd?.amount ?? null,
    hasMoney: money.length > 0,
  };
}

/** Null for money. */
function legOf({ name, amount }: NamedAmount, tokenOf: (name: string) => number | null): Leg | null {
  if (isCurrency(name)) return null;
  const tokenId = tokenOf(name);
  if (tokenId === null) throw new BadCell(`no token is called "${name.slice(0, 50)}"; use the slug of a token`);
  return { tokenId, amount };
}

function typeOf({ type, fee }: ReadRow, { received, sent, hasMoney }: Sides): TransactionType {
  if (type !== null) return type;
  if (received !== null && sent !== null) return 'SWAP';
  if (received !== null) return hasMoney ? 'BUY' : 'TRANSFER_IN';
  if (sent !== null) return hasMoney ? 'SELL' : 'TRANSFER_OUT';
  return fee === null ? 'SPEND' : 'FEE';
}

function assertLegs(type: TransactionType, received: Leg | null, sent: Leg | null): void {
  const legs = legsOf[type];
  const wanted = [legs.received ? 'a token received' : '', legs.sent ? 'a token sent' : '']
    .filter(Boolean)
    .join(' and ');
  if (legs.received !== (received !== null) || legs.sent !== (sent !== null))
    throw new BadCell(`${type} has ${wanted}, and no other token`);
}

const moneyFeeTypes: ReadonlySet<TransactionType> = new Set(['BUY', 'SELL', 'SWAP', 'SPEND']);

function moneyFee({ fee }: ReadRow, type: TransactionType): DecimalText | null {
  if (fee === null || !isCurrency(fee.name)) return null;
  if (fee.name.toUpperCase() !== 'USD')
    throw new BadCell(`a fee in ${fee.name} has no known value in USD; write it in USD`);
  if (!moneyFeeTypes.has(type)) throw new BadCell(`a fee in money belongs to a trade, not to ${type}`);
  return new Exact(fee.amount).toFixed();
}
