import type { VoteResult } from '../../src/grades/votes.ts';
import type { DetectorInput } from '../../src/signals/judge.ts';

/** A vote result with this mean, as if `available` of 26 votes could be cast. */
export function votesOf(overall: number | null, available = 26): VoteResult {
  const group = { mean: overall, available: available / 2, total: 13 };
  return { overall, available, groups: { movingAverages: group, oscillators: group }, votes: [], values: [] };
}

/** A close that a strategy of votes judges; its candle says nothing. */
export function inputOf(closeTime: number, votes: VoteResult, gradeValue: number | null): DetectorInput {
  const bar = { openTime: closeTime - 1, closeTime, open: 1, high: 1, low: 1, close: 1, volume: 0 };
  return { bar, votes, gradeValue };
}
