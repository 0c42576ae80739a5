import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { assertWithin } from '../lib/limits.ts';
import { assertSpan } from '../lib/span.ts';
import { type MetricName, metricNames } from '../sources/fact.ts';
import { TokenRef } from '../tokens/schema.ts';
import { metrics } from './metric.ts';
import { daysMax, type Fact, factsOfToken } from './store.ts';

/** The public face of facts: what is known of a token on a day beside its candles. */

const MetricEnum = builder.enumType('Metric', {
  description: 'What a fact tells.',
  values: Object.fromEntries(metricNames.map((name) => [name, { description: metrics[name].description }])) as Record<
    MetricName,
    { description: string }
  >,
});

const FactRef = builder.objectRef<Fact>('TokenFact').implement({
  description: 'One number about a token on a day, from a source. Never changed: a correction is a further fact.',
  fields: (t) => ({
    metric: t.expose('metric', { type: MetricEnum, description: 'What it tells.' }),
    asOf: t.expose('asOf', { type: 'DateTime', description: 'The close of the day it speaks about, 00:00 UTC.' }),
    value: t.expose('value', { type: 'Decimal', description: "The number, in the source's own digits." }),
    source: t.exposeString('source', { description: 'Where it is from.' }),
    knownAt: t.expose('knownAt', {
      type: 'DateTime',
      description: 'From when it could be known: no grade of an earlier close uses it.',
    }),
    isCorrection: t.exposeBoolean('isCorrection', {
      description: 'Whether it replaced an earlier number for the same day.',
    }),
  }),
});

/** Facts of each metric without a `limit`. */
const daysDefault = 100;

interface FactsArgs {
  readonly metrics: readonly MetricName[];
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly limit?: number | null | undefined;
  readonly knownAt?: number | null | undefined;
  readonly source?: string | null | undefined;
}

function readFacts(ctx: Context, tokenId: number, args: FactsArgs): Promise<Fact[]> {
  const { from = null, to = null, knownAt = null, source = null } = args;
  assertSpan({ from, to });
  const limit = args.limit ?? daysDefault;
  assertWithin(limit, { name: 'factDays', argument: 'limit', max: daysMax });
  return factsOfToken(ctx).load({ tokenId, metrics: [...new Set(args.metrics)], from, to, knownAt, source, limit });
}

builder.objectField(TokenRef, 'facts', (t) =>
  t.field({
    type: [FactRef],
    description:
      'What is known of it on days, beside its candles: by metric as asked for, then from the oldest day to the newest; of a corrected day the newest number. Empty where nothing is known.',
    extensions: {
      cost: {
        item: 0.1,
        size: ({ metrics: asked, limit }: { metrics?: readonly string[]; limit?: number | null }) =>
          (asked?.length ?? 1) * (limit ?? daysDefault),
      },
    },
    args: {
      metrics: t.arg({ type: [MetricEnum], required: true, description: 'Which numbers.' }),
      from: t.arg({ type: 'DateTime', description: 'Days that close at this time or later.' }),
      to: t.arg({ type: 'DateTime', description: 'Days that close before this time.' }),
      limit: t.arg.int({
        description: `Numbers of each metric at most, the newest; ${daysDefault} when not given, at most ${daysMax}.`,
      }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'As known at this time: numbers and corrections that came later are left out. Now when not given.',
      }),
      source: t.arg.string({ description: 'Only from this source; from all when not given.' }),
    },
    resolve: ({ id }, args, ctx) => readFacts(ctx, id, args),
  }),
);
