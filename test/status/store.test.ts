import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { appendEvents, pruneEvents } from '../../src/events/store.ts';
import { retentionMs } from '../../src/events/topics.ts';
import { recordFeedStatus } from '../../src/ingest/feed-status-store.ts';
import { upsertSource } from '../../src/prices/series-store.ts';
import { readStatus } from '../../src/status/store.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });

test('the end of the log stays where it is when its events are pruned', async () => {
  assert.equal((await readStatus(db, 0)).lastSeq, 0);
  const payload = { action: 'ISSUED', signalId: 1, tokenId: 1, strategy: 's', direction: 'BULLISH' } as const;
  const seqs = await db.transaction((tx) =>
    appendEvents(
      tx,
      Array.from({ length: 3 }, () => ({ topic: 'signals', payload })),
      0,
    ),
  );
  const last = seqs.at(-1);
  assert.equal((await readStatus(db, 0)).lastSeq, last);
  assert.equal(await pruneEvents(db, retentionMs.signals + 1), 3);
  assert.equal((await readStatus(db, 0)).lastSeq, last);
});

test('a live feed is as its process last said, and not connected once nobody says anything', async () => {
  await upsertSource(db, 'kraken', 'EXCHANGE');
  const health = { isConnected: true, isSilent: false, lastMessageAt: 999_000, lastSourceTime: null };
  const counts = { reconnects: 2, gapsFound: 3, gapsRepaired: 3, quarantined: 1 };
  await recordFeedStatus(db, 'kraken', { ...health, ...counts }, 1_000_000);
  const live = async (nowMs: number): Promise<unknown> =>
    (await readStatus(db, nowMs)).feeds.find(({ source }) => source === 'kraken')?.live;
  assert.deepEqual(await live(1_005_000), { ...health, ...counts });
  assert.deepEqual(await live(1_010_000), { ...health, ...counts, isConnected: false, isSilent: true });
});
