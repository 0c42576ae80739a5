import { builder } from '../graphql/builder.ts';
import { createPage, type Page, type PageArgs, readPageArgs } from '../graphql/connection.ts';
import type { Context } from '../graphql/context.ts';
import type { Key } from '../lib/cursor.ts';
import { TokenRef } from '../tokens/schema.ts';
import { tokenById } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';
import { CostBasisEnum } from './cost-basis-schema.ts';
import type { OpenLot, RealisedLot, UnmatchedDisposal } from './lots.ts';
import { compareKeys, sliceRows } from './memory-page.ts';
import { type TransactionType, transactionTypes, type ValueSource } from './movement.ts';
import type { Portfolio } from './portfolio.ts';
import { computePeriods, type PeriodProfit, type Profit, profitPeriods } from './profit.ts';

/** The type ProfitAndLoss with its lots. */

const typeDescriptions: Readonly<Record<TransactionType, string>> = {
  BUY: 'Coins for money.',
  SELL: 'Money for coins.',
  SWAP: 'Coins for coins.',
  TRANSFER_IN: 'Coins that came from elsewhere.',
  TRANSFER_OUT: 'Coins that went elsewhere; of own transfers, what did not arrive.',
  INCOME: 'Coins earned: staking, airdrops, interest, wages.',
  SPEND: 'Coins given for goods, as a gift, or lost.',
  FEE: 'Coins paid as a fee, or as gas.',
};

/** Kinds of transactions. */
export const TransactionTypeEnum = builder.enumType('TransactionType', {
  description: 'What a transaction is.',
  values: Object.fromEntries(transactionTypes.map((type) => [type, { description: typeDescriptions[type] }])) as Record<
    TransactionType,
    { description: string }
  >,
});

const ValueSourceEnum = builder.enumType('ValueSource', {
  description: 'Where a cost comes from.',
  values: {
    RECORDED: { description: 'The record of the transaction.' },
    MARKET: { description: 'The daily close before the transaction: the record does not tell.' },
    UNKNOWN: { description: 'Nowhere.' },
  } satisfies Record<ValueSource, { description: string }>,
});

async function loadToken(ctx: Context, { tokenId }: { readonly tokenId: number }): Promise<Token> {
  const token = await tokenById(ctx).load(tokenId);
  if (token === null) throw new Error(`a lot of token ${tokenId}, which is not there`);
  return token;
}

const OpenLotRef = builder.objectRef<OpenLot>('OpenLot').implement({
  description: 'A bought amount, as far as it is still held.',
  fields: (t) => ({
    token: t.field({ type: TokenRef, description: 'The token.', resolve: (lot, _args, ctx) => loadToken(ctx, lot) }),
    acquiredAt: t.expose('acquiredAt', {
      type: 'DateTime',
      description: 'When it was acquired; an own transfer does not change it.',
    }),
    quantity: t.expose('quantity', { type: 'Decimal', description: 'Coins left of it.' }),
    costUsd: t.expose('costUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'What these cost, fees included; null where not known.',
    }),
    costSource: t.expose('costSource', { type: ValueSourceEnum, description: 'Where the cost comes from.' }),
  }),
});

const RealisedLotRef = builder.objectRef<RealisedLot>('RealisedLot').implement({
  description: 'A piece of a lot that was disposed of.',
  fields: (t) => ({
    token: t.field({ type: TokenRef, description: 'The token.', resolve: (lot, _args, ctx) => loadToken(ctx, lot) }),
    type: t.expose('type', { type: TransactionTypeEnum, description: 'How it was disposed of.' }),
    acquiredAt: t.expose('acquiredAt', { type: 'DateTime', description: 'When it was acquired.' }),
    disposedAt: t.expose('disposedAt', { type: 'DateTime', description: 'When it was disposed of.' }),
    quantity: t.expose('quantity', { type: 'Decimal', description: 'Coins.' }),
    proceedsUsd: t.expose('proceedsUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'What they brought, before fees; null where not known.',
    }),
    costUsd: t.expose('costUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'What they had cost; null where not known.',
    }),
    feeUsd: t.expose('feeUsd', { type: 'Decimal', description: 'What disposing of them cost.' }),
    gainUsd: t.expose('gainUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'proceeds - cost - fee; null where one is not known.',
    }),
  }),
});

const UnmatchedDisposalRef = builder.objectRef<UnmatchedDisposal>('UnmatchedDisposal').implement({
  description: 'Coins that went without ever having come, as far as the records tell. They are in no sum.',
  fields: (t) => ({
    token: t.field({ type: TokenRef, description: 'The token.', resolve: (one, _args, ctx) => loadToken(ctx, one) }),
    type: t.expose('type', { type: TransactionTypeEnum, description: 'How they went.' }),
    time: t.expose('time', { type: 'DateTime', description: 'When.' }),
    quantity: t.expose('quantity', { type: 'Decimal', description: 'Coins without a lot.' }),
    proceedsUsd: t.expose('proceedsUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'Their share of the proceeds; null where not known.',
    }),
  }),
});

const sums = {
  proceeds: 'What was disposed of brought, before fees.',
  cost: 'What it had cost.',
  fees: 'What disposing of it cost, and what was paid in fees and gas.',
  gain: 'proceeds - cost - fees, to the last digit.',
  income: 'Coins earned, at their worth when they came.',
};

const RealisedPeriodRef = builder.objectRef<PeriodProfit>('RealisedPeriod').implement({
  description: 'What was realised in a period.',
  fields: (t) => ({
    from: t.expose('from', { type: 'DateTime', description: 'Its first instant, UTC.' }),
    to: t.expose('to', { type: 'DateTime', description: 'The instant after it.' }),
    proceedsUsd: t.expose('proceeds', { type: 'Decimal', description: sums.proceeds }),
    costUsd: t.expose('cost', { type: 'Decimal', description: sums.cost }),
    feesUsd: t.expose('fees', { type: 'Decimal', description: sums.fees }),
    realisedUsd: t.expose('gain', { type: 'Decimal', description: sums.gain }),
    incomeUsd: t.expose('income', { type: 'Decimal', description: sums.income }),
  }),
});

const ProfitPeriodEnum = builder.enumType('ProfitPeriod', {
  description: 'Length of periods, UTC.',
  values: {
    MONTH: { description: 'Calendar months.' },
    QUARTER: { description: 'Calendar quarters.' },
    YEAR: { description: 'Calendar years.' },
  } satisfies Record<(typeof profitPeriods)[number], { description: string }>,
});

/** Profit and loss. */
export const ProfitRef = builder.objectRef<Profit>('ProfitAndLoss');

ProfitRef.implement({
  description:
    'Profit and loss by a cost basis. Sums are over what is known; `unknownGainCount` and `unmatched` tell what is not in them.',
  fields: (t) => ({
    costBasis: t.field({
      type: CostBasisEnum,
      description: 'Which lots disposals take.',
      resolve: ({ portfolio }) => portfolio.basis,
    }),
    costBasisUsd: t.expose('costBasis', { type: 'Decimal', description: 'What is held cost, where that is known.' }),
    unrealisedUsd: t.expose('unrealised', {
      type: 'Decimal',
      description: 'Value less cost of the VALUED holdings whose cost is known.',
    }),
    realisedUsd: t.expose('gain', { type: 'Decimal', description: sums.gain }),
    proceedsUsd: t.expose('proceeds', { type: 'Decimal', description: sums.proceeds }),
    costUsd: t.expose('cost', { type: 'Decimal', description: sums.cost }),
    feesUsd: t.expose('fees', { type: 'Decimal', description: sums.fees }),
    incomeUsd: t.expose('income', { type: 'Decimal', description: sums.income }),
    unknownGainCount: t.exposeInt('unknown', { description: 'Disposed pieces of lots whose gain is not known.' }),
    unknownCostCount: t.exposeInt('unknownCost', { description: 'Holdings whose cost is not wholly known.' }),
    periods: t.field({
      type: [RealisedPeriodRef],
      description:
        'What was realised by period, oldest first; only periods in which anything was. They sum to the whole.',
      args: { period: t.arg({ type: ProfitPeriodEnum, defaultValue: 'YEAR', description: 'Their length.' }) },
      resolve: ({ portfolio }, { period }) => computePeriods(portfolio, period ?? 'YEAR'),
    }),
    lots: t.connection({
      type: OpenLotRef,
      description: 'The lots that are held, oldest first.',
      resolve: ({ portfolio }, args) => pageOf(portfolio, args, 'lots'),
    }),
    realisedLots: t.connection({
      type: RealisedLotRef,
      description: 'The pieces of lots that were disposed of, newest first.',
      resolve: ({ portfolio }, args) => pageOf(portfolio, args, 'realised'),
    }),
    unmatched: t.connection({
      type: UnmatchedDisposalRef,
      description: 'Coins that went without ever having come, newest first.',
      resolve: ({ portfolio }, args) => pageOf(portfolio, args, 'unmatched'),
    }),
  }),
});

type LotList = Pick<Portfolio['derivation']['ledger'], 'lots' | 'realised' | 'unmatched'>;

const keys: { readonly [Name in keyof LotList]: (row: LotList[Name][number]) => Key } = {
  lots: ({ acquiredAt, id, walletId, tokenId }) => [acquiredAt, id, walletId, tokenId],
  realised: ({ disposedAt, disposalId, acquiredAt, lotId }) => [-disposedAt, disposalId, acquiredAt, lotId],
  unmatched: ({ time, disposalId, walletId, tokenId }) => [-time, disposalId, walletId, tokenId],
};

const orderedByList = new WeakMap<object, readonly object[]>();

/** A list of a ledger in the order of its keys. The ledger is kept while no record changes, and its order with it. */
function inOrder<Row extends object>(list: readonly Row[], keyOf: (row: Row) => Key): readonly Row[] {
  const known = orderedByList.get(list) as readonly Row[] | undefined;
  if (known !== undefined) return known;
  const keyed = list.map((row) => ({ row, key: keyOf(row) })).sort((a, b) => compareKeys(a.key, b.key));
  const ordered = keyed.map(({ row }) => row);
  orderedByList.set(list, ordered);
  return ordered;
}

/** A page of a list of lots of the portfolio's wallets. */
function pageOf<Name extends keyof LotList>(
  { wallets, derivation }: Portfolio,
  args: PageArgs,
  name: Name,
): Page<LotList[Name][number]> {
  type Row = LotList[Name][number];
  const request = readPageArgs(args, name, 4);
  const own = new Set(wallets.map(({ id }) => id));
  const keyOf: (row: Row) => Key = keys[name];
  const ordered = inOrder<Row>(derivation.ledger[name], keyOf);
  const rows = ordered.filter(({ walletId }) => own.has(walletId));
  return createPage(request, sliceRows(rows, request, keyOf, compareKeys), keyOf);
}
