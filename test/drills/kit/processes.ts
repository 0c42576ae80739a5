import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import { findFreePort, runCommand, waitFor } from '../../e2e/product.ts';

/** A process of the product in a role, as `compose.yaml` runs it: the built program, on a port that stays its own. */
export interface RoleProcess {
  readonly role: Role;
  readonly url: string;
  readonly pid: number;
  /** Starts it again after its end; resolves when it is ready. */
  start(): Promise<void>;
  /** Ends it without a word. */
  kill(): Promise<void>;
  /** Asks it to stop; resolves to its exit code, null where it did not end by itself. */
  stop(): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
}

export type Role = 'api' | 'ingest' | 'worker';

const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL'); // a failed drill leaves nothing running
});

/** What the processes log, for who looks into a failed drill. */
function openLog(name: string): number {
  const folder = '.cache/drills';
  mkdirSync(folder, { recursive: true });
  return openSync(`${folder}/${name}.log`, 'a');
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );

/** Starts a process in a role; resolves when it is ready, three minutes at most: a test machine may be busy. */
export async function startRole(role: Role, env: NodeJS.ProcessEnv): Promise<RoleProcess> {
  const port = String(await findFreePort());
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  let exited: Promise<unknown[]>;

  async function start(): Promise<void> {
    child = spawn(process.execPath, ['--enable-source-maps', 'dist/main.js', 'start', '--role', role], {
      env: { ...process.env, LOG_LEVEL: 'error', ...env, PORT: port },
      stdio: ['ignore', openLog(`${role}-${port}`), 'inherit'],
    });
    started.add(child);
    exited = once(child, 'exit').finally(() => started.delete(child));
    await waitFor(`the ${role} process to be ready`, 180_000, () => {
      if (child.exitCode !== null) throw new Error(`the ${role} process ended with code ${child.exitCode}`);
      return isReady(url);
    });
  }
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  }
  await start();
  return {
    role,
    url,
    get pid() {
      return child.pid ?? 0;
    },
    start,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    signal: (signal) => void child.kill(signal),
  };
}

/** Brings the database to this version, as the first step of a deployment. */
export async function migrate(env: NodeJS.ProcessEnv): Promise<void> {
  const { code, stderr } = await runCommand(['migrate'], env);
  if (code !== 0) throw new Error(`migrate failed: ${stderr}`);
}
