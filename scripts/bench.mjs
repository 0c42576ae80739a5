// Measures requests (`npm run bench -- --help`), the engine that settles closes (`npm run bench -- engine`, see the top of
// bench/engine.ts), or a busy venue (`npm run bench -- ingest`, see the top of bench/ingest.ts), on a database of its own.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [first, ...rest] = process.argv.slice(2);
const isNamed = first === 'engine' || first === 'ingest';
const [file, args] = isNamed ? [`bench/${first}.ts`, rest] : ['bench/run.ts', process.argv.slice(2)];
const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => process.exit(code ?? 1));
