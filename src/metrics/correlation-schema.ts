import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { largestMax } from '../prices/close-store.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { TokenRef } from '../tokens/schema.ts';
import { tokenById } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';
import { type CorrelationAbsence, type CorrelationMethod, observationsMin } from './correlation.ts';
import {
  type CorrelatedToken,
  type CorrelationMatrix,
  correlationClosesDefault,
  correlationClosesMax,
  loadCorrelationMatrix,
  loadTokenCorrelations,
  matrixClosesMax,
  matrixTokensMax,
  type MissingCorrelation,
  type TokenCorrelations,
} from './token-correlations.ts';

/** The public face of correlations: a token's, and the matrix of many. */

const CorrelationMethodEnum = builder.enumType('CorrelationMethod', {
  description: 'How log returns are compared.',
  values: {
    PEARSON: { description: 'By their values.' },
    SPEARMAN: { description: 'By their ranks, ties sharing the mean of theirs.' },
  } satisfies Record<CorrelationMethod, { description: string }>,
});

const CorrelationAbsenceEnum = builder.enumType('CorrelationAbsence', {
  description: 'Why a correlation is null.',
  values: {
    TOO_FEW_OBSERVATIONS: { description: `Fewer than ${observationsMin} returns over the same periods.` },
    NO_VARIATION: { description: 'The returns of one of them do not vary.' },
    REAL_AND_SIMULATED: { description: 'One is simulated and the other real.' },
  } satisfies Record<CorrelationAbsence, { description: string }>,
});

const MissingCorrelationRef = builder.objectRef<MissingCorrelation>('MissingCorrelation').implement({
  description: 'A pair whose correlation is null, and why.',
  fields: (t) => ({
    a: t.field({ type: TokenRef, description: 'One of the pair.', resolve: ({ a }) => a }),
    b: t.field({ type: TokenRef, description: 'The other.', resolve: ({ b }) => b }),
    n: t.exposeInt('n', { description: 'Returns that both have.' }),
    reason: t.expose('reason', { type: CorrelationAbsenceEnum, description: 'Why it is null.' }),
  }),
});

const CorrelationMatrixRef = builder.objectRef<CorrelationMatrix>('CorrelationMatrix').implement({
  description: `Correlations of log returns from each close to the next, pairwise complete: of a pair count the periods that both have. Null under ${observationsMin} of them.`,
  fields: (t) => ({
    interval: t.expose('interval', { type: CandleIntervalEnum, description: 'The length of a period.' }),
    method: t.expose('method', { type: CorrelationMethodEnum, description: 'How returns were compared.' }),
    tokens: t.field({
      type: [TokenRef],
      description: 'The tokens of rows and columns, in the order asked for, each once.',
      resolve: ({ tokens }) => [...tokens],
    }),
    values: t.field({
      type: t.listRef(t.listRef('Float', { nullable: true })),
      description: '-1 to 1, a row for each token and in it a column for each; symmetric. Null as `missing` tells.',
      resolve: ({ pairs }) => pairs.map((row) => row.map(({ value }) => value)),
    }),
    counts: t.field({
      type: t.listRef(t.listRef('Int')),
      description: 'How many returns each was computed from, in the shape of `values`.',
      resolve: ({ pairs }) => pairs.map((row) => row.map(({ n }) => n)),
    }),
    missing: t.field({
      type: [MissingCorrelationRef],
      description: 'The pairs that are null, each once, and why.',
      resolve: ({ missing }) => [...missing],
    }),
    from: t.expose('from', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the first close; null where there is none.',
    }),
    to: t.expose('to', { type: 'DateTime', nullable: true, description: 'Time of the last close.' }),
  }),
});

const TokenCorrelationRef = builder.objectRef<CorrelatedToken>('TokenCorrelation').implement({
  description: 'How a token moves with another.',
  fields: (t) => ({
    token: t.field({
      type: TokenRef,
      description: 'The other.',
      resolve: ({ tokenId }, _args, ctx) => tokenById(ctx).load(tokenId) as Promise<Token>, // a foreign key holds it
    }),
    value: t.exposeFloat('value', { description: "Pearson's correlation of daily log returns, -1 to 1." }),
    n: t.exposeInt('n', { description: 'Returns that both have.' }),
  }),
});

const TokenCorrelationsRef = builder.objectRef<TokenCorrelations>('TokenCorrelations').implement({
  description: `What a token moves with: compared with the ${largestMax} largest tokens by market cap, simulated ones only with each other, by Pearson's correlation of daily log returns, pairwise complete.`,
  fields: (t) => ({
    most: t.field({
      type: [TokenCorrelationRef],
      description: 'The most correlated, highest first.',
      resolve: ({ most }) => [...most],
    }),
    least: t.field({
      type: [TokenCorrelationRef],
      description: 'The least correlated, lowest first.',
      resolve: ({ least }) => [...least],
    }),
    compared: t.exposeInt('compared', { description: 'How many tokens it was compared with.' }),
    leftOut: t.exposeInt('leftOut', {
      description: `How many of them have fewer than ${observationsMin} returns in common with it, or do not vary.`,
    }),
    from: t.expose('from', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of its first close; null where it has none.',
    }),
    to: t.expose('to', { type: 'DateTime', nullable: true, description: 'Time of its last close.' }),
  }),
});

const windowArgs = builder.args((t) => ({
  from: t.field({
    type: 'DateTime',
    description: `Candles that open at this time or later; the newest ${correlationClosesDefault} when not given.`,
  }),
  to: t.field({ type: 'DateTime', description: 'Candles that open before this time.' }),
}));

interface WindowArgs {
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
}

const windowOf = ({ from, to }: WindowArgs) => ({ from: from ?? null, to: to ?? null });

async function readCorrelations(
  ctx: Context,
  tokenId: number,
  { first, ...window }: WindowArgs & { first?: number | null | undefined },
): Promise<TokenCorrelations> {
  return loadTokenCorrelations(ctx, tokenId, { first: first ?? 10, ...windowOf(window) });
}

builder.objectField(TokenRef, 'correlations', (t) =>
  t.field({
    type: TokenCorrelationsRef,
    description: `What it moves with and against over a window of at most ${correlationClosesMax} daily closes, 90 returns unless said otherwise.`,
    args: {
      first: t.arg.int({ defaultValue: 10, description: 'How many of either kind, 1 to 100.' }),
      ...windowArgs,
    },
    resolve: ({ id }, args, ctx) => readCorrelations(ctx, id, args),
  }),
);

builder.queryField('correlationMatrix', (t) =>
  t.field({
    type: CorrelationMatrixRef,
    description: `The correlations of tokens with each other over a window of at most ${matrixClosesMax} closes, 90 returns unless said otherwise.`,
    args: {
      slugs: t.arg.stringList({
        required: true,
        description: `1 to ${matrixTokensMax} tokens, in any letter case; one of no token is refused.`,
      }),
      ...windowArgs,
      interval: t.arg({ type: CandleIntervalEnum, defaultValue: 'ONE_DAY', description: 'The length of a period.' }),
      method: t.arg({ type: CorrelationMethodEnum, defaultValue: 'PEARSON', description: 'How returns are compared.' }),
    },
    resolve: (_root, { slugs, interval, method, ...window }, ctx) =>
      loadCorrelationMatrix(ctx, {
        slugs,
        interval: interval ?? 'ONE_DAY',
        method: method ?? 'PEARSON',
        ...windowOf(window),
      }),
  }),
);
