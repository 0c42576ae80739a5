import { builder } from '../graphql/builder.ts';
import { createPage, type Page, type PageArgs, readPageArgs } from '../graphql/connection.ts';
import type { Context } from '../graphql/context.ts';
import { assertSpan } from '../lib/span.ts';
import { CandleIntervalEnum } from '../prices/schema.ts';
import type { FallbackReason } from '../sources/model-server.ts';
import { TokenRef } from '../tokens/schema.ts';
import { tokenById } from '../tokens/store.ts';
import type { Token } from '../tokens/token.ts';
import { absenceOf, type GradeAbsence } from './absence.ts';
import type { ScoredFactor } from './factor-values.ts';
import {
  type BandEdge,
  type FactorDefinition,
  type GradeBand,
  type GradeKind,
  narrativeTokensMin,
  type RemoteServing,
} from './model.ts';
import { gradePage } from './page-store.ts';
import { assertModelVersion, findModel, type GradeModelRow, loadModels } from './model-store.ts';
import { gradeById, gradeGround, type GradeRow, latestGrade } from './store.ts';

/** The public face of grades: the types Grade and GradeModel, and every field that leads to them. */

/** What a grade speaks about. */
export const GradeKindEnum = builder.enumType('GradeKind', {
  description: 'What a grade speaks about.',
  values: {
    TRADER: { description: 'The next days to weeks.' },
    INVESTOR: { description: 'The next years.' },
  } satisfies Record<GradeKind, { description: string }>,
});

/** Named ranges of the value. */
export const GradeBandEnum = builder.enumType('GradeBand', {
  description: 'A named range of grade values; a model states the exact edges in `bands`.',
  values: {
    STRONG_BUY: { description: 'The best grades.' },
    BUY: { description: 'Good grades.' },
    NEUTRAL: { description: 'Grades in the middle.' },
    SELL: { description: 'Poor grades.' },
    STRONG_SELL: { description: 'The worst grades.' },
  } satisfies Record<GradeBand, { description: string }>,
});

const FactorDirectionEnum = builder.enumType('FactorDirection', {
  description: 'Which end of an input scores high.',
  values: {
    HIGHER_IS_BETTER: { description: 'The larger the input, the higher the score.' },
    LOWER_IS_BETTER: { description: 'The smaller the input, the higher the score.' },
  } satisfies Record<FactorDefinition['direction'], { description: string }>,
});

const FactorNormalisationEnum = builder.enumType('FactorNormalisation', {
  description: 'How an input becomes a score of 0 to 100.',
  values: {
    PERCENTILE: { description: 'Its rank among the tokens graded at the same close, held within 1 to 99.' },
    VOTES: { description: 'A mean vote v of -1 to 1 as (v + 1) * 50, whatever other tokens do.' },
  } satisfies Record<FactorDefinition['normalisation'], { description: string }>,
});

const ModelFactorRef = builder.objectRef<FactorDefinition>('GradeModelFactor').implement({
  description: 'One input of a model.',
  fields: (t) => ({
    key: t.exposeString('key', {
      description: 'Unique in the model: `group.name`; the `key` of the factor in grades.',
    }),
    group: t.exposeString('group', { description: 'The group it belongs to.' }),
    feature: t.exposeString('feature', { description: 'The input that is measured, by its name in model files.' }),
    description: t.exposeString('description', { description: 'What is measured, over which window.' }),
    weight: t.exposeFloat('weight', { description: 'Share of the value when every input is there; they sum to 1.' }),
    direction: t.expose('direction', { type: FactorDirectionEnum, description: 'Which end scores high.' }),
    normalisation: t.expose('normalisation', { type: FactorNormalisationEnum, description: 'How it becomes a score.' }),
    isRankedInNarrative: t.boolean({
      description: `Whether its percentile is taken within the smallest of the token's narratives that has at least ${narrativeTokensMin} tokens with this input at the close; without one among all graded tokens, as for other factors.`,
      resolve: ({ peers }) => peers === 'NARRATIVE',
    }),
  }),
});

const BandEdgeRef = builder.objectRef<BandEdge>('GradeBandEdge').implement({
  description: 'Where a band begins.',
  fields: (t) => ({
    band: t.expose('band', { type: GradeBandEnum, description: 'The band.' }),
    from: t.exposeFloat('from', { description: 'Lowest value in it; it ends below the band above.' }),
  }),
});

const RemoteInputEnum = builder.enumType('RemoteInput', {
  description: 'What a model server is sent of each input.',
  values: {
    RAWS: { description: 'The input as measured: the `raw` of factors.' },
    SCORES: { description: 'The input as a score of 0 to 100: the `score` of factors.' },
  } satisfies Record<RemoteServing['input'], { description: string }>,
});

const RemoteServingRef = builder.objectRef<RemoteServing>('RemoteServing').implement({
  description:
    'How a model server answers for a model: it is sent the inputs of every token at a close and gives the values.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the model on the server.' }),
    version: t.exposeString('version', { description: 'Its version there.' }),
    input: t.expose('input', { type: RemoteInputEnum, description: 'What it is sent of each input.' }),
    missing: t.exposeFloat('missing', { description: 'What it is sent for an input that is missing.' }),
    fallback: t.exposeString('fallback', {
      description: 'The version of the model that grades a close at which the server does not answer.',
    }),
  }),
});

/** A published model version. */
export const GradeModelRef = builder.objectRef<GradeModelRow>('GradeModel');

builder.node(GradeModelRef, {
  description: 'A version of the rules that grades are computed by. A published version never changes.',
  id: { resolve: ({ id }) => id },
  loadManyWithoutCache: (ids, ctx) => Promise.all(ids.map((id) => findModel(ctx, Number(id)))),
  fields: (t) => ({
    kind: t.expose('kind', { type: GradeKindEnum, description: 'What its grades speak about.' }),
    version: t.exposeString('version', { description: 'Unique version, such as `measured-v1`.' }),
    title: t.string({ description: 'Name for people.', resolve: ({ definition }) => definition.title }),
    description: t.string({ description: 'What it means.', resolve: ({ definition }) => definition.description }),
    universe: t.string({
      description: 'Which tokens it grades and ranks against each other.',
      resolve: ({ definition }) => definition.universe.description,
    }),
    interval: t.field({
      type: CandleIntervalEnum,
      description: 'The candles it reads; it grades every close of them.',
      resolve: ({ definition }) => definition.interval,
    }),
    historyBarsMin: t.int({
      description: 'Candles a token needs before it is graded.',
      resolve: ({ definition }) => definition.universe.historyBarsMin,
    }),
    gapBarsMax: t.int({
      description: 'More missing candles in a row start the history of a token over.',
      resolve: ({ definition }) => definition.universe.gapBarsMax,
    }),
    returnSpreadMin: t.float({
      description:
        'A token whose last 90 returns have a smaller interquartile range is not graded: its price is pegged. A fraction.',
      resolve: ({ definition }) => definition.universe.returnSpreadMin,
    }),
    factors: t.field({
      type: [ModelFactorRef],
      description: 'Its inputs.',
      resolve: ({ definition }) => [...definition.factors],
    }),
    remote: t.field({
      type: RemoteServingRef,
      nullable: true,
      description: 'The model server that computes its values; null: they are computed here, from the weights.',
      resolve: ({ definition }) => definition.remote ?? null,
    }),
    bands: t.field({
      type: [BandEdgeRef],
      description: 'The bands of its values, best first.',
      resolve: ({ definition }) => [...definition.bands],
    }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When this version was published.' }),
    isCurrent: t.exposeBoolean('isCurrent', {
      description: 'Whether grades of its kind are answered by it when no version is named.',
    }),
  }),
});

const FallbackReasonEnum = builder.enumType('GradeFallbackReason', {
  description: 'Why a model server did not compute a grade of its model.',
  values: {
    NO_SERVER: { description: 'No model server was configured.' },
    UNREACHABLE: { description: 'No connection.' },
    TIMEOUT: { description: 'No answer in time.' },
    SERVER_ERROR: { description: 'The server answered with an error, or was not ready.' },
    UNKNOWN_MODEL: { description: 'The server does not have the model, or has it with other inputs or outputs.' },
    BAD_ANSWER: { description: 'An answer that cannot be used: not one value of 0 to 100 for each token.' },
    CIRCUIT_OPEN: { description: 'The server failed several times in a row and was left alone for a while.' },
  } satisfies Record<FallbackReason, { description: string }>,
});

const GradeFactorRef = builder.objectRef<ScoredFactor>('GradeFactor').implement({
  description: 'What one input contributed to a grade. The contributions add up to the value.',
  fields: (t) => ({
    key: t.exposeString('key', {
      description:
        'The factor of the model: `group.name`. By a remote model also `model.base`, what it says beside its inputs, or `model.output`, all it says, where it does not explain itself.',
    }),
    raw: t.exposeFloat('raw', {
      nullable: true,
      description: 'The input as measured; null where the model gives none.',
    }),
    score: t.exposeFloat('score', { description: 'The input as a score of 0 to 100.' }),
    weight: t.exposeFloat('weight', {
      description:
        'Share of the value, 0 to 1; missing inputs are left out and the others share their weight. By a remote model: what makes `contribution` of `score`, 0 where the server does not say what an input contributed.',
    }),
    narrative: t.string({
      nullable: true,
      description: 'The slug of the narrative whose tokens it was ranked among; null: among all graded tokens.',
      resolve: ({ peers }) => peers ?? null,
    }),
    contribution: t.exposeFloat('contribution', { description: '`weight` times `score`.' }),
  }),
});

/** A published grade. */
export const GradeRef = builder.objectRef<GradeRow>('Grade');

builder.node(GradeRef, {
  description:
    'A score of 0 to 100 of a token by a model at a close, explained by its factors. Never changed: a correction is a new grade that supersedes this one.',
  id: { resolve: ({ id }) => id },
  loadManyWithoutCache: (ids, ctx) => Promise.all(ids.map((id) => findGrade(ctx, id))),
  fields: (t) => ({
    token: t.field({
      type: TokenRef,
      description: 'The token it is about.',
      resolve: ({ tokenId }, _args, ctx) => tokenById(ctx).load(tokenId) as Promise<Token>, // a foreign key holds it
    }),
    kind: t.expose('kind', { type: GradeKindEnum, description: 'What it speaks about.' }),
    value: t.exposeFloat('value', { description: '0 (worst) to 100 (best): the sum of the contributions.' }),
    band: t.expose('band', { type: GradeBandEnum, description: 'The named range the value lies in.' }),
    asOf: t.expose('asOf', { type: 'DateTime', description: 'The close it speaks about; it uses nothing later.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When it was to be seen here.' }),
    change24h: t.exposeFloat('change24h', {
      nullable: true,
      description: 'Points since the grade 24 hours before; null where there was none.',
    }),
    model: t.field({
      type: GradeModelRef,
      description: 'The model version it was computed by.',
      resolve: ({ modelId }, _args, ctx) => findModel(ctx, modelId) as Promise<GradeModelRow>, // likewise
    }),
    servedBy: t.string({
      description:
        'What computed it: the version of the model; of a remote model `name:version` as its server gave them, or the version of the model it fell back on.',
      resolve: async ({ servedBy, modelId }, _args, ctx) => servedBy ?? (await findModel(ctx, modelId))?.version ?? '',
    }),
    isFallback: t.boolean({
      description: 'Whether the model server gave no answer for this close, so that the fallback computed the grade.',
      resolve: ({ fallbackReason }) => fallbackReason != null,
    }),
    fallbackReason: t.expose('fallbackReason', {
      type: FallbackReasonEnum,
      nullable: true,
      description: 'Why the fallback computed it; null where it did not.',
    }),
    coverage: t.exposeFloat('coverage', {
      description: "Share of the model's weights whose inputs were there, above 0, at most 1.",
    }),
    factors: t.field({
      type: [GradeFactorRef],
      description: 'What it is made of, in the order of the model; missing inputs are left out.',
      resolve: ({ factors }) => [...factors],
    }),
    supersedes: t.field({
      type: GradeRef,
      nullable: true,
      description: 'The grade that this one corrects; null where it corrects none.',
      resolve: ({ supersedes }, _args, ctx) => (supersedes === null ? null : gradeById(ctx).load(supersedes)),
    }),
  }),
});

async function findGrade(ctx: Context, id: string): Promise<GradeRow | null> {
  return /^\d{1,15}$/.test(id) ? gradeById(ctx).load(Number(id)) : null;
}

const GradeAbsenceEnum = builder.enumType('GradeAbsence', {
  description: 'Why a token has no grade.',
  values: {
    NO_MODEL: { description: 'No model of this kind is published.' },
    NO_CANDLES: { description: 'There are no candles of the interval that the model reads.' },
    TOO_LITTLE_HISTORY: { description: 'There are fewer candles than the model needs.' },
    NOT_COMPUTED_YET: { description: 'The model has graded no token at the newest close or later yet.' },
    NOT_GRADABLE: { description: 'The history suffices, but the token is not in the universe of the model.' },
  } satisfies Record<GradeAbsence, { description: string }>,
});

interface GradeStatus {
  readonly grade: GradeRow | null;
  readonly reason: GradeAbsence | null;
  readonly detail: string | null;
}

const GradeStatusRef = builder.objectRef<GradeStatus>('GradeStatus').implement({
  description: 'The current grade, or why there is none.',
  fields: (t) => ({
    grade: t.expose('grade', {
      type: GradeRef,
      nullable: true,
      description: 'The current grade; null where there is none.',
    }),
    reason: t.expose('reason', {
      type: GradeAbsenceEnum,
      nullable: true,
      description: 'Why there is none; null with a grade.',
    }),
    detail: t.exposeString('detail', { nullable: true, description: 'The reason in a sentence; null with a grade.' }),
  }),
});

async function readStatus(ctx: Context, tokenId: number, kind: GradeKind): Promise<GradeStatus> {
  const grade = await latestGrade(ctx).load({ tokenId, kind, version: null, asOf: null, knownAt: null });
  if (grade !== null) return { grade, reason: null, detail: null };
  return { grade, ...absenceOf(await gradeGround(ctx).load({ tokenId, kind })) };
}

interface GradeArgs {
  readonly kind: GradeKind;
  readonly model?: string | null | undefined;
}

async function findLatest(
  ctx: Context,
  tokenId: number,
  { kind, model, asOf, knownAt }: GradeArgs & { asOf?: number | null | undefined; knownAt?: number | null | undefined },
): Promise<GradeRow | null> {
  const version = model ?? null;
  await assertModelVersion(ctx, kind, version);
  return latestGrade(ctx).load({ tokenId, kind, version, asOf: asOf ?? null, knownAt: knownAt ?? null });
}

async function pageHistory(
  ctx: Context,
  tokenId: number,
  {
    kind,
    model,
    from,
    to,
    ...args
  }: GradeArgs & PageArgs & { from?: number | null | undefined; to?: number | null | undefined },
): Promise<Page<GradeRow>> {
  const version = model ?? null;
  const page = readPageArgs(args, `grades:${kind}:AS_OF:DESC`, 1);
  assertSpan({ from, to });
  await assertModelVersion(ctx, kind, version);
  const rows = await gradePage(ctx).load({ tokenId, kind, version, from: from ?? null, to: to ?? null, page });
  return createPage(page, rows, ({ asOf }) => [asOf]);
}

const kindArg = { type: GradeKindEnum, required: true, description: 'Which grade.' } as const;
const modelDescription = 'Version of the model; the current one (with `knownAt`, the one of that time) when not given.';

builder.objectFields(TokenRef, (t) => ({
  grade: t.field({
    type: GradeRef,
    nullable: true,
    description:
      'Its newest grade, or the one as of a time; null where there is none, `gradeStatus` then says why. A correction replaces the grade it supersedes.',
    args: {
      kind: t.arg(kindArg),
      asOf: t.arg({
        type: 'DateTime',
        description:
          'The grade of the newest close at this time or before; with its corrections, unless `knownAt` is given.',
      }),
      knownAt: t.arg({
        type: 'DateTime',
        description: 'As known at this time: grades and corrections published later are left out. Now when not given.',
      }),
      model: t.arg.string({ description: modelDescription }),
    },
    resolve: ({ id }, args, ctx) => findLatest(ctx, id, args),
  }),
  gradeStatus: t.field({
    type: GradeStatusRef,
    description: 'Its newest grade by the current model, or why there is none.',
    args: { kind: t.arg(kindArg) },
    resolve: ({ id }, { kind }, ctx) => readStatus(ctx, id, kind),
  }),
  gradeHistory: t.connection(
    {
      type: GradeRef,
      description: 'Its grades, newest close first: one a close, in its newest correction.',
      args: {
        kind: t.arg(kindArg),
        from: t.arg({ type: 'DateTime', description: 'Closes at this time or later.' }),
        to: t.arg({ type: 'DateTime', description: 'Closes before this time.' }),
        model: t.arg.string({ description: modelDescription }),
      },
      resolve: ({ id }, args, ctx) => pageHistory(ctx, id, args),
    },
    { name: 'GradeConnection', description: 'One page of a list of grades.' },
    { name: 'GradeEdge', description: 'A grade and its position in the list.' },
  ),
}));

builder.queryField('gradeModels', (t) =>
  t.field({
    type: [GradeModelRef],
    description: 'Every published model version: by kind, the current one first, then the newest.',
    resolve: (_root, _args, ctx) => loadModels(ctx),
  }),
);
