import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/lib/clock.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Credential, Viewer } from '../../src/lib/viewer.ts';
import { readCredential, sessionCookie } from '../../src/server/credential.ts';
import { recheckMs } from '../../src/server/recheck.ts';
import { createTestClock } from '../support/clock.ts';
import { startTestServer } from '../support/server.ts';
import { tinySchema } from '../support/tiny-schema.ts';

const good = new Set(['ada', 'bea']);
const viewers: (Viewer | null)[] = [];

async function authenticate(credential: Credential | null): Promise<Viewer | null> {
  if (credential === null) return null;
  if (!good.has(credential.text)) throw new AppError('UNAUTHENTICATED', 'Not valid.');
  return { accountId: credential.text.length, plan: 'FREE', via: 'KEY' };
}

const clock = createTestClock(0);
const publicOrigin = 'https://api.example';
const { url, wsUrl } = await startTestServer(
  { after: (run) => after(run as () => void) },
  {
    schema: tinySchema,
    clock: { ...clock, sleep: systemClock.sleep },
    access: { authenticate, publicOrigin },
    context: ({ viewer, signal, requestId }) => {
      viewers.push(viewer);
      return { viewer, signal, requestId };
    },
  },
);

const ada: Viewer = { accountId: 3, plan: 'FREE', via: 'KEY' };

async function openSocket(params: object | undefined, headers: Record<string, string> = {}): Promise<WebSocket> {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', { headers });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: params }));
  return socket;
}

/** What comes first: a message of the server, or its closing. */
function nextOf(socket: WebSocket): Promise<string | number> {
  return new Promise((resolve) => {
    socket.once('message', (data) => resolve((JSON.parse((data as Buffer).toString()) as { type: string }).type));
    socket.once('close', resolve);
  });
}

const ways: [what: string, params: object | undefined, headers: Record<string, string>][] = [
  ['connectionParams x-api-key', { 'x-api-key': 'ada' }, {}],
  ['connectionParams X-API-Key', { 'X-API-Key': 'ada' }, {}],
  ['connectionParams Authorization', { Authorization: 'Bearer ada' }, {}],
  ['the upgrade’s header', undefined, { 'x-api-key': 'ada' }],
  ['the upgrade’s cookie', undefined, { cookie: `a=b; ${sessionCookie}=ada` }],
];

for (const [what, params, headers] of ways)
  test(`a socket says who it is by ${what}`, async () => {
    const socket = await openSocket(params, headers);
    assert.equal(await nextOf(socket), 'connection_ack');
    socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: '{ hello }' } }));
    assert.equal(await nextOf(socket), 'next');
    assert.deepEqual(viewers.at(-1), ada);
    socket.terminate();
  });

test('a socket with a bad key is closed with 4403', async () => {
  assert.equal(await nextOf(await openSocket({ 'x-api-key': 'eve' })), 4403);
});

test('an open socket closes with 4403 when its key is revoked; others stay', async () => {
  const [mine, other, anonymous] = await Promise.all(
    [{ 'x-api-key': 'bea' }, { 'x-api-key': 'ada' }, undefined].map(async (params) => {
      const socket = await openSocket(params);
      assert.equal(await nextOf(socket), 'connection_ack');
      return socket;
    }),
  );
  assert.ok(mine && other && anonymous);
  good.delete('bea');
  const closing = once(mine, 'close');
  await clock.advance(recheckMs);
  assert.equal((await closing)[0], 4403);
  assert.deepEqual([other.readyState, anonymous.readyState], [WebSocket.OPEN, WebSocket.OPEN]);
  for (const socket of [other, anonymous]) socket.terminate();
  good.add('bea');
});

test('an open event stream completes when its key is revoked', async () => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-api-key': 'bea' },
    body: JSON.stringify({ query: 'subscription { silent { value } }' }),
  });
  assert.equal(response.status, 200);
  await clock.advance(recheckMs); // still good: goes on
  good.delete('bea');
  await clock.advance(recheckMs);
  assert.match(await response.text(), /event: complete/);
  good.add('bea');
});

test('an event stream with a bad key is 401 and JSON', async () => {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-api-key': 'eve' },
    body: JSON.stringify({ query: 'subscription { silent { value } }' }),
  });
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  assert.deepEqual([response.status, errors[0]?.extensions.code], [401, 'UNAUTHENTICATED']);
});

const cookie = `${sessionCookie}=ada`;
const origins: [what: string, headers: Record<string, string>, counts: boolean][] = [
  ['of our own origin', { origin: publicOrigin, host: 'inside:4000' }, true],
  ['of the host it was sent to', { origin: 'http://inside:4000', host: 'inside:4000' }, true],
  ['of a request without an origin', { host: 'inside:4000' }, true],
  ['of a foreign page', { origin: 'https://evil.example', host: 'inside:4000' }, false],
  ['of a page without an origin of its own', { origin: 'null', host: 'inside:4000' }, false],
  ['of another port', { origin: 'http://inside:4001', host: 'inside:4000' }, false],
];
for (const [what, headers, counts] of origins)
  test(`the cookie ${what} ${counts ? 'counts' : 'does not count'}`, () => {
    const all: Record<string, string> = { ...headers, cookie };
    const shown = readCredential({ header: (name) => all[name] ?? null, connectionParams: {} }, publicOrigin);
    assert.deepEqual(shown, counts ? { kind: 'COOKIE', text: 'ada' } : null);
  });

test('a key counts more than a cookie, connectionParams more than headers', () => {
  const headers: Record<string, string> = { cookie, 'x-api-key': 'header' };
  const header = (name: string): string | null => headers[name] ?? null;
  const shown = (connectionParams: object) =>
    readCredential({ header, connectionParams: connectionParams as Record<string, unknown> }, null)?.text;
  assert.equal(shown({}), 'header');
  assert.equal(shown({ authorization: 'Bearer param' }), 'param');
  assert.equal(shown({ 'x-api-key': 7 }), 'header');
});
