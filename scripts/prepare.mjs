// After `npm ci` in a checkout: makes what git does not keep. An install without developer packages has nothing to make.
import { existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

if (existsSync('node_modules/prisma') && existsSync('node_modules/esbuild')) {
  for (const script of ['scripts/generate.mjs', 'scripts/build.mjs']) {
    const done = spawnSync(process.execPath, [script], { stdio: 'inherit' });
    if (done.status !== 0) process.exit(done.status ?? 1);
  }
}
