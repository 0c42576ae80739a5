// Everything that judges the code without running it against a database, then the tests: one line each, all of them
// run, the first failure's output shown in full.
import { spawnSync } from 'node:child_process';

/** @type {[name: string, command: string, args: string[]][]} */
const steps = [
  ['format', 'npx', ['biome', 'format']],
  ['lint', 'npx', ['oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'bench', 'scripts', 'codegen.ts']],
  ['types', 'npx', ['tsc', '--noEmit']],
  ['layers', 'node', ['scripts/layers.mjs']],
  ['dead code', 'npx', ['knip']],
  ['duplicates', 'npx', ['jscpd', 'src']],
  ['schema', 'npx', ['tsx', 'codegen.ts', '--check']],
  ...(process.argv.includes('--no-test') ? [] : [['test', 'node', ['scripts/test.mjs']]]),
];
let failed = 0;
for (const [name, command, args] of steps) {
  const startedMs = Date.now();
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  const isOk = done.status === 0;
  console.log(`${isOk ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - startedMs) / 1000).toFixed(1)} s)`);
  if (!isOk) {
    failed += 1;
    process.stdout.write(`${done.stdout}${done.stderr}`);
  }
}
console.log(`${steps.length - failed} checks passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
