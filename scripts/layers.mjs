// Checks the import rules, and that the checker saw the code at all (with a TypeScript it cannot read it sees nothing
// and is content).
import { spawnSync } from 'node:child_process';

const modulesMin = 50;
const done = spawnSync(
  process.execPath,
  [
    'node_modules/dependency-cruiser/bin/dependency-cruise.mjs',
    'src',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type',
    'json',
  ],
  {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  },
);
if (!done.stdout) {
  console.error(done.stderr);
  process.exit(1);
}
const { summary } = JSON.parse(done.stdout);
for (const { rule, from, to, cycle } of summary.violations) {
  console.error(`${rule.name}: ${from} -> ${cycle ? cycle.map(({ name }) => name).join(' -> ') : to}`);
}
console.log(`layers: ${summary.totalCruised} modules, ${summary.violations.length} violations`);
if (summary.totalCruised < modulesMin)
  console.error(`layers: fewer than ${modulesMin} modules were read; the checker is blind`);
process.exit(summary.violations.length > 0 || summary.totalCruised < modulesMin ? 1 : 0);
