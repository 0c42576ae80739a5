import type { FactorDefinition } from '../model.ts';

/** A factor that ranks its input among the graded tokens, lower first unless said otherwise. */
export function ranked(
  factor: Omit<FactorDefinition, 'normalisation' | 'direction'>,
  direction: FactorDefinition['direction'] = 'LOWER_IS_BETTER',
): FactorDefinition {
  return { ...factor, normalisation: 'PERCENTILE', direction };
}
