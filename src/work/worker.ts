/** The jobs that run off the event loop, one export each; `pool.ts` says how to add one. */
// oxlint-disable-next-line unicorn/require-module-specifiers -- still without a job
export {};
