/**
 * One exchange's client of ccxt, loaded alone (37 MB instead of 101 for all of them) and made exact: amounts and prices
 * are the exchange's own text. ccxt parses to doubles by default, some handlers whatever one asks; so numbers are kept
 * as text where JSON is read, and everything that would turn text into a double gives the text back.
 *
 * - Wrong: an id that ccxt does not know is refused with BAD_USER_INPUT.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { parseDecimal } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { quoteDecimals } from './exact-json.ts';

/** A market as ccxt describes it, what is used of it. */
export interface CcxtMarket {
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  readonly active?: boolean;
  readonly spot?: boolean;
  readonly swap?: boolean;
  readonly linear?: boolean;
  readonly contractSize?: string | number;
}

/** A trade as ccxt gives it once it is exact. */
export interface CcxtTrade {
  readonly id?: string;
  readonly symbol?: string;
  readonly timestamp?: number;
  readonly price?: string;
  readonly amount?: string;
  readonly cost?: string;
}

/** A ticker as ccxt gives it once it is exact. */
export interface CcxtTicker {
  readonly symbol?: string;
  readonly timestamp?: number;
  readonly last?: string;
  readonly quoteVolume?: string;
}

/** Open time, open, high, low, close, volume in base units; then what {@link quoteVolumes} reads. */
export type CcxtCandle = readonly [number, string, string, string, string, string, (string | null)?];

/** A connection of ccxt. */
export interface CcxtSocket {
  readonly url: string;
  readonly gunzip: boolean;
  readonly inflate: boolean;
  readonly connection?: { terminate(): void } | undefined;
  onMessage(event: { readonly data: unknown }): void;
  onError(error: unknown): void;
  send(message: unknown): Promise<unknown>;
}

/** What is used of an exchange's client. */
export interface CcxtExchange {
  readonly id: string;
  readonly has: Record<string, unknown>;
  readonly timeframes?: Readonly<Record<string, unknown>>;
  readonly options: Record<string, unknown>;
  readonly urls: { api: unknown };
  readonly clients: Readonly<Record<string, CcxtSocket>>;
  readonly trades: Readonly<Record<string, CcxtTrade[] & { clear(): void }>>;
  readonly tickers: Readonly<Record<string, CcxtTicker>>;
  streaming: Record<string, unknown>;
  timeout: number;
  loadMarkets(): Promise<Readonly<Record<string, CcxtMarket>>>;
  loadHttpProxyAgent(): Promise<unknown>;
  fetchTime(): Promise<number>;
  fetchTickers(symbols: readonly string[] | undefined, params: object): Promise<Readonly<Record<string, CcxtTicker>>>;
  fetchOHLCV(symbol: string, timeframe: string, since: number, limit: number): Promise<CcxtCandle[]>;
  fetchTrades(symbol: string, since?: number, limit?: number): Promise<CcxtTrade[]>;
  watchTrades(symbol: string): Promise<unknown>;
  watchTradesForSymbols(symbols: readonly string[]): Promise<unknown>;
  watchTickers(symbols: readonly string[]): Promise<unknown>;
  close(): Promise<void>;
  client(url: string): CcxtSocket;
  isSpotUrl?(client: { readonly url: string }): boolean;
  parseJson(text: string): unknown;
  parseNumber(value: string | number | null | undefined, fallback?: string): string | undefined;
  safeNumber(object: unknown, key: unknown, fallback?: string): string | undefined;
  safeFloat(object: unknown, key: unknown, fallback?: string): string | undefined;
  parseOHLCV(row: unknown, market: unknown): CcxtCandle;
}

/** Where a client is to find its exchange, if not at its own addresses: only the hosts are exchanged, paths stay. */
export interface ExchangeAddresses {
  readonly restUrl?: string | null | undefined;
  readonly wsUrl?: string | null | undefined;
}

/** Streams of single trades and requests for aggregated ones number differently: aggregated ones in both. */
const aggregatedTrades = { watchTrades: { name: 'aggTrade' }, watchTradesForSymbols: { name: 'aggTrade' } };
/** What differs between exchanges and ccxt does not tell. */
const settings: Readonly<Record<string, Record<string, unknown>>> = {
  binance: { ...aggregatedTrades, fetchMarkets: { types: ['spot', 'linear'] } },
  binanceus: aggregatedTrades,
  binanceusdm: aggregatedTrades,
};
/** Exchanges that tell candles as another one does. */
const families: Readonly<Record<string, string>> = { binanceus: 'binance', binanceusdm: 'binance' };

/** Opens the client of an exchange. Markets are not loaded yet. Throws BAD_USER_INPUT where ccxt has no such exchange. */
export async function createCcxtClient(id: string, { restUrl, wsUrl }: ExchangeAddresses = {}): Promise<CcxtExchange> {
  const file = findClientFile(id);
  if (file === null) {
    throw new AppError('BAD_USER_INPUT', `There is no exchange ${JSON.stringify(id)}; write ids of ccxt, like kraken.`);
  }
  const { default: Client } = (await import(file)) as { default: new (options: object) => CcxtExchange };
  // Reconnecting is ours (with jitter, 5 s at most); its own delays would add up to a minute.
  const options = { ...settings[id], ws: { backoff: { base: 1, factor: 1, max: 1 } } };
  const exchange = new Client({ enableRateLimit: true, options });
  exchange.has['fetchCurrencies'] = false;
  sendTo(exchange, restUrl ?? null, wsUrl ?? null);
  await exchange.loadHttpProxyAgent(); // plain ws:// addresses need it
  return exchange;
}

/** The file with the streaming client, else the one without; null where there is neither. */
function findClientFile(id: string): string | null {
  if (!/^[a-z0-9]+$/.test(id)) return null;
  const root = pathToFileURL(createRequire(import.meta.url).resolve('ccxt'));
  const files = [`../js/src/pro/${id}.js`, `../js/src/${id}.js`].map((path) => new URL(path, root));
  return files.find((file) => existsSync(fileURLToPath(file)))?.href ?? null;
}

function sendTo(exchange: CcxtExchange, restUrl: string | null, wsUrl: string | null): void {
  exchange.urls.api = redirect(exchange.urls.api, restUrl, wsUrl);
  // Binance tells spot from futures by the host; without it the path does.
  if (wsUrl !== null && exchange.isSpotUrl) exchange.isSpotUrl = ({ url }) => /^wss?:\/\/[^/]+\/ws/.test(url);
}

function redirect(urls: unknown, restUrl: string | null, wsUrl: string | null): unknown {
  if (typeof urls === 'string') {
    const target = urls.startsWith('ws') ? wsUrl : restUrl;
    return target === null ? urls : urls.replace(/^\w+:\/\/[^/]+/, target.replace(/\/$/, ''));
  }
  if (typeof urls !== 'object' || urls === null) return urls;
  return Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, redirect(url, restUrl, wsUrl)]));
}

/**
 * Makes a client exact; call it when markets are loaded, whose reading compares numbers. `onMessage` is told of every
 * message of a socket, before it is read.
 */
export function makeExact(exchange: CcxtExchange, onMessage: (url: string) => void): void {
  exchange.parseJson = (text) => {
    try {
      return JSON.parse(quoteDecimals(text));
    } catch {
      return undefined; // as ccxt has it: not JSON is no answer, and it says so itself
    }
  };
  exchange.parseNumber = (value, fallback) =>
    (value === undefined || value === null ? null : parseDecimal(String(value))) ?? fallback;
  exchange.safeFloat = exchange.safeNumber;
  const quoteVolumeOf = quoteVolumes[families[exchange.id] ?? exchange.id] ?? (() => null);
  const parseCandle = exchange.parseOHLCV.bind(exchange);
  exchange.parseOHLCV = (row, market) => {
    const [openTime, open, high, low, close, volume] = parseCandle(row, market);
    return [openTime, open, high, low, close, volume, Array.isArray(row) ? quoteVolumeOf(row) : null];
  };
  const makeClient = exchange.client.bind(exchange);
  const known = new WeakSet<CcxtSocket>();
  exchange.client = (url) => {
    const socket = makeClient(url);
    if (known.has(socket)) return socket;
    known.add(socket);
    const handle = socket.onMessage.bind(socket);
    const send = socket.send.bind(socket);
    // ccxt leaves the promise of a subscription that cannot be sent alone, and a lost rejection ends the process.
    socket.send = (message) => send(message).catch((error: unknown) => socket.onError(error));
    socket.onMessage = ({ data }) => {
      onMessage(url);
      handle({ data: readMessage(socket, data) });
    };
    return socket;
  };
}

/** Of a raw candle, the volume in the quote currency: ccxt leaves it out. Only where the exchange states it. */
const quoteVolumes: Readonly<Record<string, (row: readonly unknown[]) => string | null>> = {
  binance: (row) => textAt(row, 7),
  bybit: (row) => textAt(row, 6),
  okx: (row) => textAt(row, 7),
};

function textAt(row: readonly unknown[], index: number): string | null {
  const value = row[index];
  return typeof value === 'string' || typeof value === 'number' ? parseDecimal(String(value)) : null;
}

/** The message with its decimals quoted, for ccxt to parse; what is no JSON goes on as it came. */
function readMessage(socket: CcxtSocket, data: unknown): unknown {
  const text = typeof data === 'string' ? data : Buffer.isBuffer(data) ? unpack(socket, data) : null;
  return text !== null && /^\s*[[{]/.test(text) ? quoteDecimals(text) : data;
}

function unpack({ gunzip, inflate }: CcxtSocket, data: Buffer): string {
  if (gunzip) return gunzipSync(data).toString();
  return inflate ? inflateRawSync(data).toString() : data.toString();
}
