/**
 * An exchange through ccxt, in our own words: its markets, its candles and trades over REST, and a stream of trades.
 * Every number is the exchange's own text. Any exchange id of ccxt; requests keep to the exchange's rate limit.
 *
 * - Late, doubled: told as the exchange tells it; the reader sorts it out.
 * - Wrong: what lacks a time or a price is left out. A failed request throws SERVICE_UNAVAILABLE where trying again may
 *   help, BAD_USER_INPUT where not.
 */
import { type DecimalText, parseDecimal } from '../lib/decimal.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { type CandleInterval, shortInterval } from '../lib/interval.ts';
import {
  type CcxtExchange,
  type CcxtMarket,
  type CcxtTrade,
  createCcxtClient,
  type ExchangeAddresses,
  makeExact,
} from './ccxt-client.ts';
import type { SourceCandle, SourceMarket } from './exchange.ts';

/** One trade of a market. */
export interface VenueTrade {
  /** The exchange's own id; null where it gives none. */
  readonly id: string | null;
  readonly symbol: string;
  /** Epoch ms, by the exchange's clock. */
  readonly timeMs: number;
  readonly price: DecimalText;
  readonly volumeBase: DecimalText;
  readonly volumeQuote: DecimalText;
}

/** How prices of a venue come while they happen; NONE: its candles once they have closed are all there is. */
export type VenueChannel = 'TRADES' | 'TICKERS' | 'NONE';

/** An exchange. */
export interface Venue {
  readonly id: string;
  /** What {@link Venue.watch} brings; not to be called where that is nothing. */
  readonly channel: VenueChannel;
  /** Spot markets and linear perpetuals of one coin a contract that trade now, as listed when the venue was opened. */
  readonly markets: readonly SourceMarket[];
  /** The exchange's clock minus ours when the venue was opened, in ms; 0 where it does not tell. */
  readonly clockSkewMs: number;
  /** Whether the exchange has candles of this interval. */
  hasCandles(interval: CandleInterval): boolean;
  /**
   * The candles that open at or after `sinceMs`, oldest first, the one under way included; how many is the exchange's
   * choice, at most `takeMax`. Empty where it has none.
   */
  fetchCandles(symbol: string, interval: CandleInterval, sinceMs: number, takeMax: number): Promise<SourceCandle[]>;
  /** Trades at or after `sinceMs`, oldest first, as many as the exchange gives at once. */
  fetchTrades(symbol: string, sinceMs: number): Promise<VenueTrade[]>;
  /** Volume of the last 24 hours in the quote currency by symbol, of the markets that the exchange tells at once. */
  fetchVolumes(symbols: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Waits for news of the markets; rejects when the connection breaks. Connects and subscribes at the first call. */
  watch(symbols: readonly string[]): Promise<void>;
  /** What has come of these markets since the last call, oldest first. */
  drain(symbols: readonly string[]): VenueTrade[];
  /** Drops the connections as they are: every `watch` rejects. */
  disconnect(): void;
  close(): Promise<void>;
}

/** How a venue is opened. */
export interface VenueOptions extends ExchangeAddresses {
  nowMs(): number;
  /** Told of every message of a connection. */
  onMessage?(): void;
}

/** Opens an exchange and lists its markets. Throws BAD_USER_INPUT for an unknown id, SERVICE_UNAVAILABLE out of reach. */
export async function openVenue(id: string, options: VenueOptions): Promise<Venue> {
  const exchange = await createCcxtClient(id, options);
  const listed = await asked(exchange, () => exchange.loadMarkets());
  const markets = new Map(
    Object.values(listed)
      .filter(isTraded)
      .map((market) => [market.symbol, market]),
  );
  const clockSkewMs = exchange.has['fetchTime']
    ? (await asked(exchange, () => exchange.fetchTime())) - options.nowMs()
    : 0;
  makeExact(exchange, () => options.onMessage?.());
  exchange.streaming = { ...exchange.streaming, keepAlive: keepAliveMs };
  const channel = channelOf(exchange);
  return {
    id,
    channel,
    clockSkewMs: Math.round(clockSkewMs),
    markets: [...markets.values()].map(marketOf),
    hasCandles: (interval) =>
      Boolean(exchange.has['fetchOHLCV']) && shortInterval(interval) in (exchange.timeframes ?? {}),
    async fetchCandles(symbol, interval, sinceMs, takeMax) {
      const rows = await asked(exchange, () => exchange.fetchOHLCV(symbol, shortInterval(interval), sinceMs, takeMax));
      return rows.flatMap(([openTime, open, high, low, close, volumeBase, volumeQuote = null]) =>
        [open, high, low, close].some((price) => price === undefined)
          ? []
          : [{ symbol, interval, openTime, open, high, low, close, volumeBase, volumeQuote, ...unknownSupply }],
      );
    },
    async fetchTrades(symbol, sinceMs) {
      const trades = await asked(exchange, () => exchange.fetchTrades(symbol, sinceMs, tradesMax));
      return trades.flatMap((trade) => tradeOf(trade) ?? []);
    },
    fetchVolumes: (symbols) => fetchVolumes(exchange, markets, symbols),
    watch: (symbols) => asked(exchange, () => watch(exchange, channel, symbols)),
    drain: (symbols) => (channel === 'TRADES' ? drainTrades(exchange, symbols) : drainTickers(exchange, symbols)),
    disconnect() {
      for (const { connection } of Object.values(exchange.clients ?? {})) connection?.terminate();
    },
    close: () => exchange.close(),
  };
}

/** A connection is asked this often whether it is alive; two answers missing end it. */
const keepAliveMs = 10_000;
/** Trades asked for at once; exchanges give up to this many. */
const tradesMax = 1_000;

/** More markets than that do not fit into an address: all are asked for. */
const tickersMax = 100;

const unknownSupply = { marketCapUsd: null, supply: null };

/** Contracts of more than one coin are left out: exchanges count their volumes in different ways. */
function isTraded({ active, spot, swap, linear, contractSize }: CcxtMarket): boolean {
  if (active === false) return false;
  return spot === true || (swap === true && linear === true && Number(contractSize ?? 1) === 1);
}

function marketOf({ symbol, base, quote, spot }: CcxtMarket): SourceMarket {
  return { symbol, base, quote, marketType: spot === true ? 'SPOT' : 'PERPETUAL' };
}

/** Errors of ccxt that say that the request is wrong; any other may pass. */
const lastingErrors = /^(BadSymbol|BadRequest|NotSupported|AuthenticationError|PermissionDenied|ArgumentsRequired)$/;

/** Runs a request; its failure becomes one sentence. */
async function asked<T>({ id }: Pick<CcxtExchange, 'id'>, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const name = error instanceof Error ? error.constructor.name : '';
    const code = lastingErrors.test(name) ? 'BAD_USER_INPUT' : 'SERVICE_UNAVAILABLE';
    throw new AppError(code, `${id} does not answer as expected: ${messageOf(error).slice(0, 200)}`, { cause: error });
  }
}

async function fetchVolumes(
  exchange: CcxtExchange,
  markets: ReadonlyMap<string, CcxtMarket>,
  symbols: readonly string[],
): Promise<Map<string, number>> {
  const volumes = new Map<string, number>();
  if (!exchange.has['fetchTickers']) return volumes;
  for (const isSpot of [true, false]) {
    const some = symbols.filter((symbol) => (markets.get(symbol)?.spot === true) === isSpot);
    if (some.length === 0) continue;
    const asksFor = some.length <= tickersMax ? some : undefined;
    const tickers = await asked(exchange, () => exchange.fetchTickers(asksFor, isSpot ? {} : { type: 'swap' }));
    for (const { symbol, quoteVolume } of Object.values(tickers)) {
      if (symbol !== undefined) volumes.set(symbol, Number(quoteVolume ?? 0));
    }
  }
  return volumes;
}

function channelOf({ has }: CcxtExchange): VenueChannel {
  if (has['watchTrades'] || has['watchTradesForSymbols']) return 'TRADES';
  return has['watchTickers'] ? 'TICKERS' : 'NONE';
}

async function watch(exchange: CcxtExchange, channel: VenueChannel, symbols: readonly string[]): Promise<void> {
  if (channel === 'TICKERS') await exchange.watchTickers(symbols);
  else if (exchange.has['watchTradesForSymbols']) await exchange.watchTradesForSymbols(symbols);
  else await Promise.race(symbols.map((symbol) => exchange.watchTrades(symbol)));
}

/** From ccxt's own store: what its promises give leaves out what came between two of them. */
function drainTrades({ trades }: CcxtExchange, symbols: readonly string[]): VenueTrade[] {
  return symbols.flatMap((symbol) => {
    const stored = trades[symbol];
    if (stored === undefined || stored.length === 0) return [];
    const taken = [...stored];
    stored.clear();
    return taken.flatMap((trade) => tradeOf(trade) ?? []);
  });
}

/** The last price as a trade of nothing. */
function drainTickers(exchange: CcxtExchange, symbols: readonly string[]): VenueTrade[] {
  return symbols.flatMap((symbol) => {
    const { timestamp, last } = exchange.tickers[symbol] ?? {};
    if (timestamp === undefined || last === undefined) return [];
    delete (exchange.tickers as Record<string, unknown>)[symbol];
    return [{ id: null, symbol, timeMs: timestamp, price: last, volumeBase: '0', volumeQuote: '0' }];
  });
}

function tradeOf({ id, symbol, timestamp, price, amount, cost }: CcxtTrade): VenueTrade | null {
  if (symbol === undefined || timestamp === undefined || price === undefined || amount === undefined) return null;
  return {
    id: id ?? null,
    symbol,
    timeMs: timestamp,
    price,
    volumeBase: amount,
    volumeQuote: (cost === undefined ? null : parseDecimal(cost)) ?? '0',
  };
}
