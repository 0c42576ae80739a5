/**
 * A venue as a live feed. What is told while it happens comes over the venue's stream; what is final is the venue's own
 * candle, asked for once its minute has closed. So a message that is lost, doubled or out of order, or a connection that
 * is cut, shows for a minute at most and changes no final candle.
 *
 * - Late: a watermark is told when every market's candles are in; a market that lags by more than two minutes is not
 *   waited for, and its candles come as corrections.
 * - Doubled: the reader tells trades apart by their ids.
 * - Wrong: a venue that is silent is connected anew; a market it does not know any more is left out.
 * - What the venue did not tell is found (see `venue-gaps.ts`) and asked for.
 */
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { minuteMs } from '../lib/interval.ts';
import type { Log } from '../lib/log.ts';
import { createQueue } from '../lib/queue.ts';
import { isPassing, retryDelayMs } from '../lib/retry.ts';
import type { Venue, VenueTrade } from './ccxt.ts';
import type { Feed, FeedEvent, FeedHealth, SourceCandle, SourceMarket } from './exchange.ts';
import { closedUntil, fetchClosed, planCatchUp } from './venue-candles.ts';
import { createGapLedger, type Gap, type GapLedger } from './venue-gaps.ts';

/** What a live feed of a venue needs. */
export interface VenueFeedOptions {
  readonly venue: Venue;
  /** Those of the venue that are to come in. */
  readonly markets: readonly SourceMarket[];
  readonly clock: Clock;
  /** By symbol, open time (epoch ms) of the last stored minute: what came after it is asked for. */
  readonly resumeFrom: ReadonlyMap<string, number>;
  readonly log?: Pick<Log, 'info' | 'warn'> | undefined;
  /** Told of every gap once it is whole. */
  onRepaired?(gap: Gap): void;
}

/** A venue's feed, and where the venue tells it of its messages. */
export interface VenueFeed extends Feed {
  health(): FeedHealth;
  /** To be called with every message of the venue. */
  heard(): void;
}

/** A live venue is not quiet for longer than this, heartbeats included. */
const silentAfterMs = 8_000;
/** Silence for so long, and it is connected anew. */
const reconnectAfterMs = 20_000;
/** What has come is told this often. */
const drainMs = 250;
/** Candles are asked for so long after their close: venues need a moment. */
const settleLagMs = 2_000;
/** A market that is further behind is not waited for … */
const holdMs = 2 * minuteMs;
/** … once the feed has had time to catch up. */
const catchUpMs = 10 * minuteMs;
/** A candle that lacks trades we have is asked for so often. */
const staleTriesMax = 5;
const staleRetryMs = 1_000;
/** Markets of one subscription. */
const chunkMarkets = 100;
/** Requests under way at once; the venue's rate limit holds besides. */
const workers = 4;
const idleMs = 100;
/** Events that wait for the reader before nothing more is read. */
const queueMax = 10_000;

/** A market under way. */
interface MarketState {
  readonly symbol: string;
  /** Its candles are in up to here, epoch ms; null before it has caught up. */
  untilMs: number | null;
  /** Trades have come without a break since then; Infinity while they do not. */
  watchedFromMs: number;
  dueMs: number;
  tries: number;
  isBusy: boolean;
}

/** A feed of the venue's markets. The venue is closed by whoever opened it. */
export function createVenueFeed(options: VenueFeedOptions): VenueFeed {
  const { venue, markets, clock } = options;
  const ledger = createGapLedger(options.onRepaired);
  const state: RunState = {
    startedAt: clock.now(),
    isDown: new Set(),
    lastMessageAt: null,
    lastSourceTime: null,
    reconnects: 0,
  };
  return {
    name: venue.id,
    kind: 'EXCHANGE',
    markets,
    events: (signal) => runFeed(options, ledger, state, signal),
    heard() {
      state.lastMessageAt = clock.now();
    },
    health: () => ({
      isConnected: state.lastMessageAt !== null && state.isDown.size === 0,
      isSilent: clock.now() - (state.lastMessageAt ?? state.startedAt) > (isPolled(venue) ? holdMs : silentAfterMs),
      lastMessageAt: state.lastMessageAt,
      lastSourceTime: state.lastSourceTime,
      reconnects: state.reconnects,
      gapsFound: ledger.counts().found,
      gapsRepaired: ledger.counts().repaired,
    }),
  };
}

interface RunState {
  readonly startedAt: number;
  /** First symbols of the subscriptions whose connection is broken. */
  readonly isDown: Set<string>;
  lastMessageAt: number | null;
  lastSourceTime: number | null;
  reconnects: number;
}

interface Run {
  readonly options: VenueFeedOptions;
  readonly ledger: GapLedger;
  readonly state: RunState;
  readonly markets: Map<string, MarketState>;
  readonly queue: ReturnType<typeof createQueue<FeedEvent>>;
  readonly signal: AbortSignal;
  watermark: number;
}

async function* runFeed(
  options: VenueFeedOptions,
  ledger: GapLedger,
  state: RunState,
  signal: AbortSignal,
): AsyncGenerator<FeedEvent> {
  const { venue, clock } = options;
  const controller = new AbortController();
  const inner = AbortSignal.any([signal, controller.signal]);
  const unknown = { untilMs: null, watchedFromMs: Infinity, dueMs: 0, tries: 0, isBusy: false };
  const markets = new Map(options.markets.map(({ symbol }) => [symbol, { symbol, ...unknown }]));
  const queue = createQueue<FeedEvent>(queueMax);
  const run: Run = { options, ledger, state, markets, queue, signal: inner, watermark: -Infinity };
  const timers = isPolled(venue)
    ? []
    : [clock.every(drainMs, () => drain(run)), clock.every(1_000, () => endSilence(run))];
  const subscriptions = isPolled(venue) ? [] : subscriptionsOf(options.markets);
  const loops = [
    ...subscriptions.map((symbols) => keepWatching(run, symbols)),
    ...Array.from({ length: workers }, () => work(run)),
  ];
  for (const loop of loops) loop.catch((error: unknown) => queue.fail(error));
  inner.addEventListener('abort', () => queue.end(), { once: true });
  if (inner.aborted) queue.end();
  try {
    while (!queue.isEnded) yield* await queue.takeAll();
  } finally {
    controller.abort();
    for (const stop of timers) stop();
    venue.disconnect();
    await Promise.allSettled(loops);
  }
}

/** Whether the venue has no live stream that could be watched: its closed minutes are all there is. */
function isPolled({ channel }: Venue): boolean {
  return channel === 'NONE';
}

/** Which markets are watched together: venues have connections of their own for spot and for perpetuals. */
function subscriptionsOf(markets: readonly SourceMarket[]): string[][] {
  return (['SPOT', 'PERPETUAL'] as const).flatMap((type) => {
    const symbols = markets.filter(({ marketType }) => marketType === type).map(({ symbol }) => symbol);
    return Array.from({ length: Math.ceil(symbols.length / chunkMarkets) }, (_, index) =>
      symbols.slice(index * chunkMarkets, (index + 1) * chunkMarkets),
    );
  });
}

/** Watches the markets of a subscription, connecting anew with a pause of at most four seconds. */
async function keepWatching(run: Run, symbols: readonly string[]): Promise<void> {
  const { options, ledger, state, markets, signal } = run;
  const { venue, clock, log } = options;
  const name = symbols[0] ?? '';
  let attempt = 0;
  const setWatched = (fromMs: number): void => {
    for (const symbol of symbols) {
      const market = markets.get(symbol);
      if (market !== undefined) market.watchedFromMs = fromMs;
    }
  };
  let isUp = false;
  while (!signal.aborted) {
    try {
      await venue.watch(symbols);
      attempt = 0;
      state.isDown.delete(name);
      if (isUp) continue;
      isUp = true;
      ledger.resume(symbols, venueNow(run));
      setWatched(venueNow(run));
    } catch (error) {
      if (signal.aborted) return;
      attempt += 1;
      if (isUp) ledger.breakOff(symbols, clock.now());
      isUp = false;
      state.isDown.add(name);
      state.reconnects += 1;
      setWatched(Infinity);
      log?.warn({ feed: venue.id, reason: messageOf(error) }, 'the connection to the exchange broke; connecting anew');
      await clock.sleep(retryDelayMs(attempt), signal);
    }
  }
}

const venueNow = ({ options }: Run): number => options.clock.now() + options.venue.clockSkewMs;

function endSilence({ options, state }: Run): void {
  const { venue, clock } = options;
  if (clock.now() - (state.lastMessageAt ?? state.startedAt) < reconnectAfterMs) return;
  state.lastMessageAt = clock.now(); // not again at once
  venue.disconnect();
}

/** Tells the trades that have come. A reader that is behind is not told more: what is lost by that is found as a gap. */
function drain(run: Run): void {
  if (run.queue.size > queueMax / 2) return;
  tell(run, run.options.venue.drain([...run.markets.keys()]));
}

function tell({ options, ledger, state, markets, queue }: Run, trades: readonly VenueTrade[]): void {
  const nowMs = options.clock.now();
  const fresh = trades.filter((trade) => markets.has(trade.symbol) && ledger.see(trade, nowMs));
  if (fresh.length === 0) return;
  state.lastSourceTime = fresh.reduce((last, { timeMs }) => Math.max(last, timeMs), state.lastSourceTime ?? 0);
  const ticks = fresh.map(({ id, ...tick }) => ({ ...tick, ...(id === null ? {} : { tradeId: id }) }));
  queue.push({ kind: 'ticks', ticks });
}

/** One request after the other: first candles that are due, those furthest behind first, then the trades of gaps. */
async function work(run: Run): Promise<void> {
  const { options, signal, ledger } = run;
  while (!signal.aborted) {
    const market = nextMarket(run);
    const gap = market === null ? ledger.takeDue(options.clock.now()) : null;
    if (market !== null) await settle(run, market);
    else if (gap !== null) await refetch(run, gap);
    else await options.clock.sleep(idleMs, signal);
  }
}

function nextMarket(run: Run): MarketState | null {
  const target = closedUntil(venueNow(run), settleLagMs);
  const nowMs = run.options.clock.now();
  let next: MarketState | null = null;
  for (const market of run.markets.values()) {
    if (market.isBusy || market.dueMs > nowMs || (market.untilMs ?? -1) >= target) continue;
    if (next === null || (market.untilMs ?? -1) < (next.untilMs ?? -1)) next = market;
  }
  return next;
}

/** Brings a market's candles in up to the newest closed minute. */
async function settle(run: Run, market: MarketState): Promise<void> {
  market.isBusy = true;
  try {
    const isIn = market.untilMs === null ? await catchUp(run, market) : await takeMinutes(run, market, market.untilMs);
    if (isPolled(run.options.venue)) run.state.lastMessageAt = run.options.clock.now();
    market.tries = isIn ? 0 : market.tries + 1;
    if (!isIn) market.dueMs = run.options.clock.now() + staleRetryMs;
    advance(run);
  } catch (error) {
    handleFailure(run, market, error);
  } finally {
    market.isBusy = false;
  }
}

function handleFailure({ options, markets, signal }: Run, market: MarketState, error: unknown): void {
  if (signal.aborted) return;
  if (!(error instanceof AppError)) throw error;
  if (isPassing(error)) {
    market.tries += 1;
    market.dueMs = options.clock.now() + retryDelayMs(market.tries);
    return;
  }
  markets.delete(market.symbol);
  options.log?.warn({ symbol: market.symbol, reason: error.message }, 'a market of the exchange is left out');
}

async function catchUp(run: Run, market: MarketState): Promise<boolean> {
  const { venue, resumeFrom } = run.options;
  const toMs = closedUntil(venueNow(run), settleLagMs);
  for (const part of planCatchUp(resumeFrom.get(market.symbol) ?? null, toMs)) {
    if (!venue.hasCandles(part.interval)) continue;
    for (let fromMs = part.fromMs; fromMs < part.toMs && !run.signal.aborted; ) {
      const { candles, untilMs } = await fetchClosed(venue, market.symbol, { ...part, fromMs });
      if (!pushCandles(run, candles)) return false;
      fromMs = untilMs;
    }
  }
  market.untilMs = toMs;
  run.ledger.cover(market.symbol, toMs, run.options.clock.now());
  return true;
}

/** False where the answer is not to be trusted yet, or nobody reads. */
async function takeMinutes(run: Run, market: MarketState, fromMs: number): Promise<boolean> {
  const { options, ledger } = run;
  const toMs = closedUntil(venueNow(run), settleLagMs);
  const part = { interval: 'ONE_MINUTE', fromMs, toMs } as const;
  const { candles, untilMs } = await fetchClosed(options.venue, market.symbol, part);
  const nowMs = options.clock.now();
  if (options.venue.channel === 'TRADES') {
    const verdicts = candles
      .filter(({ openTime }) => openTime >= market.watchedFromMs)
      .map(({ openTime, volumeBase }) => ledger.compare(market.symbol, openTime, volumeBase, nowMs));
    if (verdicts.includes('LESS') && market.tries < staleTriesMax) return false;
  }
  if (!pushCandles(run, candles)) return false;
  market.untilMs = untilMs;
  ledger.cover(market.symbol, untilMs, nowMs);
  return true;
}

function pushCandles({ queue }: Run, candles: readonly SourceCandle[]): boolean {
  return candles.length === 0 || queue.push({ kind: 'candles', candles });
}

/** Asks for the trades of a gap. */
async function refetch(run: Run, gap: Gap): Promise<void> {
  const { options, ledger, signal } = run;
  try {
    const trades = await options.venue.fetchTrades(gap.symbol, gap.fromMs);
    tell(run, trades);
    ledger.refetched(gap, trades, options.clock.now());
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof AppError)) throw error;
    options.log?.warn(
      { symbol: gap.symbol, reason: error.message },
      'the trades of a gap cannot be had; its candles will do',
    );
  }
}

/** Tells how far every market is. */
function advance(run: Run): void {
  const { options, markets, queue, state } = run;
  const isCatchingUp = options.clock.now() - state.startedAt < catchUpMs;
  const waitedFrom = isCatchingUp ? -Infinity : venueNow(run) - holdMs;
  const reached = [...markets.values()]
    .map(({ untilMs }) => untilMs ?? -Infinity)
    .filter((untilMs) => untilMs >= waitedFrom);
  const timeMs = Math.min(...reached);
  if (!Number.isFinite(timeMs) || timeMs <= run.watermark) return;
  if (queue.push({ kind: 'watermark', timeMs })) run.watermark = timeMs;
}
