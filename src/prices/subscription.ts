import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { AppError } from '../lib/errors.ts';
import { findTokenIds } from '../tokens/token-ids.ts';
import { CandleIntervalEnum, CandleRef } from './candle-schema.ts';
import type { Quote } from './quote.ts';
import { QuoteRef } from './quote-schema.ts';
import type { SeriesCandle } from './series.ts';
import { newestCandles, streamCandles, streamQuotes } from './stream.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { assertWithin } from '../lib/limits.ts';
import { latestByKey, sharedAs, type SharedStream } from '../lib/shared-stream.ts';

/** The subscriptions `quotes` and `candles`: arguments are checked and slugs resolved before the stream begins. */

const throttleDefault = 1_000;
const throttleMin = 100;
/** Most milliseconds between two quotes of a token. */
export const throttleMax = 60_000;

async function followQuotes(ctx: Context, slugs: readonly string[], throttleMs: number): Promise<SharedStream<Quote>> {
  assertWithin(throttleMs, { name: 'throttleMs', argument: 'throttleMs', min: throttleMin, max: throttleMax });
  if (slugs.length === 0)
    throw new AppError('BAD_USER_INPUT', '`slugs` must name at least one token.', {
      extensions: { argument: 'slugs' },
    });
  const stream = streamQuotes(ctx, await findTokenIds(ctx, slugs), throttleMs, ctx.signal);
  const keyOf = ({ tokenId }: Quote): number => tokenId;
  return sharedAs(stream, { kind: 'LIVE', createPresent: () => latestByKey(keyOf), keyOf });
}

async function followCandles(
  ctx: Context,
  slug: string,
  interval: CandleInterval,
): Promise<SharedStream<SeriesCandle>> {
  const [tokenId = 0] = await findTokenIds(ctx, [slug]);
  const stream = streamCandles(ctx, tokenId, interval, ctx.signal);
  return sharedAs(stream, { kind: 'LIVE', createPresent: newestCandles, keyOf: ({ openTime }) => openTime });
}

builder.subscriptionFields((t) => ({
  quotes: t.field({
    type: QuoteRef,
    description:
      'Current prices: first the quote of every token asked for that has one, then each that changes. A slow reader gets the latest of each token, not all of them.',
    args: {
      slugs: t.arg.stringList({
        required: true,
        description: 'Slugs of 1 to 250 tokens; a slug of no token is refused.',
      }),
      throttleMs: t.arg.int({
        defaultValue: throttleDefault,
        description: `At most one quote per token in so many milliseconds, ${throttleMin} to ${throttleMax}.`,
      }),
    },
    subscribe: (_root, { slugs, throttleMs }, ctx) => followQuotes(ctx, slugs, throttleMs ?? throttleDefault),
    resolve: (quote) => quote,
  }),
  candles: t.field({
    type: CandleRef,
    description:
      "A token's newest candle of its default series, then the open candle whenever it changes, and each candle once more, with `isFinal`, when it has closed.",
    args: {
      slug: t.arg.string({ required: true, description: "The token's slug." }),
      interval: t.arg({ type: CandleIntervalEnum, required: true, description: 'The length of the candles.' }),
    },
    subscribe: (_root, { slug, interval }, ctx) => followCandles(ctx, slug, interval),
    resolve: (candle) => candle,
  }),
}));
