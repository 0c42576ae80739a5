import { type Clock, systemClock } from '../../src/lib/clock.ts';

/** The machine's clock, `speed` times as fast, from `startMs`: what takes minutes is over in seconds. */
export function createFastClock(startMs: number, speed: number): Clock {
  const realStartMs = systemClock.now();
  return {
    now: () => Math.round(startMs + (systemClock.now() - realStartMs) * speed),
    every: (everyMs, run) => systemClock.every(Math.max(1, everyMs / speed), run),
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
  };
}
