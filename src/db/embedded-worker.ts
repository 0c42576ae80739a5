/** The thread in which PGlite runs; asked by `embedded.ts`, one request at a time. */
import { readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { messageOf } from '../lib/errors.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';
import type { EmbeddedRequest, EmbeddedWorkerData } from './embedded.ts';

const { dataDir, socketPath, template } = workerData as EmbeddedWorkerData;
let database: PGlite | null = null;
let server: EmbeddedServer | null = null;

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
  server = await startEmbeddedServer(database, socketPath);
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
