import { builder } from '../graphql/builder.ts';
import { createPage, type Page, type PageArgs, readPageArgs } from '../graphql/connection.ts';
import type { Context } from '../graphql/context.ts';
import { type Key } from '../lib/cursor.ts';
import { Exact, parseDecimal } from '../lib/decimal.ts';
import { AppError } from '../lib/errors.ts';
import { TokenRef } from '../tokens/schema.ts';
import { tokenById } from '../tokens/store.ts';
import { WalletRef } from '../wallets/schema.ts';
import { compareKeys, sliceRows } from './memory-page.ts';
import { loadRiskShares } from './performance-read.ts';
import type { HoldingRow, Portfolio, TokenHolding } from './portfolio.ts';
import { type HoldingStatus, liquidityFloorUsd, type StatusReason, statusReasons } from './valuation.ts';

/** The types Holding and UnlistedBalance. */

const HoldingStatusEnum = builder.enumType('HoldingStatus', {
  description: 'How far the value of a holding can be trusted.',
  values: {
    VALUED: { description: 'It counts.' },
    SUSPECT: { description: 'It has a value that is told apart; `statusReason` says why.' },
    EXCLUDED: { description: 'It has no value that could be believed.' },
  } satisfies Record<HoldingStatus, { description: string }>,
});

const HoldingStatusReasonEnum = builder.enumType('HoldingStatusReason', {
  description: `Why a holding is not VALUED: the first rule that holds, in this order. The liquidity floor is ${liquidityFloorUsd} USD traded in 24 hours.`,
  values: Object.fromEntries(
    Object.entries(statusReasons).map(([reason, description]) => [reason, { description }]),
  ) as Record<StatusReason, { description: string }>,
});

/** A holding in its portfolio. */
export interface Holding extends TokenHolding {
  readonly portfolio: Portfolio;
}

/** What a wallet holds of a token. */
export const HoldingRef = builder.objectRef<Holding>('Holding');

HoldingRef.implement({
  description: 'What a wallet holds of a token, and what it is worth.',
  fields: (t) => ({
    token: t.field({
      type: TokenRef,
      description: 'The token.',
      resolve: async ({ tokenId }, _args, ctx) => {
        const token = await tokenById(ctx).load(tokenId);
        if (token === null) throw new Error(`holding of token ${tokenId}, which is not there`);
        return token;
      },
    }),
    wallet: t.expose('wallet', { type: WalletRef, description: 'The wallet that holds it.' }),
    balance: t.expose('balance', { type: 'Decimal', description: 'Coins.' }),
    priceUsd: t.expose('priceUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'The price it is valued at; null where it is EXCLUDED.',
    }),
    valueUsd: t.expose('valueUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'Exactly balance times price; null where it is EXCLUDED.',
    }),
    status: t.expose('status', { type: HoldingStatusEnum, description: 'How far the value can be trusted.' }),
    statusReason: t.expose('reason', {
      type: HoldingStatusReasonEnum,
      nullable: true,
      description: 'Why it is not VALUED; null where it is.',
    }),
    statusDetail: t.string({
      nullable: true,
      description: 'The reason in a sentence; null where it is VALUED.',
      resolve: ({ reason }) => (reason === null ? null : statusReasons[reason]),
    }),
    costBasisUsd: t.expose('costUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'What its lots cost, fees included; null where the cost of any coin of it is not known.',
    }),
    unrealisedUsd: t.expose('unrealisedUsd', {
      type: 'Decimal',
      nullable: true,
      description: 'Value less cost basis; null where either is not known.',
    }),
    changePct24h: t.exposeFloat('changePct24h', {
      nullable: true,
      description: "Change of the token's price over 24 hours, percent.",
    }),
    share: t.float({
      nullable: true,
      description: 'Its part of `Portfolio.valueUsd`, 0 to 1; null where it is not VALUED.',
      resolve: ({ status, valueUsd, portfolio }) => {
        const total = Number(portfolio.totals.valueUsd);
        return status === 'VALUED' && total > 0 ? Number(valueUsd) / total : null;
      },
    }),
    riskShare: t.float({
      nullable: true,
      description:
        "Its part of the variance of the portfolio as it stands, over the last 90 days: weight times covariance with the portfolio by the portfolio's variance. They sum to 1; below 0 it lowers the risk. Null where it is not VALUED or has closes on fewer than 81 of the days.",
      resolve: (holding, _args, ctx) => readRiskShare(ctx, holding),
    }),
  }),
});

const sharesByPortfolio = new WeakMap<Portfolio, Promise<Map<number, number>>>();

/** A token's share of the risk, in the part of it that the holding is. */
async function readRiskShare(ctx: Context, { portfolio, tokenId, status, valueUsd }: Holding): Promise<number | null> {
  const shares = sharesByPortfolio.get(portfolio) ?? loadRiskShares(ctx, portfolio);
  sharesByPortfolio.set(portfolio, shares);
  const share = (await shares).get(tokenId);
  if (share === undefined || status !== 'VALUED') return null;
  const ofToken = portfolio.holdings.filter((one) => one.tokenId === tokenId && one.status === 'VALUED');
  const total = ofToken.reduce((sum, one) => sum + Number(one.valueUsd), 0);
  return total > 0 ? (share * Number(valueUsd)) / total : null;
}

const holdingKey = ({ valueUsd, tokenId, walletId }: TokenHolding): Key => [valueUsd ?? '-1', tokenId, walletId];

/** As `compareHoldings` orders them; throws BAD_CURSOR for a key of a cursor that is none. */
function compareHoldingKeys([a = '', ...restA]: Key, [b = '', ...restB]: Key): number {
  return valueOf(b).comparedTo(valueOf(a)) || compareKeys(restA, restB);
}

function valueOf(part: string | number): Exact {
  const text = parseDecimal(String(part));
  if (text === null)
    throw new AppError('BAD_CURSOR', 'The cursor does not belong to this list; start again without it.');
  return new Exact(text);
}

/** A page of holdings, largest value first. */
export function pageHoldings(portfolio: Portfolio, args: PageArgs): Page<Holding> {
  const request = readPageArgs(args, 'holdings', 3);
  const rows = sliceRows(portfolio.holdings, request, holdingKey, compareHoldingKeys);
  return createPage(
    request,
    rows.map((row) => ({ ...row, portfolio })),
    holdingKey,
  );
}

/** A balance of a contract that no token of the registry has. */
export const UnlistedBalanceRef = builder.objectRef<HoldingRow>('UnlistedBalance').implement({
  description: 'A balance of a contract that is of no token of the registry; it has no value.',
  fields: (t) => ({
    chainId: t.int({ description: 'EIP-155 id of its chain.', resolve: ({ asset }) => asset?.chainId ?? 0 }),
    contract: t.field({
      type: 'Address',
      nullable: true,
      description: "The contract; null for a chain's own coin.",
      resolve: ({ asset }) => asset?.contract ?? null,
    }),
    symbol: t.string({
      nullable: true,
      description: 'What the contract calls itself, made harmless; null where it says nothing usable.',
      resolve: ({ asset }) => asset?.symbol ?? null,
    }),
    balance: t.expose('balance', { type: 'Decimal', description: 'Coins, by the decimals it states.' }),
    statusReason: t.expose('reason', {
      type: HoldingStatusReasonEnum,
      nullable: true,
      description: 'Why it is excluded.',
    }),
  }),
});

const unlistedKey = ({ walletId, asset }: HoldingRow): Key => [walletId, asset?.assetId ?? 0];

/** A page of balances without a token, by wallet. */
export function pageUnlisted({ unlisted }: Portfolio, args: PageArgs): Page<HoldingRow> {
  const request = readPageArgs(args, 'unlisted', 2);
  const ordered = unlisted.toSorted((a, b) => compareKeys(unlistedKey(a), unlistedKey(b)));
  return createPage(request, sliceRows(ordered, request, unlistedKey, compareKeys), unlistedKey);
}
