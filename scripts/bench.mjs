// Measures requests (`npm run bench -- --help`), or with a name first one part on a database of its own: the engine that
// settles closes (`engine`), a busy venue (`ingest`), a large portfolio (`portfolio`); see the tops of bench/<name>.ts.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [first, ...rest] = process.argv.slice(2);
const isNamed = ['engine', 'ingest', 'portfolio'].includes(first);
const [file, args] = isNamed ? [`bench/${first}.ts`, rest] : ['bench/run.ts', process.argv.slice(2)];
const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => process.exit(code ?? 1));
