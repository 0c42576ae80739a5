import type { CandleInterval } from '../lib/interval.ts';
import type { UniverseClose } from '../signals/universe.ts';

/**
 * What was computed of history and is not written yet, in two parts: what a later close has overtaken, which is written
 * without a word, and what is current so far (the newest close's grades, each token's newest signal by every strategy),
 * which is held back until nothing can overtake it, because it is to be announced. Holds one close and one signal a token,
 * however long the history.
 */
export interface Backlog {
  /** Takes the next close. */
  add(close: SettledClose): void;
  /** Grades and signals that wait and are no longer current. */
  pastCount(): number;
  /** Takes them out: grades before signals before outcomes of what is in one call; never an outcome before its signal. */
  takePast(): readonly SettledClose[];
  /** Takes out what is current, at the end. */
  takeCurrent(): readonly SettledClose[];
}

/** What one close of an interval brought. */
export type SettledClose = Pick<UniverseClose, 'grades' | 'issued' | 'closed'> & { readonly interval: CandleInterval };

/** An empty backlog. */
export function createBacklog(): Backlog {
  const newestSignals = new Map<string, SettledClose>();
  let newestGrades: SettledClose | null = null;
  let past: SettledClose[] = [];

  function addSignals({ interval, issued, closed }: SettledClose): void {
    for (const signal of issued) {
      const name = `${signal.strategy}:${signal.key}`;
      const overtaken = newestSignals.get(name);
      if (overtaken) past.push(overtaken);
      newestSignals.set(name, { interval, grades: [], issued: [signal], closed: [] });
    }
    // An outcome comes after the signal that ended it, which has just or long ago overtaken the one it belongs to.
    if (closed.length > 0) past.push({ interval, grades: [], issued: [], closed });
  }

  return {
    add(close) {
      addSignals(close);
      if (close.grades.length === 0) return;
      if (newestGrades) past.push(newestGrades);
      newestGrades = { ...close, issued: [], closed: [] };
    },
    pastCount: () => past.reduce((sum, { grades, issued }) => sum + grades.length + issued.length, 0),
    takePast() {
      const taken = past;
      past = [];
      return taken;
    },
    takeCurrent() {
      const taken = [...newestSignals.values(), ...(newestGrades ? [newestGrades] : [])];
      newestSignals.clear();
      newestGrades = null;
      return taken;
    },
  };
}
