/** The thread in which PGlite runs; asked by `embedded.ts`, one request at a time. */
import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { messageOf } from '../lib/errors.ts';
import type { EmbeddedRequest, EmbeddedWorkerData } from './embedded.ts';

const { dataDir, socketPath, template } = workerData as EmbeddedWorkerData;
const connectionsMax = 64;
let database: PGlite | null = null;
let server: PGLiteSocketServer | null = null;

async function start(): Promise<void> {
  const isNew = !existsSync(join(dataDir, 'PG_VERSION'));
  const loadDataDir =
    isNew && template !== null && existsSync(template)
      ? new Blob([new Uint8Array(await readFile(template))])
      : undefined;
  database = await PGlite.create({
    dataDir,
    ...(loadDataDir ? { loadDataDir } : {}),
    postgresqlconf: ['shared_buffers=16MB'],
  } as ConstructorParameters<typeof PGlite>[0] & object);
  server = new PGLiteSocketServer({ db: database, path: socketPath, maxConnections: connectionsMax });
  await server.start();
}

async function answer(request: EmbeddedRequest): Promise<void> {
  if (request.kind === 'start') return start();
  if (request.kind === 'dump') {
    const file = await database?.dumpDataDir('gzip');
    if (file) await writeFile(request.path, Buffer.from(await file.arrayBuffer()));
    return;
  }
  await server?.stop();
  await database?.close();
}

parentPort?.on('message', (request: EmbeddedRequest) => {
  answer(request).then(
    () => parentPort?.postMessage({}),
    (error: unknown) => parentPort?.postMessage({ error: messageOf(error) }),
  );
});
