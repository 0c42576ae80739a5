import { builder } from '../graphql/builder.ts';
import { listParams, type ParamRule, strategyKinds } from './kinds.ts';
import { StrategyRef } from './schema.ts';
import { kindOf, type StrategyKind } from './strategy.ts';

/** What a strategy is made of: the fields of Strategy that show its definition. */

const StrategyKindEnum = builder.enumType('StrategyKind', {
  description: 'The kinds of state machine that a strategy can be.',
  values: {
    TREND_VOTES: { description: strategyKinds.TREND_VOTES.description },
    LEVEL_BREAKOUT: { description: strategyKinds.LEVEL_BREAKOUT.description },
    MEAN_REVERSION: { description: strategyKinds.MEAN_REVERSION.description },
  } satisfies Record<StrategyKind, { description: string }>,
});

const StrategyParamRef = builder.objectRef<ParamRule & { readonly value: number }>('StrategyParam').implement({
  description: 'A parameter of a strategy, with the bounds that `backtest` accepts.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name in `params`.' }),
    description: t.exposeString('description', { description: 'What it decides.' }),
    value: t.exposeFloat('value', { description: 'Its value in this version.' }),
    min: t.exposeFloat('min', { description: 'Least value.' }),
    max: t.exposeFloat('max', { description: 'Greatest value.' }),
    isInteger: t.exposeBoolean('isInteger', { description: 'Whether it must be a whole number.' }),
  }),
});

interface StrategyIndicator {
  readonly name: string;
  readonly params: readonly number[];
}

const StrategyIndicatorRef = builder.objectRef<StrategyIndicator>('StrategyIndicator').implement({
  description: 'An indicator that a strategy reads.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name in the catalog, see `indicatorDefinitions`.' }),
    params: t.field({
      type: ['Float'],
      description: 'Its parameters in the order of the catalog.',
      resolve: ({ params }) => [...params],
    }),
  }),
});

builder.objectFields(StrategyRef, (t) => ({
  kind: t.field({
    type: StrategyKindEnum,
    description: 'Which state machine it is.',
    resolve: ({ definition }) => kindOf(definition),
  }),
  paramRules: t.field({
    type: [StrategyParamRef],
    description: 'Its parameters one by one, with what they mean and their bounds.',
    resolve: ({ definition }) => listParams(definition),
  }),
  indicators: t.field({
    type: [StrategyIndicatorRef],
    description: 'The indicators it reads with its parameters; none for TREND_VOTES, which reads the 26 votes.',
    resolve: ({ definition }) => {
      const values: Readonly<Record<string, number>> = { ...definition.params };
      const { indicators } = strategyKinds[kindOf(definition)];
      return indicators.map(({ name, params }) => ({ name, params: params.map((param) => values[param] ?? 0) }));
    },
  }),
  confidenceRule: t.string({
    description: 'What `confidence` of its signals means; it is never a probability.',
    resolve: ({ definition }) => strategyKinds[kindOf(definition)].confidence,
  }),
}));
