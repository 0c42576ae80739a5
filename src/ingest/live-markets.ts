import type { Db } from '../db/client.ts';
import type { Log } from '../lib/log.ts';
import { isDollar } from '../prices/per-coin.ts';
import { upsertAllSeries } from '../prices/series-store.ts';
import type { Feed } from '../sources/exchange.ts';
import { type MarketSymbol, parseMarketSymbol } from '../sources/market-symbol.ts';
import { resolveSymbols } from '../tokens/registry.ts';
import { findRealTokens } from './live-store.ts';

/** A market of a feed whose candles are written. */
export interface LiveMarket {
  readonly symbol: string;
  readonly seriesId: number;
  readonly tokenId: number;
  /** The source trades ten to this power coins as one. */
  readonly unitExponent: number;
}

/** A market and the token that it prices. */
export interface KnownMarket {
  readonly market: MarketSymbol;
  readonly tokenId: number;
}

/**
 * The series of a feed's markets, made where they are new. Left out, and logged: what is not priced in dollars, what no
 * token is known for, and simulated markets of tokens that have real candles. Throws BAD_USER_INPUT where the feed's
 * name belongs to a source of another kind.
 */
export async function openMarkets(
  { db, log }: { readonly db: Db; readonly log?: Pick<Log, 'info'> | undefined },
  feed: Pick<Feed, 'name' | 'kind' | 'markets'>,
): Promise<LiveMarket[]> {
  const known = await listKnown(db, feed);
  const stored = await db.transaction((tx) =>
    upsertAllSeries(
      tx,
      known.map(({ market, tokenId }) => ({
        tokenId,
        sourceName: feed.name,
        sourceKind: feed.kind,
        marketSymbol: market.symbol,
        marketType: market.marketType,
        quoteSymbol: market.quote,
        unitExponent: market.unitMultiplierLog10,
      })),
    ),
  );
  const opened = new Set(stored.map(({ marketSymbol }) => marketSymbol));
  const leftOut = feed.markets.filter(({ symbol }) => !opened.has(symbol)).map(({ symbol }) => symbol);
  if (leftOut.length > 0) log?.info({ feed: feed.name, leftOut }, 'some markets of the feed are left out');
  return stored.map(({ id, marketSymbol, tokenId, unitExponent }) => ({
    symbol: marketSymbol,
    seriesId: id,
    tokenId,
    unitExponent,
  }));
}

/** The markets of a feed that are taken: priced in dollars, of a token that is known; see {@link openMarkets}. */
export async function listKnown(db: Db, feed: Pick<Feed, 'kind' | 'markets'>): Promise<KnownMarket[]> {
  const parsed = feed.markets.flatMap(({ symbol }) => parseMarketSymbol(symbol) ?? []);
  const priced = parsed.filter(({ quote }) => isDollar(quote));
  const symbols = [...new Set(priced.map(({ baseToken }) => baseToken))];
  const tokens = await resolveSymbols({ db }, symbols);
  const known = priced.flatMap((market) => {
    const token = tokens.get(market.baseToken)?.token;
    return token === undefined ? [] : [{ market, tokenId: token.id }];
  });
  if (feed.kind !== 'SIMULATED') return known;
  const real = await findRealTokens(
    db,
    known.map(({ tokenId }) => tokenId),
  );
  return known.filter(({ tokenId }) => !real.has(tokenId));
}
