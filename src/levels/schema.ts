import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { barsUpTo } from '../indicators/series.ts';
import { tokenBars } from '../indicators/store.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { TokenRef } from '../tokens/schema.ts';
import {
  barsMaxOf,
  computeLevels,
  type LevelAbsence,
  type LevelMethod,
  type LevelRequest,
  type LevelSet,
  type PriceLevel,
} from './levels.ts';

/** The public face of levels: support and resistance of a token at a close. */

const LevelMethodEnum = builder.enumType('LevelMethod', {
  description: 'How levels are found.',
  values: {
    SWINGS: { description: 'Highs and lows that stand out from the 5 candles on either side, clustered by price.' },
    FLOOR_PIVOTS: { description: "The floor traders' pivots of the last closed candle: P, R1 to R3, S1 to S3." },
  } satisfies Record<LevelMethod, { description: string }>,
});

const LevelKindEnum = builder.enumType('LevelKind', {
  description: 'On which side of the close a level lies.',
  values: {
    SUPPORT: { description: 'At or below it.' },
    RESISTANCE: { description: 'Above it.' },
  } satisfies Record<PriceLevel['kind'], { description: string }>,
});

const LevelAbsenceEnum = builder.enumType('LevelAbsence', {
  description: 'Why there are no levels.',
  values: {
    NO_CANDLES: { description: 'No closed candle of the interval was there by then.' },
    TOO_FEW_CANDLES: { description: 'There are fewer than 30 closed candles.' },
    NO_SWINGS: { description: 'No candle stands out from its neighbours.' },
  } satisfies Record<LevelAbsence['reason'], { description: string }>,
});

const PriceLevelRef = builder.objectRef<PriceLevel>('PriceLevel').implement({
  description: 'A price that held before, or, for a floor pivot, that traders watch.',
  fields: (t) => ({
    price: t.exposeFloat('price', { description: 'The weighted mean of its touches; computed, so in floating point.' }),
    kind: t.expose('kind', { type: LevelKindEnum, description: 'Support or resistance, seen from the close.' }),
    label: t.exposeString('label', { nullable: true, description: 'Name of a floor pivot; null for swings.' }),
    strength: t.exposeFloat('strength', {
      nullable: true,
      description:
        'Sum over its touches of 0.5^(age / 90 candles) times volume over mean volume (held within 0.5 to 2); null for a floor pivot.',
    }),
    touches: t.exposeInt('touches', {
      nullable: true,
      description: 'How many swings it is made of; null for a floor pivot.',
    }),
    low: t.exposeFloat('low', { nullable: true, description: 'Lowest of its touches; null for a floor pivot.' }),
    high: t.exposeFloat('high', { nullable: true, description: 'Highest of its touches; null for a floor pivot.' }),
    firstSeenAt: t.expose('firstSeenAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its first touch was known, 5 candles after it happened; null for a floor pivot.',
    }),
    lastTouchedAt: t.expose('lastTouchedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Close of the candle of its last touch; null for a floor pivot.',
    }),
    isBroken: t.exposeBoolean('isBroken', {
      nullable: true,
      description:
        'Whether a candle closed through it after its last touch, by more than the bandwidth; null for a floor pivot.',
    }),
    distancePct: t.exposeFloat('distancePct', { description: 'How far above the close it lies, in percent.' }),
  }),
});

const LevelSetRef = builder.objectRef<LevelSet>('LevelSet').implement({
  description: `Support and resistance at a close, from the last ${barsMaxOf.SWINGS} closed candles (floor pivots: from the last one) of the default source.`,
  fields: (t) => ({
    method: t.expose('method', { type: LevelMethodEnum, description: 'How they were found.' }),
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The candles they were found in.' }),
    asOf: t.expose('asOf', {
      type: 'DateTime',
      nullable: true,
      description: 'The close they speak about; nothing later is used. Null without a candle.',
    }),
    source: t.exposeString('source', {
      nullable: true,
      description: 'Where the candles come from; null without one.',
    }),
    close: t.exposeFloat('close', { nullable: true, description: 'The close itself; null without a candle.' }),
    n: t.exposeInt('n', { description: 'How many candles were there to compute from.' }),
    inputs: t.field({
      type: 'JSON',
      description:
        'Numbers of the method. SWINGS: `reach` (candles on either side), `halfLifeBars`, `barsMax`, `atr` (14 candles), `bandwidth` (max(0.5 × atr / close, 0.003), in log price), `swings` (how many were clustered). FLOOR_PIVOTS: `high`, `low`, `close` of the candle.',
      resolve: ({ inputs }) => inputs,
    }),
    reason: t.field({
      type: LevelAbsenceEnum,
      nullable: true,
      description: 'Why there are none; null with levels.',
      resolve: ({ absence }) => absence?.reason ?? null,
    }),
    detail: t.string({
      nullable: true,
      description: 'The reason in a sentence; null with levels.',
      resolve: ({ absence }) => absence?.detail ?? null,
    }),
    levels: t.field({
      type: [PriceLevelRef],
      description: 'The levels: by strength, strongest first; floor pivots by price, highest first.',
      resolve: ({ levels }) => [...levels],
    }),
  }),
});

const firstDefault = 20;

async function readLevels(
  ctx: Context,
  tokenId: number,
  request: LevelRequest & { readonly asOf: number | null; readonly knownAt: number | null },
): Promise<LevelSet> {
  const { interval, asOf, knownAt, method } = request;
  const back = barsMaxOf[method];
  return computeLevels(request, await tokenBars(ctx).load(barsUpTo({ tokenId, interval, asOf }, back, knownAt)));
}

builder.objectField(TokenRef, 'levels', (t) =>
  t.field({
    type: LevelSetRef,
    description: 'Its support and resistance at the last close.',
    extensions: { cost: { flat: 5 } },
    args: {
      asOf: t.arg({ type: 'DateTime', description: 'At the newest close at this time or before; now when not given.' }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'From candles as they were known at this time: without what came, or was corrected, later.',
      }),
      method: t.arg({ type: LevelMethodEnum, defaultValue: 'SWINGS', description: 'How they are found.' }),
      interval: t.arg({ type: CandleIntervalEnum, defaultValue: 'ONE_DAY', description: 'In which candles.' }),
      first: t.arg.int({ description: `How many at most, 1 to 100; ${firstDefault} when not given.` }),
    },
    resolve: ({ id }, { asOf, knownAt, method, interval, first }, ctx) =>
      readLevels(ctx, id, {
        asOf: asOf ?? null,
        knownAt: knownAt ?? null,
        method: method ?? 'SWINGS',
        interval: interval ?? 'ONE_DAY',
        first: first ?? firstDefault,
      }),
  }),
);
