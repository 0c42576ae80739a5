// Runs drills: what must hold while parts of the product are killed, cut off or overloaded. Each is a file of test/drills.
//   npm run drills [-- name... --short]     all of them without a name; --short: fewer rounds, for CI
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const names = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const all = readdirSync('test/drills')
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))
  .sort();
const unknown = names.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`No drill is called ${unknown.join(', ')}. There are: ${all.join(', ')}`);
  process.exit(1);
}
spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
const failed = [];
for (const name of names.length > 0 ? names : all) {
  const startedMs = performance.now();
  console.log(`drill ${name}`);
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', `test/drills/${name}.ts`, ...flags], {
    stdio: 'inherit',
  });
  console.log(
    `${status === 0 ? 'held' : 'FAILED'}: ${name} (${((performance.now() - startedMs) / 1000).toFixed(0)} s)`,
  );
  if (status !== 0) failed.push(name);
}
process.exit(failed.length > 0 || !existsSync('dist/main.js') ? 1 : 0);
