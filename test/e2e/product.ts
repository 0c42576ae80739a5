import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The product as a user runs it: the built program in a process of its own, with a data directory of its own. */
export interface Product {
  readonly url: string;
  readonly env: NodeJS.ProcessEnv;
  readonly process: ChildProcess;
  /** Milliseconds from the start of the process to the first answered query. */
  readonly answeredAfterMs: number;
  /** The data of an answer; throws where it has errors. */
  ask<Data>(query: string, variables?: object): Promise<Data>;
  /** Ends the process with a signal and waits; resolves to its exit code, null where the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** A loopback port that is free now. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A fresh data directory and the way to remove it. */
export function createDataDir(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'tokengraph-e2e-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs a command of the program to its end. */
export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const done = await promisify(execFile)(process.execPath, ['dist/main.js', ...args], {
      env: { ...process.env, ...env },
      maxBuffer: 1 << 26,
    });
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

const started = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL'); // a failed check leaves nothing running
});

/** Starts the program and waits until it answers a query, three minutes at most: a test machine may be busy. */
export async function startProduct(extra: NodeJS.ProcessEnv): Promise<Product> {
  const port = extra['PORT'] ?? String(await findFreePort());
  const env = { PORT: port, LOG_LEVEL: 'warn', ...extra };
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['dist/main.js', 'start'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  started.add(child);
  const exited = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  const ask = async <Data>(query: string, variables: object = {}): Promise<Data> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data?: Data; errors?: object[] };
    if (!data || errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the program ended with code ${child.exitCode}`);
    const answer = await ask('{ tokens(first: 1) { nodes { slug } } }').catch(() => null);
    if (answer) break;
    if (performance.now() - startedMs > 180_000) throw new Error('the program did not answer within three minutes');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    env,
    process: child,
    answeredAfterMs: performance.now() - startedMs,
    ask,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

/** Polls until `check` gives something, or throws what was waited for. */
export async function waitFor<T>(
  what: string,
  withinMs: number,
  check: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const untilMs = performance.now() + withinMs;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (performance.now() > untilMs) throw new Error(`waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
