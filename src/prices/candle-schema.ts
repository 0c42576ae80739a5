import { builder } from '../graphql/builder.ts';
import { bucketClose, type CandleInterval } from '../lib/interval.ts';
import type { SourceKind } from '../sources/exchange.ts';
import type { CandleSource } from './series-store.ts';
import type { CandlePage, GapPolicy, SeriesCandle } from './series.ts';

/** The types of candles: one candle, candles in columns, and what a series holds. */

/** The intervals of candles. */
export const CandleIntervalEnum = builder.enumType('CandleInterval', {
  description: 'The length of a candle; its bucket is aligned in UTC.',
  values: {
    ONE_MINUTE: { description: 'One minute.' },
    FIVE_MINUTES: { description: 'Five minutes.' },
    FIFTEEN_MINUTES: { description: 'Fifteen minutes.' },
    ONE_HOUR: { description: 'One hour.' },
    FOUR_HOURS: { description: 'Four hours: from 00:00, 04:00 … UTC.' },
    ONE_DAY: { description: 'One day from 00:00 UTC.' },
    ONE_WEEK: { description: 'One week from Monday 00:00 UTC.' },
  } satisfies Record<CandleInterval, { description: string }>,
});

/** What is done about buckets without a candle. */
export const GapPolicyEnum = builder.enumType('GapPolicy', {
  description:
    'What stands for buckets without a candle. They are filled from `from`, or, without it, from the oldest candle of the answer, up to `to`, or, without it, up to the newest candle, and never beyond the bucket that is open now. `limit` counts filled entries too.',
  values: {
    OMIT: { description: 'Nothing: the bucket is absent.' },
    NULL: { description: 'An entry with null prices.' },
    CARRY: {
      description:
        'A flat entry at the last close before, volume 0; buckets before the first candle of all are absent.',
    },
  } satisfies Record<GapPolicy, { description: string }>,
});

/** The enum `SourceKind`, for faces that show where prices come from. */
export const SourceKindEnum = builder.enumType('SourceKind', {
  description: 'What kind of source a series comes from.',
  values: {
    EXCHANGE: { description: "A venue's live feed." },
    REPLAY: { description: 'Recorded files, played as if live.' },
    IMPORT: { description: 'Files that were imported.' },
    SIMULATED: { description: 'Invented by the simulator, for trying things out.' },
  } satisfies Record<SourceKind, { description: string }>,
});

const MarketTypeEnum = builder.enumType('MarketType', {
  description: 'What is traded on a market.',
  values: {
    SPOT: { description: 'The coin itself.' },
    PERPETUAL: { description: 'A perpetual future on it; its price may differ from spot by the basis.' },
  } satisfies Record<CandleSource['marketType'], { description: string }>,
});

/** One candle of an answer. */
export const CandleRef = builder.objectRef<SeriesCandle>('Candle');

const decimal = { type: 'Decimal', nullable: true } as const;

CandleRef.implement({
  description:
    'Open, high, low, close and volume of the bucket `[openTime, closeTime)` in UTC; prices per coin, exact.',
  fields: (t) => ({
    openTime: t.expose('openTime', { type: 'DateTime', description: 'First instant of the bucket.' }),
    closeTime: t.field({
      type: 'DateTime',
      description: 'First instant after the bucket.',
      resolve: ({ interval, openTime }) => bucketClose(interval, openTime),
    }),
    open: t.expose('open', { ...decimal, description: 'First price; null in a gap shown as null.' }),
    high: t.expose('high', { ...decimal, description: 'Highest price; null in a gap shown as null.' }),
    low: t.expose('low', { ...decimal, description: 'Lowest price; null in a gap shown as null.' }),
    close: t.expose('close', { ...decimal, description: 'Last price; null in a gap shown as null.' }),
    volumeBase: t.expose('volumeBase', { ...decimal, description: 'Coins traded; null when the source does not say.' }),
    volumeQuote: t.expose('volumeQuote', {
      ...decimal,
      description:
        'Traded in the quote currency (US dollars or a dollar stablecoin); null when the source does not say.',
    }),
    source: t.exposeString('source', { description: 'The source of the series.' }),
    isFinal: t.exposeBoolean('isFinal', {
      description: 'Whether the bucket is over, so that only a correction can change the candle.',
    }),
    isFilled: t.exposeBoolean('isFilled', {
      description: 'Whether there is no such candle and the gap policy made this entry.',
    }),
    revision: t.exposeInt('revision', { description: 'How many times it was corrected after it had closed.' }),
  }),
});

/** Candles in columns, with the interval and source they are of. */
export const CandleSeriesRef = builder.objectRef<
  CandlePage & { readonly interval: CandleInterval; readonly source: string | null }
>('CandleSeries');

const column = { type: ['Decimal'] as ['Decimal'], nullable: { list: false, items: true } as const };

CandleSeriesRef.implement({
  description: 'Candles in columns of equal length, oldest first: less to send and to read than objects, for charts.',
  fields: (t) => ({
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The interval of the candles.' }),
    source: t.exposeString('source', {
      nullable: true,
      description: 'The source of the series; null when there is no series.',
    }),
    openTime: t.field({
      type: ['DateTime'],
      description: 'First instants of the buckets.',
      resolve: ({ candles }) => candles.map(({ openTime }) => openTime),
    }),
    open: t.field({
      ...column,
      description: 'First prices.',
      resolve: ({ candles }) => candles.map(({ open }) => open),
    }),
    high: t.field({
      ...column,
      description: 'Highest prices.',
      resolve: ({ candles }) => candles.map(({ high }) => high),
    }),
    low: t.field({ ...column, description: 'Lowest prices.', resolve: ({ candles }) => candles.map(({ low }) => low) }),
    close: t.field({
      ...column,
      description: 'Last prices.',
      resolve: ({ candles }) => candles.map(({ close }) => close),
    }),
    volumeBase: t.field({
      ...column,
      description: 'Coins traded; null when the source does not say.',
      resolve: ({ candles }) => candles.map(({ volumeBase }) => volumeBase),
    }),
    volumeQuote: t.field({
      ...column,
      description: 'Traded in the quote currency; null when the source does not say.',
      resolve: ({ candles }) => candles.map(({ volumeQuote }) => volumeQuote),
    }),
    isTruncated: t.exposeBoolean('isTruncated', {
      description: 'Whether `limit` left out candles of the range asked for.',
    }),
  }),
});

/** What one series holds at one interval. */
export const CandleSourceRef = builder.objectRef<CandleSource>('CandleSource');

CandleSourceRef.implement({
  description: 'What one market of one source holds at one interval. Series are never mixed.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'Name of the source, as the argument `source` takes it.' }),
    kind: t.expose('kind', { type: SourceKindEnum, description: 'What kind of source it is.' }),
    marketSymbol: t.exposeString('marketSymbol', {
      description: "The source's own market: `BTC/USDT` is spot, `BTC/USDT:USDT` a perpetual settled in USDT.",
    }),
    marketType: t.expose('marketType', { type: MarketTypeEnum, description: 'Spot or perpetual.' }),
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The interval of the candles.' }),
    firstOpenTime: t.expose('firstOpenTime', { type: 'DateTime', description: 'Open time of the oldest candle.' }),
    lastOpenTime: t.expose('lastOpenTime', { type: 'DateTime', description: 'Open time of the newest candle.' }),
    candleCount: t.exposeInt('candleCount', { description: 'How many candles there are.' }),
    missingCount: t.exposeInt('missingCount', {
      description: 'How many buckets between the oldest and the newest candle have none.',
    }),
    unitExponent: t.exposeInt('unitExponent', {
      description:
        'The source trades ten to this power coins as one unit (3 for `1000PEPE`); prices and volumes here are converted to single coins, exactly.',
    }),
    isDefault: t.exposeBoolean('isDefault', {
      description:
        'Whether it answers at this interval when no source is named: a live venue before imports and replays, spot before perpetual, the longer before the shorter, a simulated one only where there is no other.',
    }),
  }),
});
