import type { Bar } from '../indicators/bar.ts';
import { createIndicator } from '../indicators/catalog.ts';
import { type Machine, restore, snapshot } from '../indicators/machine.ts';
import { type Outputs, type Vote, type VoteReading, voteRules } from './vote-rules.ts';

/** The mean of a group's votes. */
export interface VoteGroup {
  /** -1..1; null while none can be cast. */
  readonly mean: number | null;
  readonly available: number;
  readonly total: number;
}

/** The 26 votes at one closed bar. */
export interface VoteResult {
  /** Mean of the votes that can be cast, -1..1; every vote weighs the same. Null while there is none. */
  readonly overall: number | null;
  /** How many of the 26 can be cast. */
  readonly available: number;
  readonly groups: { readonly movingAverages: VoteGroup; readonly oscillators: VoteGroup };
  /** In the order of {@link voteRules}; null while an input is missing. */
  readonly votes: readonly (Vote | null)[];
  /** The indicator's first output behind each vote (%K of the stochastics, bull + bear for `bbp`); null during warm-up. */
  readonly values: readonly (number | null)[];
}

/** Plain JSON: the state of one {@link Votes}, one entry per rule. */
export type VotesSnapshot = readonly {
  readonly machine: unknown;
  readonly before: Outputs | null;
  readonly earlier: Outputs | null;
}[];

/** The votes of one series, kept up to date bar by bar. */
export interface Votes {
  /** Takes the next closed bar of the series, once and in order. */
  update(bar: Bar): VoteResult;
  snapshot(): VotesSnapshot;
}

type Changing<T> = { -readonly [K in keyof T]: T[K] };

/** One rule at work on one series. */
interface Juror {
  readonly machine: Machine;
  before: Outputs | null;
  earlier: Outputs | null;
}

/** What is in the order of {@link voteRules}, by the names of the rules. */
export function byRule<Value>(inOrder: readonly Value[]): Record<string, Value | null> {
  return Object.fromEntries(voteRules.map(({ name }, index) => [name, inOrder[index] ?? null]));
}

const trendIndex = voteRules.findIndex(({ name }) => name === 'ema50');

function createJurors(from: VotesSnapshot | null): Juror[] {
  return voteRules.map(({ indicator, params }, index) => {
    const machine = createIndicator(indicator, params);
    const saved = from?.[index];
    if (saved !== undefined) restore(machine, saved.machine);
    return { machine, before: saved?.before ?? null, earlier: saved?.earlier ?? null };
  });
}

/** Keeps the outputs that the rule will look back to, and no others: they would only outlive the bar. */
function remember(juror: Juror, outputs: Outputs | null, lookback: number | undefined): void {
  if (lookback === 2) juror.earlier = juror.before;
  if (lookback !== 0) juror.before = outputs;
}

/** Counts one group's votes. */
function tallyOf(group: 'movingAverages' | 'oscillators', votes: readonly (Vote | null)[]) {
  let [sum, available, total] = [0, 0, 0];
  for (const [index, rule] of voteRules.entries()) {
    if (rule.group !== group) continue;
    total += 1;
    const vote = votes[index] ?? null;
    if (vote === null) continue;
    sum += vote;
    available += 1;
  }
  return { sum, mean: available === 0 ? null : sum / available, available, total };
}

/** The result of one bar from the votes and outputs in rule order. */
function resultOf(votes: readonly (Vote | null)[], outputs: readonly Outputs[]): VoteResult {
  const [averages, oscillators] = [tallyOf('movingAverages', votes), tallyOf('oscillators', votes)];
  const available = averages.available + oscillators.available;
  return {
    overall: available === 0 ? null : (averages.sum + oscillators.sum) / available,
    available,
    groups: { movingAverages: groupOf(averages), oscillators: groupOf(oscillators) },
    votes,
    values: outputs.map(([first = null]) => first),
  };
}

function groupOf({ mean, available, total }: VoteGroup): VoteGroup {
  return { mean, available, total };
}

/** The 26 votes of one series, from the start or from a snapshot. */
export function createVotes(from: VotesSnapshot | null = null): Votes {
  const jurors = createJurors(from);
  return {
    update: (bar) => {
      const outputs = jurors.map(({ machine }) => machine.update(bar));
      // One object for all rules, which only look at it: 26 at every bar of every token are work for the collector.
      const reading: Changing<VoteReading> = {
        bar,
        now: [],
        before: null,
        earlier: null,
        trend: outputs[trendIndex]?.[0] ?? null,
      };
      const votes = jurors.map((juror, index) => {
        const [rule, now] = [voteRules[index], outputs[index] ?? []];
        reading.now = now;
        reading.before = juror.before;
        reading.earlier = juror.earlier;
        const vote = rule?.vote(reading) ?? null;
        remember(juror, now, rule?.lookback);
        return vote;
      });
      return resultOf(votes, outputs);
    },
    snapshot: () => jurors.map(({ machine, before, earlier }) => ({ machine: snapshot(machine), before, earlier })),
  };
}
