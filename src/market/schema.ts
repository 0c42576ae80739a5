import { GradeBandEnum, GradeKindEnum } from '../grades/schema.ts';
import { builder } from '../graphql/builder.ts';
import { pastQuotesMax } from '../prices/quote-store.ts';
import { SignalDirectionEnum } from '../signals/schema.ts';
import {
  type GradeBreadth,
  type MarketOverview,
  type MarketSignal,
  marketSignalRule,
  type SignalBreadth,
  tokensMin,
  type TrendBreadth,
} from './overview.ts';
import { loadMarketOverview } from './read.ts';
import { trendTokensMax } from './store.ts';

/** The public face of the market as a whole. */

const GradeBandCountRef = builder.objectRef<GradeBreadth['bands'][number]>('GradeBandCount').implement({
  description: 'How many tokens a band holds.',
  fields: (t) => ({
    band: t.expose('band', { type: GradeBandEnum, description: 'The band.' }),
    count: t.exposeInt('count', { description: 'Tokens whose grade lies in it.' }),
  }),
});

const GradeBreadthRef = builder.objectRef<GradeBreadth>('GradeBreadth').implement({
  description: 'How the tokens of a market are graded, by the current model of a kind.',
  fields: (t) => ({
    kind: t.expose('kind', { type: GradeKindEnum, description: 'What the grades speak about.' }),
    n: t.exposeInt('n', { description: 'Graded tokens; a grade a day or more older than the newest is left out.' }),
    mean: t.exposeFloat('mean', { description: 'Mean grade.' }),
    asOf: t.expose('asOf', { type: 'DateTime', description: 'The newest close graded.' }),
    bands: t.field({
      type: [GradeBandCountRef],
      description: 'Bands that hold a token, best first.',
      resolve: ({ bands }) => [...bands],
    }),
  }),
});

const SignalBreadthRef = builder.objectRef<SignalBreadth>('SignalBreadth').implement({
  description: "The signals in force of a strategy's newest version: how many tokens it says what of.",
  fields: (t) => ({
    strategy: t.exposeString('strategy', { description: 'Its name.' }),
    bullish: t.exposeInt('bullish', { description: 'Tokens with an open BULLISH signal.' }),
    bearish: t.exposeInt('bearish', { description: 'Tokens with an open BEARISH signal.' }),
    neutral: t.exposeInt('neutral', { description: 'Tokens whose last signal was NEUTRAL.' }),
  }),
});

const TrendBreadthRef = builder.objectRef<TrendBreadth>('TrendBreadth').implement({
  description: `How many of the ${trendTokensMax} largest tokens closed above the mean of their last daily closes.`,
  fields: (t) => ({
    days: t.exposeInt('days', { description: 'Closes in the mean.' }),
    n: t.exposeInt('n', { description: 'Tokens with so many closes, the newest not a week behind the others.' }),
    above: t.exposeInt('above', { description: 'Those above.' }),
    share: t.exposeFloat('share', {
      nullable: true,
      description: `\`above\` by \`n\`, 0 to 1; null under ${tokensMin} tokens.`,
    }),
  }),
});

const MarketSignalInputRef = builder.objectRef<MarketSignal['inputs'][number]>('MarketSignalInput').implement({
  description: 'A number that the market signal is made of.',
  fields: (t) => ({
    name: t.exposeString('name', { description: '`above50Days`, `above200Days` or `signals`.' }),
    value: t.exposeFloat('value', { nullable: true, description: `-1 to 1; null under ${tokensMin} tokens.` }),
    n: t.exposeInt('n', { description: 'Tokens it was counted of.' }),
  }),
});

const MarketSignalRef = builder.objectRef<MarketSignal>('MarketSignal').implement({
  description: 'What the tokens say together, by a stated rule. A description of the present, not advice.',
  fields: (t) => ({
    direction: t.expose('direction', {
      type: SignalDirectionEnum,
      nullable: true,
      description: 'What it says; null with a reason.',
    }),
    score: t.exposeFloat('score', { nullable: true, description: 'Mean of the inputs, -1 to 1; null with a reason.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why there is none; null where there is one.' }),
    rule: t.string({ description: 'The rule and its version.', resolve: () => marketSignalRule }),
    inputs: t.field({
      type: [MarketSignalInputRef],
      description: 'What it is made of.',
      resolve: ({ inputs }) => [...inputs],
    }),
  }),
});

const MarketOverviewRef = builder.objectRef<MarketOverview>('MarketOverview').implement({
  description:
    'All tokens of a market together: the real ones, or, where none of them has a quote, the simulated ones; never both.',
  fields: (t) => ({
    asOf: t.expose('asOf', { type: 'DateTime', description: 'The instant it speaks about.' }),
    isSimulated: t.boolean({
      description: 'Whether its tokens are simulated.',
      resolve: ({ totals }) => totals?.isSimulated ?? false,
    }),
    observedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Of its newest quote; null where there is none. Quotes a week older than that are left out.',
      resolve: ({ totals }) => totals?.observedAt ?? null,
    }),
    tokenCount: t.int({
      description: 'Tokens with a quote.',
      resolve: ({ totals }) => totals?.tokenCount ?? 0,
    }),
    marketCapUsd: t.field({
      type: 'Decimal',
      nullable: true,
      description:
        'Sum of the market caps that are known, exact; null where none is. Not the whole world: see the count.',
      resolve: ({ totals }) => totals?.marketCapUsd ?? null,
    }),
    marketCapCount: t.int({
      description: 'Tokens whose market cap is known and counted.',
      resolve: ({ totals }) => totals?.marketCapCount ?? 0,
    }),
    volume24hUsd: t.field({
      type: 'Decimal',
      nullable: true,
      description: 'Sum of the 24 h volumes that are known, exact; null where none is.',
      resolve: ({ totals }) => totals?.volume24hUsd ?? null,
    }),
    volumeCount: t.int({
      description: 'Tokens whose volume is known and counted.',
      resolve: ({ totals }) => totals?.volumeCount ?? 0,
    }),
    bitcoinDominancePct: t.exposeFloat('bitcoinDominancePct', {
      nullable: true,
      description: "Bitcoin's share of `marketCapUsd` in percent; null where its market cap is not known.",
    }),
    ethereumDominancePct: t.exposeFloat('ethereumDominancePct', {
      nullable: true,
      description: "Ethereum's share of `marketCapUsd` in percent; null where its market cap is not known.",
    }),
    risenCount: t.int({
      description: 'Tokens above their price of 24 hours before.',
      resolve: ({ totals }) => totals?.risenCount ?? 0,
    }),
    fallenCount: t.int({
      description: 'Tokens below their price of 24 hours before.',
      resolve: ({ totals }) => totals?.fallenCount ?? 0,
    }),
    grades: t.field({
      type: [GradeBreadthRef],
      description: 'How its tokens are graded, by kind.',
      resolve: ({ grades }) => [...grades],
    }),
    trends: t.field({
      type: [TrendBreadthRef],
      description: 'Tokens above the mean of their last 50 and 200 daily closes.',
      resolve: ({ trends }) => [...trends],
    }),
    signals: t.field({
      type: [SignalBreadthRef],
      description: 'The signals in force, by strategy.',
      resolve: ({ signals }) => [...signals],
    }),
    signal: t.expose('signal', { type: MarketSignalRef, description: 'What they say together.' }),
  }),
});

builder.queryField('market', (t) =>
  t.field({
    type: MarketOverviewRef,
    description: 'The market at a glance: what it is worth, how broad it moves, how it is graded.',
    extensions: { cost: { item: 20 } },
    args: {
      asOf: t.arg({
        type: 'DateTime',
        description: `From candles that had closed, and grades and signals of closes, by this instant; of the ${pastQuotesMax} largest tokens of today. Now when not given.`,
      }),
    },
    resolve: (_root, { asOf }, ctx) => loadMarketOverview(ctx, asOf ?? null),
  }),
);
