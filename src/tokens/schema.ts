import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { assertWithin } from '../lib/limits.ts';
import { keysMax, readFilter, readKeys, readOrder, readSlug, readText } from './inputs.ts';
import { matchScores, searchTokens, type TokenCandidate, type TokenMatch, type TokenSearch } from './search-store.ts';
import { listNarratives, tokenByContract, tokenBySlug } from './store.ts';
import { NarrativeRef, pageTokens, TokenConnectionRef, TokenRef } from './token-schema.ts';
import type { Token, tokenOrderFields } from './token.ts';

/**
 * The GraphQL face of the token registry. Quotes, grades and signals are added to `Token` by their own domains, which
 * know nothing of the queries here: they hang their fields on {@link TokenRef}.
 */
export { TokenRef } from './token-schema.ts';

/** What token lists can be ordered by. */
const TokenOrderFieldEnum = builder.enumType('TokenOrderField', {
  description: 'What tokens are ordered by; a token whose value is not known counts as smallest.',
  values: {
    MARKET_CAP: { description: 'Market capitalisation; tokens without a known one follow by their rank.' },
    VOLUME_24H: { description: 'USD volume of the last 24 hours.' },
    CHANGE_24H: { description: 'Price change over 24 hours in percent.' },
    TRADER_GRADE: { description: 'The current Trader Grade.' },
    INVESTOR_GRADE: { description: 'The current Investor Grade.' },
    NAME: { description: 'Name, in any letter case.' },
  } satisfies Record<(typeof tokenOrderFields)[number], { description: string }>,
});

const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which way a list runs.',
  values: { ASC: { description: 'Smallest first.' }, DESC: { description: 'Largest first.' } },
});

/** An order of tokens as clients ask for it. */
export const TokenOrderInput = builder.inputType('TokenOrder', {
  description: 'An order of tokens.',
  fields: (t) => ({
    field: t.field({ type: TokenOrderFieldEnum, required: true, description: 'What to order by.' }),
    direction: t.field({
      type: OrderDirectionEnum,
      defaultValue: 'DESC',
      description: 'Which way.',
    }),
  }),
});

/** Which tokens, as clients ask for them. */
export const TokenFilterInput = builder.inputType('TokenFilter', {
  description: `Which tokens to list: all conditions given must hold. Lists take at most ${keysMax} items; an empty list matches nothing.`,
  fields: (t) => ({
    slugs: t.stringList({ description: 'Only these slugs, in any letter case.' }),
    symbols: t.stringList({ description: 'Only tokens with one of these symbols, in any letter case.' }),
    narratives: t.stringList({ description: 'Only tokens of at least one of these narratives, by slug.' }),
    chainIds: t.intList({ description: 'Only tokens with a contract on at least one of these EVM chains.' }),
    hasQuote: t.boolean({ description: 'Only tokens with a current quote, or only those without.' }),
    minMarketCapUsd: t.field({
      type: 'Decimal',
      description: 'Least market cap in USD; tokens without a known one never match.',
    }),
    minVolume24hUsd: t.field({
      type: 'Decimal',
      description: 'Least 24 h volume in USD; tokens without a known one never match.',
    }),
    minTraderGrade: t.float({ description: 'Least Trader Grade, 0..100; tokens without one never match.' }),
    minInvestorGrade: t.float({ description: 'Least Investor Grade, 0..100; tokens without one never match.' }),
    search: t.string({ description: 'Part of the name, symbol or slug, in any letter case.' }),
  }),
});

builder.queryField('token', (t) =>
  t.field({
    type: TokenRef,
    nullable: true,
    description: 'The token with this slug, or null when there is none.',
    args: { slug: t.arg.string({ required: true, description: 'The slug, in any letter case.' }) },
    resolve: (_, { slug }, ctx) => tokenBySlug(ctx).load(readSlug(slug, 'slug')),
  }),
);

builder.queryField('tokenByContract', (t) =>
  t.field({
    type: TokenRef,
    nullable: true,
    description: 'The token with this contract, or null when none is known.',
    args: {
      chainId: t.arg.int({ required: true, description: 'EIP-155 chain id.' }),
      address: t.arg({ type: 'Address', required: true, description: 'Address of the contract.' }),
    },
    resolve: (_, key, ctx) => tokenByContract(ctx).load(key),
  }),
);

interface TokenBatch {
  readonly nodes: readonly Token[];
  readonly notFound: readonly string[];
}

const TokenBatchRef = builder.objectRef<TokenBatch>('TokenBatch').implement({
  description: 'The tokens asked for; every slug asked for is in one of the two lists.',
  fields: (t) => ({
    nodes: t.field({
      type: [TokenRef],
      description: 'The tokens found, in the order asked; one asked for twice is there twice.',
      resolve: ({ nodes }) => [...nodes],
    }),
    notFound: t.stringList({
      description: 'The slugs of no token, as asked.',
      resolve: ({ notFound }) => [...notFound],
    }),
  }),
});

async function loadBatch(ctx: Context, asked: readonly string[]): Promise<TokenBatch> {
  const slugs = readKeys(asked, 'slugs').map((slug) => readSlug(slug, 'slugs'));
  const found = await Promise.all(slugs.map((slug) => tokenBySlug(ctx).load(slug)));
  return {
    nodes: found.filter((token) => token !== null),
    notFound: asked.filter((_, index) => found[index] === null),
  };
}

builder.queryField('tokenBatch', (t) =>
  t.field({
    type: TokenBatchRef,
    description: `Many tokens by slug, at most ${keysMax}; more is an error, never a shorter answer.`,
    args: { slugs: t.arg.stringList({ required: true, description: 'Slugs, in any letter case.' }) },
    resolve: (_, { slugs }, ctx) => loadBatch(ctx, slugs),
  }),
);

builder.queryField('tokens', (t) =>
  t.connection(
    {
      type: TokenRef,
      description: 'Tokens, page by page.',
      args: {
        filter: t.arg({ type: TokenFilterInput, description: 'Which ones; all when not given.' }),
        orderBy: t.arg({ type: TokenOrderInput, description: 'Largest market cap first when not given.' }),
      },
      resolve: (_, { filter, orderBy, ...page }, ctx) => pageTokens(ctx, readFilter(filter), readOrder(orderBy), page),
    },
    TokenConnectionRef,
  ),
);

const TokenMatchEnum = builder.enumType('TokenMatch', {
  description: 'What of a token matched a search, best first.',
  values: {
    SLUG: { description: 'The slug is the text.' },
    SYMBOL: { description: 'The symbol is the text.' },
    ALIAS: { description: 'The text is another symbol for the token, such as XBT.' },
    NAME_PREFIX: { description: 'The name begins with the text.' },
    SYMBOL_PREFIX: { description: 'The symbol begins with the text.' },
    NAME_PART: { description: 'The name contains the text.' },
  } satisfies Record<TokenMatch, { description: string }>,
});

const CandidateRef = builder.objectRef<TokenCandidate>('TokenCandidate').implement({
  description: 'A token that a search found.',
  fields: (t) => ({
    token: t.expose('token', { type: TokenRef, description: 'The token.' }),
    matchedBy: t.expose('matchedBy', { type: TokenMatchEnum, description: 'What of it matched.' }),
    score: t.exposeFloat('score', {
      description: `How well, 0..1: ${Object.entries(matchScores)
        .map(([name, score]) => `${name} ${score}`)
        .join(', ')}.`,
    }),
  }),
});

const TokenSearchRef = builder.objectRef<TokenSearch>('TokenSearch').implement({
  description: 'What a search found.',
  fields: (t) => ({
    candidates: t.field({
      type: [CandidateRef],
      description: 'The best matches: by score, then by market cap rank, then by slug.',
      resolve: ({ candidates }) => [...candidates],
    }),
    nodes: t.field({
      type: [TokenRef],
      description: 'The tokens of the candidates, in the same order.',
      resolve: ({ candidates }) => candidates.map(({ token }) => token),
    }),
    isAmbiguous: t.exposeBoolean('isAmbiguous', {
      description: 'Whether the text is the symbol of several tokens, so that the first one is a guess.',
    }),
  }),
});

const candidatesMax = 50;
const candidatesDefault = 10;

function search(ctx: Context, query: string, first: number): Promise<TokenSearch> {
  assertWithin(first, { name: 'searchTokens', argument: 'first', max: candidatesMax });
  return searchTokens(ctx, readText(query, 'query'), first);
}

builder.queryField('searchTokens', (t) =>
  t.field({
    type: TokenSearchRef,
    description: 'Tokens by what a person types: slug, symbol or name.',
    args: {
      query: t.arg.string({ required: true, description: 'The text, in any letter case.' }),
      first: t.arg.int({
        defaultValue: candidatesDefault,
        description: `How many candidates, 1 to ${candidatesMax}.`,
      }),
    },
    resolve: (_, { query, first }, ctx) => search(ctx, query, first ?? candidatesDefault),
  }),
);

builder.queryField('narratives', (t) =>
  t.field({
    type: [NarrativeRef],
    description: 'Every narrative, by name.',
    resolve: (_, __, ctx) => listNarratives(ctx),
  }),
);
