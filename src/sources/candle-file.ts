/**
 * Candle files: CSV or gzipped CSV, one candle a row, with the header {@link candleFileHeader}.
 *
 * The open time is ISO 8601 with its zone; an empty cell means the source does not have the value. Digits are kept as
 * written, only scientific notation becomes plain. Rows are read in file order with bounded memory.
 * - Wrong: a row that cannot be read comes out as `bad` with its line and reason and stops nothing. A file that breaks
 *   (missing header, cut gzip, no text) throws after the rows before the break.
 * - Late or doubled rows, impossible prices: not judged here; whoever stores candles does.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { type DecimalText, parseDecimal } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { type CandleInterval, parseInterval } from '../lib/interval.ts';
import type { SourceCandle } from './exchange.ts';
import { parseMarketSymbol } from './market-symbol.ts';
import { readLines } from './text-file.ts';

/** The first line of every candle file. */
export const candleFileHeader =
  'symbol,interval,open_time_iso,open,high,low,close,volume_base,volume_quote,market_cap_usd,supply';

/** A row that cannot be read. `line` counts from 1 with the header; `raw` is the line, cut at 500 characters. */
export interface BadFileRow {
  readonly kind: 'bad';
  readonly line: number;
  readonly raw: string;
  readonly reason: string;
}

/** One row of a candle file. */
export type FileRow = { readonly kind: 'candle'; readonly line: number; readonly candle: SourceCandle } | BadFileRow;

const columns = candleFileHeader.split(',');
const rawCharsMax = 500;

/**
 * The rows of a candle file in file order, `batchRows` at a time. Throws BAD_USER_INPUT, naming the file and the line,
 * where the header is missing or the file cannot be read on; the good rows before were yielded by then.
 */
export async function* readCandleFile(path: string, batchRows = 2_000): AsyncGenerator<FileRow[]> {
  let line = 0;
  let batch: FileRow[] = [];
  try {
    for await (const lines of readLines(path)) {
      for (const text of lines) {
        line += 1;
        if (line === 1) assertHeader(path, text);
        else if (text !== '') batch.push(readRow(line, text));
        if (batch.length < batchRows) continue;
        yield batch;
        batch = [];
      }
    }
    if (line === 0) assertHeader(path, '');
  } catch (error) {
    if (batch.length > 0) yield batch;
    throw error;
  }
  if (batch.length > 0) yield batch;
}

/**
 * The candle files behind paths: a file stands for itself, a folder for every `.csv` and `.csv.gz` below it. Each file
 * once, sorted. Throws BAD_USER_INPUT where a path does not exist or a folder holds no candle file.
 */
export async function listCandleFiles(paths: readonly string[]): Promise<string[]> {
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

function assertHeader(path: string, text: string): void {
  if (text.replaceAll('"', '').trim() === candleFileHeader) return;
  throw new AppError('BAD_USER_INPUT', `${path}: line 1 must be the header "${candleFileHeader}".`, {
    extensions: { path, line: 1 },
  });
}

function readRow(line: number, raw: string): FileRow {
  try {
    return { kind: 'candle', line, candle: readCandle(splitRow(raw)) };
  } catch (error) {
    if (!(error instanceof BadCell)) throw error;
    return { kind: 'bad', line, raw: raw.slice(0, rawCharsMax), reason: error.message };
  }
}

/** Carries the reason from the cell to its row; never leaves this file. */
class BadCell extends Error {}

function readCandle(cells: readonly string[]): SourceCandle {
  const [symbol = '', interval = '', openTime = '', open, high, low, close, base, quote, marketCap, supply] = cells;
  if (cells.length !== columns.length) throw new BadCell(`has ${cells.length} columns instead of ${columns.length}`);
  if (parseMarketSymbol(symbol) === null)
    throw new BadCell(`symbol is not like BTC/USDT or BTC/USDT:USDT: "${symbol}"`);
  return {
    symbol,
    interval: readInterval(interval),
    openTime: parseTime(openTime),
    open: requiredNumber('open', open),
    high: requiredNumber('high', high),
    low: requiredNumber('low', low),
    close: requiredNumber('close', close),
    volumeBase: optionalNumber('volume_base', base),
    volumeQuote: optionalNumber('volume_quote', quote),
    marketCapUsd: optionalNumber('market_cap_usd', marketCap),
    supply: optionalNumber('supply', supply),
  };
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

function readInterval(text: string): CandleInterval {
  // The shape is checked first: looked up as they are, words like "constructor" would find what objects inherit.
  const interval = /^\d+[a-z]$/.test(text) ? parseInterval(text) : null;
  if (interval === null) throw new BadCell(`interval is unknown: "${text.slice(0, 50)}"`);
  return interval;
}

function requiredNumber(column: string, text: string | undefined): DecimalText {
  return optionalNumber(column, text) ?? missingNumber(column);
}

function missingNumber(column: string): never {
  throw new BadCell(`${column} is empty`);
}

/** An exponent of three digits would become a text of hundreds of zeros; no market has such a number. */
const hugeExponent = /e[+-]?\d{3}/i;

function optionalNumber(column: string, text: string | undefined): DecimalText | null {
  if (text === undefined || text === '') return null;
  const number = text.length > 100 || hugeExponent.test(text) ? null : parseDecimal(text);
  if (number === null) throw new BadCell(`${column} is not a number: "${text.slice(0, 50)}"`);
  return number;
}

const isoTime = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

function parseTime(text: string): number {
  const match = isoTime.exec(text);
  const timeMs = match === null ? Number.NaN : Date.parse(text);
  const isRealDay = Number(match?.[1]) <= 28 || dayExists(text.slice(0, 10));
  if (Number.isNaN(timeMs) || !isRealDay) {
    throw new BadCell(`open_time_iso is not a time like 2025-06-30T00:00:00Z: "${text.slice(0, 50)}"`);
  }
  return timeMs;
}

/** Date.parse turns 30 February into 2 March instead of refusing it. */
function dayExists(day: string): boolean {
  const timeMs = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(timeMs) && new Date(timeMs).toISOString().startsWith(day);
}
