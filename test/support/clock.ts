import type { Clock } from '../../src/lib/clock.ts';

/** A clock that a test moves; timers and sleepers fire in order as time passes them. */
export interface TestClock extends Clock {
  /** Moves time on and runs everything that falls due, in order of time. */
  advance(ms: number): Promise<void>;
}

interface Timer {
  dueMs: number;
  readonly everyMs: number | null;
  readonly run: () => Promise<void> | void;
}

/** A clock that starts at `startMs` and stands still until it is advanced. */
export function createTestClock(startMs: number): TestClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();
  const nextDue = (untilMs: number): Timer | undefined =>
    [...timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
  return {
    now: () => nowMs,
    every(everyMs, run) {
      const timer: Timer = { dueMs: nowMs + everyMs, everyMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    sleep(ms, signal) {
      return new Promise((resolve) => {
        const timer: Timer = { dueMs: nowMs + ms, everyMs: null, run: resolve };
        timers.add(timer);
        signal?.addEventListener('abort', () => {
          timers.delete(timer);
          resolve();
        });
      });
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      for (let timer = nextDue(untilMs); timer; timer = nextDue(untilMs)) {
        nowMs = timer.dueMs;
        if (timer.everyMs === null) timers.delete(timer);
        else timer.dueMs += timer.everyMs;
        await timer.run();
        await new Promise((resolve) => setImmediate(resolve));
      }
      nowMs = untilMs;
    },
  };
}
