import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { encodeSeqCursor } from '../../src/lib/cursor.ts';
import { publishStrategies, recordOutcomes, recordSignals } from '../../src/signals/store.ts';
import { trendVotes1d, trendVotes1h } from '../../src/signals/strategy.ts';
import { follow } from '../grades/api.ts';
import { seedTokens } from '../grades/seed.ts';
import { withdrawSignals } from '../../src/signals/withdrawal-store.ts';
import { createTestDb } from '../support/db.ts';
import { createFakeFeed, eventOf } from '../support/fake-feed.ts';
import { outcomeOf, signalOf } from './seed.ts';

const day = (n: number): number => Date.UTC(2025, 0, n);
const db = await createTestDb({ after });
await seedTokens(db, 4);
await db.execute(`INSERT INTO narrative VALUES ('memes', 'Memes', 'Jokes.')`);
await db.execute(`INSERT INTO token_narrative VALUES (2, 'memes')`);
await db.execute(`INSERT INTO token_stat (token_id, trader_key) VALUES (1, 40), (2, 80)`);
const strategies = (await publishStrategies(db, [trendVotes1d, trendVotes1h], day(1))).map(({ id }) => id);
const [daily, hourly] = strategies as [number, number];
const [first, second, third] = await db.transaction((tx) =>
  recordSignals(
    tx,
    [
      signalOf({ strategyId: daily, tokenId: 1, issuedAt: day(2) }),
      signalOf({ strategyId: hourly, tokenId: 2, issuedAt: day(3), direction: 'BEARISH' }),
      signalOf({ strategyId: daily, tokenId: 3, issuedAt: day(4), direction: 'NEUTRAL' }),
    ],
    day(5),
  ),
);
await db.transaction((tx) =>
  recordOutcomes(tx, [outcomeOf({ strategyId: daily, tokenId: 1, issuedAt: day(2) })], day(6)),
);

const eventFor = (seq: number, action: 'ISSUED' | 'CLOSED' | 'WITHDRAWN', signal: typeof first) => {
  const { id, tokenId, strategy, direction } = signal!;
  return eventOf(seq, 'signals', { action, signalId: id, tokenId, strategy, direction });
};
const events = [
  eventFor(1, 'ISSUED', first),
  eventFor(2, 'ISSUED', second),
  eventFor(3, 'CLOSED', first),
  eventFor(4, 'ISSUED', third),
  eventFor(5, 'ISSUED', { ...first!, id: 999_999 }), // its row was purged
];
const gap = { kind: 'gap', seq: 6, fromMs: day(1), toMs: day(2), reason: 'Kept 90 days.' } as const;
const cursors = Array.from({ length: 7 }, (_, n) => encodeSeqCursor(n));

const source = `subscription ($filter: SignalFilter, $after: Cursor) {
  signals(filter: $filter, after: $after) {
    type: __typename
    ... on SignalIssued { cursor publishedAt signal { direction token { slug } strategy { name } outcome { returnPct } } }
    ... on SignalClosed { cursor publishedAt signal { direction outcome { returnPct exitPriceUsd } } }
    ... on EventGap { cursor reason }
  }
}`;

describe('the stream of signals', () => {
  it('tells signals issued and closed, and gaps, in the order of the log', async () => {
    const fake = createFakeFeed();
    fake.push(...events, gap);
    const following = await follow(db, fake.feed, source, { after: cursors[0] });
    assert.deepEqual(
      fake.subscribed.map(({ topic, afterSeq }) => [topic, afterSeq]),
      [['signals', 0]],
    );
    const told = [];
    for (let n = 0; n < 5; n++) told.push((await following.next())?.data.signals);
    const outcome = { returnPct: 10.29 };
    assert.deepEqual(JSON.parse(JSON.stringify(told)), [
      {
        type: 'SignalIssued',
        cursor: cursors[1],
        publishedAt: '2025-01-01T00:00:01.000Z',
        signal: { direction: 'BULLISH', token: { slug: 'token-1' }, strategy: { name: 'trend-votes-1d' }, outcome },
      },
      {
        type: 'SignalIssued',
        cursor: cursors[2],
        publishedAt: '2025-01-01T00:00:02.000Z',
        signal: {
          direction: 'BEARISH',
          token: { slug: 'token-2' },
          strategy: { name: 'trend-votes-1h' },
          outcome: null,
        },
      },
      {
        type: 'SignalClosed',
        cursor: cursors[3],
        publishedAt: '2025-01-01T00:00:03.000Z',
        signal: { direction: 'BULLISH', outcome: { ...outcome, exitPriceUsd: '110.5' } },
      },
      {
        type: 'SignalIssued',
        cursor: cursors[4],
        publishedAt: '2025-01-01T00:00:04.000Z',
        signal: {
          direction: 'NEUTRAL',
          token: { slug: 'token-3' },
          strategy: { name: 'trend-votes-1d' },
          outcome: null,
        },
      },
      { type: 'EventGap', cursor: cursors[6], reason: 'Kept 90 days.' },
    ]);
    await following.stop();
  });

  it('tells of a signal that was withdrawn, and since when', async () => {
    const { strategyId, tokenId, seriesId, issuedAt: at } = first!;
    const computed = { strategyId, tokenId, seriesId, from: at, to: at, issuedAt: [] };
    const withdrawn = createFakeFeed();
    withdrawn.push(eventFor(5, 'WITHDRAWN', first));
    await db.transaction((tx) => withdrawSignals(tx, [computed], day(9)));
    const text =
      'subscription { signals { type: __typename ... on SignalWithdrawn { cursor signal { withdrawnAt } } } }';
    const following = await follow(db, withdrawn.feed, text, {});
    assert.deepEqual(JSON.parse(JSON.stringify((await following.next())?.data.signals)), {
      type: 'SignalWithdrawn',
      cursor: cursors[5],
      signal: { withdrawnAt: new Date(day(9)).toISOString() },
    });
    await following.stop();
  });

  const filters: [filter: Record<string, unknown> | null, seqs: number[]][] = [
    [null, [1, 2, 3, 4]],
    [{ slugs: ['token-1'] }, [1, 3]],
    [{ directions: ['BEARISH', 'NEUTRAL'] }, [2, 4]],
    [{ strategies: ['trend-votes-1d'] }, [1, 3, 4]],
    [{ narratives: ['Memes'] }, [2]],
    [{ minTraderGrade: 40 }, [1, 2, 3]],
    [{ minTraderGrade: 50 }, [2]],
    [{ from: '2025-01-03T00:00:00Z' }, [2, 4]],
    [{ to: '2025-01-03T00:00:00Z' }, [1, 3]],
    [{ slugs: ['token-2'], directions: ['BULLISH'] }, []],
    [{ directions: [] }, []],
  ];
  for (const [filter, seqs] of filters)
    it(`filtered by ${JSON.stringify(filter)} tells ${seqs.join(' ') || 'nothing'}, and the gap`, async () => {
      const fake = createFakeFeed();
      fake.push(...events, gap);
      const following = await follow(db, fake.feed, source, { filter });
      const told: number[] = [];
      for (let item = await following.next(); item !== null; item = await following.next()) {
        told.push(cursors.indexOf(item.data.signals.cursor));
        if (item.data.signals.type === 'EventGap') break;
      }
      assert.deepEqual(told, [...seqs, 6]);
      await following.stop();
    });

  const refused: [variables: Record<string, unknown>, code: string][] = [
    [{ filter: { slugs: ['no-such'] } }, 'BAD_USER_INPUT'],
    [{ filter: { strategies: ['no-such'] } }, 'BAD_USER_INPUT'],
    [{ filter: { narratives: Array.from({ length: 251 }, () => 'memes') } }, 'LIMIT_EXCEEDED'],
    [{ after: 'nonsense' }, 'BAD_CURSOR'],
  ];
  for (const [variables, code] of refused)
    it(`refuses ${JSON.stringify(variables).slice(0, 60)} with ${code}, and does not subscribe`, async () => {
      const fake = createFakeFeed();
      const { refused: answer } = await follow(db, fake.feed, source, variables);
      assert.equal(answer?.code, code);
      assert.equal(fake.subscribed.length, 0);
    });

  it('asks the database nothing for events that the payload rules out', async () => {
    const fake = createFakeFeed();
    fake.push(...events, gap);
    const following = await follow(db, fake.feed, source, { filter: { directions: [] } });
    let count = 0;
    const stop = db.onStatement(() => count++);
    await following.next();
    stop();
    assert.equal(count, 0);
    await following.stop();
  });
});
