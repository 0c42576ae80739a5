/**
 * What is missing of the trades of a venue's markets, and when it is whole again. Pure: times are handed in.
 *
 * Where a market numbers its trades without holes (which a few of them show), a number that is left out is a gap, found
 * with the next trade. Other markets have a gap wherever their connection broke, and in each minute for which the venue's
 * own candle has more volume than the trades that came. A gap is whole when its trades have come, late or asked for, or
 * when the venue's own candles cover it.
 */
import { addDecimals, compareDecimals, type DecimalText } from '../lib/decimal.ts';
import { bucketOpen } from '../lib/interval.ts';
import type { VenueTrade } from './ccxt.ts';

/** A stretch of a market in which something is missing; times in epoch ms. */
export interface Gap {
  readonly symbol: string;
  /** The venue's time of the last trade before it. */
  readonly fromMs: number;
  /** The venue's time of the first trade after it; Infinity while the connection is broken. */
  readonly toMs: number;
  /** The numbers that are missing, both included; null where the market has none. */
  readonly ids: readonly [first: number, last: number] | null;
  /** By our clock. */
  readonly foundAt: number;
  /** By our clock; null while something is missing. */
  readonly repairedAt: number | null;
}

/** The gaps of a venue's markets. */
export interface GapLedger {
  /** Takes note of a trade. False where it was told before. */
  see(trade: VenueTrade, nowMs: number): boolean;
  /** The connection of these markets broke, or is there again. */
  breakOff(symbols: readonly string[], nowMs: number): void;
  resume(symbols: readonly string[], nowMs: number): void;
  /** The venue's own candles up to `untilMs` are in. */
  cover(symbol: string, untilMs: number, nowMs: number): void;
  /** A candle of the venue has this volume: what came of its minute is compared. */
  compare(symbol: string, openTime: number, volumeBase: DecimalText | null, nowMs: number): 'LESS' | 'SAME' | 'MORE';
  /** A gap whose trades should be asked for now; each at most three times. */
  takeDue(nowMs: number): Gap | null;
  /** The trades at and after the gap's begin, as the venue gives them, have all been seen. */
  refetched(gap: Gap, trades: readonly VenueTrade[], nowMs: number): void;
  counts(): { readonly found: number; readonly repaired: number };
}

type OpenGap = { -readonly [Key in keyof Gap]: Gap[Key] } & { readonly got: Set<number>; tries: number; dueMs: number };

interface Market {
  /** Null until the market has shown whether it numbers without holes. */
  isNumbered: boolean | null;
  lastId: number | null;
  /** Steps of one in a row. */
  steps: number;
  /** Of the newest trade, by the venue's clock. */
  lastMs: number | null;
  readonly gaps: OpenGap[];
  /** What came, by minute. */
  readonly minutes: Map<number, { volume: DecimalText; readonly ids: Set<string> }>;
}

/** So many steps of one in a row show that a market numbers without holes. */
const stepsUntilNumbered = 5;
/** What is only late gets so long to come by itself. */
const graceMs = 500;
const retryMs = 2_000;
const triesMax = 3;
/** Of longer gaps the trades are not counted. */
const idsMax = 50_000;

/** The open gaps of a venue's markets, by market, and how many there were. */
interface Book {
  readonly markets: Map<string, Market>;
  readonly counts: { found: number; repaired: number };
  readonly onRepaired: (gap: Gap) => void;
}

/** A ledger; `onRepaired` is told of every gap once it is whole. */
export function createGapLedger(onRepaired: (gap: Gap) => void = () => {}): GapLedger {
  const book: Book = { markets: new Map(), counts: { found: 0, repaired: 0 }, onRepaired };
  return {
    see: (trade, nowMs) => seeTrade(book, trade, nowMs),
    breakOff(symbols, nowMs) {
      for (const symbol of symbols) {
        const { isNumbered, lastMs, gaps } = marketOf(book, symbol);
        if (isNumbered || lastMs === null || gaps.some(({ toMs }) => toMs === Infinity)) continue;
        open(book, { symbol, fromMs: lastMs, toMs: Infinity, ids: null, foundAt: nowMs });
      }
    },
    resume(symbols, nowMs) {
      for (const gap of symbols.flatMap((symbol) => marketOf(book, symbol).gaps))
        if (gap.toMs === Infinity) gap.toMs = nowMs;
    },
    cover(symbol, untilMs, nowMs) {
      const { gaps, minutes } = marketOf(book, symbol);
      for (const gap of gaps.filter(({ toMs }) => toMs <= untilMs)) repair(book, gap, nowMs);
      for (const openTime of minutes.keys()) if (openTime < untilMs) minutes.delete(openTime);
    },
    compare(symbol, openTime, volumeBase, nowMs) {
      const { isNumbered, minutes } = marketOf(book, symbol);
      const minute = minutes.get(openTime);
      if (volumeBase === null || (minute !== undefined && minute.ids.size === 0)) return 'SAME';
      const order = compareDecimals(volumeBase, minute?.volume ?? '0');
      if (order > 0 && !isNumbered) open(book, { symbol, fromMs: openTime, toMs: openTime, ids: null, foundAt: nowMs });
      return order < 0 ? 'LESS' : order > 0 ? 'MORE' : 'SAME';
    },
    takeDue(nowMs) {
      for (const { gaps } of book.markets.values()) {
        const gap = gaps.find(({ dueMs, tries, toMs }) => dueMs <= nowMs && tries < triesMax && toMs < Infinity);
        if (gap === undefined) continue;
        gap.tries += 1;
        gap.dueMs = nowMs + retryMs;
        return gap;
      }
      return null;
    },
    refetched: (gap, trades, nowMs) => endGap(book, gap, trades, nowMs),
    counts: () => ({ ...book.counts }),
  };
}

function marketOf({ markets }: Book, symbol: string): Market {
  let market = markets.get(symbol);
  if (market === undefined) {
    market = { isNumbered: null, lastId: null, steps: 0, lastMs: null, gaps: [], minutes: new Map() };
    markets.set(symbol, market);
  }
  return market;
}

function open(book: Book, found: Omit<Gap, 'repairedAt'>): void {
  const dueMs = found.foundAt + graceMs;
  marketOf(book, found.symbol).gaps.push({ ...found, repairedAt: null, got: new Set(), tries: 0, dueMs });
  book.counts.found += 1;
}

function repair(book: Book, gap: OpenGap, nowMs: number): void {
  const { gaps } = marketOf(book, gap.symbol);
  gaps.splice(gaps.indexOf(gap), 1);
  gap.repairedAt = nowMs;
  book.counts.repaired += 1;
  book.onRepaired(gap);
}

function seeTrade(book: Book, trade: VenueTrade, nowMs: number): boolean {
  const market = marketOf(book, trade.symbol);
  const openTime = bucketOpen('ONE_MINUTE', trade.timeMs);
  let minute = market.minutes.get(openTime);
  if (minute === undefined) market.minutes.set(openTime, (minute = { volume: '0', ids: new Set() }));
  const isNew = trade.id === null || !minute.ids.has(trade.id);
  if (isNew) {
    if (trade.id !== null) minute.ids.add(trade.id);
    minute.volume = addDecimals(minute.volume, trade.volumeBase);
    seeId(book, market, trade, nowMs);
  }
  market.lastMs = Math.max(market.lastMs ?? -Infinity, trade.timeMs);
  return isNew;
}

function seeId(book: Book, market: Market, { id: text, symbol, timeMs }: VenueTrade, nowMs: number): void {
  const id = text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
  if (id === null) return;
  const { lastId, lastMs } = market;
  if (lastId !== null && id <= lastId) return fillGap(book, market, id, nowMs);
  market.lastId = id;
  if (lastId === null) return;
  market.steps = id === lastId + 1 ? market.steps + 1 : 0;
  if (market.isNumbered === null && market.steps >= stepsUntilNumbered) market.isNumbered = true;
  if (market.isNumbered && id > lastId + 1)
    open(book, { symbol, fromMs: lastMs ?? timeMs, toMs: timeMs, ids: [lastId + 1, id - 1], foundAt: nowMs });
}

function fillGap(book: Book, market: Market, id: number, nowMs: number): void {
  const gap = market.gaps.find(({ ids }) => ids !== null && ids[0] <= id && id <= ids[1]);
  if (gap === undefined || gap.ids === null) return;
  const [first, last] = gap.ids;
  if (last - first < idsMax) gap.got.add(id);
  if (gap.got.size === last - first + 1) repair(book, gap, nowMs);
}

/** Ends a gap of which the trades on both sides have been told again, and so all between. */
function endGap(book: Book, gap: Gap, trades: readonly VenueTrade[], nowMs: number): void {
  const market = marketOf(book, gap.symbol);
  const found = market.gaps.find((one) => one === gap);
  const isFromBegin = trades.some(({ timeMs }) => timeMs <= gap.fromMs);
  const isToEnd = gap.ids === null || trades.some(({ timeMs }) => timeMs >= gap.toMs);
  if (found === undefined || !isFromBegin || !isToEnd) return;
  if (gap.ids !== null) market.isNumbered = false; // the numbers that are not there never were
  repair(book, found, nowMs);
}
