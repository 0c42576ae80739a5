import { createServer as createNodeServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GraphQLParams } from 'graphql-yoga';
import { AppError, messageOf } from '../lib/errors.ts';
import { type Api, createApi } from './api.ts';
import type { ApiDeps } from './operation-context.ts';
import { graphiqlPage, landingPage } from './pages.ts';
import { createSocketServer, refuse, type SocketServer } from './ws.ts';
import type { SocketLimits } from './ws-limits.ts';

/**
 * The door: one node:http server for GraphQL over HTTP, SSE and WebSocket, the pages and the two health answers.
 *
 * `/livez` answers as long as the process runs, `/readyz` as long as it can serve. `stop()` turns `/readyz` to 503 and
 * tells the sockets at once, takes connections for a moment longer so that load balancers see it, then none; requests
 * under way finish, whatever is left after 20 s is cut.
 */
export interface HttpServer {
  readonly api: Api;
  /** Listens; resolves to the server's address. Throws SERVICE_UNAVAILABLE when the address is taken or forbidden. */
  start(): Promise<{ readonly url: string; readonly port: number }>;
  /** Stops gracefully; resolves when every connection is closed. */
  stop(): Promise<void>;
}

/** Whether the process can serve, and what is missing when it cannot. */
export interface Readiness {
  readonly isReady: boolean;
  readonly reasons: readonly string[];
}

/** What the server is made of. */
export interface ServerDeps extends Omit<ApiDeps, 'corsOrigins'> {
  readonly config: {
    readonly host: string;
    /** 0 takes any free port. */
    readonly port: number;
    readonly corsOrigins: readonly string[];
  };
  readonly health: () => Readiness | Promise<Readiness>;
  /** How long connections are still taken after `stop()`; a second when not given. */
  readonly drainMs?: number;
  readonly socketLimits?: SocketLimits;
}

const stopMsMax = 20_000;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;

/** Makes the server; it listens after `start()`. */
export function createServer(deps: ServerDeps): HttpServer {
  const corsOrigins = deps.config.corsOrigins;
  const api = createApi({ ...deps, corsOrigins });
  const sockets = createSocketServer({ ...deps, api, corsOrigins });
  let isStopping = false;
  const server = createNodeServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs },
    (request, response) => {
      if (isStopping) response.setHeader('connection', 'close');
      route({ deps, api, isStopping }, request, response).catch((error: unknown) => {
        deps.log.error({ err: error, url: request.url }, 'request failed');
        if (!response.headersSent) sendJson(response, 500, { status: 'error' });
        else response.destroy();
      });
    },
  );
  server.on('upgrade', (request, socket, head) => {
    if (isStopping) refuse(socket, '503 Service Unavailable', 'The server is going away.');
    else if (pathOf(request) !== '/graphql') refuse(socket, '404 Not Found', 'WebSockets are served at /graphql.');
    else sockets.upgrade(request, socket, head);
  });
  let stopped: Promise<void> | null = null;
  return {
    api,
    start: () => listen(server, deps.config),
    stop() {
      isStopping = true;
      return (stopped ??= stop(deps, server, sockets, api));
    },
  };
}

function pathOf(request: IncomingMessage): string {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

async function route(
  { deps, api, isStopping }: { deps: ServerDeps; api: Api; isStopping: boolean },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(request);
  if (path === '/graphql')
    return wantsPage(request) ? redirect(response, '/graphiql') : serveApi(api, request, response);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendJson(response, 405, { status: 'method not allowed' }, { allow: 'GET, HEAD' });
  if (path === '/livez') return sendJson(response, 200, { status: 'ok' });
  if (path === '/readyz') return serveReadiness(deps, isStopping, response);
  if (path === '/graphiql') return graphiqlPage.serve(request, response);
  if (path === '/') return landingPage.serve(request, response);
  return sendJson(response, 404, { status: 'not found' });
}

/** A browser that was pointed at the endpoint by hand. */
function wantsPage({ method, url, headers }: IncomingMessage): boolean {
  return method === 'GET' && !url?.includes('?') && headers.accept?.includes('text/html') === true;
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { location, 'content-length': 0 }).end();
}

async function serveApi({ yoga, door }: Api, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.url = request.url?.replace(/^\/graphql\/(?=\?|$)/, '/graphql') ?? '/graphql';
  const byYoga = async (given?: { readonly params: GraphQLParams }): Promise<void> => {
    await yoga.handle(request, response, given as object);
  };
  await (door.takes(request) ? door.serve(request, response, (params) => byYoga({ params })) : byYoga());
}

async function serveReadiness({ health }: ServerDeps, isStopping: boolean, response: ServerResponse): Promise<void> {
  const { isReady, reasons } = isStopping
    ? { isReady: false, reasons: ['the server is stopping'] }
    : await readinessOf(health);
  sendJson(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready', reasons });
}

async function readinessOf(health: ServerDeps['health']): Promise<Readiness> {
  try {
    return await health();
  } catch (error) {
    return { isReady: false, reasons: [messageOf(error)] };
  }
}

function sendJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      ...headers,
    })
    .end(response.req.method === 'HEAD' ? undefined : text);
}

function listen(server: Server, { host, port }: ServerDeps['config']): Promise<{ url: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen(port, host, () => {
      const bound = (server.address() as AddressInfo).port;
      resolve({ url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`, port: bound });
    });
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const at = `${host}:${port}`;
  const sentences: Record<string, string> = {
    EADDRINUSE: `Port ${port} is taken: another program listens on ${at}. Stop it, or set PORT to a free port.`,
    EACCES: `This user may not listen on ${at}. Set PORT to a port above 1023.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Set HOST to one that is, such as 127.0.0.1 or 0.0.0.0.`,
  };
  const sentence = sentences[error.code ?? ''] ?? `Cannot listen on ${at} (${error.message}). Check HOST and PORT.`;
  return new AppError('SERVICE_UNAVAILABLE', sentence, { cause: error });
}

async function stop(
  { clock, drainMs = 1_000 }: ServerDeps,
  server: Server,
  sockets: SocketServer,
  api: Api,
): Promise<void> {
  if (!server.listening) return;
  sockets.stop();
  api.streams.endAll();
  await clock.sleep(drainMs);
  api.streams.endAll(); // those that came while load balancers were told
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const stopSweep = clock.every(100, () => server.closeIdleConnections());
  const timer = new AbortController();
  const late = clock.sleep(stopMsMax, timer.signal).then(() => {
    sockets.cut();
    server.closeAllConnections();
  });
  await Promise.race([closed, late]);
  timer.abort();
  stopSweep();
  await closed;
}
