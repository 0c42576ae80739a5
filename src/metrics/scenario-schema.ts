import { builder } from '../graphql/builder.ts';
import { TokenRef } from '../tokens/schema.ts';
import { blockDays, pathsCount } from './bootstrap.ts';
import {
  historyMin,
  type Scenario,
  type ScenarioAbsence,
  type ScenarioKind,
  type ScenarioOutlook,
} from './scenario.ts';
import { historyClosesMax, horizonMax, horizonsDefault, loadScenarios, valuesMax } from './token-scenarios.ts';

/** The public face of scenarios. */

const methods: Readonly<Record<ScenarioKind, string>> = {
  MARKET_CAP_GRID:
    'total market cap x dominance / supply; supply is the present market cap by the present price. The present total is the sum of the market caps that are known here, of n tokens.',
  BOOTSTRAP: `Circular block bootstrap (Politis and Romano, 1992) of the token's own daily log returns: ${pathsCount} paths of blocks of ${blockDays} days drawn with sfc32 from the seed; the percentile of the paths at the horizon, from the present price. Nothing but the past returns goes in.`,
};

const ScenarioKindEnum = builder.enumType('ScenarioKind', {
  description: 'What a scenario assumes.',
  values: {
    MARKET_CAP_GRID: { description: 'That all tokens are worth so much, and this one has such a share of it.' },
    BOOTSTRAP: { description: 'That its own past returns come again, in another order.' },
  } satisfies Record<ScenarioKind, { description: string }>,
});

const ScenarioOutlookEnum = builder.enumType('ScenarioOutlook', {
  description: 'Which of the drawn paths is told.',
  values: {
    BEAR: { description: 'The 10th percentile: nine of ten paths end higher.' },
    BASE: { description: 'The median.' },
    BULL: { description: 'The 90th percentile: one of ten paths ends higher.' },
  } satisfies Record<ScenarioOutlook, { description: string }>,
});

const ScenarioAbsenceEnum = builder.enumType('ScenarioAbsence', {
  description: 'Why a scenario has no price.',
  values: {
    NO_PRICE: { description: 'The token has no quote to start from.' },
    NO_MARKET_CAP: { description: 'Its market cap, or any, is not known: no supply and no share can be told.' },
    TOO_LITTLE_HISTORY: {
      description: `It has fewer than ${historyMin} daily returns, or fewer than the horizon has days.`,
    },
  } satisfies Record<ScenarioAbsence, { description: string }>,
});

const ScenarioRef = builder.objectRef<Scenario>('Scenario').implement({
  description:
    'What a stated assumption would make of the price: a scenario, not a forecast. The same inputs and seed give the same answer. What does not belong to its kind is null.',
  fields: (t) => ({
    label: t.string({ description: 'What it is, to be shown beside it.', resolve: () => 'Scenario, not a forecast.' }),
    kind: t.expose('kind', { type: ScenarioKindEnum, description: 'What it assumes.' }),
    outlook: t.expose('outlook', { type: ScenarioOutlookEnum, nullable: true, description: 'Which path; BOOTSTRAP.' }),
    horizonDays: t.exposeInt('horizonDays', { nullable: true, description: 'Days ahead; BOOTSTRAP.' }),
    percentile: t.exposeFloat('percentile', {
      nullable: true,
      description: 'Percentile of the drawn paths, 0 to 100; BOOTSTRAP.',
    }),
    totalMarketCapUsd: t.expose('totalMarketCapUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'What all tokens are assumed to be worth; MARKET_CAP_GRID.',
    }),
    dominancePct: t.exposeFloat('dominancePct', {
      nullable: true,
      description: "The token's assumed share of it in percent; MARKET_CAP_GRID.",
    }),
    supply: t.expose('supply', {
      type: 'Decimal',
      nullable: true,
      description: 'Coins in circulation, as its market cap implies; MARKET_CAP_GRID.',
    }),
    priceUsd: t.expose('priceUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'What the assumption makes of the price, 12 digits; null with a reason.',
    }),
    changePct: t.exposeFloat('changePct', {
      nullable: true,
      description: 'Against `basePriceUsd` in percent; null with a reason.',
    }),
    reason: t.expose('reason', { type: ScenarioAbsenceEnum, nullable: true, description: 'Why it has no price.' }),
    basePriceUsd: t.expose('basePriceUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'The price it starts from.',
    }),
    asOf: t.expose('asOf', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the last close drawn from; BOOTSTRAP.',
    }),
    n: t.exposeInt('n', { description: 'Daily returns drawn from, or tokens counted in the present total.' }),
    seed: t.exposeInt('seed', { nullable: true, description: 'What the paths were drawn with; BOOTSTRAP.' }),
    method: t.string({ description: 'How it was computed, in words.', resolve: ({ kind }) => methods[kind] }),
  }),
});

builder.objectField(TokenRef, 'scenarios', (t) =>
  t.field({
    type: [ScenarioRef],
    description: `What stated assumptions would make of its price, never a forecast: a grid of total market caps and shares, then bear, base and bull of each horizon, from its last ${historyClosesMax} daily closes.`,
    extensions: { cost: { item: 2 } },
    args: {
      horizonDays: t.arg.intList({
        description: `Days ahead, each 1 to ${horizonMax}, at most ${valuesMax}; ${horizonsDefault.join(', ')} when not given.`,
      }),
      seed: t.arg.int({ defaultValue: 1, description: 'What paths are drawn with, 0 or above.' }),
      totalMarketCapUsd: t.arg({
        type: ['Decimal'],
        description: `Totals to assume, at most ${valuesMax}; 0.5, 1, 2 and 4 times the present one when not given.`,
      }),
      dominancePct: t.arg.floatList({
        description: `Shares to assume in percent, 0 to 100, at most ${valuesMax}; 0.5, 1 and 2 times the present one when not given, without those above 100.`,
      }),
    },
    resolve: ({ id }, { horizonDays, seed, totalMarketCapUsd, dominancePct }, ctx) =>
      loadScenarios(ctx, id, {
        horizons: horizonDays ?? null,
        seed: seed ?? 1,
        totals: totalMarketCapUsd ?? null,
        dominancePcts: dominancePct ?? null,
      }),
  }),
);
