/**
 * History from an exchange: candles page by page, checked, stored and folded, market after market.
 *
 * Invariants: a page, its folds, its quarantine, its event and how far it reaches are one transaction; so a backfill
 * that is killed goes on after the last whole page, and one that is done asks only for what has closed since.
 * - Late: pages may reach into what is stored; the same values write nothing.
 * - Wrong: bad candles go to the quarantine. A market that fails in the end is reported; the others go on.
 */
import type { Db } from '../db/client.ts';
import { appendEvents } from '../events/store.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { bucketClose, bucketOpen, type CandleInterval, intervalMs, shortInterval } from '../lib/interval.ts';
import { isPassing, retrying } from '../lib/retry.ts';
import { candlePerCoin } from '../prices/per-coin.ts';
import { type NewQuarantined, recordQuarantine } from '../prices/quarantine-store.ts';
import { addSummaries, type RecordSummary, recordCandles, recordFolds, spansOf } from '../prices/store.ts';
import { createCandleValidator } from '../prices/validate.ts';
import type { Venue } from '../sources/ccxt.ts';
import type { SourceCandle, SourceMarket } from '../sources/exchange.ts';
import { parseMarketSymbol } from '../sources/market-symbol.ts';
import { type Covered, listCovered, recordCovered } from './backfill-store.ts';
import { type LiveMarket, openMarkets } from './live-markets.ts';
import { settleTokens } from './settle-tokens.ts';

/** What a backfill needs. */
export interface BackfillDeps {
  readonly db: Db;
  readonly clock: Clock;
  readonly venue: Pick<Venue, 'id' | 'markets' | 'clockSkewMs' | 'hasCandles' | 'fetchCandles'>;
  /** Told after every page: markets done of how many, candles so far, and the market and time it is at. */
  onProgress?(progress: BackfillProgress): void;
}

/** How far a backfill is. */
export interface BackfillProgress {
  readonly done: number;
  readonly marketCount: number;
  readonly candles: number;
  readonly symbol: string;
  /** Epoch ms. */
  readonly timeMs: number;
}

/** What to bring in. */
export interface BackfillRequest {
  readonly interval: CandleInterval;
  /** Epoch ms; the candle that holds it is the first. */
  readonly sinceMs: number;
  /** Markets (`BTC/USDT`) or coins (`BTC`); null for every market in dollars whose coin is a token. */
  readonly symbols: readonly string[] | null;
  /** Ends the backfill after the page under way. */
  readonly signal: AbortSignal;
}

/** What a backfill did, in candles unless said otherwise. */
export interface BackfillSummary extends RecordSummary {
  readonly markets: number;
  readonly pages: number;
  /** Coarser candles made or changed by folding. */
  readonly folded: number;
  readonly quarantined: number;
  /** Markets whose history begins later than was asked for, because the exchange tells no more. */
  readonly startsLater: readonly { readonly symbol: string; readonly fromMs: number }[];
  readonly failed: readonly { readonly symbol: string; readonly message: string }[];
}

/** Candles asked for at once; an exchange that gives fewer is asked more often. */
const pageMax = 1_000;
/** A request that fails for a passing reason is tried so often. */
const triesMax = 6;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Run {
  readonly deps: BackfillDeps;
  readonly request: BackfillRequest;
  readonly summary: Mutable<BackfillSummary> & {
    readonly startsLater: BackfillSummary['startsLater'][number][];
    readonly failed: BackfillSummary['failed'][number][];
  };
  done: number;
}

/** Brings history in. Throws BAD_USER_INPUT where the exchange has no such interval, or no such market in dollars. */
export async function backfill(deps: BackfillDeps, request: BackfillRequest): Promise<BackfillSummary> {
  const { db, venue } = deps;
  const { interval, symbols } = request;
  if (!venue.hasCandles(interval))
    throw new AppError('BAD_USER_INPUT', `${venue.id} has no candles of ${shortInterval(interval)}.`);
  const wanted = symbols === null ? venue.markets : venue.markets.filter((market) => isWanted(market, symbols));
  const markets = await openMarkets(deps, { name: venue.id, kind: 'EXCHANGE', markets: wanted });
  if (markets.length === 0) {
    const what = symbols === null ? 'markets' : symbols.join(', ');
    throw new AppError('BAD_USER_INPUT', `${venue.id} trades no ${what} in dollars whose coin is a known token.`);
  }
  const seriesIds = markets.map(({ seriesId }) => seriesId);
  const covered = await listCovered(db, seriesIds, interval);
  const run: Run = { deps, request, summary: emptySummary(markets.length), done: 0 };
  for (const market of markets) {
    if (request.signal.aborted) break;
    await fillMarket(run, market, covered.get(market.seriesId) ?? null);
    run.done += 1;
  }
  await settleTokens(
    deps,
    markets.map(({ tokenId }) => tokenId),
  );
  return run.summary;
}

function emptySummary(markets: number): Run['summary'] {
  const counts = { inserted: 0, changed: 0, unchanged: 0, shadowed: 0, folded: 0, quarantined: 0, pages: 0 };
  return { markets, ...counts, startsLater: [], failed: [] };
}

function isWanted({ symbol, base }: SourceMarket, symbols: readonly string[]): boolean {
  const names = [symbol, base, parseMarketSymbol(symbol)?.baseToken];
  return symbols.some((name) => names.includes(name));
}

async function fillMarket(run: Run, market: LiveMarket, covered: Covered | null): Promise<void> {
  const { request, summary } = run;
  const { interval, signal } = request;
  const sinceMs = bucketOpen(interval, request.sinceMs);
  const isContinued = covered !== null && covered.fromMs <= sinceMs && covered.toMs > sinceMs;
  const fromMs = isContinued ? covered.fromMs : sinceMs;
  const nowMs = run.deps.clock.now() + run.deps.venue.clockSkewMs;
  const validator = createCandleValidator(interval, nowMs);
  let atMs = isContinued ? covered.toMs : sinceMs;
  let isBegun = false;
  try {
    while (atMs + intervalMs(interval) <= nowMs && !signal.aborted) {
      const rows = await fetchPage(run, market.symbol, atMs);
      const closed = rows.filter(({ openTime }) => openTime >= atMs && bucketClose(interval, openTime) <= nowMs);
      if (!isContinued && !isBegun) noteStart(run, market.symbol, sinceMs, closed);
      isBegun ||= closed.length > 0;
      // Without an answer the market may be younger: the next page is as long as this one was asked to be.
      const last = closed.at(-1)?.openTime ?? atMs + (pageMax - 1) * intervalMs(interval);
      const toMs = Math.min(bucketClose(interval, last), bucketOpen(interval, nowMs));
      await recordPage(run, market, validator, closed, { fromMs, toMs });
      atMs = toMs;
      const candles = summary.inserted + summary.changed + summary.unchanged;
      run.deps.onProgress?.({
        done: run.done,
        marketCount: summary.markets,
        candles,
        symbol: market.symbol,
        timeMs: atMs,
      });
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    summary.failed.push({ symbol: market.symbol, message: messageOf(error) });
  }
}

/** A page, tried again while that may help. */
async function fetchPage({ deps, request }: Run, symbol: string, atMs: number): Promise<SourceCandle[]> {
  let tries = 0;
  const page = await retrying(
    deps.clock,
    request.signal,
    () => deps.venue.fetchCandles(symbol, request.interval, atMs, pageMax),
    (error) => isPassing(error) && ++tries < triesMax,
  );
  return page ?? [];
}

function noteStart({ request, summary }: Run, symbol: string, sinceMs: number, rows: readonly SourceCandle[]): void {
  const [first] = rows;
  if (first !== undefined && first.openTime - sinceMs >= intervalMs(request.interval))
    summary.startsLater.push({ symbol, fromMs: first.openTime });
}

async function recordPage(
  { deps, request, summary }: Run,
  { symbol, seriesId, unitExponent }: LiveMarket,
  validator: ReturnType<typeof createCandleValidator>,
  rows: readonly SourceCandle[],
  covered: Covered,
): Promise<void> {
  const { db, clock, venue } = deps;
  const refused: NewQuarantined[] = [];
  const candles = rows.flatMap((row) => {
    const { symbol: _, ...candle } = row;
    const fault = validator.check(candle);
    if (fault === null) return [{ ...candlePerCoin(candle, unitExponent), seriesId, isFinal: true, isNative: true }];
    refused.push({
      sourceName: venue.id,
      marketSymbol: symbol,
      ...fault,
      raw: JSON.stringify(row),
      location: 'backfill',
    });
    return [];
  });
  const nowMs = clock.now();
  await db.transaction(async (tx) => {
    await recordQuarantine(tx, refused, nowMs);
    const written = await recordCandles(tx, candles, nowMs);
    const folded = await recordFolds(tx, spansOf(candles), nowMs, nowMs);
    await recordCovered(tx, seriesId, request.interval, covered);
    Object.assign(summary, addSummaries(summary, written));
    summary.folded += folded.inserted + folded.changed;
    if (written.inserted + written.changed === 0) return;
    await appendEvents(tx, [{ topic: 'prices', payload: { seriesIds: [seriesId], tokenIds: [] } }], nowMs);
  });
  summary.quarantined += refused.length;
  summary.pages += 1;
}
