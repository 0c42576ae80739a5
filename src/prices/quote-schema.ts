import { builder } from '../graphql/builder.ts';
import { TokenRef } from '../tokens/schema.ts';
import { tokenById } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';
import { pastQuote, quoteByToken, venuesOfQuote } from './quote-store.ts';
import { computeFullyDiluted, isStaleQuote, type Quote } from './quote.ts';
import { quoteMethods, type QuoteVenue, venueReasons } from './venue-store.ts';

/** The type Quote and where it hangs on a token. */

/** A token's price in USD. */
export const QuoteRef = builder.objectRef<Quote>('Quote');

/** The values of an enum with their descriptions. */
const described = <Name extends string>(
  sentences: Readonly<Record<Name, string>>,
): Record<Name, { description: string }> =>
  Object.fromEntries(Object.entries<string>(sentences).map(([name, description]) => [name, { description }])) as Record<
    Name,
    { description: string }
  >;

const QuoteMethodEnum = builder.enumType('QuoteMethod', {
  description: 'How a price was made.',
  values: described(quoteMethods),
});

const QuoteVenueReasonEnum = builder.enumType('QuoteVenueReason', {
  description: 'Why a venue took no part in a price.',
  values: described(venueReasons),
});

const QuoteVenueRef = builder.objectRef<QuoteVenue>('QuoteVenue').implement({
  description: 'What one market of a venue said when a quote was made, and whether it counted.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'The venue.' }),
    marketSymbol: t.exposeString('marketSymbol', { description: 'Its market.' }),
    priceUsd: t.expose('priceUsd', { type: 'Decimal', description: 'Its last close times `pegRate`, in USD, exact.' }),
    quoteSymbol: t.exposeString('quoteSymbol', {
      description: 'The quote currency: USD, or one that is pegged to it.',
    }),
    pegRate: t.expose('pegRate', {
      type: 'Decimal',
      description: 'What one unit of the quote currency counted in USD.',
    }),
    pegSource: t.exposeString('pegSource', {
      nullable: true,
      description:
        'The venues whose market of the quote currency against USD gave `pegRate`; null where it is 1 by assumption, or the quote currency is USD.',
    }),
    weightUsd: t.expose('weightUsd', {
      type: 'Decimal',
      nullable: true,
      description:
        'Its weight: what was traded there in USD in the 24 hours before, of hourly candles; null where there was nothing to be weighed or it does not tell.',
    }),
    isUsed: t.exposeBoolean('isUsed', { description: 'Whether it took part in the price.' }),
    reason: t.expose('reason', {
      type: QuoteVenueReasonEnum,
      nullable: true,
      description: 'Why it took no part; null where it did.',
    }),
    observedAt: t.expose('observedAt', { type: 'DateTime', description: 'When its price was true.' }),
  }),
});

QuoteRef.implement({
  description:
    "A token's price in USD: the last close of its default series, or, where that is of a live venue and there are several, the median of the venues weighted by volume.",
  fields: (t) => ({
    token: t.field({
      type: TokenRef,
      description: 'The token that is priced.',
      resolve: async ({ tokenId }, _, ctx) => (await tokenById(ctx).load(tokenId)) as Token,
    }),
    priceUsd: t.expose('priceUsd', { type: 'Decimal', description: 'Price of one coin in USD, exact.' }),
    changePct1h: t.exposeFloat('changePct1h', {
      nullable: true,
      description:
        'Change in percent of the default series (where it was left out, the heaviest venue) against its last close one hour before `observedAt`, at most one hour older; null when there is none.',
    }),
    changePct24h: t.exposeFloat('changePct24h', {
      nullable: true,
      description:
        'Change in percent against the last close 24 hours before `observedAt`, at most one day older; null when there is none.',
    }),
    changePct7d: t.exposeFloat('changePct7d', {
      nullable: true,
      description:
        'Change in percent against the last close 7 days before `observedAt`, at most one day older; null when there is none.',
    }),
    marketCapUsd: t.expose('marketCapUsd', {
      type: 'Decimal',
      nullable: true,
      description:
        'Market capitalisation in USD: what the source says, else its supply times the price, else the newest circulating supply among the `facts` (at most 31 days old) times the price, else the newest market cap among them (at most a week old), else the circulating supply of the registry (not for a past quote) times the price; null when none is known.',
    }),
    fullyDilutedUsd: t.field({
      type: 'Decimal',
      nullable: true,
      description: 'Maximum supply times the price in USD, exact; null when the maximum is not known.',
      resolve: (quote) => computeFullyDiluted(quote),
    }),
    volume24hUsd: t.expose('volume24hUsd', {
      type: 'Decimal',
      nullable: true,
      description:
        'Traded in USD, in the series that the changes are of, in the 24 hours before `observedAt`, of hourly candles, else of coarser ones; null when the series does not reach back so far or does not tell.',
    }),
    source: t.exposeString('source', {
      description: 'The source of the series that the price is from; `composite` where several venues made it.',
    }),
    method: t.expose('method', { type: QuoteMethodEnum, description: 'How the price was made.' }),
    venues: t.field({
      type: [QuoteVenueRef],
      description:
        'What it was made of: the venues that were used, the heaviest first, then those that were not, and why.',
      resolve: ({ tokenId, asOf, knownAt }, _, ctx) =>
        venuesOfQuote(ctx)
          .load({ tokenId, asOf, knownAt })
          .then((venues) => [...venues]),
    }),
    observedAt: t.expose('observedAt', {
      type: 'DateTime',
      description:
        'When the price was true: the close of its candle, or the last change of an open one; of several venues the newest.',
    }),
    isStale: t.boolean({
      description:
        'Whether, when asked for, the price was older than twice the interval of its candle or 15 minutes, whichever is longer.',
      resolve: (quote, _, ctx) => isStaleQuote(quote, ctx.clock.now()),
    }),
  }),
});

builder.objectField(TokenRef, 'quote', (t) =>
  t.field({
    type: QuoteRef,
    nullable: true,
    description:
      'Its price: now, or as of an instant. Null when no candle is known (had closed by then, was known by then).',
    args: {
      asOf: t.arg({
        type: 'DateTime',
        description:
          'Computed only from candles of its venues that had closed by this instant; `knownAt` when only that is given.',
      }),
      knownAt: t.arg({
        type: 'DateTime',
        description:
          'As known at this instant: what was learned later is left out, and candles corrected since have their former prices. Looks back 400 candles of each interval. Now when not given.',
      }),
    },
    resolve: ({ id }, { asOf, knownAt }, ctx) => {
      const at = asOf ?? knownAt ?? null;
      if (at === null) return quoteByToken(ctx).load(id);
      return pastQuote(ctx).load({ tokenId: id, asOf: at, knownAt: knownAt ?? null });
    },
  }),
);
