import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';

/** Holds a promised time where the machine is free to keep it; a busy one is told and not judged. */
export function judgeTime(what: string, ms: number, msMax: number): void {
  const load = loadavg()[0] ?? 0;
  if (load > availableParallelism())
    console.log(`  ${what}: ${Math.round(ms)} ms, not judged: the machine is busy (load ${load.toFixed(1)})`);
  else assert.ok(ms <= msMax, `${what}: ${Math.round(ms)} ms, at most ${msMax} are promised`);
}
