import { type ChildProcess, spawn, type SpawnOptions, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** Child processes of a run. Each is ended by its own process id, at the latest when the run ends. */
const running = new Set<ChildProcess>();

/** Starts a child; it is ended with the run. */
export function startChild(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends a child: asks with the signal, insists after `graceMs`. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals, graceMs = 10_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const insist = setTimeout(() => child.kill('SIGKILL'), graceMs);
  child.kill(signal);
  await ended;
  clearTimeout(insist);
}

/** Ends whatever still runs, without waiting. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Runs a child to its end, at most `timeoutMs`, and returns what it printed. Throws with its output when it fails. */
export async function runChild(
  command: string,
  args: readonly string[],
  { input = '', timeoutMs, ...options }: SpawnOptions & { input?: string; timeoutMs: number },
): Promise<string> {
  const child = startChild(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.stdin?.on('error', () => {}); // it ended before it read: its exit tells
  child.stdin?.end(input);
  const [output, complaint] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    child.exitCode === null ? once(child, 'exit') : null,
  ]);
  clearTimeout(timer);
  if (child.exitCode !== 0)
    throw new Error(`${command} failed (${child.exitCode ?? child.signalCode}): ${(complaint || output).slice(-2000)}`);
  return output;
}

/** Whether a program is on the PATH. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}
