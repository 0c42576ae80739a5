import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../src/lib/clock.ts';
import type { TestScope } from './db.ts';
import { createTestClock, type TestClock } from './clock.ts';

/** A model server in a process of its own; see `model-server.mjs`. */
export interface ModelServerProcess {
  readonly url: string;
  /** Makes its next answers so: all of them, or `times`. */
  behave(mode: string, times?: number): Promise<void>;
  /** What it was asked. */
  counts(): Promise<Record<'ready' | 'metadata' | 'infer' | 'rows' | 'largestBatch', number>>;
  /** Ends it, as a crash does. */
  die(): Promise<void>;
}

const script = fileURLToPath(new URL('model-server.mjs', import.meta.url));

/** Starts one; gone when the test ends. */
export async function startModelServer(t: TestScope, port = 0): Promise<ModelServerProcess> {
  const child = spawn(process.execPath, [script, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = line.toString().trim();
  return {
    url,
    async behave(mode, times = 0) {
      await fetch(`${url}/control`, { method: 'POST', body: JSON.stringify({ mode, times }) });
    },
    counts: async () => (await (await fetch(`${url}/control`)).json()) as never,
    async die() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const pauseMaxMs = 4_000;

/** A clock on which pauses between tries pass at once; time limits pass when the test moves it. */
export function createPatientClock(startMs = 0): TestClock & { readonly pauses: number[] } {
  const clock = createTestClock(startMs);
  const pauses: number[] = [];
  const sleep: Clock['sleep'] = (ms, signal) => {
    if (ms > pauseMaxMs) return clock.sleep(ms, signal);
    pauses.push(ms);
    return Promise.resolve();
  };
  return { ...clock, pauses, sleep };
}
