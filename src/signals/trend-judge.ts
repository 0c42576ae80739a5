import { byRule } from '../grades/votes.ts';
import type { DetectorInput, Judge, Judgement } from './judge.ts';
import type { SignalDirection, TrendVotes } from './strategy.ts';

const votesTotal = 26;

/** |overall| when a direction is entered, 1 - |overall| on a return to NEUTRAL; times the share of castable votes. */
export function trendConfidence(direction: SignalDirection, overall: number, available: number): number {
  const agreement = direction === 'NEUTRAL' ? 1 - Math.abs(overall) : Math.abs(overall);
  return agreement * Math.min(1, available / votesTotal);
}

/** Judges by the mean of the votes; keeps nothing. */
export class TrendJudge implements Judge {
  readonly #params: TrendVotes['params'];

  constructor(params: TrendVotes['params']) {
    this.#params = params;
  }

  judge({ votes, gradeValue }: DetectorInput, held: SignalDirection): Judgement | null {
    const { enterAbove, leaveBelow, votesMin } = this.#params;
    if (votes === null || votes.overall === null || votes.available < votesMin) return null;
    const { overall, available, groups } = votes;
    return {
      isBullish: overall > enterAbove,
      isBearish: overall < -enterAbove,
      isLeft: (held === 'BULLISH' && overall < leaveBelow) || (held === 'BEARISH' && overall > -leaveBelow),
      explain: (direction, closes) => ({
        confidence: trendConfidence(direction, overall, available),
        evidence: {
          overall,
          available,
          movingAverages: groups.movingAverages.mean,
          oscillators: groups.oscillators.mean,
          votes: byRule(votes.votes),
          values: byRule(votes.values),
          closes,
          grade: gradeValue,
        },
      }),
    };
  }
}
