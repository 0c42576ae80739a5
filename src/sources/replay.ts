/**
 * Plays candle files as if they were a live feed: all files merged by close time, one event per close time, paced.
 *
 * Memory is bounded by the number of files (some hundred rows each), never by their length.
 * - Late: a row older than the row before it in its file is reported and left out, so a watermark always holds.
 * - Doubled: two rows of one candle come in the same event; the reader keeps one.
 * - Wrong: bad rows, and a file that breaks in the middle, are reported through `onBadRow`; the feed goes on.
 */
import { basename, dirname, resolve } from 'node:path';
import { AppError, messageOf } from '../lib/errors.ts';
import { bucketClose, intervalMs, parseInterval } from '../lib/interval.ts';
import { type FileRow, readCandleFile } from './candle-file.ts';
import { listCsvFiles } from './csv-file.ts';
import type { Feed, FeedEvent, SourceCandle, SourceMarket } from './exchange.ts';
import { parseMarketSymbol } from './market-symbol.ts';

/** What a replay leaves out: `line` is null where it is not about one row, `raw` the text of the row. */
export interface ReplayBadRow {
  readonly path: string;
  readonly line: number | null;
  readonly raw: string;
  readonly reason: string;
}

/** What a replay needs. */
export interface ReplayOptions {
  /** Files or folders; within a file rows must be in time order. */
  readonly paths: readonly string[];
  /** Market seconds per real second; 0 or Infinity plays as fast as the reader goes. */
  readonly speed: number;
  /** The data set's name; by default {@link sourceNameOf} the first path. */
  readonly name?: string;
  nowMs(): number;
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  onBadRow?(row: ReplayBadRow): void;
}

/** Rows held per file: few enough for hundreds of files, enough to amortise reading. */
const batchRows = 500;

/** The data set a candle file or folder belongs to: its folder's name, or the one above where that is an interval. */
export function sourceNameOf(path: string): string {
  const full = resolve(path);
  const folder = /\.csv(\.gz)?$/.test(full) ? dirname(full) : full;
  return basename(parseInterval(basename(folder)) === null ? folder : dirname(folder));
}

/**
 * Opens a replay. The markets are those of each file's first rows. Throws BAD_USER_INPUT where a path is missing, a
 * file has no readable start, or the speed is negative.
 */
export async function createReplayFeed(options: ReplayOptions): Promise<Feed> {
  const { paths, speed } = options;
  if (Number.isNaN(speed) || speed < 0) {
    throw new AppError('BAD_USER_INPUT', `The speed must be 0 or more market seconds per second, not ${speed}.`);
  }
  const files = await listCsvFiles(paths);
  const markets = await listMarkets(files);
  return {
    name: options.name ?? sourceNameOf(paths[0] ?? ''),
    kind: 'REPLAY',
    markets,
    events: (signal) => playFiles(options, files, signal),
  };
}

async function listMarkets(files: readonly string[]): Promise<SourceMarket[]> {
  const markets = new Map<string, SourceMarket>();
  for (const path of files) {
    for await (const rows of readCandleFile(path, batchRows)) {
      for (const row of rows) {
        const market = row.kind === 'candle' && !markets.has(row.candle.symbol) && parseMarketSymbol(row.candle.symbol);
        if (!market) continue;
        const { symbol, base, quote, marketType } = market;
        markets.set(symbol, { symbol, base, quote, marketType });
      }
      break;
    }
  }
  return [...markets.values()].sort((a, b) => compareText(a.symbol, b.symbol));
}

/** A file being played: its next candle is `head`, null once it is over. */
interface Cursor {
  readonly path: string;
  readonly rows: AsyncGenerator<FileRow[]>;
  batch: FileRow[];
  position: number;
  head: SourceCandle | null;
  /** Close time of the head, or of the last candle. */
  closeTime: number;
}

async function* playFiles(
  options: ReplayOptions,
  files: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<FeedEvent> {
  const cursors = files.map((path) => createCursor(path));
  try {
    for (const cursor of cursors) await advance(options, cursor);
    const startMs = options.nowMs();
    let firstTime: number | null = null;
    while (!signal.aborted) {
      const timeMs = nextCloseTime(cursors);
      if (timeMs === null) return;
      firstTime ??= timeMs;
      await waitUntil(options, startMs + (timeMs - firstTime) / options.speed, signal);
      if (signal.aborted) return;
      yield { kind: 'candles', candles: await takeClosing(options, cursors, timeMs) };
      yield { kind: 'watermark', timeMs };
    }
  } finally {
    for (const cursor of cursors) await cursor.rows.return(undefined);
  }
}

/** A slow reader is not waited for again: the replay catches up with its own time table. */
async function waitUntil(options: ReplayOptions, dueMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = dueMs - options.nowMs();
  if (options.speed > 0 && Number.isFinite(options.speed) && waitMs > 0) await options.sleep(waitMs, signal);
}

function createCursor(path: string): Cursor {
  return { path, rows: readCandleFile(path, batchRows), batch: [], position: 0, head: null, closeTime: -Infinity };
}

function nextCloseTime(cursors: readonly Cursor[]): number | null {
  let next: number | null = null;
  for (const { head, closeTime } of cursors) {
    if (head !== null && (next === null || closeTime < next)) next = closeTime;
  }
  return next;
}

/** Every candle that closes at `timeMs`, finer intervals first, then by symbol. */
async function takeClosing(
  options: ReplayOptions,
  cursors: readonly Cursor[],
  timeMs: number,
): Promise<SourceCandle[]> {
  const candles: SourceCandle[] = [];
  for (const cursor of cursors) {
    while (cursor.head !== null && cursor.closeTime === timeMs) {
      candles.push(cursor.head);
      await advance(options, cursor);
    }
  }
  return candles.sort((a, b) => intervalMs(a.interval) - intervalMs(b.interval) || compareText(a.symbol, b.symbol));
}

/** Moves the head to the file's next good row, reporting what it passes over. */
async function advance(options: ReplayOptions, cursor: Cursor): Promise<void> {
  const { path } = cursor;
  cursor.head = null;
  for (;;) {
    const row = cursor.batch[cursor.position];
    cursor.position += 1;
    if (row === undefined) {
      if (!(await refill(options, cursor))) return;
      continue;
    }
    if (row.kind === 'bad') {
      options.onBadRow?.({ path, line: row.line, raw: row.raw, reason: row.reason });
      continue;
    }
    const closeTime = bucketClose(row.candle.interval, row.candle.openTime);
    if (closeTime < cursor.closeTime) {
      options.onBadRow?.({ path, line: row.line, raw: '', reason: 'closes before the row above it' });
      continue;
    }
    cursor.closeTime = closeTime;
    cursor.head = row.candle;
    return;
  }
}

/** False once the file is over. A file that breaks is over too, but says so. */
async function refill(options: ReplayOptions, cursor: Cursor): Promise<boolean> {
  try {
    const next = await cursor.rows.next();
    cursor.batch = next.done ? [] : next.value;
    cursor.position = 0;
    return !next.done;
  } catch (error) {
    options.onBadRow?.({ path: cursor.path, line: null, raw: '', reason: messageOf(error) });
    return false;
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
