import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a thread from the file beside the caller: `name.js` in a build, `name.ts` when the sources run directly, where
 * the thread must first be taught TypeScript (a thread of Node 20 does not inherit its parent's loader).
 */
export function startThread(name: string, besideUrl: string, options: WorkerOptions): Worker {
  if (!besideUrl.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, besideUrl), options);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(new URL(`./${name}.ts`, besideUrl).href);
  return new Worker(`import(${loader}).then(({ register }) => { register(); return import(${entry}); });`, {
    ...options,
    eval: true,
  });
}
