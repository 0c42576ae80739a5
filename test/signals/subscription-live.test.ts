import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { appendEvents, pruneEvents } from '../../src/events/store.ts';
import type { NewEvent } from '../../src/events/topics.ts';
import { encodeSeqCursor } from '../../src/lib/cursor.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { publishStrategies, recordSignals } from '../../src/signals/store.ts';
import { trendVotes1d } from '../../src/signals/strategy.ts';
import { type Following, follow } from '../grades/api.ts';
import { seedTokens } from '../grades/seed.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { signalOf } from './seed.ts';

const startMs = Date.UTC(2026, 0, 1);
const db = await createTestDb({ after });
await seedTokens(db, 2);
const [strategyId] = (await publishStrategies(db, [trendVotes1d], startMs)).map(({ id }) => id);
const bus = createMemoryBus();
const feed = createEventFeed({ db, bus, clock: createTestClock(startMs) });
await feed.start();
after(() => feed.close());

/** Records a signal of token 1 and its event in one transaction, as the engine does; the price tells which. */
async function issue(n: number, publishedAt = startMs): Promise<void> {
  const issuedAt = Date.UTC(2025, 0, 1) + n * dayMs;
  await db.transaction(async (tx) => {
    const written = await recordSignals(
      tx,
      [signalOf({ strategyId: strategyId!, issuedAt, priceUsd: String(n) })],
      publishedAt,
    );
    const events = written.map(({ id, tokenId, strategy, direction }): NewEvent => {
      return { topic: 'signals', payload: { action: 'ISSUED', signalId: id, tokenId, strategy, direction } };
    });
    await appendEvents(tx, events, publishedAt);
  });
  await bus.wake();
}

const source = `subscription ($after: Cursor) { signals(after: $after) { type: __typename
  ... on SignalIssued { cursor signal { priceUsd } } ... on EventGap { cursor reason } } }`;

async function take(
  following: Following,
  count: number,
): Promise<{ type: string; cursor: string; signal?: { priceUsd: string } }[]> {
  const items = [];
  for (let n = 0; n < count; n++) items.push((await following.next())?.data.signals);
  return items;
}

test('a stream resumed from any of its cursors goes on with exactly the rest, stored and live', async () => {
  const live = await follow(db, feed, source);
  for (const n of [1, 2, 3]) await issue(n);
  const first = await take(live, 3);
  assert.deepEqual(
    first.map(({ signal }) => signal?.priceUsd),
    ['1', '2', '3'],
  );
  for (const [index, { cursor }] of first.entries()) {
    const resumed = await follow(db, feed, source, { after: cursor });
    await issue(10 + index);
    const rest = [
      ...first.slice(index + 1).map(({ signal }) => signal?.priceUsd),
      ...Array.from({ length: index + 1 }, (_, n) => String(10 + n)),
    ];
    assert.deepEqual(
      (await take(resumed, rest.length)).map(({ signal }) => signal?.priceUsd),
      rest,
    );
    await resumed.stop();
  }
  await live.stop();
});

test('a cursor older than what is kept is told a gap first, then what is left', async () => {
  const live = await follow(db, feed, source);
  await issue(20);
  const [old] = await take(live, 1);
  await issue(21);
  await issue(22, startMs + 50 * dayMs);
  await live.stop();
  await pruneEvents(db, startMs + 91 * dayMs);
  const resumed = await follow(db, feed, source, { after: old!.cursor });
  const [gap, next] = await take(resumed, 2);
  assert.equal(gap?.type, 'EventGap');
  assert.equal(next?.signal?.priceUsd, '22');
  await resumed.stop();
});

test('a cursor from beyond the end of the log is refused', async () => {
  const following = await follow(db, feed, source, { after: encodeSeqCursor(1_000_000) });
  await assert.rejects(following.next(), { code: 'BAD_CURSOR' });
});
