/**
 * Candle files: CSV or gzipped CSV, one candle a row, with the header {@link candleFileHeader}.
 *
 * The open time is ISO 8601 with its zone; an empty cell means the source does not have the value. Digits are kept as
 * written, only scientific notation becomes plain. What happens to rows and files that cannot be read: csv-file.ts.
 * Late or doubled rows, impossible prices: not judged here; whoever stores candles does.
 */
import type { DecimalText } from '../lib/decimal.ts';
import { type CandleInterval, parseInterval } from '../lib/interval.ts';
import {
  assertCellCount,
  BadCell,
  type BadFileRow,
  readCsvFile,
  readNumber,
  readTime,
  unknownHeader,
} from './csv-file.ts';
import type { SourceCandle } from './exchange.ts';
import { parseMarketSymbol } from './market-symbol.ts';

/** The first line of every candle file. */
export const candleFileHeader =
  'symbol,interval,open_time_iso,open,high,low,close,volume_base,volume_quote,market_cap_usd,supply';

/** One row of a candle file. */
export type FileRow = CandleFileRow | BadFileRow;

interface CandleFileRow {
  readonly kind: 'candle';
  readonly line: number;
  readonly candle: SourceCandle;
}

const columns = candleFileHeader.split(',');

/**
 * The rows of a candle file in file order, `batchRows` at a time. Throws BAD_USER_INPUT, naming the file and the line,
 * where the header is missing or the file cannot be read on; the good rows before were yielded by then.
 */
export function readCandleFile(path: string, batchRows = 2_000): AsyncGenerator<FileRow[]> {
  return readCsvFile(path, batchRows, (header): ((cells: readonly string[], line: number) => CandleFileRow) => {
    if (header.replaceAll('"', '').trim() !== candleFileHeader) throw unknownHeader(path, candleFileHeader);
    return (cells, line) => ({ kind: 'candle', line, candle: readCandle(cells) });
  });
}

function readCandle(cells: readonly string[]): SourceCandle {
  const [symbol = '', interval = '', openTime = '', open, high, low, close, base, quote, marketCap, supply] = cells;
  assertCellCount(cells, columns.length);
  if (parseMarketSymbol(symbol) === null)
    throw new BadCell(`symbol is not like BTC/USDT or BTC/USDT:USDT: "${symbol}"`);
  return {
    symbol,
    interval: readInterval(interval),
    openTime: readTime('open_time_iso', openTime),
    open: requiredNumber('open', open),
    high: requiredNumber('high', high),
    low: requiredNumber('low', low),
    close: requiredNumber('close', close),
    volumeBase: readNumber('volume_base', base),
    volumeQuote: readNumber('volume_quote', quote),
    marketCapUsd: readNumber('market_cap_usd', marketCap),
    supply: readNumber('supply', supply),
  };
}

function readInterval(text: string): CandleInterval {
  // The shape is checked first: looked up as they are, words like "constructor" would find what objects inherit.
  const interval = /^\d+[a-z]$/.test(text) ? parseInterval(text) : null;
  if (interval === null) throw new BadCell(`interval is unknown: "${text.slice(0, 50)}"`);
  return interval;
}

function requiredNumber(column: string, text: string | undefined): DecimalText {
  return readNumber(column, text) ?? missingNumber(column);
}

function missingNumber(column: string): never {
  throw new BadCell(`${column} is empty`);
}
