import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../lib/errors.ts';
import type { Readiness } from './http.ts';

/** A process without an API still answers for its health: `/livez` always, `/readyz` when it has caught up. */
export async function createHealthServer(
  config: { readonly host: string; readonly port: number },
  health: () => Promise<Readiness>,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', health).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${config.host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(path: string, health: () => Promise<Readiness>): Promise<{ status: number; body: object }> {
  if (path === '/livez') return { status: 200, body: { status: 'ok' } };
  if (path !== '/readyz') return { status: 404, body: { status: 'not found' } };
  const { isReady, reasons } = await health().catch((error: unknown) => ({
    isReady: false,
    reasons: [messageOf(error)],
  }));
  return { status: isReady ? 200 : 503, body: { status: isReady ? 'ready' : 'not ready', reasons } };
}
