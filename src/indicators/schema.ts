import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import type { FieldCost } from '../graphql/cost.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { type CandleArgs, mostCandles } from '../prices/series.ts';
import { TokenRef } from '../tokens/schema.ts';
import { indicatorCatalog } from './catalog.ts';
import type { IndicatorDefinition, IndicatorParam } from './definition.ts';
import {
  computeIndicatorSeries,
  computeSet,
  type IndicatorSeries,
  type IndicatorSet,
  type IndicatorValue,
  type NamedValue,
  type OutputColumn,
  planSeries,
  pointsDefault,
  pointsMax,
  setBars,
  setKey,
} from './series.ts';
import { tokenBars } from './store.ts';

/** The public face of indicators: values at a close, series for charts, and the catalog of what there is. */

const NamedValueRef = builder.objectRef<NamedValue>('IndicatorNumber').implement({
  description: 'A number of an indicator by its name.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    value: t.exposeFloat('value', {
      nullable: true,
      description: 'The number; null while there are too few candles, or where it is undefined (a range of zero).',
    }),
  }),
});

const IndicatorValueRef = builder.objectRef<IndicatorValue>('IndicatorValue').implement({
  description: 'An indicator at one close.',
  fields: (t) => ({
    key: t.exposeString('key', {
      description: 'Unique in the set: the name, with the length where there are several.',
    }),
    name: t.exposeString('name', { description: 'Name in the catalog.' }),
    params: t.field({
      type: [NamedValueRef],
      description: 'Its parameters.',
      resolve: ({ params }) => [...params],
    }),
    outputs: t.field({
      type: [NamedValueRef],
      description: 'Its values, in the order of the catalog.',
      resolve: ({ outputs }) => [...outputs],
    }),
    value: t.float({
      nullable: true,
      description: 'The first of its values.',
      resolve: ({ outputs }) => outputs[0]?.value ?? null,
    }),
  }),
});

const IndicatorSetRef = builder.objectRef<IndicatorSet>('IndicatorSet').implement({
  description: `Every indicator the grade models and strategies read, with its parameters, at one close; computed from the last ${setBars} closed candles of the default source.`,
  fields: (t) => ({
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The candles they were computed from.' }),
    asOf: t.expose('asOf', { type: 'DateTime', description: 'The close they speak about; nothing later is used.' }),
    source: t.exposeString('source', { description: 'Where the candles come from.' }),
    close: t.exposeFloat('close', { description: 'The close itself, in floating point as the indicators see it.' }),
    barCount: t.exposeInt('barCount', { description: 'How many candles were there to compute from.' }),
    values: t.field({
      type: [IndicatorValueRef],
      description: 'The indicators: moving averages, then oscillators.',
      resolve: ({ values }) => [...values],
    }),
  }),
});

const OutputColumnRef = builder.objectRef<OutputColumn>('IndicatorColumn').implement({
  description: 'One value of an indicator over a series.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name of the value.' }),
    values: t.field({
      type: ['Float'],
      nullable: { list: false, items: true },
      description: 'One for each open time; null while there are too few candles, or where undefined.',
      resolve: ({ values }) => [...values],
    }),
  }),
});

const IndicatorSeriesRef = builder.objectRef<IndicatorSeries>('IndicatorSeries').implement({
  description:
    'An indicator over the closed candles of the default source, in columns, oldest first. Earlier candles are read to warm it up: ten times what its first value needs, at most 1,000.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name in the catalog.' }),
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The candles it was computed from.' }),
    source: t.exposeString('source', {
      nullable: true,
      description: 'Where the candles come from; null where there are none of this interval.',
    }),
    params: t.field({
      type: [NamedValueRef],
      description: 'Its parameters, defaults filled in.',
      resolve: ({ params }) => [...params],
    }),
    openTime: t.field({
      type: ['DateTime'],
      description: 'Open times of the candles; a value is known at the close of its candle.',
      resolve: ({ openTime }) => [...openTime],
    }),
    outputs: t.field({
      type: [OutputColumnRef],
      description: 'A column for each of its values, as long as `openTime`.',
      resolve: ({ outputs }) => [...outputs],
    }),
    isTruncated: t.exposeBoolean('isTruncated', { description: 'Whether the span asked for holds more than `limit`.' }),
  }),
});

const intervalDefault = 'ONE_DAY';
const intervalArg = {
  type: CandleIntervalEnum,
  defaultValue: intervalDefault,
  description: 'Which candles to compute from.',
} as const;

/** Reading a point and computing it costs little; without a `limit` the range tells how many there can be. */
const pointCost: FieldCost = {
  item: 0.1,
  size: (args) =>
    mostCandles({ ...args, interval: (args as unknown as CandleArgs).interval ?? intervalDefault }, pointsDefault),
};

async function computeIndicators(
  ctx: Context,
  tokenId: number,
  interval: CandleInterval,
  asOf: number | null,
): Promise<IndicatorSet | null> {
  return computeSet(interval, await tokenBars(ctx).load(setKey(tokenId, interval, asOf)));
}

builder.objectFields(TokenRef, (t) => ({
  indicators: t.field({
    type: IndicatorSetRef,
    nullable: true,
    description: 'Its indicators at the last close; null where it has no closed candle of the interval.',
    extensions: { cost: { item: 25 } },
    args: {
      interval: t.arg(intervalArg),
      asOf: t.arg({ type: 'DateTime', description: 'At the newest close at this time or before; now when not given.' }),
    },
    resolve: ({ id }, { interval, asOf }, ctx) => computeIndicators(ctx, id, interval ?? intervalDefault, asOf ?? null),
  }),
  indicatorSeries: t.field({
    type: IndicatorSeriesRef,
    description: 'An indicator over a span of closed candles: from `from` on, else the newest.',
    extensions: { cost: pointCost },
    args: {
      name: t.arg.string({ required: true, description: 'Name in the catalog, see `indicatorDefinitions`.' }),
      params: t.arg.floatList({
        description: 'Its parameters in the order of the catalog; defaults for those not given.',
      }),
      interval: t.arg(intervalArg),
      from: t.arg({ type: 'DateTime', description: 'Candles that open at this time or later.' }),
      to: t.arg({ type: 'DateTime', description: 'Candles that open before this time.' }),
      limit: t.arg.int({ description: `How many candles, 1 to ${pointsMax}; ${pointsDefault} when not given.` }),
    },
    resolve: async ({ id }, { name, params, interval, from, to, limit }, ctx) => {
      const request = { from: from ?? null, to: to ?? null, limit: limit ?? null, params: params ?? null };
      const plan = planSeries({ tokenId: id, name, interval: interval ?? intervalDefault, ...request });
      return computeIndicatorSeries(plan, await tokenBars(ctx).load(plan.key));
    },
  }),
}));

const ParamRef = builder.objectRef<IndicatorParam>('IndicatorParam').implement({
  description: 'A parameter of an indicator.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    default: t.exposeFloat('default', { description: 'Its value when not given.' }),
    min: t.exposeFloat('min', { description: 'Least value.' }),
    max: t.exposeFloat('max', { description: 'Greatest value.' }),
    isInteger: t.exposeBoolean('isInteger', {
      description: 'Whether it must be a whole number, as counts of candles must.',
    }),
  }),
});

const DefinitionRef = builder.objectRef<IndicatorDefinition>('IndicatorDefinition').implement({
  description: 'An indicator of the catalog.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Unique name, for `indicatorSeries`.' }),
    title: t.exposeString('title', { description: 'Name for people.' }),
    description: t.exposeString('description', {
      description: 'What it measures, its unit or range, and its convention.',
    }),
    params: t.field({
      type: [ParamRef],
      description: 'What it takes, in order.',
      resolve: ({ params }) => [...params],
    }),
    outputs: t.stringList({ description: 'Names of its values, in order.', resolve: ({ outputs }) => [...outputs] }),
  }),
});

builder.queryField('indicatorDefinitions', (t) =>
  t.field({
    type: [DefinitionRef],
    description: 'Every indicator there is, by name.',
    resolve: () => Object.values(indicatorCatalog).sort((a, b) => a.name.localeCompare(b.name, 'en')),
  }),
);
