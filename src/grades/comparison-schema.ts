import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import type { FieldCost } from '../graphql/cost.ts';
import { AppError } from '../lib/errors.ts';
import { assertSpan } from '../lib/span.ts';
import type { GradeComparison } from './comparison.ts';
import { chooseModel, type GradeModelRow, loadModels } from './model-store.ts';
import { GradeModelRef } from './schema.ts';
import { gradeHistories } from './skill-store.ts';
import { tokensMin } from './skill.ts';

/** The public face of comparisons of models: `Query.gradeModelComparison`. */

/** A comparison with the models compared. */
interface ShownComparison extends GradeComparison {
  readonly model: GradeModelRow;
  readonly otherModel: GradeModelRow;
}

const nullable = true;

const GradeComparisonRef = builder.objectRef<ShownComparison>('GradeComparison').implement({
  description: `How the grades of two models of a kind go together: what making the one current in the place of the other would change. A close counts where at least ${tokensMin} tokens have a grade by both, and of it these tokens. Which of the two ranks better, \`skill\` tells.`,
  fields: (t) => ({
    model: t.field({ type: GradeModelRef, description: 'The model looked at.', resolve: ({ model }) => model }),
    other: t.field({
      type: GradeModelRef,
      description: 'The model compared with.',
      resolve: ({ otherModel }) => otherModel,
    }),
    dayCount: t.exposeInt('dayCount', { description: 'Closes compared.' }),
    from: t.expose('from', { type: 'DateTime', nullable, description: 'First close compared; null without one.' }),
    to: t.expose('to', { type: 'DateTime', nullable, description: 'Last close compared; null without one.' }),
    tokensPerDay: t.exposeFloat('tokensPerDay', { nullable, description: 'Mean number of tokens on a close.' }),
    rankCorrelation: t.exposeFloat('rankCorrelation', {
      nullable,
      description: "Mean over the closes of Spearman's correlation of the two grades, -1 to 1; 1 is the same order.",
    }),
    leastRankCorrelation: t.exposeFloat('leastRankCorrelation', { nullable, description: 'The least of them.' }),
    meanDistance: t.exposeFloat('meanDistance', {
      nullable,
      description: 'Mean distance of the two values, in points.',
    }),
    sameBandShare: t.exposeFloat('sameBandShare', {
      nullable,
      description: 'Share of the grades that lie in the same band by both, each by its own edges, 0 to 1.',
    }),
    sharedBestShare: t.exposeFloat('sharedBestShare', {
      nullable,
      description: "Mean share of this model's best fifth of the tokens that is in the other's, 0 to 1.",
    }),
    churn: t.exposeFloat('churn', {
      nullable,
      description: "Mean share of this model's best fifth that is gone one day later, 0 to 1.",
    }),
    otherChurn: t.exposeFloat('otherChurn', { nullable, description: 'The same of the other model.' }),
    reason: t.exposeString('reason', { nullable, description: 'Why figures are null; null when all are there.' }),
  }),
});

interface ComparisonArgs {
  readonly version: string;
  readonly with?: string | null | undefined;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly simulated?: boolean | null | undefined;
}

/** The two models. Throws BAD_USER_INPUT where one is not published, or they are of two kinds. */
async function findPair(ctx: Context, args: ComparisonArgs): Promise<[model: GradeModelRow, other: GradeModelRow]> {
  const models = await loadModels(ctx);
  const model = chooseModel(models, args.version, 'version');
  const other =
    args.with == null
      ? models.find(({ kind, isCurrent }) => kind === model.kind && isCurrent)
      : chooseModel(models, args.with, 'with');
  if (other?.kind === model.kind) return [model, other];
  const sentence =
    other === undefined
      ? `There is no current ${model.kind} model to compare with; name one by \`with\`.`
      : `${model.version} is of kind ${model.kind} and ${other.version} is not; only models of one kind are compared.`;
  throw new AppError('BAD_USER_INPUT', sentence, { extensions: { argument: 'with' } });
}

async function compareModels(ctx: Context, args: ComparisonArgs): Promise<ShownComparison> {
  assertSpan(args);
  const [model, otherModel] = await findPair(ctx, args);
  const sideOf = async ({ id, definition }: GradeModelRow) => ({
    grades: await gradeHistories(ctx).load({
      modelId: id,
      from: args.from ?? null,
      to: args.to ?? null,
      isSimulated: args.simulated ?? false,
    }),
    bands: definition.bands,
  });
  const [own, other] = await Promise.all([sideOf(model), sideOf(otherModel)]);
  const found = await ctx.work.run('comparison', { own, other }, { signal: ctx.signal });
  return { ...found, model, otherModel };
}

/** As much as two measured skills: it reads the whole histories of two models. */
const comparisonCost: { cost: FieldCost } = { cost: { item: 100 } };

builder.queryField('gradeModelComparison', (t) =>
  t.field({
    type: GradeComparisonRef,
    description: 'How the grades of a model go together with those of another: rank correlation and churn.',
    args: {
      version: t.arg.string({ required: true, description: 'Version of the model looked at, such as a new one.' }),
      with: t.arg.string({
        description: 'Version of the other, of the same kind; the current model of the kind when not given.',
      }),
      from: t.arg({ type: 'DateTime', description: 'Grades as of this time or later.' }),
      to: t.arg({ type: 'DateTime', description: 'Grades as of before this time.' }),
      simulated: t.arg.boolean({
        description: 'Whether to compare on the simulated tokens instead of the real ones; they are never mixed.',
      }),
    },
    extensions: comparisonCost,
    resolve: (_root, args, ctx) => compareModels(ctx, args),
  }),
);
