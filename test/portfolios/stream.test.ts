import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createMemoryBus } from '../../src/events/bus.ts';
import { createEventFeed } from '../../src/events/feed.ts';
import { appendEvents } from '../../src/events/store.ts';
import { hourMs } from '../../src/lib/interval.ts';
import { streamPortfolio } from '../../src/portfolios/stream.ts';
import { refreshQuotes } from '../../src/prices/quote-store.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { candleOf, store } from '../prices/seed.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { dayOf, seedAccount, seedLedger, seedToken, seedWallet } from './seed.ts';

const db = await createTestDb({ after });
const clock = createTestClock(dayOf(3));
const events = createEventFeed({ db, bus: createMemoryBus(), clock });
await events.start();
after(() => events.close());
const work = createWorkPool({ clock });
after(() => work.close());

/** A stream that says nothing fails its test instead of keeping it. */
const bounded = { timeout: 30_000 };

test(
  'a snapshot first, then one when a quote of a holding moves, no sooner than the throttle allows',
  bounded,
  async () => {
    const tokenId = await seedToken(db, 'bitcoin', { closes: ['10', '10', '10'] });
    const [series] = await db.query<{ id: number }>('SELECT id FROM series WHERE token_id = $1', [tokenId]);
    const owner = await seedAccount(db);
    const wallet = await seedWallet(db, owner);
    await seedLedger(db, owner, wallet, ['1,BUY,2,bitcoin,20,USD']);
    const ending = new AbortController();
    const deps = { db, clock, events, work, signal: ending.signal };
    const request = { accountId: owner.accountId, walletIds: [wallet], basis: 'FIFO' as const };
    const stream = streamPortfolio(deps, request, 1_000);
    const first = await stream.next();
    assert.equal(first.done === true ? null : first.value.totals.totalUsd, '20');
    let isTold = false;
    const second = stream.next().then((result) => {
      isTold = true;
      return result;
    });
    await store(db, [candleOf(series?.id ?? 0, 'ONE_HOUR', clock.now(), '15', { isFinal: false })], clock.now());
    await refreshQuotes(db, [tokenId], clock.now());
    await db.transaction((tx) =>
      appendEvents(
        tx,
        [{ topic: 'prices', payload: { seriesIds: [series?.id ?? 0], tokenIds: [tokenId] } }],
        clock.now(),
      ),
    );
    await clock.advance(500);
    assert.equal(isTold, false);
    for (let turn = 0; turn < 20; turn += 1) await clock.advance(100);
    await clock.advance(hourMs / 60);
    const result = await second;
    assert.equal(result.done === true ? null : result.value.totals.totalUsd, '30');
    ending.abort();
    assert.equal((await stream.next()).done, true);
  },
);
