import { builder } from '../graphql/builder.ts';
import { createPage, type Page, type PageArgs, type PageRequest, readPageArgs } from '../graphql/connection.ts';
import type { Context } from '../graphql/context.ts';
import {
  countTokens,
  type ListedToken,
  listTokens,
  narrativeOrder,
  tokenCountByNarrative,
  tokenKey,
  tokensByNarrative,
} from './list-store.ts';
import { contractsByToken, narrativesByToken, tokenById } from './store.ts';
import type { Narrative, Token, TokenContract, TokenFilter, TokenOrder } from './token.ts';

/** The types of the token registry: tokens, contracts, narratives and pages of tokens. Its queries are in schema.ts. */

/** A crypto asset; other domains add their fields to it. */
export const TokenRef = builder.objectRef<Token>('Token');
const ContractRef = builder.objectRef<TokenContract>('TokenContract');
/** A theme that tokens share. */
export const NarrativeRef = builder.objectRef<Narrative>('Narrative');

const idMax = 2_147_483_647;

async function loadToken(ctx: Context, id: string): Promise<Token | null> {
  return /^\d{1,10}$/.test(id) && Number(id) <= idMax ? tokenById(ctx).load(Number(id)) : null;
}

/** Tokens of global ids, in their order; null where there is none. */
function loadTokens(ids: readonly string[], ctx: Context): Promise<(Token | null)[]> {
  return Promise.all(ids.map((id) => loadToken(ctx, id)));
}

builder.node(TokenRef, {
  description: 'A crypto asset, known by its `id` and its unique `slug`; symbols repeat.',
  id: { resolve: ({ id }) => id, description: 'Global identifier: opaque, stable, usable with `node`.' },
  loadManyWithoutCache: loadTokens,
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'Unique, stable name, such as `bitcoin`.' }),
    symbol: t.exposeString('symbol', {
      description: 'Ticker symbol, such as `BTC`; several tokens may have the same.',
    }),
    name: t.exposeString('name', { description: 'Name for people.' }),
    marketCapRank: t.exposeInt('marketCapRank', {
      nullable: true,
      description:
        'Rank by market capitalisation in the list the token was imported from: a snapshot, not unique; null when the list has none.',
    }),
    logoUrl: t.exposeString('logoUrl', { nullable: true, description: 'Where a logo is; null when not known.' }),
    circulatingSupply: t.expose('circulatingSupply', {
      type: 'Decimal',
      nullable: true,
      description: 'Coins in circulation; null when not known.',
    }),
    maxSupply: t.expose('maxSupply', {
      type: 'Decimal',
      nullable: true,
      description: 'Coins there can ever be; null when unlimited or not known.',
    }),
    listedAt: t.expose('listedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was first listed; null when not known.',
    }),
    contracts: t.field({
      type: [ContractRef],
      description: 'Its contracts: EVM chains by chain id, then other networks by name.',
      resolve: ({ id }, _, ctx) => contractsByToken(ctx).load(id),
    }),
    narratives: t.field({
      type: [NarrativeRef],
      description: 'The themes it belongs to, by name.',
      resolve: ({ id }, _, ctx) => narrativesByToken(ctx).load(id),
    }),
  }),
});

ContractRef.implement({
  description: 'Where a token lives on one chain.',
  fields: (t) => ({
    network: t.exposeString('network', { description: 'Slug of the network, such as `ethereum`.' }),
    networkName: t.exposeString('networkName', { description: 'Name of the network for people.' }),
    chainId: t.exposeInt('chainId', { nullable: true, description: 'EIP-155 chain id; null when it is no EVM chain.' }),
    address: t.expose('address', {
      type: 'Address',
      description: 'EIP-55 checksummed where it is an EVM address, else as its network writes it.',
    }),
    decimals: t.exposeInt('decimals', {
      nullable: true,
      description: 'How many decimal places the raw amounts of the contract have; null when not known.',
    }),
  }),
});

/** A page of tokens that can be counted. */
interface TokenPage extends Page<Token> {
  countTotal(ctx: Context): Promise<number>;
}

/** Pages of tokens, in whatever list they stand. */
export const TokenConnectionRef = builder.connectionObject(
  {
    type: TokenRef,
    name: 'TokenConnection',
    description: 'One page of a list of tokens.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many tokens the whole list has; counted only when asked for.',
        resolve: (page, _, ctx) => (page as TokenPage).countTotal(ctx),
      }),
    }),
  },
  { name: 'TokenEdge', description: 'A token and its position in the list.' },
);

function readPage(args: PageArgs, order: TokenOrder): PageRequest {
  return readPageArgs(args, `tokens:${order.field}:${order.direction}`, 2);
}

const pageOf = (request: PageRequest, rows: readonly ListedToken[], count: TokenPage['countTotal']): TokenPage => ({
  ...createPage(request, rows, tokenKey),
  countTotal: count,
});

/** A page of the tokens that a filter matches, in an order. */
export async function pageTokens(
  ctx: Context,
  filter: TokenFilter,
  order: TokenOrder,
  args: PageArgs,
): Promise<TokenPage> {
  const request = readPage(args, order);
  return pageOf(request, await listTokens(ctx, filter, order, request), (counting) => countTokens(counting, filter));
}

async function pageNarrative(ctx: Context, narrative: string, args: PageArgs): Promise<TokenPage> {
  const request = readPage(args, narrativeOrder);
  const { take, isBackward, after, before } = request;
  const rows = await tokensByNarrative(ctx).load({ narrative, slice: { take, isBackward, after, before } });
  return pageOf(request, rows, (counting) => tokenCountByNarrative(counting).load(narrative));
}

NarrativeRef.implement({
  description: 'A theme that tokens share, such as stablecoins.',
  fields: (t) => ({
    slug: t.exposeString('slug', { description: 'Unique, stable name.' }),
    name: t.exposeString('name', { description: 'Name for people.' }),
    description: t.exposeString('description', { description: 'What its tokens have in common, in one sentence.' }),
    tokens: t.connection(
      {
        type: TokenRef,
        description: 'Its tokens, largest market cap first.',
        resolve: ({ slug }, args, ctx) => pageNarrative(ctx, slug, args),
      },
      TokenConnectionRef,
    ),
  }),
});
