import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { appendEvents, pruneEvents } from '../../src/events/store.ts';
import { retentionMs } from '../../src/events/topics.ts';
import { readStatus } from '../../src/status/store.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });

test('the end of the log stays where it is when its events are pruned', async () => {
  assert.equal((await readStatus(db)).lastSeq, 0);
  const payload = { action: 'ISSUED', signalId: 1, tokenId: 1, strategy: 's', direction: 'BULLISH' } as const;
  const seqs = await db.transaction((tx) =>
    appendEvents(
      tx,
      Array.from({ length: 3 }, () => ({ topic: 'signals', payload })),
      0,
    ),
  );
  const last = seqs.at(-1);
  assert.equal((await readStatus(db)).lastSeq, last);
  assert.equal(await pruneEvents(db, retentionMs.signals + 1), 3);
  assert.equal((await readStatus(db)).lastSeq, last);
});
