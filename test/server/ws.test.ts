import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { openSubscriber } from '../../bench/subscriber.ts';
import { defaultSocketLimits } from '../../src/server/ws-limits.ts';
import { createTestClock } from '../support/clock.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createSharedLog, sharedSchema } from '../support/shared-schema.ts';
import { tinySchema } from '../support/tiny-schema.ts';

type Message = { type: string; id?: string; payload?: unknown };

/** A client that speaks the protocol by hand. */
interface RawClient {
  readonly socket: WebSocket;
  readonly send: (message: object | string) => void;
  /** The next message of a type; others before it are dropped. */
  readonly next: (type: string) => Promise<Message>;
  closed(): Promise<{ code: number; reason: string }>;
}

async function connect(
  { wsUrl }: TestServer,
  t: TestContext,
  protocol: string | null = 'graphql-transport-ws',
): Promise<RawClient> {
  const socket = protocol === null ? new WebSocket(wsUrl) : new WebSocket(wsUrl, protocol);
  t.after(() => socket.terminate());
  const inbox: Message[] = [];
  let wake: (() => void) | null = null;
  socket.on('message', (data) => {
    inbox.push(JSON.parse((data as Buffer).toString()) as Message);
    wake?.();
  });
  const closing = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(socket, 'open');
  return {
    socket,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(type) {
      for (;;) {
        for (let message = inbox.shift(); message; message = inbox.shift()) if (message.type === type) return message;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    closed: () => closing,
  };
}

async function acknowledged(server: TestServer, t: TestContext): Promise<RawClient> {
  const client = await connect(server, t);
  client.send({ type: 'connection_init' });
  await client.next('connection_ack');
  return client;
}

const subscribe = (id: string, query: string) => ({ type: 'subscribe', id, payload: { query } });

const closings: [string, (client: RawClient) => unknown, number][] = [
  ['a message that is not JSON', ({ send }) => send('{'), 4400],
  ['a message of no known type', ({ send }) => send({ type: 'start', id: '1' }), 4400],
  ['subscribe before connection_init', ({ send }) => send(subscribe('1', '{ hello }')), 4401],
  ['a second connection_init', ({ send }) => [1, 2].forEach(() => send({ type: 'connection_init' })), 4429],
  ['silence instead of connection_init', () => undefined, 4408],
  [
    'an id that is in use',
    async ({ send, next }) => {
      send({ type: 'connection_init' });
      await next('connection_ack');
      send(subscribe('1', 'subscription { silent { value } }'));
      send(subscribe('1', 'subscription { silent { value } }'));
    },
    4409,
  ],
  [
    'a message above a megabyte (T5)',
    ({ send }) => send({ type: 'ping', payload: { x: 'x'.repeat(1_048_576) } }),
    1009,
  ],
  [
    'more messages than the burst allows',
    ({ send }) => Array.from({ length: 200 }, () => send({ type: 'ping' })),
    4429,
  ],
];

for (const [what, act, code] of closings)
  test(`${what} closes the socket with ${code}`, async (t) => {
    const socketLimits = { ...defaultSocketLimits, initWaitMs: code === 4408 ? 30 : 5_000 };
    const server = await startTestServer(t, { schema: tinySchema, socketLimits });
    const client = await connect(server, t);
    await act(client);
    assert.equal((await client.closed()).code, code);
    assert.deepEqual(server.logged, []);
  });

test('a client without the subprotocol is closed with 4406', async (t) => {
  const server = await startTestServer(t, { schema: tinySchema });
  const client = await connect(server, t, null);
  assert.equal((await client.closed()).code, 4406);
});

test('a syntax error ends its operation, not the socket (T3)', async (t) => {
  const client = await acknowledged(await startTestServer(t, { schema: tinySchema }), t);
  client.send(subscribe('1', '{ hello'));
  const { id, payload } = await client.next('error');
  assert.equal(id, '1');
  assert.equal((payload as { extensions: { code: string } }[])[0]?.extensions.code, 'GRAPHQL_PARSE_FAILED');
  client.send(subscribe('2', '{ hello }'));
  assert.equal((await client.next('next')).id, '2');
});

test('each operation has a request id of its own, which masked errors show', async (t) => {
  const server = await startTestServer(t, { schema: tinySchema });
  const client = await acknowledged(server, t);
  client.send(subscribe('a', '{ bug }'));
  client.send(subscribe('b', '{ bug }'));
  await client.next('complete');
  await client.next('complete');
  const ids = server.logged.map(({ requestId }) => String(requestId).split('.'));
  assert.deepEqual(
    ids.map(([, operation]) => operation).toSorted((a = '', b = '') => a.localeCompare(b)),
    ['a', 'b'],
  );
  assert.equal(ids[0]?.[0], ids[1]?.[0]);
});

test('operation 101 of a socket is refused, the first hundred live on', async (t) => {
  const client = await acknowledged(await startTestServer(t, { schema: tinySchema }), t);
  for (let at = 1; at <= 101; at += 1) client.send(subscribe(String(at), 'subscription { silent { value } }'));
  const { id, payload } = await client.next('error');
  assert.equal(id, '101');
  assert.deepEqual((payload as { extensions: object }[])[0]?.extensions, {
    code: 'LIMIT_EXCEEDED',
    name: 'operations',
    limit: 100,
    value: 101,
    field: '',
  });
  client.send({ type: 'complete', id: '1' });
  client.send(subscribe('102', '{ hello }'));
  assert.equal((await client.next('next')).id, '102');
});

test('complete ends a silent subscription at once and aborts its signal', async (t) => {
  let ended: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (ended = resolve));
  let started: (signal: AbortSignal) => void = () => undefined;
  const start = new Promise<AbortSignal>((resolve) => (started = resolve));
  const server = await startTestServer(t, {
    schema: tinySchema,
    context: ({ signal }) => ({ signal, onSubscribe: started, onEnd: ended }),
  });
  const client = await acknowledged(server, t);
  client.send(subscribe('1', 'subscription { silent { value } }'));
  const signal = await start;
  client.send({ type: 'complete', id: '1' });
  await end;
  assert.equal(signal.aborted, true);
});

test('a socket that drops ends its subscriptions', async (t) => {
  let ended: () => void = () => undefined;
  const end = new Promise<void>((resolve) => (ended = resolve));
  let started: () => void = () => undefined;
  const start = new Promise<void>((resolve) => (started = resolve));
  const server = await startTestServer(t, {
    schema: tinySchema,
    context: ({ signal }) => ({ signal, onSubscribe: () => started(), onEnd: ended }),
  });
  const client = await acknowledged(server, t);
  client.send(subscribe('1', 'subscription { silent { value } }'));
  await start;
  client.socket.terminate();
  await end;
});

test('a client that does not read holds back streams that are his alone (T5)', async (t) => {
  let events = 0;
  const context = ({ signal }: { signal: AbortSignal }) => ({ signal, onTick: () => (events += 1) });
  const clock = createTestClock(0);
  const server = await startTestServer(t, {
    schema: tinySchema,
    context,
    clock: { ...clock, sleep: () => Promise.resolve() },
  });
  const client = await acknowledged(server, t);
  client.socket.pause();
  for (let at = 0; at < 100; at += 1) client.send(subscribe(`${at}`, 'subscription { tick(to: 1000) { text } }'));
  await clock.advance(12_000); // what is not read is not answered either
  await clock.advance(12_000);
  client.socket.resume();
  assert.equal((await client.closed()).code, 1006);
  assert.ok(events < 1_000, `${events} events were taken for it`);
});

test('a client that does not read a durable stream is closed with 1013, others are not held up (T5)', async (t) => {
  const log = createSharedLog();
  const server = await startTestServer(t, { schema: sharedSchema, context: () => ({ log }) });
  const [dead, living] = [await acknowledged(server, t), await acknowledged(server, t)];
  const query = 'subscription { facts(after: 0) { cursor text } }';
  for (const { send } of [dead, living]) send(subscribe('1', query));
  log.append('a', 0);
  await Promise.all([dead.next('next'), living.next('next')]);
  dead.socket.pause();
  let longestMs = 0;
  for (let value = 1; value <= 200; value += 1) {
    const atMs = performance.now();
    log.append('a', value);
    await living.next('next');
    longestMs = Math.max(longestMs, performance.now() - atMs);
  }
  assert.ok(longestMs < 2_000, `${longestMs} ms between two events`);
  dead.socket.resume();
  const { code, reason } = await dead.closed();
  assert.deepEqual([code, reason], [1013, 'The client reads too slowly; connect again and resume.']);
});

test('messages that share their bytes are whole for every length of id and any text', async (t) => {
  const log = createSharedLog();
  const server = await startTestServer(t, { schema: sharedSchema, context: () => ({ log }) });
  const client = await acknowledged(server, t);
  const ids = ['1', 'é"\\', 'x'.repeat(130), '2'];
  for (const id of ids) client.send(subscribe(id, 'subscription { facts(after: 0) { key value } }'));
  client.send(subscribe('big', 'subscription { facts(after: 0) { key text } }'));
  log.append('Ünï ✓ "quoted"', 1);
  const seen = new Set<string>();
  while (seen.size < ids.length + 1) {
    const { id = '', payload } = await client.next('next');
    seen.add(id);
    const { data } = payload as { data: { facts: { key: string; text?: string } } };
    assert.equal(data.facts.key, 'Ünï ✓ "quoted"');
    if (id === 'big') assert.equal(data.facts.text?.length, 100_000);
  }
  assert.deepEqual(seen, new Set([...ids, 'big']));
});

test('a durable subscription that falls behind ends with SLOW_CONSUMER and 1013', async (t) => {
  const client = await acknowledged(await startTestServer(t, { schema: tinySchema }), t);
  client.send(subscribe('1', 'subscription { late { value } }'));
  const { payload } = await client.next('error');
  assert.equal((payload as { extensions: { code: string } }[])[0]?.extensions.code, 'SLOW_CONSUMER');
  assert.equal((await client.closed()).code, 1013);
});

test('a peer that is dead is dropped within two heartbeats, a living one stays', async (t) => {
  const clock = createTestClock(0);
  const server = await startTestServer(t, { schema: tinySchema, clock: { ...clock, sleep: () => Promise.resolve() } });
  const living = await acknowledged(server, t);
  const dead = await acknowledged(server, t);
  dead.socket.pong = () => undefined;
  const deadEnds = dead.closed();
  const beats = once(living.socket, 'ping');
  await clock.advance(12_000);
  await beats;
  living.send({ type: 'ping' });
  await living.next('pong'); // the answer to the heartbeat was sent before this
  await clock.advance(12_000);
  assert.equal((await deadEnds).code, 1006);
  assert.equal(living.socket.readyState, WebSocket.OPEN);
});

test('a foreign web page cannot open a socket, its own can', async (t) => {
  const server = await startTestServer(t, { schema: tinySchema });
  const status = (origin: string): Promise<number> =>
    new Promise((resolve) => {
      const socket = new WebSocket(server.wsUrl, 'graphql-transport-ws', { origin });
      t.after(() => socket.terminate());
      socket.once('open', () => resolve(101));
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.on('error', () => undefined);
    });
  assert.deepEqual([await status('https://evil.example'), await status(server.url)], [403, 101]);
});

test('connection parameters reach the context', async (t) => {
  let seen: unknown = null;
  const server = await startTestServer(t, {
    schema: tinySchema,
    context: ({ signal, connectionParams, transport }) => {
      seen = { connectionParams, transport };
      return { signal };
    },
  });
  const client = await connect(server, t);
  client.send({ type: 'connection_init', payload: { 'x-api-key': 'k' } });
  await client.next('connection_ack');
  client.send(subscribe('1', '{ hello }'));
  await client.next('next');
  assert.deepEqual(seen, { connectionParams: { 'x-api-key': 'k' }, transport: 'WEBSOCKET' });
});

test('a thousand sockets that are cut leave no descriptor and no stream behind', async (t) => {
  if (!existsSync('/proc/self/fd')) return t.skip('descriptors are counted in /proc, which this system does not have');
  const log = createSharedLog();
  const server = await startTestServer(t, { schema: sharedSchema, context: () => ({ log }) });
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (let round = 0; round < 10; round += 1) {
    const sockets = await Promise.all(
      Array.from({ length: 100 }, () =>
        openSubscriber({
          url: new URL(`${server.url}/graphql`),
          query: 'subscription { facts { cursor } }',
          onNext: () => undefined,
          onFault: () => undefined,
        }),
      ),
    );
    const cut = sockets.map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.resetAndDestroy();
    await Promise.all(cut);
  }
  for (let look = 0; look < 100 && (descriptors() > before || log.open() > 0); look += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(log.open(), 0);
  assert.ok(descriptors() <= before + 8, `${descriptors() - before} descriptors are left`);
});
