import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import type { FieldCost } from '../graphql/cost.ts';
import { createPage, type Page, type PageArgs, readPageArgs } from '../graphql/connection.ts';
import { TokenRef } from '../tokens/schema.ts';
import { CandleIntervalEnum, CandleRef, CandleSeriesRef, CandleSourceRef, GapPolicyEnum } from './candle-schema.ts';
import { listQuarantined, type Quarantined } from './quarantine-store.ts';
import './quote-schema.ts';
import { candlesMax, columnsMax, listCandles, readCandlePage } from './read-store.ts';
import { candleSourcesByToken } from './series-store.ts';
import { type CandleArgs, mostCandles } from './series.ts';
import { type QuarantineReason, quarantineReasons } from './validate.ts';

/** The GraphQL face of prices: quotes and candles of a token, and the quarantine. */
export { CandleIntervalEnum } from './candle-schema.ts';

const candleArgs = builder.args((t) => ({
  interval: t.field({ type: CandleIntervalEnum, required: true, description: 'The length of the candles.' }),
  from: t.field({ type: 'DateTime', description: 'Only candles that open at or after this instant.' }),
  to: t.field({ type: 'DateTime', description: 'Only candles that open before this instant.' }),
  limit: t.int({
    description: `How many at most: the oldest from \`from\` on, or, without \`from\`, the newest. At most ${candlesMax} candles, or ${columnsMax} in columns; without it 500, or with \`from\` that maximum.`,
  }),
  gaps: t.field({
    type: GapPolicyEnum,
    defaultValue: 'OMIT',
    description: 'What stands for buckets without a candle.',
  }),
  source: t.string({
    description:
      'The source to read, as `candleSources` names it; the default series when not given. A name of no source is refused; of a source that has none of this token there are no candles.',
  }),
}));

/** What a candle costs; without a `limit` the range tells how many there can be. */
const candleCost = (item: number, limitMax: number): { cost: FieldCost } => ({
  cost: { item, size: (args) => mostCandles(args as unknown as CandleArgs, limitMax) },
});

builder.objectFields(TokenRef, (t) => ({
  candleSources: t.field({
    type: [CandleSourceRef],
    description: 'Which series of it there are: by source, market, and interval from the finest.',
    resolve: ({ id }, _, ctx) => candleSourcesByToken(ctx).load(id),
  }),
  candles: t.field({
    type: [CandleRef],
    description: `Its candles of one series, oldest first; empty when there is no such series. A range that holds more than ${candlesMax} and has no \`limit\` is an error, never cut silently.`,
    extensions: candleCost(0.5, candlesMax),
    args: candleArgs,
    resolve: async ({ id }, args, ctx) => [...(await listCandles(ctx, id, args))],
  }),
  candleSeries: t.field({
    type: CandleSeriesRef,
    description: 'The same in columns, for charts.',
    extensions: candleCost(0.05, columnsMax),
    args: candleArgs,
    resolve: ({ id }, args, ctx) => readCandlePage(ctx, id, args),
  }),
}));

const reasons = Object.entries(quarantineReasons) as [QuarantineReason, string][];

const QuarantineReasonEnum = builder.enumType('QuarantineReason', {
  description: 'Why a row of input was refused.',
  values: Object.fromEntries(reasons.map(([reason, description]) => [reason, { description }])) as Record<
    QuarantineReason,
    { description: string }
  >,
});

const QuarantinedRef = builder.objectRef<Quarantined>('QuarantinedCandle');

QuarantinedRef.implement({
  description: 'A row of input that was refused: it is in no candle.',
  fields: (t) => ({
    source: t.exposeString('sourceName', { description: 'The source that gave it.' }),
    marketSymbol: t.exposeString('marketSymbol', { description: "The source's market." }),
    reason: t.expose('reason', { type: QuarantineReasonEnum, description: 'What is wrong with it.' }),
    detail: t.exposeString('detail', { description: 'The figures that show it.' }),
    raw: t.exposeString('raw', { description: 'The row as it came.' }),
    quarantinedAt: t.expose('quarantinedAt', { type: 'DateTime', description: 'When it was first refused.' }),
  }),
});

async function pageQuarantine(ctx: Context, source: string | null, args: PageArgs): Promise<Page<Quarantined>> {
  const request = readPageArgs(args, 'quarantine', 2);
  const rows = await listQuarantined(ctx.db, request, source);
  return createPage(request, rows, ({ quarantinedAt, id }) => [quarantinedAt, id]);
}

builder.queryField('quarantinedCandles', (t) =>
  t.connection({
    type: QuarantinedRef,
    description: 'Rows of input that were refused, newest first.',
    args: { source: t.arg.string({ description: 'Only those of this source.' }) },
    resolve: (_, { source, ...args }, ctx) => pageQuarantine(ctx, source ?? null, args),
  }),
);
