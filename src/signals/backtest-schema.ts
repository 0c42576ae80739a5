import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import type { FieldCost } from '../graphql/cost.ts';
import { AppError } from '../lib/errors.ts';
import { assertWithin } from '../lib/limits.ts';
import { assertSpan } from '../lib/span.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { findTokenIds } from '../tokens/token-ids.ts';
import { type BacktestResult, computeBacktest } from './backtest.ts';
import { readBacktestHistory } from './backtest-store.ts';
import { type BacktestTrade, curvePointsMax, type EquityCurve, type MissingFigure } from './equity.ts';
import { overrideParams } from './kinds.ts';
import { SignalDirectionEnum, StrategyRef } from './schema.ts';
import { loadStrategies, type StrategyRow } from './store.ts';
import type { Strategy } from './strategy.ts';

/** The public face of backtests. */

/** A backtest with what it was run on. */
interface Backtest extends BacktestResult {
  readonly strategyRow: StrategyRow;
  /** The strategy as run: with the parameters and the fee of the request. */
  readonly strategy: Strategy;
  readonly source: string | null;
}

const TradeRef = builder.objectRef<BacktestTrade>('BacktestTrade').implement({
  description:
    'One trade, filled at the open of the candle after the close that issued it and after the close that ended it.',
  fields: (t) => ({
    direction: t.expose('direction', { type: SignalDirectionEnum, description: 'BULLISH or BEARISH.' }),
    issuedAt: t.expose('issuedAt', { type: 'DateTime', description: 'The close it was issued at.' }),
    confidence: t.exposeFloat('confidence', { description: 'As of a signal: not a probability.' }),
    enteredAt: t.expose('enteredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Open of the candle it was entered at; null before there is one.',
    }),
    entryPriceUsd: t.expose('entryPriceUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'Price it was entered at, before the fee.',
    }),
    closedAt: t.expose('closedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Open of the candle it was left at; null while it is open.',
    }),
    exitPriceUsd: t.expose('exitPriceUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'Price it was left at, before the fee; null while it is open.',
    }),
    returnPct: t.exposeFloat('returnPct', {
      nullable: true,
      description: 'Profit in percent of the entry price after both fees; null while it is open.',
    }),
    holdReturnPct: t.exposeFloat('holdReturnPct', {
      nullable: true,
      description: 'Percent that holding brought over the same span, without fees; null while it is open.',
    }),
    maxAdversePct: t.exposeFloat('maxAdversePct', {
      nullable: true,
      description: 'Deepest unrealised loss on the way, in percent, 0 or below; null while it is open.',
    }),
  }),
});

const EquityRef = builder.objectRef<EquityCurve>('EquityCurve').implement({
  description: `Value close by close, in columns of equal length, at most ${curvePointsMax}: with more closes every so many, and the last.`,
  fields: (t) => ({
    closeTime: t.field({
      type: ['DateTime'],
      description: 'The closes.',
      resolve: ({ closeTime }) => [...closeTime],
    }),
    equity: t.floatList({
      description: 'What 1 has become by the strategy, open trades valued at the close.',
      resolve: ({ equity }) => [...equity],
    }),
    hold: t.floatList({
      description: 'What 1 has become by holding the token, without fees.',
      resolve: ({ hold }) => [...hold],
    }),
  }),
});

const MissingFigureRef = builder.objectRef<MissingFigure>('BacktestMissing').implement({
  description: 'A figure that is null, and why.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The field that is null.' }),
    detail: t.exposeString('detail', { description: 'The reason in a sentence.' }),
  }),
});

/** Most trades of one answer. */
export const tradesMax = 1_000;
const tradesDefault = 100;
const tradeCost: { cost: FieldCost } = { cost: { item: 0.1 } };

function newestTrades(trades: readonly BacktestTrade[], limit: number): BacktestTrade[] {
  assertWithin(limit, { name: 'backtestTrades', argument: 'limit', max: tradesMax });
  return trades.slice(-limit);
}

const percent = { nullable: true } as const;

const BacktestRef = builder.objectRef<Backtest>('Backtest');

BacktestRef.implement({
  description:
    'What a strategy would have done on a token: the state machine that issues signals, over the stored candles as they are now. Past, not future: no slippage, no funding, and parameters chosen by looking at it flatter it.',
  fields: (t) => ({
    strategy: t.field({
      type: StrategyRef,
      description: 'The published version it is based on.',
      resolve: ({ strategyRow }) => strategyRow,
    }),
    params: t.field({
      type: 'JSON',
      description: 'The parameters it ran with.',
      resolve: ({ strategy }) => strategy.params,
    }),
    feeBps: t.float({
      description: 'Fee of each fill, in hundredths of a percent of its price.',
      resolve: ({ strategy }) => strategy.feeBps,
    }),
    interval: t.field({
      type: CandleIntervalEnum,
      description: 'The candles it ran over.',
      resolve: ({ strategy }) => strategy.interval,
    }),
    source: t.exposeString('source', {
      nullable: true,
      description: 'Where the candles come from; null where there are none.',
    }),
    from: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'First close of the window; null without one.',
      resolve: ({ firstClose }) => firstClose,
    }),
    to: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Last close of the window; null without one.',
      resolve: ({ lastClose }) => lastClose,
    }),
    n: t.exposeInt('n', { description: 'Closes of the window.' }),
    warmupN: t.exposeInt('warmupN', {
      description: 'Closes before the window that the machine has seen; all there are.',
    }),
  }),
});

builder.objectFields(BacktestRef, (t) => ({
  returnPct: t.exposeFloat('returnPct', {
    ...percent,
    description: 'Return over the window, all money in each trade, open ones valued at the last close.',
  }),
  holdReturnPct: t.exposeFloat('holdReturnPct', {
    ...percent,
    description: 'Return of holding the token from the first close to the last, without fees.',
  }),
  tradeCount: t.int({ description: 'Trades issued in the window.', resolve: ({ trades }) => trades.length }),
  closedCount: t.exposeInt('closedCount', { description: 'How many of them are over.' }),
  hitRate: t.exposeFloat('hitRate', {
    nullable: true,
    description: 'Share of the closed trades that returned more than 0 after fees.',
  }),
  maxDrawdownPct: t.exposeFloat('maxDrawdownPct', {
    ...percent,
    description: 'Deepest fall of the value from its highest close before, 0 or below.',
  }),
  sharpe: t.exposeFloat('sharpe', {
    nullable: true,
    description:
      'Mean by standard deviation of the returns from close to close, annualised over 365 days, risk-free rate 0; null under 30 returns.',
  }),
  exposure: t.exposeFloat('exposure', {
    nullable: true,
    description: 'Share of the closes with a position, 0 to 1.',
  }),
  missing: t.field({
    type: [MissingFigureRef],
    description: 'The figures that are null, and why.',
    resolve: ({ missing }) => [...missing],
  }),
  equity: t.field({ type: EquityRef, description: 'The value over time.', resolve: ({ equity }) => equity }),
  trades: t.field({
    type: [TradeRef],
    description: 'The newest trades, oldest first.',
    extensions: tradeCost,
    args: {
      limit: t.arg.int({ description: `How many, 1 to ${tradesMax}; ${tradesDefault} when not given.` }),
    },
    resolve: ({ trades }, { limit }) => newestTrades(trades, limit ?? tradesDefault),
  }),
}));

interface BacktestArgs {
  readonly strategy: string;
  readonly slug: string;
  readonly params?: unknown;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly feeBps?: number | null | undefined;
}

const feeBpsMax = 1_000;

async function findPublished(ctx: Context, name: string): Promise<StrategyRow> {
  const strategies = await loadStrategies(ctx); // newest version first
  const found = strategies.find((strategy) => strategy.name === name);
  if (found) return found;
  const names = [...new Set(strategies.map((strategy) => strategy.name))].join(', ') || 'none';
  throw new AppError('BAD_USER_INPUT', `There is no strategy "${name}". Published: ${names}.`, {
    extensions: { argument: 'strategy' },
  });
}

async function runBacktest(ctx: Context, args: BacktestArgs): Promise<Backtest> {
  const { from = null, to = null } = args;
  assertSpan({ from, to });
  const strategyRow = await findPublished(ctx, args.strategy);
  const changed = overrideParams(strategyRow.definition, args.params);
  const feeBps = args.feeBps ?? changed.feeBps;
  assertWithin(feeBps, { name: 'feeBps', argument: 'feeBps', min: 0, max: feeBpsMax });
  const [tokenId = 0] = await findTokenIds(ctx, [args.slug], 'slug');
  const strategy = { ...changed, feeBps };
  const history = await readBacktestHistory(ctx.db, tokenId, strategy.interval, to);
  const result =
    history === null
      ? computeBacktest({ strategy, bars: noBars, from })
      : await ctx.work.run('backtest', { strategy, bars: history.bars, from }, { signal: ctx.signal });
  return { ...result, strategyRow, strategy, source: history?.source ?? null };
}

const none = new Float64Array();
const noBars = { openTime: none, open: none, high: none, low: none, close: none, volume: none, openText: [] };

/** As much as 100 objects: it reads a whole series and computes for up to a second in a thread of its own. */
const backtestCost: { cost: FieldCost } = { cost: { item: 100 } };

builder.queryField('backtest', (t) =>
  t.field({
    type: BacktestRef,
    description:
      'Runs a strategy over the history of a token, with other parameters if wanted. It never looks ahead; with the published parameters its trades are the recorded signals.',
    extensions: backtestCost,
    args: {
      strategy: t.arg.string({
        required: true,
        description: 'Name of a published strategy; its newest version is run.',
      }),
      slug: t.arg.string({ required: true, description: 'Slug of the token.' }),
      params: t.arg({
        type: 'JSON',
        description: 'Parameters by name, those not given as published; `Strategy.paramRules` has the bounds.',
      }),
      from: t.arg({ type: 'DateTime', description: 'Closes at this time or later; earlier ones only warm up.' }),
      to: t.arg({ type: 'DateTime', description: 'Closes before this time; trades still open then stay open.' }),
      feeBps: t.arg.float({
        description: `Fee of each fill, in hundredths of a percent, 0 to ${feeBpsMax}; the strategy's own when not given.`,
      }),
    },
    resolve: (_root, args, ctx) => runBacktest(ctx, args),
  }),
);
