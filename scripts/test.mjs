// Runs the tests with node's own runner: all of them, or those whose path contains one of the given words.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';

const words = process.argv.slice(2);
const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name}`)
  .filter((name) => name.endsWith('.test.ts') && !name.startsWith('test/drills/'))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`No test file under test/ matches: ${words.join(' ')}`);
  process.exit(1);
}
const flags = ['--import', 'tsx', '--test', '--test-concurrency=2', '--test-timeout=300000', '--test-reporter=spec'];
const child = spawn(process.execPath, [...flags, ...files], {
  stdio: 'inherit',
  env: { NODE_ENV: 'test', ...process.env },
});
child.on('close', (code) => process.exit(code ?? 1));
