import { listFactors, type ScoredFactor } from '../../src/grades/factor-values.ts';
import type { GradeModel, ScoredGrade } from '../../src/grades/model.ts';

/** The factors of a grade as the API shows them. */
export function factorsOf(
  model: GradeModel,
  { factors, peers }: Pick<ScoredGrade, 'factors' | 'peers'>,
): ScoredFactor[] {
  return listFactors(
    model.factors.map(({ key }) => key),
    factors,
    peers,
  );
}
