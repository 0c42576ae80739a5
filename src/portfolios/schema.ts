import { ViewerRef } from '../access/schema.ts';
import { latestGrade } from '../grades/store.ts';
import type { GradeKind } from '../grades/model.ts';
import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { AppError } from '../lib/errors.ts';
import type { CandleInterval } from '../lib/interval.ts';
import { assertWithin } from '../lib/limits.ts';
import { QuantMetricsRef } from '../metrics/quant-metrics-schema.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { narrativesByToken, tokenById } from '../tokens/store.ts';
import { WalletRef } from '../wallets/schema.ts';
import { computeAllocation, concentrationOf, type Slice } from './allocation.ts';
import { CostBasisEnum } from './cost-basis-schema.ts';
import type { DayPoint } from './history.ts';
import { PerformanceRef, PortfolioPointRef } from './history-schema.ts';
import { HoldingRef, pageHoldings, pageUnlisted, UnlistedBalanceRef } from './holding-schema.ts';
import {
  computeRisk,
  historyDaysDefault,
  historyDaysMax,
  type HistoryWindow,
  loadHistory,
} from './performance-read.ts';
import { loadPortfolio, type Portfolio, type TokenHolding } from './portfolio.ts';
import { computeProfit } from './profit.ts';
import { ProfitRef } from './profit-schema.ts';
import { readWalletId } from './wallet-id-schema.ts';
import './import-schema.ts';

/** The GraphQL face of portfolios. Everything here is private: it is reached through the viewer, and of the viewer's account only. */

const allocationKinds = ['TOKEN', 'NARRATIVE', 'CHAIN'] as const;
type AllocationKind = (typeof allocationKinds)[number];

const AllocationKindEnum = builder.enumType('AllocationKind', {
  description: 'What a value is spread over.',
  values: {
    TOKEN: { description: 'Tokens; the key is a slug.' },
    NARRATIVE: {
      description:
        'Narratives; the key is a slug, null for tokens without any. A token of several counts in each with an equal part.',
    },
    CHAIN: { description: 'Chains; the key is an EIP-155 chain id, null for wallets kept by hand.' },
  } satisfies Record<AllocationKind, { description: string }>,
});

const AllocationSliceRef = builder.objectRef<Slice>('AllocationSlice').implement({
  description: 'A part of the value of a portfolio.',
  fields: (t) => ({
    key: t.exposeString('key', { nullable: true, description: 'What it is of; null for what is of none.' }),
    valueUsd: t.expose('valueUsd', {
      type: 'Decimal',
      description: 'Its value; slices sum to `Portfolio.valueUsd` exactly.',
    }),
    share: t.exposeFloat('share', { description: 'Its part of the whole, 0 to 1.' }),
  }),
});

const isValued = ({ status }: TokenHolding): boolean => status === 'VALUED';

async function readAllocation(ctx: Context, { holdings }: Portfolio, by: AllocationKind): Promise<Slice[]> {
  const keysOf = async ({ tokenId, wallet }: TokenHolding): Promise<string[]> => {
    if (by === 'CHAIN') return wallet.chainId === null ? [] : [String(wallet.chainId)];
    if (by === 'NARRATIVE') return (await narrativesByToken(ctx).load(tokenId)).map(({ slug }) => slug);
    const token = await tokenById(ctx).load(tokenId);
    return token === null ? [] : [token.slug];
  };
  const values = holdings
    .filter(isValued)
    .map(async (holding) => ({ valueUsd: holding.valueUsd ?? '0', keys: await keysOf(holding) }));
  return computeAllocation(await Promise.all(values));
}

/** The mean of the grades of VALUED holdings, by value; null where none has one. */
async function readGrade(ctx: Context, { holdings }: Portfolio, kind: GradeKind): Promise<number | null> {
  const graded = holdings.filter(isValued).map(async ({ tokenId, valueUsd }) => ({
    weight: Number(valueUsd),
    grade: await latestGrade(ctx).load({ tokenId, kind, version: null, asOf: null, knownAt: null }),
  }));
  let [sum, weights] = [0, 0];
  for (const { weight, grade } of await Promise.all(graded)) {
    if (grade === null) continue;
    sum += weight * grade.value;
    weights += weight;
  }
  return weights > 0 ? sum / weights : null;
}

/** The days, with the level that their returns chain to. */
async function readPoints(
  ctx: Context,
  portfolio: Portfolio,
  window: HistoryWindow,
  interval: CandleInterval,
): Promise<(DayPoint & { level: number })[]> {
  if (interval !== 'ONE_DAY')
    throw new AppError('BAD_USER_INPUT', 'A portfolio has a value at daily closes: use the interval ONE_DAY.', {
      extensions: { argument: 'interval' },
    });
  const { points } = await loadHistory(ctx, portfolio, window);
  let level = 1;
  return points.map((point) => ({ ...point, level: (level *= 1 + (point.dayReturn ?? 0)) }));
}

const windowArgs = builder.args((t) => ({
  from: t.field({
    type: 'DateTime',
    description: `Closes at this time or later; the first transaction at the earliest, and the newest ${historyDaysDefault} days when not given. At most ${historyDaysMax} days.`,
  }),
  to: t.field({ type: 'DateTime', description: 'Closes at this time or before; now when not given.' }),
}));

const windowOf = ({
  from,
  to,
}: {
  from?: number | null | undefined;
  to?: number | null | undefined;
}): HistoryWindow => ({
  from: from ?? null,
  to: to ?? null,
});

/** A portfolio. */
export const PortfolioRef = builder.objectRef<Portfolio>('Portfolio');

PortfolioRef.implement({
  description: 'What somebody owns in some of their wallets, what it is worth, and how it did. Private.',
  fields: (t) => ({
    asOf: t.expose('asOf', { type: 'DateTime', description: 'When it was valued.' }),
    valueUsd: t.field({
      type: 'Decimal',
      description: 'Sum of the VALUED holdings, to the last digit.',
      resolve: ({ totals }) => totals.valueUsd,
    }),
    suspectValueUsd: t.field({
      type: 'Decimal',
      description: 'Sum of the SUSPECT holdings, which are not in `valueUsd`.',
      resolve: ({ totals }) => totals.suspectUsd,
    }),
    totalValueUsd: t.field({
      type: 'Decimal',
      description: 'Both together.',
      resolve: ({ totals }) => totals.totalUsd,
    }),
    changePct24h: t.float({
      nullable: true,
      description: 'Change of the value of the VALUED holdings over 24 hours, at their present balances, percent.',
      resolve: ({ totals }) => totals.changePct24h,
    }),
    holdings: t.connection({
      type: HoldingRef,
      description: 'What the wallets hold of tokens, largest value first.',
      resolve: (portfolio, args) => pageHoldings(portfolio, args),
    }),
    unlisted: t.connection({
      type: UnlistedBalanceRef,
      description: 'Balances of contracts that are of no token of the registry, by wallet; they have no value.',
      resolve: (portfolio, args) => pageUnlisted(portfolio, args),
    }),
    allocation: t.field({
      type: [AllocationSliceRef],
      description: 'How `valueUsd` is spread, largest first.',
      args: { by: t.arg({ type: AllocationKindEnum, defaultValue: 'TOKEN', description: 'Over what.' }) },
      resolve: (portfolio, { by }, ctx) => readAllocation(ctx, portfolio, by ?? 'TOKEN'),
    }),
    concentration: t.float({
      nullable: true,
      description:
        'Herfindahl-Hirschman index of the tokens: the sum of their squared shares of `valueUsd`; 1 is all in one. Null without value.',
      resolve: async (portfolio, _args, ctx) =>
        concentrationOf((await readAllocation(ctx, portfolio, 'TOKEN')).map(({ share }) => share)),
    }),
    pnl: t.field({
      type: ProfitRef,
      description: 'Profit and loss.',
      args: {
        costBasis: t.arg({
          type: CostBasisEnum,
          description: "Which lots disposals take; the portfolio's when not given.",
        }),
      },
      resolve: async (portfolio, { costBasis }, ctx) => computeProfit(await withBasis(ctx, portfolio, costBasis)),
    }),
    traderGrade: t.float({
      nullable: true,
      description: 'Mean of the Trader Grades of its VALUED holdings that have one, by value; null where none has.',
      resolve: (portfolio, _args, ctx) => readGrade(ctx, portfolio, 'TRADER'),
    }),
    investorGrade: t.float({
      nullable: true,
      description: 'The same of the Investor Grades.',
      resolve: (portfolio, _args, ctx) => readGrade(ctx, portfolio, 'INVESTOR'),
    }),
  }),
});

builder.objectFields(PortfolioRef, (t) => ({
  history: t.field({
    type: [PortfolioPointRef],
    description: 'Its value at the close of each day, oldest first.',
    extensions: { cost: { item: 0.1, size: () => historyDaysDefault } },
    args: {
      ...windowArgs,
      interval: t.arg({ type: CandleIntervalEnum, defaultValue: 'ONE_DAY', description: 'ONE_DAY.' }),
    },
    resolve: (portfolio, args, ctx) => readPoints(ctx, portfolio, windowOf(args), args.interval ?? 'ONE_DAY'),
  }),
  performance: t.field({
    type: PerformanceRef,
    description: 'Its returns, time-weighted and money-weighted.',
    extensions: { cost: { item: 10 } },
    args: windowArgs,
    resolve: async (portfolio, args, ctx) => (await loadHistory(ctx, portfolio, windowOf(args))).points,
  }),
  risk: t.field({
    type: QuantMetricsRef,
    description: 'Risk and return of its daily value net of flows, beside bitcoin.',
    extensions: { cost: { item: 10 } },
    args: {
      ...windowArgs,
      riskFreeRate: t.arg.float({ defaultValue: 0, description: 'Yearly risk-free rate as a fraction, -1 to 10.' }),
    },
    resolve: async (portfolio, { riskFreeRate, ...window }, ctx) => {
      const rate = riskFreeRate ?? 0;
      assertWithin(rate, { name: 'riskFreeRate', argument: 'riskFreeRate', min: -1, max: 10 });
      return computeRisk(await loadHistory(ctx, portfolio, windowOf(window)), rate);
    },
  }),
}));

function withBasis(
  ctx: Context,
  portfolio: Portfolio,
  basis: Portfolio['basis'] | null | undefined,
): Promise<Portfolio> {
  const { accountId, wallets } = portfolio;
  if (basis == null || basis === portfolio.basis) return Promise.resolve(portfolio);
  return loadPortfolio(ctx, { accountId, walletIds: wallets.map(({ id }) => id), basis });
}

builder.objectField(ViewerRef, 'portfolio', (t) =>
  t.field({
    type: PortfolioRef,
    description: 'What they own in their wallets, all of them or some.',
    extensions: { cost: { item: 5, size: () => 1 } },
    args: {
      walletIds: t.arg.idList({ description: 'Only these wallets; all when not given.' }),
      costBasis: t.arg({ type: CostBasisEnum, defaultValue: 'FIFO', description: 'Which lots disposals take.' }),
    },
    resolve: ({ accountId }, { walletIds, costBasis }, ctx) =>
      loadPortfolio(ctx, {
        accountId,
        walletIds: walletIds == null ? null : walletIds.map(readWalletId),
        basis: costBasis ?? 'FIFO',
      }),
  }),
);

builder.objectField(WalletRef, 'portfolio', (t) =>
  t.field({
    type: PortfolioRef,
    description: 'What it holds.',
    extensions: { cost: { item: 5 } },
    args: {
      costBasis: t.arg({ type: CostBasisEnum, defaultValue: 'FIFO', description: 'Which lots disposals take.' }),
    },
    resolve: ({ accountId, id }, { costBasis }, ctx) =>
      loadPortfolio(ctx, { accountId, walletIds: [id], basis: costBasis ?? 'FIFO' }),
  }),
);
