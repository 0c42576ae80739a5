// Builds dist/: plain JavaScript for Node, packages left outside. A build takes well under a second; types are checked
// by `npm run types`, not here.
import { existsSync, rmSync, chmodSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

if (!existsSync('src/db/generated/client.ts')) {
  const made = spawnSync(process.execPath, ['scripts/generate.mjs'], { stdio: 'inherit' });
  if (made.status !== 0) process.exit(made.status ?? 1);
}
const { build } = await import('esbuild');
rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    main: 'src/main.ts',
    'engine-thread': 'src/engine-thread.ts',
    'sync-thread': 'src/sync-thread.ts',
    'embedded-worker': 'src/db/embedded-worker.ts',
    worker: 'src/work/worker.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: 'linked',
  logLevel: 'warning',
});
chmodSync('dist/main.js', 0o755);
