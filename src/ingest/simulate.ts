import type { Db } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { bucketClose, bucketOpen, type CandleInterval, dayMs, hourMs } from '../lib/interval.ts';
import type { NewCandle } from '../prices/candle.ts';
import { refreshQuotes } from '../prices/quote-store.ts';
import { refreshDefaults, upsertSeries } from '../prices/series-store.ts';
import { recordCandles, recordFolds, spansOf } from '../prices/store.ts';
import { findTokensWithSeries, listLastCandles } from '../prices/universe-store.ts';
import type { SourceMarket } from '../sources/exchange.ts';
import type { SimulatedHistory } from '../sources/simulated-feed.ts';
import { resolveSymbols } from '../tokens/registry.ts';

/**
 * The past of the simulated market, written once at the first start: days for a year and more, hours for two weeks,
 * minutes for the last hours, so that charts and grades have something to show. Tokens that have real candles are left
 * out. A market whose history is there already is left as it is.
 */

/** The name of the simulator's source: on every number that comes from it. */
export const simulatedSource = 'simulated';

/** How far back each interval reaches, in ms, coarsest first; grades need 90 days. */
const depths: readonly {
  readonly interval: CandleInterval;
  readonly depthMs: number;
  readonly alignment: CandleInterval;
}[] = [
  { interval: 'ONE_DAY', depthMs: 400 * dayMs, alignment: 'ONE_DAY' },
  { interval: 'ONE_HOUR', depthMs: 14 * dayMs, alignment: 'ONE_DAY' },
  { interval: 'ONE_MINUTE', depthMs: 3 * hourMs, alignment: 'ONE_HOUR' },
];

/** Markets that are written in one transaction. */
const marketsPerBatch = 10;

/** Writes the history of the simulator's markets that have none; returns how many candles were written. */
export async function fillSimulatedHistory(
  deps: { readonly db: Db; readonly clock: Clock },
  simulator: SimulatedHistory,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<number> {
  const missing = await listMissing(deps.db, simulator.markets);
  let count = 0;
  for (let from = 0; from < missing.length; from += marketsPerBatch) {
    count += await fillMarkets(deps, simulator, missing.slice(from, from + marketsPerBatch));
    onProgress(Math.min(from + marketsPerBatch, missing.length), missing.length);
  }
  return count;
}

interface MarketToken {
  readonly market: SourceMarket;
  readonly tokenId: number;
}

/** The markets whose token is known and has no candles from anywhere. */
async function listMissing(db: Db, markets: readonly SourceMarket[]): Promise<MarketToken[]> {
  const resolved = await resolveSymbols(
    { db },
    markets.map(({ base }) => base),
  );
  const known = markets.flatMap((market) => {
    const token = resolved.get(market.base)?.token;
    return token ? [{ market, tokenId: token.id }] : [];
  });
  const withSeries = await findTokensWithSeries(
    db,
    known.map(({ tokenId }) => tokenId),
  );
  return known.filter(({ tokenId }) => !withSeries.has(tokenId));
}

async function fillMarkets(
  { db, clock }: { db: Db; clock: Clock },
  simulator: SimulatedHistory,
  markets: readonly MarketToken[],
): Promise<number> {
  const nowMs = clock.now();
  return db.transaction(async (tx) => {
    const candles: NewCandle[] = [];
    for (const { market, tokenId } of markets) {
      const series = await upsertSeries(tx, {
        tokenId,
        sourceName: simulatedSource,
        sourceKind: 'SIMULATED',
        marketSymbol: market.symbol,
        marketType: market.marketType,
        quoteSymbol: market.quote,
        unitExponent: 0,
      });
      candles.push(...historyOf(simulator, market.symbol, series.id, nowMs));
    }
    const written = await recordCandles(tx, candles, nowMs);
    await recordFolds(tx, spansOf(candles), nowMs, nowMs);
    const tokenIds = markets.map(({ tokenId }) => tokenId);
    await refreshDefaults(tx, tokenIds);
    await refreshQuotes(tx, tokenIds, nowMs);
    return written.inserted;
  });
}

/** Each interval covers what the finer ones do not: a candle of a simulated series is given once. */
function historyOf(simulator: SimulatedHistory, symbol: string, seriesId: number, nowMs: number): NewCandle[] {
  return depths.flatMap(({ interval, depthMs, alignment }, index) => {
    const finer = depths[index + 1];
    const from = bucketOpen(alignment, nowMs - depthMs);
    const to = finer ? bucketOpen(finer.alignment, nowMs - finer.depthMs) : nowMs;
    return simulator.history(symbol, interval, from, to).map(({ symbol: _, ...candle }) => ({
      ...candle,
      seriesId,
      isNative: true,
      isFinal: bucketClose(interval, candle.openTime) <= nowMs,
    }));
  });
}

/** Where the simulator goes on after a restart: the last stored minute of each market. */
export async function listResumePoints(db: Db): Promise<ReadonlyMap<string, { openTime: number; close: string }>> {
  const rows = await listLastCandles(db, simulatedSource, 'ONE_MINUTE');
  return new Map(rows.map(({ marketSymbol, openTime, close }) => [marketSymbol, { openTime, close }]));
}
