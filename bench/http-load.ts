import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, runChild } from './children.ts';
import { cpuBetween, readProcessTree } from './process-tree.ts';

/** One measurement of requests. CPU in milliseconds a request; null where it cannot be read. */
export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bytes: number;
  readonly errors: number;
  readonly serverCpuMs: number | null;
  readonly postgresCpuMs: number | null;
  /** Largest resident size of the server so far. */
  readonly peakBytes: number | null;
}

/** Whose CPU is counted; null where it runs elsewhere, or, for the database, inside the server. */
export interface MeasuredProcesses {
  readonly server: number | null;
  readonly postgres: number | null;
}

/** How hard and how long. */
export interface LoadShape {
  readonly connections: number;
  readonly seconds: number;
}

type Sent = Omit<LoadResult, 'serverCpuMs' | 'postgresCpuMs' | 'peakBytes'>;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What sends the load: wrk where it is installed, which takes the least of the machine. */
export const loadTool: 'wrk' | 'node' = isInstalled('wrk') ? 'wrk' : 'node';

async function send(url: string, bodies: readonly string[], shape: LoadShape, directory: string): Promise<Sent> {
  const timeoutMs = shape.seconds * 1000 + 20_000;
  const { connections, seconds } = shape;
  if (loadTool === 'node') {
    const input = JSON.stringify({ url, bodies, connections, seconds });
    return JSON.parse(await runChild(process.execPath, [here('load-loop.mjs')], { input, timeoutMs })) as Sent;
  }
  const file = join(directory, 'bodies.txt');
  writeFileSync(file, `${bodies.join('\n')}\n`);
  const args = ['-t1', '--timeout', '20s', `-c${connections}`, `-d${seconds}s`, '-s', here('wrk.lua'), url, '--', file];
  const line = (await runChild('wrk', args, { timeoutMs })).split('\n').find((text) => text.startsWith('{'));
  return JSON.parse(line ?? '{}') as Sent;
}

/** Sends requests that rotate over the bodies and tells what they cost. */
export async function measureLoad(
  { url, processes, directory }: { url: string; processes: MeasuredProcesses; directory: string },
  bodies: readonly string[],
  shape: LoadShape,
): Promise<LoadResult> {
  const [server, postgres] = [readProcessTree(processes.server), readProcessTree(processes.postgres)];
  const sent = await send(url, bodies, shape, directory);
  const serverAfter = readProcessTree(processes.server);
  const perRequest = (seconds: number | null): number | null =>
    seconds === null || sent.requests === 0 ? null : (seconds * 1000) / sent.requests;
  return {
    ...sent,
    serverCpuMs: perRequest(cpuBetween(server, serverAfter)),
    postgresCpuMs: perRequest(cpuBetween(postgres, readProcessTree(processes.postgres))),
    peakBytes: serverAfter?.peakBytes ?? null,
  };
}
