import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A command of the program in a process of its own, run from its sources. */
export interface RunningCommand {
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** A folder for a test, gone when it ends. */
export function createFolder(t: { after(run: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'tokengraph-cli-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Starts a command; a test that fails leaves it not running. */
export function startCommand(
  t: { after(run: () => void): void },
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): RunningCommand {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()));
  return { process: child, output, ended: once(child, 'close').then(([code]) => code as number | null) };
}
