import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import type { FieldCost } from '../graphql/cost.ts';
import { AppError } from '../lib/errors.ts';
import { assertWithin } from '../lib/limits.ts';
import { assertSpan } from '../lib/span.ts';
import type { GradeModelRow } from './model-store.ts';
import { GradeModelRef } from './schema.ts';
import type { GradeSkill } from './skill.ts';
import { horizonDaysMax, loadSkillHistories } from './skill-store.ts';

/** The public face of measured skill: `GradeModel.skill`. */

const GradeSkillRef = builder.objectRef<GradeSkill>('GradeSkill').implement({
  description:
    'How the order of the tokens by grade went with their returns afterwards. The grade of a close is taken, the position entered one day later and held for the horizon. It says what was likelier to beat the median token, not what a trader would have earned; the tokens are those known here, which may leave out the ones that died.',
  fields: (t) => ({
    horizonDays: t.exposeInt('horizonDays', { description: 'Days a position is held.' }),
    feeBps: t.exposeFloat('feeBps', { description: 'Fee of each unit bought or sold, in hundredths of a percent.' }),
    dayCount: t.exposeInt('dayCount', {
      description: 'Days measured: at least 10 tokens have a grade and a return over the horizon.',
    }),
    from: t.expose('from', {
      type: 'DateTime',
      nullable: true,
      description: 'First close measured; null without one.',
    }),
    to: t.expose('to', { type: 'DateTime', nullable: true, description: 'Last close measured; null without one.' }),
    tokensPerDay: t.exposeFloat('tokensPerDay', { nullable: true, description: 'Mean number of tokens on a day.' }),
    meanIc: t.exposeFloat('meanIc', {
      nullable: true,
      description:
        "Mean rank information coefficient, -1 to 1: Spearman's correlation of grade and return over the tokens of a day, ties averaged. 0 is no skill.",
    }),
    icT: t.exposeFloat('icT', {
      nullable: true,
      description: 't-statistic of `meanIc` by Newey and West with the horizon as lag; beyond 2 it is hardly chance.',
    }),
    positiveShare: t.exposeFloat('positiveShare', {
      nullable: true,
      description: 'Share of days whose coefficient is above 0.',
    }),
    quintileReturnsPct: t.exposeFloatList('quintileReturnsPct', {
      nullable: true,
      description: 'Mean return over the horizon, in percent, of each fifth of the tokens by grade, best first.',
    }),
    universeReturnPct: t.exposeFloat('universeReturnPct', {
      nullable: true,
      description: 'Mean return over the horizon, in percent, of all tokens: what holding everything brought.',
    }),
    spreadPct: t.exposeFloat('spreadPct', {
      nullable: true,
      description: 'Best fifth minus worst, mean percent over the horizon, before fees.',
    }),
    spreadT: t.exposeFloat('spreadT', { nullable: true, description: 't-statistic of `spreadPct`, as `icT`.' }),
    yearlySpreadPct: t.exposeFloat('yearlySpreadPct', {
      nullable: true,
      description:
        'Percent a year of best fifth minus worst when rebalanced at every horizon, after fees, not compounded.',
    }),
    turnover: t.exposeFloat('turnover', {
      nullable: true,
      description: 'Mean share of the two fifths that is exchanged at a rebalance, 0 to 1.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why figures are null; null when all are there.' }),
  }),
});

interface SkillArgs {
  readonly horizonDays: number;
  readonly from?: number | null | undefined;
  readonly to?: number | null | undefined;
  readonly feeBps?: number | null | undefined;
  readonly simulated?: boolean | null | undefined;
}

const feeBpsDefault = 10;
const feeBpsMax = 1_000;
/** As much as 50 objects: it reads the whole history of grades once, whatever number of horizons share it. */
const skillCost: { cost: FieldCost } = { cost: { item: 50 } };

async function measureSkill(
  ctx: Context,
  { id, version, definition }: GradeModelRow,
  args: SkillArgs,
): Promise<GradeSkill> {
  const { horizonDays, from, to, simulated } = args;
  const feeBps = args.feeBps ?? feeBpsDefault;
  assertSpan({ from, to });
  assertWithin(horizonDays, { name: 'horizonDays', argument: 'horizonDays', max: horizonDaysMax });
  assertWithin(feeBps, { name: 'feeBps', argument: 'feeBps', min: 0, max: feeBpsMax });
  if (definition.interval !== 'ONE_DAY')
    throw new AppError('BAD_USER_INPUT', `Skill is measured for daily models; ${version} grades another interval.`);
  const histories = await loadSkillHistories(ctx, {
    modelId: id,
    from: from ?? null,
    to: to ?? null,
    isSimulated: simulated ?? false,
  });
  return ctx.work.run('skill', { ...histories, horizonDays, feeBps }, { signal: ctx.signal });
}

builder.objectField(GradeModelRef, 'skill', (t) =>
  t.field({
    type: GradeSkillRef,
    description:
      'Its measured skill: rank correlation of grade and later return, day by day, and what the best fifth brought against the worst. Reported whatever it says.',
    args: {
      horizonDays: t.arg.int({
        required: true,
        description: `Days a position is held, 1 to ${horizonDaysMax}; 1, 7 and 30 are usual.`,
      }),
      from: t.arg({ type: 'DateTime', description: 'Grades as of this time or later.' }),
      to: t.arg({ type: 'DateTime', description: 'Grades as of before this time; returns may reach past it.' }),
      feeBps: t.arg.float({
        description: `Fee of each unit bought or sold, in hundredths of a percent, 0 to ${feeBpsMax}; ${feeBpsDefault} when not given.`,
      }),
      simulated: t.arg.boolean({
        description: 'Whether to measure on the simulated tokens instead of the real ones; they are never mixed.',
      }),
    },
    extensions: skillCost,
    resolve: (model, args, ctx) => measureSkill(ctx, model, args),
  }),
);
