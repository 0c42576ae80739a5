import { Worker, type WorkerOptions } from 'node:worker_threads';

/** A file that threads start from, and what Node must be told to run it. */
export interface ThreadEntry {
  readonly url: URL;
  readonly execArgv: readonly string[];
}

/**
 * The file beside the caller: `name.js` in a build, `name.ts` when the sources run directly, where the thread must first
 * be taught TypeScript (a thread of Node 20 does not inherit its parent's loader).
 */
export function threadEntry(name: string, besideUrl: string): ThreadEntry {
  if (!besideUrl.endsWith('.ts')) return { url: new URL(`./${name}.js`, besideUrl), execArgv: [] };
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = encodeURIComponent(`import { register } from ${loader}; register();`);
  return { url: new URL(`./${name}.ts`, besideUrl), execArgv: ['--import', `data:text/javascript,${code}`] };
}

/** Starts a thread from {@link threadEntry}. */
export function startThread(name: string, besideUrl: string, options: WorkerOptions): Worker {
  const { url, execArgv } = threadEntry(name, besideUrl);
  return new Worker(url, { ...options, execArgv: [...execArgv] });
}
