import type { Db } from '../../src/db/client.ts';
import { type CandleInterval, intervalMs } from '../../src/lib/interval.ts';
import type { NewCandle } from '../../src/prices/candle.ts';
import { type NewSeries, type Series, upsertSeries } from '../../src/prices/series-store.ts';
import { type RecordSummary, recordCandles, recordFolds, spansOf } from '../../src/prices/store.ts';

/** Rows for tests of prices: a token, its series, candles and their folds, written as an importer would. */

let made = 0;

/** A token of its own; its id. */
export async function seedToken(
  db: Db,
  facts: { circulatingSupply?: string; maxSupply?: string } = {},
): Promise<number> {
  made += 1;
  const token = await db.prisma.token.create({
    data: { slug: `token-${made}`, symbol: `T${made}`, name: `Token ${made}`, ...facts },
  });
  return token.id;
}

/** A series of a token; by default the spot market of an import of its own. */
export function seedSeries(db: Db, tokenId: number, facts: Partial<NewSeries> = {}): Promise<Series> {
  made += 1;
  return db.transaction((tx) =>
    upsertSeries(tx, {
      tokenId,
      sourceName: `source-${made}`,
      sourceKind: 'IMPORT',
      marketSymbol: `T${tokenId}/USDT`,
      marketType: 'SPOT',
      quoteSymbol: 'USDT',
      unitExponent: 0,
      ...facts,
    }),
  );
}

/** A closed candle of one price; `facts` overrides. */
export function candleOf(
  seriesId: number,
  interval: CandleInterval,
  openTime: number,
  price: string,
  facts: Partial<NewCandle> = {},
): NewCandle {
  const prices = { open: price, high: price, low: price, close: price };
  const unknown = { volumeBase: null, volumeQuote: null, marketCapUsd: null, supply: null };
  return { seriesId, interval, openTime, ...prices, ...unknown, isFinal: true, isNative: true, ...facts };
}

/** Candles of these prices in a row; null leaves a gap. */
export function candlesOf(
  seriesId: number,
  interval: CandleInterval,
  firstOpen: number,
  prices: readonly (string | null)[],
): NewCandle[] {
  return prices.flatMap((price, index) =>
    price === null ? [] : [candleOf(seriesId, interval, firstOpen + index * intervalMs(interval), price)],
  );
}

/** Records candles and folds them, in one transaction. */
export function store(db: Db, candles: readonly NewCandle[], learnedAt: number): Promise<RecordSummary> {
  return db.transaction(async (tx) => {
    const summary = await recordCandles(tx, candles, learnedAt);
    await recordFolds(tx, spansOf(candles), learnedAt, learnedAt);
    return summary;
  });
}

/** A stored candle with all its columns. */
export interface StoredRow {
  interval: CandleInterval;
  openTime: number;
  open: string;
  high: string;
  low: string;
  close: string;
  volumeBase: string | null;
  volumeQuote: string | null;
  marketCapUsd: string | null;
  supply: string | null;
  isFinal: boolean;
  isNative: boolean;
  revision: number;
  learnedAt: number;
}

/** Every candle of a series, finest interval first, oldest first. */
export function storedCandles(db: Db, seriesId: number): Promise<StoredRow[]> {
  return db.query<StoredRow>(
    `SELECT interval, open_time AS "openTime", open, high, low, close, volume_base AS "volumeBase", volume_quote AS "volumeQuote",
       market_cap_usd AS "marketCapUsd", supply, is_final AS "isFinal", is_native AS "isNative", revision, learned_at AS "learnedAt"
     FROM candle WHERE series_id = $1 ORDER BY interval, open_time`,
    [seriesId],
  );
}
