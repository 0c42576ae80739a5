import type { DecimalText } from '../lib/decimal.ts';

/** What a source can tell of a token on a day, beside its candles; `facts/metric.ts` says what each means. */
export const metricNames = [
  'MARKET_CAP_USD',
  'REALIZED_CAP_USD',
  'CIRCULATING_SUPPLY',
  'TOTAL_SUPPLY',
  'MAX_SUPPLY',
  'VOLUME_24H_USD',
  'ACTIVE_ADDRESSES',
  'TRANSACTIONS',
  'TRANSFER_VALUE_USD',
  'FEES_USD',
  'MVRV',
  'NVT',
  'HASH_RATE',
] as const;

/** One of {@link metricNames}. */
export type MetricName = (typeof metricNames)[number];

/** How a source names a token. */
export interface FactSubject {
  /** `SLUG`: our slug, or the id of a list that our slugs are from. `SYMBOL`: a ticker, which several tokens may have. */
  readonly by: 'SLUG' | 'SYMBOL';
  readonly name: string;
  /** The ticker beside a slug, where the source gives one. */
  readonly symbol: string | null;
}

/** One number of a source about a token. */
export interface SourceFact {
  readonly metric: MetricName;
  /** Epoch ms of the close of the day it speaks about. */
  readonly asOf: number;
  readonly value: DecimalText;
  /** Epoch ms from when it could be known; null where the source does not say. */
  readonly knownAt: number | null;
}
