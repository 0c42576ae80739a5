/**
 * Candle files into the database: read, checked, converted to prices per coin, stored and folded, batch by batch.
 *
 * Invariants: a batch, its folds, its quarantine and its event are one transaction, so an import that is killed leaves
 * whole batches, and running it again completes it. Batches that share a series are stored in the order of the files.
 * The same files again write nothing.
 * - Late: files and rows may come in any order.
 * - Doubled: the first row of a bucket in a file counts; files of one market of one source correct each other.
 * - Wrong: bad rows go to the quarantine. A file that breaks keeps its good rows and is reported; others go on.
 */
import type { Db, Sql } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import { type CandleInterval, shortInterval } from '../lib/interval.ts';
import type { NewCandle } from '../prices/candle.ts';
import { candlePerCoin, isDollar } from '../prices/per-coin.ts';
import { type NewQuarantined, recordQuarantine } from '../prices/quarantine-store.ts';
import { type Series, upsertAllSeries, upsertSource } from '../prices/series-store.ts';
import { recordCandles, recordFolds, spansOf } from '../prices/store.ts';
import { type CandleValidator, createCandleValidator, type QuarantineReason } from '../prices/validate.ts';
import { type FileRow, readCandleFile } from '../sources/candle-file.ts';
import { listCsvFiles } from '../sources/csv-file.ts';
import type { SourceCandle } from '../sources/exchange.ts';
import { type MarketSymbol, parseMarketSymbol } from '../sources/market-symbol.ts';
import { sourceNameOf } from '../sources/replay.ts';
import { createToken, resolveSymbols } from '../tokens/registry.ts';
import { createLanes } from './lanes.ts';
import { readAhead } from './read-ahead.ts';
import { settleTokens } from './settle-tokens.ts';

/** What an import needs. */
export interface ImportDeps {
  readonly db: Db;
  readonly clock: Clock;
  onProgress?(progress: ImportProgress): void;
}

/** How far an import is: files begun and rows read so far. */
export interface ImportProgress {
  readonly file: string;
  readonly fileNumber: number;
  readonly fileCount: number;
  readonly rowsRead: number;
}

/** What to import. */
export interface ImportRequest {
  /** Files, or folders of `.csv` and `.csv.gz`. */
  readonly paths: readonly string[];
  /** The source's name; without it each file belongs to the source its folder is named after. */
  readonly sourceName?: string | undefined;
  /** Whether a symbol that no token has makes a token; else its rows are left out. */
  readonly createMissing: boolean;
}

/** What an import did, in candles unless said otherwise. */
export interface CandleImportSummary {
  readonly files: number;
  readonly rowsRead: number;
  readonly inserted: number;
  readonly changed: number;
  readonly unchanged: number;
  /** Coarser candles made or changed by folding. */
  readonly folded: number;
  /** Left out because finer candles of the series already make up their bucket. */
  readonly shadowed: number;
  /** Rows refused by this run, by reason, whether or not an earlier run had kept them. */
  readonly quarantined: Readonly<Partial<Record<QuarantineReason, number>>>;
  /** Coins that no token has; their rows were left out. */
  readonly unknownSymbols: readonly string[];
  /** Coins that several tokens have, with the slug that was chosen. */
  readonly ambiguousSymbols: readonly {
    readonly symbol: string;
    readonly slug: string;
    readonly others: readonly string[];
  }[];
  /** Files that were not read to their end or have a market left out, and why. */
  readonly failedFiles: readonly { readonly file: string; readonly message: string }[];
  readonly rowsPerSecond: number;
}

/** Rows stored in one transaction, or a little more. */
const batchRows = 4_000;
/** Transactions under way on PostgreSQL; the embedded database has one session, which more writers only keep from readers. */
const lanesMax = 3;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** An import under way. */
interface Run {
  readonly deps: ImportDeps;
  readonly request: ImportRequest;
  readonly summary: Mutable<CandleImportSummary> & {
    quarantined: Partial<Record<QuarantineReason, number>>;
    ambiguousSymbols: CandleImportSummary['ambiguousSymbols'][number][];
    failedFiles: CandleImportSummary['failedFiles'][number][];
  };
  /** The token of each coin met so far; null where there is none. */
  readonly tokens: Map<string, number | null>;
  /** Tokens of every market met, changed or not, so that a run after a killed one settles them too. */
  readonly touched: Set<number>;
  /** Names known to be those of imports. */
  readonly sources: Set<string>;
}

/** One file under way; its markets by symbol, null where the rows of one are left out. */
interface OpenFile {
  readonly path: string;
  readonly sourceName: string;
  readonly markets: Map<string, Market | null>;
}

interface Market {
  readonly series: Series;
  readonly validators: Map<CandleInterval, CandleValidator>;
}

/** Rows of one file that wait to be stored. */
interface Waiting {
  readonly file: OpenFile;
  readonly rows: readonly FileRow[];
}

/** Imports candle files. Throws BAD_USER_INPUT where a path does not exist or holds no file. */
export async function importCandles(deps: ImportDeps, request: ImportRequest): Promise<CandleImportSummary> {
  const files = await listCsvFiles(request.paths);
  const startedAt = deps.clock.now();
  const summary = emptySummary(files.length);
  const run: Run = { deps, request, summary, tokens: new Map(), touched: new Set(), sources: new Set() };
  const lanes = createLanes(deps.db.mode === 'POSTGRES' ? lanesMax : 1);
  try {
    for await (const waiting of readAhead(readFiles(run, files))) {
      const batch = await prepare(run, waiting);
      await lanes.start(batch.seriesIds, () => recordBatch(run, batch));
    }
  } finally {
    await lanes.finish();
  }
  await settleTokens(deps, run.touched);
  summary.unknownSymbols = [...run.tokens].filter(([, tokenId]) => tokenId === null).map(([symbol]) => symbol);
  summary.rowsPerSecond = Math.round((summary.rowsRead * 1000) / Math.max(1, deps.clock.now() - startedAt));
  return summary;
}

function emptySummary(files: number): Run['summary'] {
  const counts = { rowsRead: 0, inserted: 0, changed: 0, unchanged: 0, folded: 0, shadowed: 0, rowsPerSecond: 0 };
  return { files, ...counts, quarantined: {}, unknownSymbols: [], ambiguousSymbols: [], failedFiles: [] };
}

/** The rows of all files, some thousands at a time; a file that breaks is reported and ends early. */
async function* readFiles(run: Run, files: readonly string[]): AsyncGenerator<Waiting[]> {
  const { deps, request, summary } = run;
  let waiting: Waiting[] = [];
  for (const [index, path] of files.entries()) {
    const file: OpenFile = { path, sourceName: request.sourceName ?? sourceNameOf(path), markets: new Map() };
    try {
      if (!run.sources.has(file.sourceName)) await upsertSource(deps.db, file.sourceName, 'IMPORT');
      run.sources.add(file.sourceName);
      for await (const rows of readCandleFile(path, batchRows)) {
        waiting.push({ file, rows });
        summary.rowsRead += rows.length;
        deps.onProgress?.({ file: path, fileNumber: index + 1, fileCount: files.length, rowsRead: summary.rowsRead });
        if (waiting.reduce((sum, one) => sum + one.rows.length, 0) < batchRows) continue;
        yield waiting;
        waiting = [];
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'BAD_USER_INPUT') throw error;
      summary.failedFiles.push({ file: path, message: error.message });
    }
  }
  if (waiting.length > 0) yield waiting;
}

/** Checked rows that are stored in one transaction; small files share one. */
interface Batch {
  readonly seriesIds: readonly number[];
  readonly candles: readonly NewCandle[];
  readonly refused: readonly NewQuarantined[];
  /** When they were checked, epoch ms: as of then they are known. */
  readonly nowMs: number;
}

/** Opens the markets that are new and parts good rows from bad; in the order of the files, for the checks remember. */
async function prepare(run: Run, waiting: readonly Waiting[]): Promise<Batch> {
  const { db, clock } = run.deps;
  const opening = await findNewMarkets(run, waiting);
  if (opening.length > 0) await db.transaction((tx) => openMarkets(tx, run, opening));
  const nowMs = clock.now();
  const parts = waiting.map(({ file, rows }) => sortRows(file, rows, nowMs));
  const refused = parts.flatMap((part) => part.refused);
  const candles = parts.flatMap((part) => part.candles);
  return { seriesIds: [...new Set(candles.map(({ seriesId }) => seriesId))], candles, refused, nowMs };
}

async function recordBatch({ deps, summary }: Run, { seriesIds, candles, refused, nowMs }: Batch): Promise<void> {
  for (const { reason } of refused) summary.quarantined[reason] = (summary.quarantined[reason] ?? 0) + 1;
  await deps.db.transaction(async (tx) => {
    await recordQuarantine(tx, refused, nowMs);
    if (candles.length === 0) return;
    const recorded = await recordCandles(tx, candles, nowMs);
    summary.inserted += recorded.inserted;
    summary.changed += recorded.changed;
    summary.unchanged += recorded.unchanged;
    summary.shadowed += recorded.shadowed;
    if (recorded.inserted + recorded.changed === 0) return;
    const folds = await recordFolds(tx, spansOf(candles), nowMs, nowMs);
    summary.folded += folds.inserted + folds.changed;
    await appendEvents(tx, [{ topic: 'prices', payload: { seriesIds, tokenIds: [] } }], nowMs);
  });
}

/** A market met for the first time in a file, and the token it belongs to. */
interface NewMarket {
  readonly file: OpenFile;
  readonly market: MarketSymbol;
  readonly tokenId: number;
}

/** Markets that are left out (no such coin, not priced in dollars) are marked as such, with the reason in the summary. */
async function findNewMarkets(run: Run, waiting: readonly Waiting[]): Promise<NewMarket[]> {
  const met: { file: OpenFile; market: MarketSymbol }[] = [];
  for (const { file, rows } of waiting) {
    for (const row of rows) {
      if (row.kind === 'bad' || file.markets.has(row.candle.symbol)) continue;
      file.markets.set(row.candle.symbol, null);
      const market = parseMarketSymbol(row.candle.symbol);
      if (market !== null && isDollar(market.quote)) met.push({ file, market });
      else {
        const message = `${row.candle.symbol} is not priced in US dollars or a dollar stablecoin.`;
        run.summary.failedFiles.push({ file: file.path, message });
      }
    }
  }
  await findTokens(run, [...new Set(met.map(({ market }) => market.baseToken))]);
  return met.flatMap(({ file, market }) => {
    const tokenId = run.tokens.get(market.baseToken) ?? null;
    return tokenId === null ? [] : [{ file, market, tokenId }];
  });
}

async function findTokens({ deps, request, summary, tokens }: Run, symbols: readonly string[]): Promise<void> {
  const unknown = symbols.filter((symbol) => !tokens.has(symbol));
  if (unknown.length === 0) return;
  const resolved = await resolveSymbols(deps, unknown);
  for (const symbol of unknown) {
    const found = resolved.get(symbol);
    const token = found?.token ?? (request.createMissing ? await createToken(deps, { symbol }) : null);
    tokens.set(symbol, token?.id ?? null);
    if (found === undefined || found.others.length === 0) continue;
    summary.ambiguousSymbols.push({ symbol, slug: found.token.slug, others: found.others.map(({ slug }) => slug) });
  }
}

async function openMarkets(tx: Sql, { touched }: Run, opening: readonly NewMarket[]): Promise<void> {
  const stored = await upsertAllSeries(
    tx,
    opening.map(({ file, market, tokenId }) => ({
      tokenId,
      sourceName: file.sourceName,
      sourceKind: 'IMPORT' as const,
      marketSymbol: market.symbol,
      marketType: market.marketType,
      quoteSymbol: market.quote,
      unitExponent: market.unitMultiplierLog10,
    })),
  );
  for (const [index, series] of stored.entries()) {
    opening[index]?.file.markets.set(series.marketSymbol, { series, validators: new Map() });
    touched.add(series.tokenId);
  }
}

/** Parts the good rows from the bad; rows of markets that are left out are neither. */
function sortRows(
  file: OpenFile,
  rows: readonly FileRow[],
  nowMs: number,
): { candles: NewCandle[]; refused: NewQuarantined[] } {
  const candles: NewCandle[] = [];
  const refused: NewQuarantined[] = [];
  for (const row of rows) {
    const place = { sourceName: file.sourceName, location: `${file.path}:${row.line}` };
    if (row.kind === 'bad') {
      const marketSymbol = row.raw.split(',')[0] ?? '';
      refused.push({ ...place, marketSymbol, reason: 'UNPARSEABLE', detail: row.reason, raw: row.raw });
      continue;
    }
    const { candle } = row;
    const market = file.markets.get(candle.symbol);
    if (market == null) continue;
    const fault = validatorOf(market, candle.interval, nowMs).check(candle);
    if (fault === null) candles.push(toCandle(market.series, candle));
    else refused.push({ ...place, marketSymbol: candle.symbol, ...fault, raw: toRow(candle) });
  }
  return { candles, refused };
}

function validatorOf({ validators }: Market, interval: CandleInterval, nowMs: number): CandleValidator {
  let validator = validators.get(interval);
  if (validator === undefined) validators.set(interval, (validator = createCandleValidator(interval, nowMs)));
  return validator;
}

/** Written out field by field: spreading half a million rows costs more than reading them. */
function toCandle({ id, unitExponent }: Series, candle: SourceCandle): NewCandle {
  const perCoin = candlePerCoin(candle, unitExponent);
  return {
    seriesId: id,
    interval: candle.interval,
    openTime: candle.openTime,
    open: perCoin.open,
    high: perCoin.high,
    low: perCoin.low,
    close: perCoin.close,
    volumeBase: perCoin.volumeBase,
    volumeQuote: candle.volumeQuote,
    marketCapUsd: candle.marketCapUsd,
    supply: candle.supply,
    isFinal: true,
    isNative: true,
  };
}

function toRow(candle: SourceCandle): string {
  const { symbol, interval, openTime, open, high, low, close, volumeBase, volumeQuote, marketCapUsd, supply } = candle;
  const time = new Date(openTime).toISOString();
  return [
    symbol,
    shortInterval(interval),
    time,
    open,
    high,
    low,
    close,
    volumeBase,
    volumeQuote,
    marketCapUsd,
    supply,
  ].join(',');
}
