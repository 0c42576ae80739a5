/**
 * What files of rows have in common: a header, then one row a line, read in file order with bounded memory.
 *
 * A row that cannot be read comes out as `bad` with its line and reason and stops nothing. A file that breaks (missing
 * header, cut gzip, no text) throws after the rows before the break.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { type DecimalText, parseDecimal } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { readLines } from './text-file.ts';

/** A row that cannot be read. `line` counts from 1 with the header; `raw` is the line, cut at 500 characters. */
export interface BadFileRow {
  readonly kind: 'bad';
  readonly line: number;
  readonly raw: string;
  readonly reason: string;
}

/** Thrown by a reader of a row to say what is wrong with it; never leaves {@link readCsvFile}. */
export class BadCell extends Error {}

const rawCharsMax = 500;

/**
 * The rows of a file, `batchRows` at a time. `open` is given the header and returns the reader of a row's cells, or
 * throws BAD_USER_INPUT where it does not know the header. Throws BAD_USER_INPUT, naming the file and the line, where
 * the file cannot be read on; the rows before were yielded by then.
 */
export async function* readCsvFile<Row>(
  path: string,
  batchRows: number,
  open: (header: string) => (cells: readonly string[], line: number) => Row,
): AsyncGenerator<(Row | BadFileRow)[]> {
  let line = 0;
  let batch: (Row | BadFileRow)[] = [];
  let read: ReturnType<typeof open> | null = null;
  try {
    for await (const lines of readLines(path)) {
      for (const text of lines) {
        line += 1;
        if (read === null) read = open(text);
        else if (text !== '') batch.push(readRow(read, line, text));
        if (batch.length < batchRows) continue;
        yield batch;
        batch = [];
      }
    }
    if (read === null) open('');
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

function readRow<Row>(
  read: (cells: readonly string[], line: number) => Row,
  line: number,
  raw: string,
): Row | BadFileRow {
  try {
    return read(splitRow(raw), line);
  } catch (error) {
    if (!(error instanceof BadCell)) throw error;
    return { kind: 'bad', line, raw: raw.slice(0, rawCharsMax), reason: error.message };
  }
}

/** Quotes are rare: only rows that have them pay for the full CSV grammar. */
function splitRow(raw: string): string[] {
  if (!raw.includes('"')) return raw.split(',');
  try {
    return parse(raw)[0] ?? [];
  } catch {
    throw new BadCell('has quotes that do not match');
  }
}

/** Throws a {@link BadCell} where a row has not this many cells. */
export function assertCellCount(cells: readonly string[], count: number): void {
  if (cells.length !== count) throw new BadCell(`has ${cells.length} columns instead of ${count}`);
}

/** An exponent of three digits would become a text of hundreds of zeros; no market has such a number. */
const hugeExponent = /e[+-]?\d{3}/i;

/** The number in a cell, digits kept; null where it is empty. Throws a {@link BadCell} where it is none. */
export function readNumber(column: string, text: string | undefined): DecimalText | null {
  if (text === undefined || text === '') return null;
  const number = text.length > 100 || hugeExponent.test(text) ? null : parseDecimal(text);
  if (number === null) throw new BadCell(`${column} is not a number: "${text.slice(0, 50)}"`);
  return number;
}

const isoTime = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/** The instant in a cell as epoch ms. Throws a {@link BadCell} where it is none of ISO 8601 with its zone. */
export function readTime(column: string, text: string): number {
  const match = isoTime.exec(text);
  const timeMs = match === null ? Number.NaN : Date.parse(text);
  const isRealDay = Number(match?.[1]) <= 28 || dayExists(text.slice(0, 10));
  if (Number.isNaN(timeMs) || !isRealDay) {
    throw new BadCell(`${column} is not a time like 2025-06-30T00:00:00Z: "${text.slice(0, 50)}"`);
  }
  return timeMs;
}

/** Date.parse turns 30 February into 2 March instead of refusing it. */
function dayExists(day: string): boolean {
  const timeMs = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(day);
}

/**
 * The files behind paths: a file stands for itself, a folder for every `.csv` and `.csv.gz` below it. Each file
 * once, sorted. Throws BAD_USER_INPUT where a path does not exist or a folder holds no such file.
 */
export async function listCsvFiles(paths: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const found = await filesBehind(path);
    if (found.length === 0) throw new AppError('BAD_USER_INPUT', `${path} holds no .csv or .csv.gz file.`);
    for (const file of found) files.add(file);
  }
  return [...files].sort();
}

async function filesBehind(path: string): Promise<string[]> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError('BAD_USER_INPUT', `${path} does not exist or cannot be opened.`, { cause });
  });
  if (!facts.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names.filter((name) => /\.csv(\.gz)?$/.test(name)).map((name) => join(path, name));
}

/** The error of a file whose first line is not the header it should be. */
export function unknownHeader(path: string, expected: string): AppError {
  return new AppError('BAD_USER_INPUT', `${path}: line 1 must be the header "${expected}".`, {
    extensions: { path, line: 1 },
  });
}
