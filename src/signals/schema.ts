import { findTokenIds } from '../tokens/token-ids.ts';
import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { createPage, type Page, type PageArgs, readPageArgs } from '../graphql/connection.ts';
import { AppError } from '../lib/errors.ts';
import { assertSpan } from '../lib/span.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import { keysMax, readKeys, readSlug } from '../tokens/inputs.ts';
import { TokenRef } from '../tokens/schema.ts';
import { tokenById } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';
import { listSignals, type SignalConditions, signalPage } from './page-store.ts';
import {
  defaultStrategyName,
  findStrategy,
  latestSignal,
  loadStrategies,
  type OutcomeRow,
  outcomeBySignal,
  type SignalRow,
  signalById,
  type StrategyRow,
} from './store.ts';

/** The public face of signals: the types Signal, SignalOutcome and Strategy, and every field that leads to them. */

/** What a signal can say. */
export const SignalDirectionEnum = builder.enumType('SignalDirection', {
  description: 'What a signal says about the token.',
  values: {
    BULLISH: { description: 'Expects the price to rise.' },
    BEARISH: { description: 'Expects the price to fall.' },
    NEUTRAL: { description: 'Expects nothing: the direction before it has ended.' },
  } as const,
});

/** A published strategy version. */
export const StrategyRef = builder.objectRef<StrategyRow>('Strategy');

builder.node(StrategyRef, {
  description: 'A version of the rules that signals are issued by. A published version never changes.',
  id: { resolve: ({ id }) => id },
  loadManyWithoutCache: (ids, ctx) => Promise.all(ids.map((id) => findStrategy(ctx, Number(id)))),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Name, the same in all versions; unique.' }),
    version: t.exposeInt('version', { description: 'Version, from 1.' }),
    title: t.string({ description: 'Name for people.', resolve: ({ definition }) => definition.title }),
    description: t.string({ description: 'What it does.', resolve: ({ definition }) => definition.description }),
    params: t.field({
      type: 'JSON',
      description: 'Its parameters by name; `paramRules` tells what they mean.',
      resolve: ({ definition }) => definition.params,
    }),
    interval: t.field({
      type: CandleIntervalEnum,
      description: 'The candles it reads; it judges every close of them.',
      resolve: ({ definition }) => definition.interval,
    }),
    feeBps: t.float({
      description: 'Fee of each fill in outcomes, in hundredths of a percent of its price.',
      resolve: ({ definition }) => definition.feeBps,
    }),
    isDefault: t.boolean({
      description: 'Whether `latestSignal` answers by it when no strategy is named.',
      resolve: ({ name }) => name === defaultStrategyName,
    }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When this version was published.' }),
  }),
});

const SignalOutcomeRef = builder.objectRef<OutcomeRow>('SignalOutcome').implement({
  description:
    'What came of a BULLISH or BEARISH signal, filled at the open of the candle after its issue and after its end.',
  fields: (t) => ({
    enteredAt: t.expose('enteredAt', { type: 'DateTime', description: 'Open of the candle it was entered at.' }),
    entryPriceUsd: t.expose('entryPriceUsd', {
      type: 'Decimal',
      description: 'Price it was entered at, before the fee.',
    }),
    closedAt: t.expose('closedAt', { type: 'DateTime', description: 'Open of the candle it was left at.' }),
    exitPriceUsd: t.expose('exitPriceUsd', { type: 'Decimal', description: 'Price it was left at, before the fee.' }),
    returnPct: t.exposeFloat('returnPct', {
      description: 'Profit in percent of the entry price after both fees; of a short position where BEARISH.',
    }),
    holdReturnPct: t.exposeFloat('holdReturnPct', {
      description: 'Percent that holding the token brought over the same span, without fees.',
    }),
    maxAdversePct: t.exposeFloat('maxAdversePct', {
      description: 'Deepest unrealised loss on the way in percent of the entry price, 0 or below, before fees.',
    }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When the outcome was published.' }),
  }),
});

/** A published signal. */
export const SignalRef = builder.objectRef<SignalRow>('Signal');

builder.node(SignalRef, {
  description:
    'A statement that a strategy changed its mind about a token at a close. Never changed or removed: a correction is a new signal that supersedes this one, and one that corrected candles no longer give is marked as withdrawn.',
  id: { resolve: ({ id }) => id },
  loadManyWithoutCache: (ids, ctx) => Promise.all(ids.map((id) => findSignal(ctx, id))),
  fields: (t) => ({
    token: t.field({
      type: TokenRef,
      description: 'The token it is about.',
      resolve: ({ tokenId }, _args, ctx) => tokenById(ctx).load(tokenId) as Promise<Token>, // a foreign key holds it
    }),
    strategy: t.field({
      type: StrategyRef,
      description: 'The strategy version that issued it.',
      resolve: ({ strategyId }, _args, ctx) => findStrategy(ctx, strategyId) as Promise<StrategyRow>, // likewise
    }),
    direction: t.expose('direction', { type: SignalDirectionEnum, description: 'What it says.' }),
    priceUsd: t.expose('priceUsd', { type: 'Decimal', description: 'The close it was issued at.' }),
    confidence: t.exposeFloat('confidence', {
      description: 'How clear it was, 0 to 1, by the `confidenceRule` of its strategy; not a probability.',
    }),
    issuedAt: t.expose('issuedAt', {
      type: 'DateTime',
      description: 'The close it speaks from; it uses nothing later.',
    }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When it was to be seen here.' }),
    evidence: t.expose('evidence', {
      type: 'JSON',
      description:
        'Why it was issued: every value that decided. Always `closes` (closes in a row that agree) and `grade` (Trader Grade then, null without one). TREND_VOTES: `overall` (mean vote, -1..1), `available` (votes cast of 26), `movingAverages` and `oscillators` (mean votes of the groups, null while none can be cast), `votes` (-1, 0, 1 or null by rule), `values` (indicator value by rule). LEVEL_BREAKOUT: `rule` (LEVEL or STOP), `close`, `level` and `levelAt` (the swing passed and its candle), `atr`, `volumeRatio`, `bestClose`, `stop`. MEAN_REVERSION: `rule` (EXTREME, MEAN or TIME), `close`, `rsi`, `upper`, `middle`, `lower`, `adx`, `closesHeld`.',
    }),
    withdrawnAt: t.expose('withdrawnAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'Since when it no longer stands, because candles were corrected and its strategy does not give it any more; null while it stands.',
    }),
    outcome: t.field({
      type: SignalOutcomeRef,
      nullable: true,
      description: 'What came of it; null while it is open, and always where NEUTRAL.',
      resolve: ({ id, direction }, _args, ctx) => (direction === 'NEUTRAL' ? null : outcomeBySignal(ctx).load(id)),
    }),
    supersedes: t.field({
      type: SignalRef,
      nullable: true,
      description: 'The signal that this one corrects; null where it corrects none.',
      resolve: ({ supersedes }, _args, ctx) => (supersedes === null ? null : signalById(ctx).load(supersedes)),
    }),
  }),
});

async function findSignal(ctx: Context, id: string): Promise<SignalRow | null> {
  return /^\d{1,15}$/.test(id) ? signalById(ctx).load(Number(id)) : null;
}

/** Which signals a list or a stream holds: all conditions must hold. */
export const SignalFilterInput = builder.inputType('SignalFilter', {
  description: `Which signals: all conditions given must hold. Lists take at most ${keysMax} items; an empty list matches nothing.`,
  fields: (t) => ({
    slugs: t.stringList({ description: 'Of these tokens, by slug in any letter case; a slug of no token is refused.' }),
    directions: t.field({ type: [SignalDirectionEnum], description: 'With one of these directions.' }),
    strategies: t.stringList({ description: 'By one of these strategies, in any version; unknown names are refused.' }),
    from: t.field({ type: 'DateTime', description: 'Issued at this time or later.' }),
    to: t.field({ type: 'DateTime', description: 'Issued before this time.' }),
    narratives: t.stringList({ description: 'Of tokens in one of these narratives, by slug.' }),
    minTraderGrade: t.float({
      description: 'Of tokens whose newest Trader Grade is at least this, 0 to 100; leaves out those without one.',
    }),
    withdrawn: t.boolean({
      description: 'Lists: those that were withdrawn, instead of those that stand; false when not given.',
    }),
  }),
});

/**
 * A filter as stores take it: lists bounded, slugs resolved to `tokenIds` (null: any token). Throws LIMIT_EXCEEDED for
 * a list too long, BAD_USER_INPUT for a slug or strategy that is not known and for a span upside down.
 */
export async function readSignalFilter(
  ctx: Context,
  filter: typeof SignalFilterInput.$inferInput | null | undefined,
): Promise<{ tokenIds: number[] | null; conditions: SignalConditions }> {
  const { slugs, directions, strategies, narratives, from, to, minTraderGrade, withdrawn } = filter ?? {};
  assertSpan({ from, to });
  const [tokenIds] = await Promise.all([
    slugs == null ? null : findTokenIds(ctx, slugs),
    strategies == null ? null : assertStrategies(ctx, readKeys(strategies, 'strategies')),
  ]);
  return {
    tokenIds,
    conditions: {
      directions: directions == null ? null : readKeys(directions, 'directions'),
      strategies: strategies ?? null,
      narratives:
        narratives == null ? null : readKeys(narratives, 'narratives').map((slug) => readSlug(slug, 'narratives')),
      from: from ?? null,
      to: to ?? null,
      traderGradeMin: minTraderGrade ?? null,
      isWithdrawn: withdrawn ?? false,
    },
  };
}

async function assertStrategies(ctx: Context, names: readonly string[]): Promise<void> {
  const known = [...new Set((await loadStrategies(ctx)).map(({ name }) => name))];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new AppError(
      'BAD_USER_INPUT',
      `There is no strategy "${unknown[0]}". Published: ${known.join(', ') || 'none'}.`,
    );
}

type SignalFilter = typeof SignalFilterInput.$inferInput | null | undefined;

const pageList = 'signals:ISSUED_AT:DESC';
const keyOf = ({ issuedAt, id }: SignalRow): [number, number] => [issuedAt, id];

async function pageSignals(ctx: Context, filter: SignalFilter, args: PageArgs): Promise<Page<SignalRow>> {
  const page = readPageArgs(args, pageList, 2);
  const { tokenIds, conditions } = await readSignalFilter(ctx, filter);
  return createPage(page, await listSignals(ctx.db, tokenIds, conditions, page), keyOf);
}

async function pageOfToken(
  ctx: Context,
  tokenId: number,
  filter: SignalFilter,
  args: PageArgs,
): Promise<Page<SignalRow>> {
  const page = readPageArgs(args, pageList, 2);
  const { tokenIds, conditions } = await readSignalFilter(ctx, filter);
  const isIn = tokenIds?.includes(tokenId) ?? true;
  return createPage(page, isIn ? await signalPage(ctx).load({ tokenId, conditions, page }) : [], keyOf);
}

interface LatestArgs {
  readonly strategy?: string | null | undefined;
  readonly asOf?: number | null | undefined;
  readonly knownAt?: number | null | undefined;
}

async function findLatest(ctx: Context, tokenId: number, args: LatestArgs): Promise<SignalRow | null> {
  const { strategy, asOf, knownAt } = args;
  if (strategy != null) await assertStrategies(ctx, [strategy]);
  return latestSignal(ctx).load({
    tokenId,
    strategy: strategy ?? defaultStrategyName,
    asOf: asOf ?? null,
    knownAt: knownAt ?? null,
  });
}

const SignalConnectionRef = builder.connectionObject(
  { type: SignalRef, name: 'SignalConnection', description: 'One page of a list of signals.' },
  { name: 'SignalEdge', description: 'A signal and its position in the list.' },
);

builder.queryField('signals', (t) =>
  t.connection(
    {
      type: SignalRef,
      description:
        'Signals of every token, newest first; superseded ones are left out, withdrawn ones unless asked for.',
      args: { filter: t.arg({ type: SignalFilterInput, description: 'Which ones; all when not given.' }) },
      resolve: (_root, { filter, ...page }, ctx) => pageSignals(ctx, filter, page),
    },
    SignalConnectionRef,
  ),
);

builder.queryField('strategies', (t) =>
  t.field({
    type: [StrategyRef],
    description: 'Every published strategy version: the default first, then by name, newest version first.',
    resolve: (_root, _args, ctx) => loadStrategies(ctx),
  }),
);

builder.objectFields(TokenRef, (t) => ({
  latestSignal: t.field({
    type: SignalRef,
    nullable: true,
    description:
      'The signal in force: the newest that a strategy issued and that was not withdrawn, in its newest correction; null where there is none.',
    args: {
      strategy: t.arg.string({
        description: `Name of the strategy, any version; ${defaultStrategyName} when not given.`,
      }),
      asOf: t.arg({ type: 'DateTime', description: 'The newest issued at this time or before; now when not given.' }),
      knownAt: t.arg({
        type: 'DateTime',
        description:
          'Only what was published at this time or before, corrections and withdrawals included; now when not given.',
      }),
    },
    resolve: ({ id }, args, ctx) => findLatest(ctx, id, args),
  }),
  signals: t.connection(
    {
      type: SignalRef,
      description: 'Its signals, newest first; superseded ones are left out, withdrawn ones unless asked for.',
      args: { filter: t.arg({ type: SignalFilterInput, description: 'Which ones; all when not given.' }) },
      resolve: ({ id }, { filter, ...page }, ctx) => pageOfToken(ctx, id, filter, page),
    },
    SignalConnectionRef,
  ),
}));
