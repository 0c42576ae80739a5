import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { appendEvents } from '../../src/events/store.ts';
import { encodeSeqCursor } from '../../src/lib/cursor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSchema } from '../../src/schema.ts';
import { publishStrategies, recordSignals } from '../../src/signals/store.ts';
import { trendVotes1d } from '../../src/signals/strategy.ts';
import { seedTokens } from '../grades/seed.ts';
import { signalOf } from '../signals/seed.ts';
import { createTestDb } from '../support/db.ts';
import { startTestServer } from '../support/server.ts';

// A stream of server-sent events that is broken off goes on where it was, as EventSource does it by itself.

const db = await createTestDb({ after });
const scope = { after: (run: unknown): void => after(run as () => void) };
await seedTokens(db, 1);
await publishStrategies(db, [trendVotes1d], 0);
const events = createEventFeed({ db, bus: createMemoryBus(), clock: systemClock });
await events.start();
scope.after(() => events.close());
const { url } = await startTestServer(scope, {
  schema: createSchema(),
  context: ({ requestId, signal }) => ({ db, clock: systemClock, events, requestId, signal }),
});

let day = 0;

/** Issues so many signals; the cursors of their events. */
async function issue(count: number): Promise<string[]> {
  const issuedAt = Array.from({ length: count }, () => (day += 1) * 86_400_000);
  return db.transaction(async (tx) => {
    const signals = await recordSignals(
      tx,
      issuedAt.map((at) => signalOf({ issuedAt: at })),
      Date.now(),
    );
    const news = signals.map(({ id, tokenId, strategy, direction }) => ({
      topic: 'signals' as const,
      payload: { action: 'ISSUED' as const, signalId: id, tokenId, strategy, direction },
    }));
    return (await appendEvents(tx, news, Date.now())).map(encodeSeqCursor);
  });
}

const fields = '{ ... on SignalIssued { cursor } ... on EventGap { cursor } }';
const withVariable = `subscription ($after: Cursor) { signals(after: $after) ${fields} }`;

function connect(
  query: string,
  variables: object,
  lastEventId: string | null,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
    },
    body: JSON.stringify({ query, variables }),
    ...(signal ? { signal } : {}),
  });
}

/** Ids of the first events of a stream, which is then broken off. */
async function take(count: number, query: string, variables: object, lastEventId: string | null): Promise<string[]> {
  const leave = new AbortController();
  const response = await connect(query, variables, lastEventId, leave.signal);
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  let text = '';
  const idsOf = (): string[] => [...text.matchAll(/^id: (.*)\n/gm)].map(([, id = '']) => id);
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(bytes).toString();
    if (idsOf().length >= count) break;
  }
  leave.abort();
  return idsOf().slice(0, count);
}

const start = encodeSeqCursor(0);
const stored = await issue(8);

describe('a stream that is connected again with Last-Event-ID', () => {
  for (const [what, query, variables] of [
    ['after in a variable', withVariable, { after: start }],
    ['after in the document', `subscription { signals(after: "${start}") ${fields} }`, {}],
  ] as const)
    it(`goes on after it, with ${what}: nothing lost, nothing doubled`, async () => {
      const first = await take(3, query, variables, null);
      const rest = await take(5, query, variables, first.at(-1) ?? null);
      assert.deepEqual([...first, ...rest], stored);
    });

  it('goes on after it where there was no cursor: what came meanwhile is not lost', async () => {
    const query = `subscription { signals ${fields} }`;
    const missed = await issue(2);
    assert.deepEqual(await take(2, query, {}, stored.at(-1) ?? null), missed);
  });

  it('begins at `after` where that is later', async () => {
    assert.deepEqual(await take(1, withVariable, { after: stored[4] }, stored[1] ?? null), [stored[5]]);
  });

  for (const header of ['x', 'WyJ0b2tlbnMiLDFd', '7'])
    it(`is refused with BAD_CURSOR where it is "${header}"`, async () => {
      const response = await connect(withVariable, { after: start }, header);
      const body = (await response.json()) as { errors: { message: string; extensions: { code: string } }[] };
      assert.deepEqual([response.status, body.errors[0]?.extensions.code], [400, 'BAD_CURSOR']);
      assert.match(body.errors[0]?.message ?? '', /Last-Event-ID/);
    });
});
