import { shortInterval } from '../lib/interval.ts';
import type { GradeModel } from './model.ts';

/** Why a token has no grade, most basic reason first. */
export const gradeAbsences = [
  'NO_MODEL',
  'NO_CANDLES',
  'TOO_LITTLE_HISTORY',
  'NOT_COMPUTED_YET',
  'NOT_GRADABLE',
] as const;

/** One of {@link gradeAbsences}. */
export type GradeAbsence = (typeof gradeAbsences)[number];

/**
 * The reason for a missing grade and a sentence about it, from what is stored. `candleCount` is null without a default
 * series; NOT_GRADABLE covers what only the engine sees at a close: a pegged price, or history that a long hole restarted. So it is
 * told only where the close was settled, which the grades of others show.
 */
export function absenceOf(ground: {
  readonly model: GradeModel | null;
  readonly candleCount: number | null;
  readonly isSettled: boolean;
}): { reason: GradeAbsence; detail: string } {
  const { model, candleCount, isSettled } = ground;
  if (model === null) return { reason: 'NO_MODEL', detail: 'No model of this kind is published.' };
  const candles = `${shortInterval(model.interval)} candles`;
  if (candleCount === null) return { reason: 'NO_CANDLES', detail: `There are no ${candles} of this token.` };
  const barsMin = model.universe.historyBarsMin;
  if (candleCount < barsMin)
    return { reason: 'TOO_LITTLE_HISTORY', detail: `${candleCount} of the ${barsMin} ${candles} needed are there.` };
  if (!isSettled)
    return {
      reason: 'NOT_COMPUTED_YET',
      detail:
        'The model has graded no token at the newest close or later. The engine does soon after a close; `compute` does for history that was imported.',
    };
  return {
    reason: 'NOT_GRADABLE',
    detail: `The history suffices, but the model did not grade it. Its universe: ${model.universe.description}`,
  };
}
