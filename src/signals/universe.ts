import type { FactInputs } from '../facts/inputs.ts';
import { createGradeEngine, type GradeEngineSnapshot } from '../grades/engine.ts';
import type { GradeModel, ScoredGrade, Ungraded } from '../grades/model.ts';
import type { RemoteAnswer, RemoteQuestion } from '../grades/remote.ts';
import { createVotes, type VoteResult, type Votes, type VotesSnapshot } from '../grades/votes.ts';
import type { Bar } from '../indicators/bar.ts';
import type { DecimalText } from '../lib/decimal.ts';
import { type CandleInterval, dayMs } from '../lib/interval.ts';
import {
  type ClosedSignal,
  createSignalEngine,
  type IssuedSignal,
  type SignalEngineSnapshot,
  type SignalInput,
} from './engine.ts';
import type { Strategy } from './strategy.ts';

/**
 * All engines over one universe of tokens, fed close by close: daily closes are graded by every model and judged by the
 * daily strategies, closes of another interval are judged by that interval's strategies. Pure: the live path and
 * `compute` drive the same object, so the same closes give the same bytes.
 */

/** The closed candle of one token. */
export interface UniverseRow {
  /** The token's id. */
  readonly key: number;
  readonly bar: Bar;
  readonly openText: DecimalText;
  readonly closeText: DecimalText;
  /** What was known of the token beside its candles at this close; null or absent: nothing. */
  readonly facts?: FactInputs | null;
}

/** A grade with its change against the same model's grade one day before; null where there was none. */
export interface UniverseGrade extends ScoredGrade {
  readonly change24h: number | null;
}

/** What one close brought. */
export interface UniverseClose {
  readonly grades: readonly UniverseGrade[];
  readonly ungraded: readonly Ungraded[];
  readonly issued: readonly IssuedSignal[];
  readonly closed: readonly ClosedSignal[];
}

/** A close taken in, and what model servers are to be asked before it is graded and judged. */
export interface OpenUniverseClose {
  readonly questions: readonly RemoteQuestion[];
  /** What it brought, with the answers in the order of the questions; one that is not given counts as no server there. */
  finish(answers: readonly RemoteAnswer[]): UniverseClose;
}

/** The engines of one universe. */
export interface Universe {
  /** Settles one close of an interval. Throws a RangeError when it is not later than that interval's last. */
  close(interval: CandleInterval, closeTime: number, rows: readonly UniverseRow[]): UniverseClose;
  /** As `close`, in two steps, for remote models; each close is to be finished before the next. */
  begin(interval: CandleInterval, closeTime: number, rows: readonly UniverseRow[]): OpenUniverseClose;
  /** Everything it needs to go on after a restart, in parts of bounded size; made while they are taken, between closes. */
  snapshot(): Iterable<UniversePart>;
  /** Puts one part back into a fresh universe of the same options; with all of them, in any order, it goes on with the same bytes. */
  restore(part: UniversePart): void;
}

/** A part of a universe's state. Plain data. */
export type UniversePart =
  | { readonly kind: 'grades'; readonly state: GradeEngineSnapshot }
  | { readonly kind: 'signals'; readonly state: SignalEngineSnapshot }
  | { readonly kind: 'votes'; readonly state: readonly (readonly [name: string, votes: VotesSnapshot])[] }
  | {
      readonly kind: 'values';
      readonly version: string;
      readonly state: readonly (readonly [key: number, grade: LastGrade])[];
    };

/** The newest grade of a token by a model, as much of it as a later close asks for. */
interface LastGrade {
  readonly asOf: number;
  readonly value: number;
}

/** Tokens in one part of a snapshot. */
const partTokens = 500;

/** Which version's grade strategies are told, since when (epoch ms). */
export interface GradeTeller {
  readonly version: string;
  readonly switchedAt: number;
}

/** The version of the last switch at a time; before the first, the first. */
function tellerAt(switches: readonly GradeTeller[], timeMs: number): string | null {
  const teller = switches.findLast(({ switchedAt }) => switchedAt <= timeMs) ?? switches[0];
  return teller?.version ?? null;
}

/**
 * The engines of a universe. `switches` (oldest first) tell whose grade strategies are told at a close: history keeps
 * the grades of its time, so that a later switch changes no earlier signal. `benchmarkKey` is the token that risk is
 * measured against; `narrativesOf` the narratives that tokens are ranked within, by token; `fallbacks` what remote models
 * fall back on.
 */
export function createUniverse(options: {
  readonly models: readonly GradeModel[];
  readonly switches: readonly GradeTeller[];
  readonly strategies: readonly Strategy[];
  readonly benchmarkKey: number | null;
  readonly narrativesOf?: ReadonlyMap<number, readonly string[]>;
  readonly fallbacks?: readonly GradeModel[];
}): Universe {
  const { models, switches, strategies } = options;
  const grades = createGradeEngine(options);
  const gradeInterval = models[0]?.interval;
  const signals = createSignalEngine({ strategies });
  const juries = new Map<string, Votes>();
  /** By version and token. */
  const lastGrades = new Map<string, Map<number, LastGrade>>();

  function withChange(grade: ScoredGrade): UniverseGrade {
    const { modelVersion, key, asOf, value } = grade;
    const ofModel = lastGrades.get(modelVersion) ?? new Map<number, LastGrade>();
    lastGrades.set(modelVersion, ofModel);
    const before = ofModel.get(key);
    ofModel.set(key, { asOf, value });
    return { ...grade, change24h: before?.asOf === asOf - dayMs ? value - before.value : null };
  }

  function judge(
    interval: CandleInterval,
    closeTime: number,
    rows: readonly UniverseRow[],
    votes: ReadonlyMap<number, VoteResult>,
  ) {
    const teller = tellerAt(switches, closeTime);
    const told = teller === null ? undefined : lastGrades.get(teller);
    const inputs: SignalInput[] = [];
    for (const { key, bar, openText, closeText } of rows) {
      const cast = votes.get(key);
      const gradeValue = told?.get(key)?.value ?? null;
      if (cast !== undefined) inputs.push({ key, bar, openText, closeText, votes: cast, gradeValue });
    }
    const parts = strategies
      .filter((strategy) => strategy.interval === interval)
      .map((strategy) => signals.close(strategy.name, closeTime, inputs));
    return { issued: parts.flatMap(({ issued }) => issued), closed: parts.flatMap(({ closed }) => closed) };
  }

  function* parts(): Iterable<UniversePart> {
    for (const keys of slicesOf(grades.keys())) yield { kind: 'grades', state: grades.snapshot(keys) };
    for (const { name } of strategies) yield { kind: 'signals', state: signals.snapshot(name) };
    for (const slice of slicesOf([...juries])) {
      yield { kind: 'votes', state: slice.map(([name, votes]) => [name, votes.snapshot()] as const) };
    }
    for (const [version, grades] of lastGrades) yield { kind: 'values', version, state: [...grades] };
  }

  function restore(part: UniversePart): void {
    if (part.kind === 'grades') grades.restore(part.state);
    else if (part.kind === 'signals') signals.restore(part.state);
    else if (part.kind === 'votes') for (const [name, votes] of part.state) juries.set(name, createVotes(votes));
    else lastGrades.set(part.version, new Map(part.state));
  }

  function begin(interval: CandleInterval, closeTime: number, rows: readonly UniverseRow[]): OpenUniverseClose {
    if (interval === gradeInterval) {
      const open = grades.begin(closeTime, rows);
      return {
        questions: open.questions,
        finish(answers) {
          const settled = open.finish(answers);
          const changed = settled.grades.map(withChange);
          return { grades: changed, ungraded: settled.ungraded, ...judge(interval, closeTime, rows, settled.votes) };
        },
      };
    }
    const votes = voteOn(juries, interval, rows);
    return {
      questions: [],
      finish: () => ({ grades: [], ungraded: [], ...judge(interval, closeTime, rows, votes) }),
    };
  }

  return {
    snapshot: parts,
    restore,
    begin,
    close: (interval, closeTime, rows) => begin(interval, closeTime, rows).finish([]),
  };
}

/** The votes of tokens on candles that are not graded; `juries` are kept by `interval:token`. */
function voteOn(
  juries: Map<string, Votes>,
  interval: CandleInterval,
  rows: readonly UniverseRow[],
): Map<number, VoteResult> {
  const votes = new Map<number, VoteResult>();
  for (const { key, bar } of rows) {
    const name = `${interval}:${key}`;
    const jury = juries.get(name) ?? createVotes();
    juries.set(name, jury);
    votes.set(key, jury.update(bar));
  }
  return votes;
}

function* slicesOf<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  for (let from = 0; from < items.length; from += partTokens) yield items.slice(from, from + partTokens);
}
