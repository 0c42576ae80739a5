import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { encodeSeqCursor } from '../../src/lib/cursor.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { publishModels } from '../../src/grades/model-store.ts';
import { recordGrades } from '../../src/grades/record-store.ts';
import { createTestDb } from '../support/db.ts';
import { createFakeFeed, eventOf } from '../support/fake-feed.ts';
import { follow } from './api.ts';
import { gradeOf, investorV1, seedTokens } from './seed.ts';

const day = (n: number): number => Date.UTC(2025, 0, n);
const db = await createTestDb({ after });
await seedTokens(db, 3);
const [trader, investor] = (await publishModels(db, [measuredV1, investorV1], [], 0)).map(({ id }) => id) as [
  number,
  number,
];
/** Token 1: 50, 58, 59 (BUY); token 2: 50 of the other kind; token 3: 90. */
const recorded = await db.transaction((tx) =>
  recordGrades(
    tx,
    [
      gradeOf({ modelId: trader, tokenId: 1, asOf: day(1), value: 50 }),
      gradeOf({ modelId: trader, tokenId: 1, asOf: day(2), value: 58 }),
      gradeOf({ modelId: trader, tokenId: 1, asOf: day(3), value: 59, band: 'BUY' }),
      gradeOf({ modelId: investor, tokenId: 2, asOf: day(1), value: 50 }),
      gradeOf({ modelId: trader, tokenId: 3, asOf: day(1), value: 90, band: 'STRONG_BUY' }),
    ],
    day(4),
  ),
);
const events = recorded.map(({ id, tokenId, kind, previousId }, index) =>
  eventOf(index + 1, 'grades', { gradeId: id, tokenId, kind, previousId }),
);
const purged = eventOf(6, 'grades', { gradeId: 999_999, tokenId: 1, kind: 'TRADER', previousId: null });
const gap = { kind: 'gap', seq: 7, fromMs: day(1), toMs: day(2), reason: 'Kept 30 days.' } as const;
const cursors = Array.from({ length: 9 }, (_, n) => encodeSeqCursor(n));

const source = `subscription ($filter: GradeEventFilter, $after: Cursor) {
  grades(filter: $filter, after: $after) {
    type: __typename
    ... on GradeChanged { cursor publishedAt grade { value kind token { slug } } previous { value } }
    ... on EventGap { cursor publishedAt from to reason }
  }
}`;

/** Sequence numbers of the events that a filter lets through; a gap, which always comes, ends the list. */
async function seqsOf(filter: Record<string, unknown> | null): Promise<number[]> {
  const fake = createFakeFeed();
  fake.push(...events, purged, gap);
  const following = await follow(db, fake.feed, source, { filter });
  const seqs: number[] = [];
  for (let item = await following.next(); item !== null; item = await following.next()) {
    seqs.push(cursors.indexOf(item.data.grades.cursor));
    if (item.data.grades.type === 'EventGap') break;
  }
  await following.stop();
  return seqs;
}

describe('the stream of grades', () => {
  it('tells grades in the order of the log, with the one before, and gaps where they stand', async () => {
    const fake = createFakeFeed();
    fake.push(gap, events[0]!, events[1]!);
    const following = await follow(db, fake.feed, source, { after: cursors[3] });
    assert.deepEqual(
      fake.subscribed.map(({ topic, afterSeq }) => [topic, afterSeq]),
      [['grades', 3]],
    );
    const told = [await following.next(), await following.next(), await following.next()].map(
      (one) => one?.data.grades,
    );
    assert.deepEqual(JSON.parse(JSON.stringify(told)), [
      {
        type: 'EventGap',
        cursor: cursors[7],
        publishedAt: '2025-01-02T00:00:00.000Z',
        from: '2025-01-01T00:00:00.000Z',
        to: '2025-01-02T00:00:00.000Z',
        reason: 'Kept 30 days.',
      },
      {
        type: 'GradeChanged',
        cursor: cursors[1],
        publishedAt: '2025-01-01T00:00:01.000Z',
        grade: { value: 50, kind: 'TRADER', token: { slug: 'token-1' } },
        previous: null,
      },
      {
        type: 'GradeChanged',
        cursor: cursors[2],
        publishedAt: '2025-01-01T00:00:02.000Z',
        grade: { value: 58, kind: 'TRADER', token: { slug: 'token-1' } },
        previous: { value: 50 },
      },
    ]);
    const waiting = following.next();
    fake.push(events[2]!);
    assert.equal((await waiting)?.data.grades.grade.value, 59, 'live ones follow');
    await following.stop();
  });

  it('starts from now without a cursor', async () => {
    const fake = createFakeFeed();
    const following = await follow(db, fake.feed, source);
    assert.deepEqual(
      fake.subscribed.map(({ afterSeq }) => afterSeq),
      [null],
    );
    await following.stop();
  });

  const filters: [filter: Record<string, unknown> | null, seqs: number[]][] = [
    [null, [1, 2, 3, 4, 5]],
    [{}, [1, 2, 3, 4, 5]],
    [{ slugs: ['TOKEN-1', 'token-3'] }, [1, 2, 3, 5]],
    [{ kinds: ['INVESTOR'] }, [4]],
    [{ bands: ['BUY', 'STRONG_BUY'] }, [3, 5]],
    [{ minChange: 5 }, [1, 2, 4, 5]],
    [{ minChange: 0 }, [1, 2, 3, 4, 5]],
    [{ slugs: ['token-1'], kinds: ['TRADER'], bands: ['NEUTRAL'], minChange: 8 }, [1, 2]],
    [{ slugs: [] }, []],
  ];
  for (const [filter, seqs] of filters)
    it(`filtered by ${JSON.stringify(filter)} tells ${seqs.join(' ') || 'nothing'}, and the gap`, async () => {
      assert.deepEqual(await seqsOf(filter), [...seqs, 7]);
    });

  const refused: [variables: Record<string, unknown>, code: string][] = [
    [{ filter: { slugs: ['token-1', 'no-such'] } }, 'BAD_USER_INPUT'],
    [{ filter: { slugs: Array.from({ length: 251 }, (_, n) => `t${n}`) } }, 'LIMIT_EXCEEDED'],
    [{ filter: { minChange: -1 } }, 'BAD_USER_INPUT'],
    [{ after: 'nonsense' }, 'BAD_CURSOR'],
  ];
  for (const [variables, code] of refused)
    it(`refuses ${JSON.stringify(variables).slice(0, 60)} with ${code}, and does not subscribe`, async () => {
      const fake = createFakeFeed();
      const { refused: answer } = await follow(db, fake.feed, source, variables);
      assert.equal(answer?.code, code);
      assert.equal(fake.subscribed.length, 0);
    });

  it('loads what is replayed together by one statement, not one an event', async () => {
    const fake = createFakeFeed();
    fake.push(...Array.from({ length: 50 }, () => events).flat());
    const slim = 'subscription { grades { ... on GradeChanged { cursor grade { value } previous { value } } } }';
    const following = await follow(db, fake.feed, slim);
    let count = 0;
    const stop = db.onStatement(() => count++);
    for (let n = 0; n < 250; n++) await following.next();
    stop();
    assert.equal(count, 2, '250 events are two chunks of at most 200');
    await following.stop();
  });

  it('tells what came before a failure of the log, then the failure', async () => {
    const fake = createFakeFeed();
    fake.push(events[0]!);
    fake.fail(new Error('SLOW'));
    const following = await follow(db, fake.feed, source);
    assert.equal((await following.next())?.data.grades.grade.value, 50);
    await assert.rejects(following.next(), /SLOW/);
  });

  it('ends its reading of the log at once when it is stopped, even while the log is silent', async () => {
    const fake = createFakeFeed();
    const following = await follow(db, fake.feed, source);
    void following.next();
    await following.stop();
    assert.equal(fake.subscribed[0]?.signal.aborted, true);
  });
});
