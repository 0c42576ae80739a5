import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parse } from 'graphql';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import { examples } from '../../src/server/examples.ts';
import { createTestClock } from '../support/clock.ts';
import { startTestServer } from '../support/server.ts';
import { tinySchema } from '../support/tiny-schema.ts';

const schema = tinySchema;

function gate(): { open: () => void; opened: Promise<void> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

const events = { accept: 'text/event-stream', 'content-type': 'application/json' };

function subscribe(url: string, query: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: events,
    body: JSON.stringify({ query }),
    ...(signal ? { signal } : {}),
  });
}

test('livez is 200 always, readyz follows readiness, also when readiness fails', async (t) => {
  let health = (): { isReady: boolean; reasons: string[] } => ({ isReady: true, reasons: [] });
  const { url } = await startTestServer(t, { schema, health: () => health() });
  const statuses = async () => [(await fetch(`${url}/livez`)).status, (await fetch(`${url}/readyz`)).status];
  assert.deepEqual(await statuses(), [200, 200]);
  health = () => ({ isReady: false, reasons: ['the database does not answer'] });
  assert.deepEqual(await statuses(), [200, 503]);
  assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), {
    status: 'not ready',
    reasons: ['the database does not answer'],
  });
  health = () => {
    throw new Error('broken');
  };
  assert.deepEqual(await statuses(), [200, 503]);
});

test('GraphiQL is one page that loads nothing from elsewhere, compressed and cached', async (t) => {
  const { url } = await startTestServer(t, { schema });
  const request = httpRequest(`${url}/graphiql`, { headers: { 'accept-encoding': 'gzip' } }).end();
  const [response] = await once(request, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  assert.equal(response.headers['content-encoding'], 'gzip');
  assert.equal(Number(response.headers['content-length']), body.length);
  const html = gunzipSync(body).toString();
  assert.ok(html.length > body.length * 2);
  for (const { query } of examples) assert.ok(html.includes(JSON.stringify(query)), 'the examples are its tabs');
  assert.doesNotMatch(html, /<script[^>]+src=|<link[^>]+href="http/);
  assert.match(response.headers['content-security-policy'], /default-src 'none'.*connect-src 'self'/);
  const again = await fetch(`${url}/graphiql`, { headers: { 'if-none-match': response.headers.etag } });
  assert.equal(again.status, 304);
});

test('the pages and the endpoint a browser may be pointed at', async (t) => {
  const { url } = await startTestServer(t, { schema });
  const landing = await fetch(url);
  assert.deepEqual([landing.status, landing.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
  const page = await fetch(`${url}/graphql`, { headers: { accept: 'text/html,*/*;q=0.8' }, redirect: 'manual' });
  assert.deepEqual([page.status, page.headers.get('location')], [302, '/graphiql']);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
  assert.equal((await fetch(`${url}/livez`, { method: 'POST' })).status, 405);
  assert.deepEqual(await (await fetch(`${url}/graphql/?query={hello}`)).json(), {
    data: { hello: 'hello world' },
    extensions: { cost: { requested: 0 } },
  });
});

test('examples are operations', () => {
  for (const { query, variables } of examples) {
    assert.equal(parse(query).definitions.length, 1);
    if (variables !== null) JSON.parse(variables);
  }
});

test('an event stream carries ids, a heartbeat in silence, and ends with complete', async (t) => {
  const clock = createTestClock(0);
  const { url } = await startTestServer(t, {
    schema,
    clock: { ...clock, sleep: (ms, signal) => systemClock.sleep(ms, signal) },
  });
  const ticks = await subscribe(url, 'subscription { tick(to: 2) { cursor value } }');
  assert.equal(ticks.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const cost = '"extensions":{"cost":{"requested":1}}';
  assert.equal(
    await ticks.text(),
    ':\n\n' +
      `event: next\nid: c1\ndata: {"data":{"tick":{"cursor":"c1","value":1}},${cost}}\n\n` +
      `event: next\nid: c2\ndata: {"data":{"tick":{"cursor":"c2","value":2}},${cost}}\n\n` +
      'event: complete\ndata:\n\n',
  );
  const leave = new AbortController();
  const silent = await subscribe(url, 'subscription { silent { value } }', leave.signal);
  const reader = silent.body!.getReader();
  const read = async () => new TextDecoder().decode((await reader.read()).value);
  assert.equal(await read(), ':\n\n');
  await clock.advance(12_000);
  assert.equal(await read(), ':\n\n');
  leave.abort();
  await reader.closed.catch(() => undefined);
});

test('a client that leaves an event stream ends its subscription', async (t) => {
  const ended = gate();
  const { url, server } = await startTestServer(t, {
    schema,
    context: ({ signal }) => ({ signal, onEnd: ended.open }),
  });
  const leave = new AbortController();
  await subscribe(url, 'subscription { silent { value } }', leave.signal);
  assert.equal(server.api.streams.size, 1);
  leave.abort();
  await ended.opened;
  assert.equal(server.api.streams.size, 0);
});

test('a slow reader of an event stream holds back a source that is his alone', async (t) => {
  let produced = 0;
  const { server, url } = await startTestServer(t, {
    schema,
    context: ({ signal }) => ({ signal, onTick: () => (produced += 1) }),
  });
  const leave = new AbortController();
  const response = await subscribe(url, 'subscription { tick(to: 1000) { text } }', leave.signal);
  await response.body?.getReader().read();
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(produced < 500, `${produced} events for a reader that reads none`);
  assert.equal(server.api.streams.size, 1);
  leave.abort();
});

test('stop: not ready at once, work under way finishes, sockets are told, streams end, then nothing listens', async (t) => {
  const slow = gate();
  const started = gate();
  const { server, url, wsUrl } = await startTestServer(t, {
    schema,
    drainMs: 300,
    context: ({ signal }) => {
      started.open();
      return { signal, slow: slow.opened };
    },
  });
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws');
  await once(socket, 'open');
  const stream = await subscribe(url, 'subscription { silent { value } }');
  const running = fetch(`${url}/graphql?query={slow}`);
  await started.opened;
  const socketClosed = once(socket, 'close');
  const stopped = server.stop();
  assert.equal((await fetch(`${url}/readyz`)).status, 503);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  assert.equal((await socketClosed)[0], 1001);
  assert.equal(await stream.text(), ':\n\n', 'ends without complete, so that the client connects again');
  slow.open();
  assert.deepEqual(((await (await running).json()) as { data: object }).data, { slow: 'done' });
  await stopped;
  await assert.rejects(fetch(`${url}/livez`));
  await server.stop();
});

test('stop cuts what is left after 20 s', async (t) => {
  const clock = createTestClock(0);
  const started = gate();
  const { server, url } = await startTestServer(t, {
    schema,
    clock,
    context: ({ signal }) => {
      started.open();
      return { signal, slow: new Promise(() => undefined) };
    },
  });
  const running = fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"mutation { never }"}',
  });
  running.catch(() => undefined);
  await started.opened;
  const stopped = server.stop();
  await clock.advance(0);
  await clock.advance(19_900);
  let isStopped = false;
  void stopped.then(() => (isStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isStopped, false);
  await clock.advance(200);
  await stopped;
  await assert.rejects(running);
});

test('a taken port is explained with the address and the variable', async (t) => {
  const { url } = await startTestServer(t, { schema });
  const port = Number(new URL(url).port);
  await assert.rejects(
    startTestServer({ after: () => undefined }, { schema, config: { host: '127.0.0.1', port, corsOrigins: [] } }),
    (error) => {
      assert.ok(error instanceof AppError);
      assert.equal(error.code, 'SERVICE_UNAVAILABLE');
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}.*PORT`));
      return true;
    },
  );
});
