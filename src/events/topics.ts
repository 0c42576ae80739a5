import type { CandleInterval } from '../lib/interval.ts';

/**
 * Every topic of the event log and its payload. The log is the truth: a payload names rows (by identity) that its own
 * transaction wrote, so a reader that sees the event can read them. Late or doubled input makes no event of its own:
 * writers publish what changed, and only that. Durable topics are kept for days and can be resumed from a cursor;
 * `prices` is a wake-up whose readers take the latest rows, and is kept for an hour.
 */
export interface TopicPayloads {
  /** Candles of these series changed; `tokenIds` are the tokens whose quote changed with them. */
  readonly prices: { readonly seriesIds: readonly number[]; readonly tokenIds: readonly number[] };
  /**
   * Every candle of `interval` that closes at `closeTime` (epoch ms) and that the feed will deliver is stored: the
   * engine may settle that close. `seriesIds` are the series that have a candle there.
   */
  readonly closes: {
    readonly interval: CandleInterval;
    readonly closeTime: number;
    readonly seriesIds: readonly number[];
  };
  /** A grade was published; `previousId` is the token's grade by that model before it. */
  readonly grades: {
    readonly gradeId: number;
    readonly tokenId: number;
    readonly kind: 'TRADER' | 'INVESTOR';
    readonly previousId: number | null;
  };
  /** A signal was issued, or its outcome was recorded. */
  readonly signals: {
    readonly action: 'ISSUED' | 'CLOSED' | 'WITHDRAWN';
    readonly signalId: number;
    readonly tokenId: number;
    readonly strategy: string;
    readonly direction: 'BULLISH' | 'BEARISH' | 'NEUTRAL';
  };
}

/** One of the topics. */
export type Topic = keyof TopicPayloads;

/** How long events of a topic are kept, in milliseconds. */
export const retentionMs: Record<Topic, number> = {
  prices: 3_600_000,
  closes: 7 * 86_400_000,
  grades: 30 * 86_400_000,
  signals: 90 * 86_400_000,
};

/** An event to be appended. */
export type NewEvent = { [T in Topic]: { readonly topic: T; readonly payload: TopicPayloads[T] } }[Topic];

/** An event of the log: `seq` orders by commit; `publishedAt` is epoch ms. */
export type StoredEvent = NewEvent & { readonly seq: number; readonly publishedAt: number };
