// Writes the Prisma client to src/db/generated. No engine is needed (the driver adapter runs in JavaScript), so the
// engine download is turned off by pointing at a file that exists.
import { spawnSync } from 'node:child_process';

const env = {
  PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  CHECKPOINT_DISABLE: '1',
  ...process.env,
};
const done = spawnSync(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], { env, encoding: 'utf8' });
if (done.status !== 0) {
  process.stderr.write(`${done.stdout}${done.stderr}`);
  process.exit(done.status ?? 1);
}
