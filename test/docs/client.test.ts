import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { appendEvents, listEvents } from '../../src/events/store.ts';
import { encodeSeqCursor } from '../../src/lib/cursor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSchema } from '../../src/schema.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { readHandbook } from './document.ts';
import { handbookMs, seedMarket } from './market.ts';

type FollowSignals = (
  url: string,
  after: string | null,
  handle: (event: { readonly cursor: string }) => void,
  fail: (error: unknown) => void,
) => () => void;

/** The client that the handbook shows, as a module. */
async function loadClient(): Promise<FollowSignals> {
  const [source = ''] = readHandbook('docs/api.md').blocks('ts');
  const folder = resolve('.cache/docs');
  const path = resolve(folder, `follow-signals-${process.pid}.ts`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, source);
  after(() => rmSync(path));
  return ((await import(pathToFileURL(path).href)) as { followSignals: FollowSignals }).followSignals;
}

test('the client of the handbook resumes over a restart of the server: nothing lost, nothing doubled', async (t) => {
  const followSignals = await loadClient();
  const db = await createTestDb(t);
  await seedMarket(db, createTestClock(handbookMs));
  const bus = createMemoryBus();
  const schema = createSchema();
  const start = async (port: number): Promise<TestServer> => {
    const events = createEventFeed({ db, bus, clock: systemClock });
    await events.start();
    t.after(() => events.close());
    return startTestServer(t, {
      schema,
      config: { host: '127.0.0.1', port, corsOrigins: [] },
      context: ({ requestId, signal }) => ({ db, clock: systemClock, events, requestId, signal }),
    });
  };
  const listStored = async (): Promise<string[]> =>
    (await listEvents(db, ['signals'], 0, 500)).map(({ seq }) => encodeSeqCursor(seq));

  const stored = await listStored();
  assert.ok(stored.length > 2);
  const received: string[] = [];
  let tellReceived = (): void => {};
  const receive = (count: number): Promise<void> =>
    new Promise((done) => {
      tellReceived = () => received.length >= count && done();
      tellReceived();
    });
  const first = await start(0);
  const stop = followSignals(
    first.wsUrl,
    encodeSeqCursor(0),
    ({ cursor }) => {
      received.push(cursor);
      tellReceived();
    },
    (error) => assert.fail(String(error)),
  );
  t.after(stop);
  await receive(stored.length);
  await first.server.stop();
  const [sample] = await listEvents(db, ['signals'], 0, 1);
  assert.ok(sample);
  await db.transaction((tx) => appendEvents(tx, [sample, sample], handbookMs)); // while nobody is connected
  await start(Number(new URL(first.url).port));
  await receive(stored.length + 2);
  await db.transaction((tx) => appendEvents(tx, [sample], handbookMs)); // and live
  await bus.wake();
  await receive(stored.length + 3);
  assert.deepEqual(received, await listStored());
});
