/**
 * The contract every source of prices fulfils: a venue, a replayed file, the simulator.
 *
 * A source knows nothing of the database or of GraphQL: it names its markets and yields what happened, in its own
 * words. Digits are the source's own text. Whoever reads a feed sets its pace: the generator does not run ahead.
 * - Late: after a watermark of time t nothing older than t comes but what corrects a venue's candles ({@link FeedEvent}).
 * - Doubled: a source may tell a thing twice (after a reconnect, or twice in a file); the reader keeps one.
 * - Wrong: what cannot be read is reported and left out; what can be read but makes no sense (high below low) passes
 *   through, for the validator that keeps and counts such rows.
 */
import type { DecimalText } from '../lib/decimal.ts';
import type { CandleInterval } from '../lib/interval.ts';

/** Where prices come from: a venue's live feed, files played as if live, files read once, or invented ones. */
export type SourceKind = 'EXCHANGE' | 'REPLAY' | 'IMPORT' | 'SIMULATED';

/** One market of a source. */
export interface SourceMarket {
  /** The source's unified spelling: `BTC/USDT` is spot, `BTC/USDT:USDT` a perpetual settled in USDT. */
  readonly symbol: string;
  /** The traded unit as spelled, so `1000PEPE` stays `1000PEPE`. */
  readonly base: string;
  readonly quote: string;
  readonly marketType: 'SPOT' | 'PERPETUAL';
}

/** One trade, or all trades since the tick before at the last of their prices. */
export interface SourceTick {
  readonly symbol: string;
  /** Epoch milliseconds, by the source's clock. */
  readonly timeMs: number;
  /** In the quote currency, for one base unit. */
  readonly price: DecimalText;
  /** Traded since the tick before, in base units. */
  readonly volumeBase: DecimalText;
  /** Traded since the tick before, in the quote currency. */
  readonly volumeQuote: DecimalText;
  /**
   * The source's id of the trade, unique in its market: a trade told twice counts once, and of two at one millisecond the
   * higher number is the later. Undefined where the tick is no single trade.
   */
  readonly tradeId?: string | undefined;
}

/** One closed candle. Null means the source does not say. */
export interface SourceCandle {
  readonly symbol: string;
  readonly interval: CandleInterval;
  /** Epoch milliseconds; not promised to be aligned where a file says otherwise. */
  readonly openTime: number;
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  readonly volumeBase: DecimalText | null;
  readonly volumeQuote: DecimalText | null;
  /** Market capitalisation in USD at the close. */
  readonly marketCapUsd: DecimalText | null;
  /** Circulating supply in coins at the close. */
  readonly supply: DecimalText | null;
}

/**
 * What a feed yields. A watermark says: candles that close by `timeMs` (epoch ms) are final. Of a venue (kind EXCHANGE)
 * corrections may come after it: trades up to two minutes late, and its own closed candles at any time, such as those of a
 * gap. Of other kinds nothing older comes any more.
 */
export type FeedEvent =
  | { readonly kind: 'ticks'; readonly ticks: readonly SourceTick[] }
  | { readonly kind: 'candles'; readonly candles: readonly SourceCandle[] }
  | { readonly kind: 'watermark'; readonly timeMs: number };

/** How a live source is. Counts are since it was opened. */
export interface FeedHealth {
  readonly isConnected: boolean;
  /** No message for longer than a live source is quiet. */
  readonly isSilent: boolean;
  /** When the last message came, epoch ms by our clock; null before the first. */
  readonly lastMessageAt: number | null;
  /** The newest time that the source put on a message, epoch ms by its clock; null before the first. */
  readonly lastSourceTime: number | null;
  readonly reconnects: number;
  /** Stretches of a market in which something is missing; each is told once. */
  readonly gapsFound: number;
  /** Of these, how many are whole by now. */
  readonly gapsRepaired: number;
}

/** A running source. `events` may be called once; it ends soon after the signal aborts, or when the source is over. */
export interface Feed {
  readonly name: string;
  readonly kind: SourceKind;
  readonly markets: readonly SourceMarket[];
  events(signal: AbortSignal): AsyncGenerator<FeedEvent>;
  /** Only where the source is live. */
  health?(): FeedHealth;
}
