import type { FactInputs } from '../facts/inputs.ts';
import type { Bar } from '../indicators/bar.ts';
import { intervalMs } from '../lib/interval.ts';
import { createFeatures, type FeatureMachine, type FeatureSnapshot } from './features.ts';
import type { GradeModel, ScoredGrade, Ungraded } from './model.ts';
import { isRemote, openQuestion, type RemoteAnswer, type RemoteQuestion } from './remote.ts';
import { type ScoreRow, scoreModel } from './score.ts';
import type { VoteResult } from './votes.ts';

/** The closed candle of one series at a close. */
export interface GradeInput {
  /** The series, one per token. */
  readonly key: number;
  readonly bar: Bar;
  /** What was known of it beside its candles; null or absent: nothing. */
  readonly facts?: FactInputs | null;
}

/** What one close brought. Grades and ungraded by model in the engine's order, then by ascending key. */
export interface GradeClose {
  readonly grades: ScoredGrade[];
  readonly ungraded: Ungraded[];
  /** The 26 votes of every key with a bar at this close, graded or not, by ascending key. */
  readonly votes: Map<number, VoteResult>;
}

/** A close whose inputs are taken in, and what model servers are to be asked before it is graded. */
export interface OpenGradeClose {
  /** The 26 votes of every key with a bar at this close, by ascending key. */
  readonly votes: Map<number, VoteResult>;
  /** None without remote models. */
  readonly questions: readonly RemoteQuestion[];
  /** The grades, with the answers in the order of the questions; one that is not given counts as no server there. */
  finish(answers: readonly RemoteAnswer[]): GradeClose;
}

/** Plain JSON: everything an engine needs to go on after a restart. Tokens by ascending key. */
export interface GradeEngineSnapshot {
  readonly lastCloseTime: number | null;
  readonly tokens: readonly { readonly key: number; readonly state: FeatureSnapshot }[];
}

/** Grades a universe close by close. Same closes, same order: the same bytes, live or from history. */
export interface GradeEngine {
  /**
   * Settles one close: updates every key that has a bar, then ranks them against each other. Throws a RangeError, and
   * changes nothing, when `closeTime` is not later than the last one, a key comes twice or a bar closes elsewhere.
   */
  close(closeTime: number, bars: readonly GradeInput[]): GradeClose;
  /** As `close`, in two steps, for remote models. The first takes the bars in; close by close, each is to be finished. */
  begin(closeTime: number, bars: readonly GradeInput[]): OpenGradeClose;
  /** The state of some tokens, or of all. */
  snapshot(keys?: readonly number[]): GradeEngineSnapshot;
  /** Puts tokens back as they were saved; others stay as they are. */
  restore(snapshot: GradeEngineSnapshot): void;
  /** Every token it has seen, ascending. */
  keys(): number[];
}

/** Throws where a close cannot be settled as given; see {@link GradeEngine.close}. */
function assertSettleable(closeTime: number, lastCloseTime: number | null, inputs: readonly GradeInput[]): void {
  if (lastCloseTime !== null && closeTime <= lastCloseTime) {
    throw new RangeError(`close ${closeTime} is not later than the settled ${lastCloseTime}`);
  }
  for (const [index, { key, bar }] of inputs.entries()) {
    if (bar.closeTime !== closeTime) throw new RangeError(`series ${key} closes at ${bar.closeTime}, not ${closeTime}`);
    if (inputs[index - 1]?.key === key) throw new RangeError(`series ${key} comes twice at ${closeTime}`);
  }
}

/** The one interval and gap rule of models that share their inputs. */
function sharedRule(models: readonly GradeModel[]): { intervalMs: number; gapBarsMax: number; barsMin: number } {
  const [first] = models;
  const isShared = models.every(
    ({ interval, universe }) => interval === first?.interval && universe.gapBarsMax === first.universe.gapBarsMax,
  );
  if (first === undefined || !isShared) {
    throw new RangeError('an engine needs at least one model, all of one interval and gap rule');
  }
  return {
    intervalMs: intervalMs(first.interval),
    gapBarsMax: first.universe.gapBarsMax,
    barsMin: Math.min(...models.map(({ universe }) => universe.historyBarsMin)),
  };
}

/** A model, and what it falls back on where a server answers for it. */
interface Grader {
  readonly model: GradeModel;
  /** Null for a model that is computed here. */
  readonly fallback: GradeModel | null;
}

function graderOf(model: GradeModel, fallbacks: readonly GradeModel[]): Grader {
  const version = model.remote?.fallback;
  const fallback = version === undefined ? null : (fallbacks.find((one) => one.version === version) ?? null);
  if (isRemote(model) && fallback === null)
    throw new RangeError(`${model.version} falls back on ${version}, which this engine is not given`);
  return { model, fallback };
}

/** The rows of a close, scored as far as that goes before model servers have answered. */
function openScores(
  graders: readonly Grader[],
  closeTime: number,
  rows: readonly ScoreRow[],
): Pick<OpenGradeClose, 'questions'> & { finish(answers: readonly RemoteAnswer[]): Omit<GradeClose, 'votes'> } {
  const open = graders.map(({ model, fallback }) =>
    isRemote(model) && fallback !== null
      ? openQuestion(model, fallback, closeTime, rows)
      : { question: null, grade: () => scoreModel(model, closeTime, rows) },
  );
  const asked = open.filter(({ question }) => question !== null);
  return {
    questions: asked.flatMap(({ question }) => question ?? []),
    finish(answers) {
      const answerOf = (one: (typeof open)[number]): RemoteAnswer =>
        answers[asked.indexOf(one)] ?? { kind: 'FALLBACK', reason: 'NO_SERVER' };
      const scored = open.map((one) => one.grade(answerOf(one)));
      return { grades: scored.flatMap((one) => one.grades), ungraded: scored.flatMap((one) => one.ungraded) };
    },
  };
}

/**
 * An engine that grades by all `models` at once, sharing their inputs. `benchmarkKey` is the series whose returns the
 * idiosyncratic risk is measured against; null where there is none. `narrativesOf` are the narratives of each key, for
 * factors that are ranked within them. `fallbacks` are the models that remote ones fall back on.
 */
export function createGradeEngine(options: {
  readonly models: readonly GradeModel[];
  readonly benchmarkKey: number | null;
  readonly narrativesOf?: ReadonlyMap<number, readonly string[]>;
  readonly fallbacks?: readonly GradeModel[];
}): GradeEngine {
  const { models, benchmarkKey, narrativesOf, fallbacks = [] } = options;
  const rule = sharedRule(models);
  const graders = models.map((model) => graderOf(model, fallbacks));
  let lastCloseTime: number | null = null;
  const tokens = new Map<number, FeatureMachine>();

  function machineOf(key: number): FeatureMachine {
    const known = tokens.get(key);
    if (known !== undefined) return known;
    const created = createFeatures(rule);
    tokens.set(key, created);
    return created;
  }

  function keys(): number[] {
    return [...tokens.keys()].sort((a, b) => a - b);
  }

  function begin(closeTime: number, bars: readonly GradeInput[]): OpenGradeClose {
    const inputs = bars.toSorted((a, b) => a.key - b.key);
    assertSettleable(closeTime, lastCloseTime, inputs);
    lastCloseTime = closeTime;
    const marketClose = inputs.find(({ key }) => key === benchmarkKey)?.bar.close ?? null;
    const votes = new Map<number, VoteResult>();
    const rows: ScoreRow[] = inputs.map(({ key, bar, facts = null }) => {
      const machine = machineOf(key);
      votes.set(key, machine.update(bar, marketClose));
      const count = machine.barCount();
      const features = count < rule.barsMin ? null : machine.read(facts);
      return { key, bars: count, features, narratives: narrativesOf?.get(key) ?? [] };
    });
    const { questions, finish } = openScores(graders, closeTime, rows);
    return { votes, questions, finish: (answers) => ({ ...finish(answers), votes }) };
  }

  return {
    begin,
    close: (closeTime, bars) => begin(closeTime, bars).finish([]),
    snapshot: (wanted = keys()) => ({
      lastCloseTime,
      tokens: wanted.flatMap((key) => {
        const machine = tokens.get(key);
        return machine === undefined ? [] : [{ key, state: machine.snapshot() }];
      }),
    }),
    restore: (snapshot) => {
      lastCloseTime = snapshot.lastCloseTime;
      for (const { key, state } of snapshot.tokens) tokens.set(key, createFeatures(rule, state));
    },
    keys,
  };
}
