import type { VoteResult } from '../../src/grades/votes.ts';

/** A vote result with this mean, as if `available` of 26 votes could be cast. */
export function votesOf(overall: number | null, available = 26): VoteResult {
  const group = { mean: overall, available: available / 2, total: 13 };
  return { overall, available, groups: { movingAverages: group, oscillators: group }, votes: {}, values: {} };
}
