import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type WebSocket, WebSocketServer } from 'ws';
import { dayMs, intervalMs, minuteMs, parseInterval } from '../../src/lib/interval.ts';
import type { ScriptedMarket, ScriptedTrade } from './scripted-market.ts';

/**
 * An exchange on a loopback port, for the real ccxt client. How it speaks is a data file of test/fixtures/wire: which
 * captures it serves verbatim, and templates that say a script's candles and trades in its own words. Another exchange
 * is another file.
 */

/** A data file; templates hold `{{name}}`. */
interface Dialect {
  readonly exchange: string;
  /** NDJSON files: `{url, body}` answers a request to that path and query, `{kind: "recv", raw}` is sent to subscribers. */
  readonly captures: readonly string[];
  /** The key of a captured frame under which the message for a plain stream lies. */
  readonly unwrap?: string;
  /** Further messages for whoever subscribes. */
  readonly frames?: readonly string[];
  readonly markets: Readonly<Record<string, { readonly rest: string; readonly stream: string }>>;
  readonly rest: readonly Route[];
  readonly stream: {
    /** Of the addresses that are its; absent: any. */
    readonly path?: string;
    /** Finds the stream names in a subscription. */
    readonly subscribe: string;
    readonly requestId: string;
    readonly ack: string;
    readonly pong?: { readonly when: string; readonly answer: string };
    readonly trade: string;
  };
}

interface Route {
  readonly path: string;
  readonly rows?: 'candles' | 'trades' | 'tickers';
  /** The market that an address is of; else a parameter tells. */
  readonly rest?: string;
  /** Names of the parameters. */
  readonly market?: string;
  readonly since?: string;
  readonly sinceUnitMs?: number;
  readonly interval?: string;
  /** What a plain number there counts; absent: minutes. */
  readonly intervalUnitMs?: number;
  readonly row?: string;
  readonly body: string;
}

/** What goes wrong on the way; shares from 0 to 1. */
export interface Chaos {
  readonly dropShare: number;
  readonly repeatShare: number;
  readonly reorderShare: number;
  /** From 0 to 1. */
  random(): number;
}

export interface ReplayExchangeOptions {
  /** Names of data files. */
  readonly exchanges: readonly string[];
  readonly market?: ScriptedMarket;
  /** Epoch ms on the exchange's clock. */
  nowMs(): number;
  readonly chaos?: Chaos;
  /** Further captures: answers by path, whatever is asked for. */
  readonly answers?: Readonly<Record<string, string>>;
}

export interface ReplayExchange {
  readonly restUrl: string;
  readonly wsUrl: string;
  /** Paths with query, in order. */
  readonly requests: string[];
  /** Trades that subscribers should have got and did not: dropped, or told while nobody was connected. */
  readonly lost: ScriptedTrade[];
  /** Sends what has happened since the last call. Runs by itself every 20 ms where there is a script. */
  pump(): void;
  /** Ends every connection without a word. Returns how many. */
  cut(): number;
  /** One of the exchanges is gone, or there again: requests fail, connections end, new ones as soon as they subscribe. */
  setDead(exchange: string, isDead: boolean): void;
  /** Connections stay, but nothing is said any more. */
  isMute: boolean;
  /** Every request fails with 503. */
  isDown: boolean;
  connections(): number;
  stop(): Promise<void>;
}

const folder = 'test/fixtures/wire';
const rowsMax = 1_000;

/** Starts the exchanges of some data files on one port. */
export async function startReplayExchange(options: ReplayExchangeOptions): Promise<ReplayExchange> {
  const dialects = options.exchanges.map(
    (name) => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Dialect,
  );
  const captures = new Map(dialects.map((dialect) => [dialect, readCaptures(dialect)]));
  const requests: string[] = [];
  const streams = new Map<WebSocket, { dialect: Dialect; symbols: Set<string>; held: string | null }>();
  const everSubscribed = new Map<string, Dialect>();
  const lost: ScriptedTrade[] = [];
  const dead = new Set<string>();
  let sentUntilMs = options.nowMs();

  const http = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (self.isDown) response.writeHead(503).end('{}');
    else answer(request, response, [...captures], dead, options);
  });
  const sockets = new WebSocketServer({ server: http });
  sockets.on('connection', (socket, { url = '' }) => {
    socket.on('close', () => streams.delete(socket));
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: Buffer) => {
      if (self.isMute) return;
      const text = data.toString();
      const pinged = dialects.find(({ stream }) => stream.pong && new RegExp(stream.pong.when).test(text));
      if (pinged?.stream.pong) return socket.send(pinged.stream.pong.answer);
      subscribe(socket, url, text);
    });
  });
  function subscribe(socket: WebSocket, path: string, text: string): void {
    for (const dialect of dialects) {
      if (!new RegExp(dialect.stream.path ?? '').test(path)) continue;
      const names = [...text.matchAll(new RegExp(dialect.stream.subscribe, 'g'))].map(([, name]) => name);
      const symbols = Object.entries(dialect.markets).flatMap(([symbol, { stream }]) =>
        names.includes(stream) ? [symbol] : [],
      );
      if (symbols.length === 0) continue;
      if (dead.has(dialect.exchange)) return socket.terminate();
      const requestId = new RegExp(dialect.stream.requestId).exec(text)?.[1] ?? '0';
      socket.send(fill(dialect.stream.ack, { requestId }));
      const entry = streams.get(socket) ?? { dialect, symbols: new Set(), held: null };
      streams.set(socket, entry);
      for (const symbol of symbols) {
        entry.symbols.add(symbol);
        everSubscribed.set(symbol, dialect);
      }
      for (const frame of captures.get(dialect)?.frames ?? []) socket.send(frame);
    }
  }

  function pump(): void {
    const toMs = options.nowMs();
    if (options.market === undefined || toMs <= sentUntilMs) return;
    for (const [symbol, dialect] of everSubscribed) {
      for (const trade of options.market.trades(symbol, sentUntilMs, toMs)) send(trade, dialect);
    }
    sentUntilMs = toMs;
  }
  function send(trade: ScriptedTrade, dialect: Dialect): void {
    const { chaos } = options;
    const listeners = [...streams].filter(([, { symbols }]) => symbols.has(trade.symbol));
    if (self.isMute || listeners.length === 0 || (chaos && chaos.random() < chaos.dropShare)) {
      lost.push(trade);
      return;
    }
    const frame = fill(dialect.stream.trade, wordsOf(trade, dialect));
    for (const [socket, entry] of listeners) {
      if (chaos && entry.held === null && chaos.random() < chaos.reorderShare) {
        entry.held = frame; // goes after the next one
        continue;
      }
      socket.send(frame);
      if (chaos && chaos.random() < chaos.repeatShare) socket.send(frame);
      if (entry.held !== null) socket.send(entry.held);
      entry.held = null;
    }
  }

  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  const timer = options.market ? setInterval(pump, 20) : undefined;
  const self: ReplayExchange = {
    restUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    requests,
    lost,
    pump,
    isMute: false,
    isDown: false,
    setDead(name, isDead) {
      if (isDead) dead.add(name);
      else dead.delete(name);
      for (const [socket, { dialect }] of streams) if (isDead && dialect.exchange === name) socket.terminate();
    },
    cut() {
      const cut = [...sockets.clients];
      for (const socket of cut) {
        streams.delete(socket);
        socket.terminate();
      }
      return cut.length;
    },
    connections: () => sockets.clients.size,
    async stop() {
      clearInterval(timer);
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return self;
}

interface Captures {
  /** By path and query. */
  readonly answers: ReadonlyMap<string, string>;
  readonly frames: readonly string[];
}

function readCaptures({ captures, unwrap, frames = [] }: Dialect): Captures {
  const lines = captures
    .flatMap((name) =>
      gunzipSync(readFileSync(join(folder, name)))
        .toString()
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as { url?: string; body?: string; kind?: string; raw?: string });
  const told = lines.flatMap(({ kind, raw }) => {
    if (kind !== 'recv' || raw === undefined) return [];
    return [unwrap === undefined ? raw : unwrapped(raw, unwrap)];
  });
  return {
    answers: new Map(
      lines.flatMap(({ url, body }) => {
        if (url === undefined || body === undefined) return [];
        const { pathname, search } = new URL(url);
        return [[pathname + search, body]];
      }),
    ),
    frames: [...told, ...frames],
  };
}

/** The text of one key's value, as it was sent. */
function unwrapped(raw: string, key: string): string {
  return raw.slice(raw.indexOf(`"${key}":`) + key.length + 3, raw.lastIndexOf('}'));
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  captures: readonly (readonly [Dialect, Captures])[],
  dead: ReadonlySet<string>,
  options: ReplayExchangeOptions,
): void {
  const url = new URL(request.url ?? '', 'http://127.0.0.1');
  response.setHeader('content-type', 'application/json');
  const given = options.answers?.[url.pathname];
  if (given !== undefined) return void response.end(given);
  for (const [dialect, { answers }] of captures) {
    const captured = answers.get(url.pathname + url.search);
    const route = dialect.rest.find(({ path }) => path === url.pathname);
    if (dead.has(dialect.exchange) && (captured ?? route) !== undefined) return void response.writeHead(503).end('{}');
    if (captured !== undefined) return void response.end(captured);
    if (route !== undefined) return void response.end(answerRoute(route, dialect, url.searchParams, options));
  }
  response.writeHead(404).end('{"error":["no such path"]}');
}

function answerRoute(route: Route, dialect: Dialect, params: URLSearchParams, options: ReplayExchangeOptions): string {
  const nowMs = options.nowMs();
  const now = { nowMs, nowSeconds: Math.floor(nowMs / 1000) };
  const rest = route.rest ?? params.get(route.market ?? '') ?? '';
  const [symbol = ''] = Object.entries(dialect.markets).find(([, names]) => names.rest === rest) ?? [];
  const since = params.get(route.since ?? '') ?? '0';
  const sinceMs = /^\d+$/.test(since) ? Number(since) * (route.sinceUnitMs ?? 1) : Date.parse(since);
  const rows = rowsOf(
    route,
    symbol,
    sinceMs,
    lengthOf(params.get(route.interval ?? ''), route.intervalUnitMs ?? minuteMs),
    nowMs,
    dialect,
    options.market,
  );
  return fill(route.body, {
    ...now,
    rest,
    rows: rows.map((words) => fill(route.row ?? '', { ...now, ...words })).join(','),
  });
}

/** `1m`, `1h`, or a number of units. */
function lengthOf(interval: string | null, unitMs: number): number {
  const known = interval === null ? null : parseInterval(interval);
  return known === null ? Number(interval ?? 1) * unitMs : intervalMs(known);
}

type Words = Readonly<Record<string, string | number>>;

function rowsOf(
  route: Route,
  symbol: string,
  sinceMs: number,
  lengthMs: number,
  nowMs: number,
  dialect: Dialect,
  market: ScriptedMarket | undefined,
): Words[] {
  if (market === undefined || route.rows === undefined) return [];
  if (route.rows !== 'tickers' && symbol === '') return []; // listed, but not in the script
  if (route.rows === 'trades')
    return market
      .trades(symbol, sinceMs, nowMs)
      .slice(0, rowsMax)
      .map((trade) => wordsOf(trade, dialect));
  const candlesOf = (one: string, length: number, fromMs: number): Words[] =>
    market.candles(one, length, fromMs, nowMs).map((candle) => ({
      ...candle,
      ...dialect.markets[one],
      openMs: candle.openTime,
      openSeconds: candle.openTime / 1000,
      lastMs: candle.openTime + length - 1,
      lastIso: new Date(candle.openTime + length - 1).toISOString(),
    }));
  if (route.rows === 'candles') return candlesOf(symbol, lengthMs, sinceMs).slice(0, rowsMax);
  return Object.keys(dialect.markets).flatMap((one) => candlesOf(one, dayMs, nowMs - dayMs).slice(-1));
}

function wordsOf(trade: ScriptedTrade, { markets }: Dialect): Words {
  const { timeMs } = trade;
  return {
    ...trade,
    ...markets[trade.symbol],
    timeSeconds: (timeMs / 1000).toFixed(3),
    timeIso: new Date(timeMs).toISOString(),
  };
}

function fill(template: string, words: Words): string {
  return template.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(words[name]));
}
