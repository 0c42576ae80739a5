import { z } from 'zod';
import { AppError, messageOf } from '../lib/errors.ts';
import { featureNames, type FeatureName, gapBarsOfAll, type GradeModel, gradeBands } from './model.ts';

/**
 * A model as a file: JSON of a {@link GradeModel}, checked so that whatever passes can be computed. The rules are
 * those of docs/models.md.
 */

const prose = (max: number) => z.string().trim().min(1).max(max);
const name = z.string().regex(/^[a-z][a-zA-Z0-9]{0,39}$/, 'must be letters and digits, beginning with a small letter');

/** Inputs that are mean votes of -1..1; only these can be normalised as votes. */
const voteFeatures: ReadonlySet<FeatureName> = new Set(['movingAverageVotes', 'oscillatorVotes']);

const factor = z
  .strictObject({
    key: z.string(),
    group: name,
    description: prose(1000),
    feature: z.enum(featureNames),
    normalisation: z.enum(['PERCENTILE', 'VOTES']),
    direction: z.enum(['HIGHER_IS_BETTER', 'LOWER_IS_BETTER']),
    weight: z.number().gt(0).max(1),
    peers: z.literal('NARRATIVE', 'must be NARRATIVE or absent').optional(),
  })
  .superRefine(({ key, group, feature, normalisation, peers }, context) => {
    if (normalisation === 'VOTES' && peers !== undefined)
      context.addIssue({ code: 'custom', path: ['peers'], message: 'is for PERCENTILE only' });
    if (!key.startsWith(`${group}.`) || !name.safeParse(key.slice(group.length + 1)).success)
      context.addIssue({ code: 'custom', path: ['key'], message: `must be "${group}." and a name` });
    if (normalisation === 'VOTES' && !voteFeatures.has(feature))
      context.addIssue({
        code: 'custom',
        path: ['normalisation'],
        message: `VOTES is for ${[...voteFeatures].join(' and ')} only`,
      });
  });

const factors = z
  .array(factor)
  .min(1)
  .max(60)
  .superRefine((list, context) => {
    const keys = list.map(({ key }) => key);
    for (const [index, key] of keys.entries())
      if (keys.indexOf(key) < index)
        context.addIssue({ code: 'custom', path: [index, 'key'], message: `repeats "${key}"` });
    const sum = list.reduce((total, { weight }) => total + weight, 0);
    if (Math.abs(sum - 1) > 1e-9)
      context.addIssue({ code: 'custom', message: `the weights must sum to 1, not ${sum}` });
  });

const bands = z
  .array(z.strictObject({ band: z.enum(gradeBands), from: z.number().min(0).max(100) }))
  .min(1)
  .superRefine((list, context) => {
    for (const [index, { band, from }] of list.entries()) {
      const above = list[index - 1];
      if (above === undefined) continue;
      if (gradeBands.indexOf(band) <= gradeBands.indexOf(above.band) || from >= above.from)
        context.addIssue({ code: 'custom', path: [index], message: 'must lie below the band above it, best first' });
    }
    if (list.at(-1)?.from !== 0) context.addIssue({ code: 'custom', message: 'the last band must begin at 0' });
  });

const serverName = z.string().regex(/^[\w.-]{1,100}$/, 'must be letters, digits, dots, dashes and underscores');

const remote = z.strictObject({
  name: serverName,
  version: serverName,
  input: z.enum(['RAWS', 'SCORES']),
  missing: z.number(),
  datatype: z.enum(['FP32', 'FP64']),
  fallback: z.string(),
});

const modelFile: z.ZodType<GradeModel> = z
  .strictObject({
    kind: z.enum(['TRADER', 'INVESTOR']),
    version: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,59}$/, 'must be small letters, digits, dots and dashes'),
    title: prose(100),
    description: prose(2000),
    interval: z.literal('ONE_DAY', 'must be ONE_DAY: grades are settled at daily closes'),
    universe: z.strictObject({
      description: prose(1000),
      historyBarsMin: z.number().int().min(1).max(2000),
      gapBarsMax: z.literal(gapBarsOfAll, `must be ${gapBarsOfAll}: all models share one history`),
      returnSpreadMin: z.number().min(0).max(1),
    }),
    factors,
    bands,
    remote: remote.optional(),
  })
  .superRefine((model, context) => {
    if (model.remote === undefined) return;
    for (const [index, { group, normalisation }] of model.factors.entries()) {
      const path = ['factors', index];
      if (group === 'model')
        context.addIssue({ code: 'custom', path, message: 'the group "model" is kept for what a server adds' });
      if (normalisation !== 'PERCENTILE')
        context.addIssue({ code: 'custom', path, message: 'a remote model takes PERCENTILE only' });
    }
  });

/** The model that a file's text states. Throws BAD_USER_INPUT with every rule it breaks, each with its place. */
export function readModelFile(text: string): GradeModel {
  const result = modelFile.safeParse(parseJson(text));
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new AppError('BAD_USER_INPUT', `Not a grade model. ${problems.join('; ')}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AppError('BAD_USER_INPUT', `Not a grade model: it is no JSON (${messageOf(error)}).`, { cause: error });
  }
}
