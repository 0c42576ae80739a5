import type { TestContext } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { createServer, type HttpServer, type ServerDeps } from '../../src/server/http.ts';
import type { Logged } from './api.ts';

/** A real server on a free loopback port. */
export interface TestServer {
  readonly server: HttpServer;
  readonly url: string;
  readonly wsUrl: string;
  readonly logged: Logged[];
}

/** Starts a server for a test; it stops when the test ends. */
export async function startTestServer(
  t: Pick<TestContext, 'after'>,
  options: Pick<ServerDeps, 'schema'> & Partial<ServerDeps>,
): Promise<TestServer> {
  const logged: Logged[] = [];
  const server = createServer({
    context: ({ signal, requestId }) => ({ signal, requestId }),
    clock: systemClock,
    log: { error: (facts) => logged.push(facts as Logged) },
    config: { host: '127.0.0.1', port: 0, corsOrigins: [] },
    health: () => ({ isReady: true, reasons: [] }),
    drainMs: 0,
    ...options,
  });
  const { url } = await server.start();
  t.after(() => server.stop());
  return { server, url, wsUrl: `${url.replace('http', 'ws')}/graphql`, logged };
}
