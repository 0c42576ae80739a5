import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { findMatchingTokens, listSignals, type SignalConditions, signalPage } from '../../src/signals/page-store.ts';
import {
  findStrategy,
  latestSignal,
  loadStrategies,
  outcomeBySignal,
  publishStrategies,
  recordOutcomes,
  recordSignals,
  signalById,
  type SignalRow,
} from '../../src/signals/store.ts';
import { trendVotes1d, trendVotes1h } from '../../src/signals/strategy.ts';
import { withdrawSignals } from '../../src/signals/withdrawal-store.ts';
import { seedTokens } from '../grades/seed.ts';
import { createTestDb } from '../support/db.ts';
import { evidenceOf, outcomeOf, signalOf } from './seed.ts';

const day = (n: number): number => Date.UTC(2025, 0, n);
const db = await createTestDb({ after });
await seedTokens(db, 40);
const [daily, hourly] = (await publishStrategies(db, [trendVotes1d, trendVotes1h], day(1))).map(({ id }) => id) as [
  number,
  number,
];

const record = (signals: Parameters<typeof recordSignals>[1], publishedAt: number) =>
  db.transaction((tx) => recordSignals(tx, signals, publishedAt));
const close = (outcomes: Parameters<typeof recordOutcomes>[1], publishedAt: number) =>
  db.transaction((tx) => recordOutcomes(tx, outcomes, publishedAt));
const any: SignalConditions = {
  directions: null,
  strategies: null,
  from: null,
  to: null,
  narratives: null,
  traderGradeMin: null,
  isWithdrawn: false,
};
const firstPage = { take: 100, isBackward: false, after: null, before: null };

async function statementCount(run: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const stop = db.onStatement(() => count++);
  await run();
  stop();
  return count;
}

describe('publishing strategies', () => {
  it('publishes a version once and answers the same rows again, the default first', async () => {
    const again = await publishStrategies(db, [trendVotes1h, trendVotes1d], day(9));
    assert.deepEqual(
      again.map(({ id, publishedAt }) => [id, publishedAt]),
      [
        [hourly, day(1)],
        [daily, day(1)],
      ],
    );
    assert.deepEqual(
      (await loadStrategies({ db })).map(({ id }) => id),
      [daily, hourly],
    );
    assert.deepEqual((await findStrategy({ db }, daily))?.definition, trendVotes1d);
  });

  it('refuses a version that changed, and leaves everything as it was', async () => {
    await assert.rejects(
      publishStrategies(
        db,
        [
          { ...trendVotes1d, version: 2 },
          { ...trendVotes1h, feeBps: 5 },
        ],
        day(9),
      ),
      /trend-votes-1h 1 is already published with another definition; publish a change under a new version/,
    );
    assert.equal((await loadStrategies({ db })).length, 2);
  });
});

describe('recording signals and outcomes', () => {
  it('keeps every part of a signal, and writes the same again not at all', async () => {
    const signal = signalOf({ strategyId: daily, tokenId: 1, issuedAt: day(2), evidence: evidenceOf(0.123456789) });
    const [written] = await record([signal], day(3));
    assert.deepEqual(written, {
      ...signal,
      id: written?.id,
      strategy: 'trend-votes-1d',
      publishedAt: day(3),
      supersedes: null,
      withdrawnAt: null,
    });
    assert.deepEqual(await signalById({ db }).load(written.id), written);
    assert.deepEqual(await record([{ ...signal, priceUsd: '100.5' }], day(4)), []);
    assert.equal(await signalById({ db }).load(999_999), null);
  });

  it('supersedes by a different one; lists show the correction only', async () => {
    const at = { strategyId: daily, tokenId: 2, issuedAt: day(2) };
    const [first] = await record([signalOf(at)], day(4));
    const [second] = await record([signalOf({ ...at, direction: 'BEARISH' })], day(3));
    assert.deepEqual([second?.supersedes, second?.publishedAt], [first?.id, day(4)]);
    assert.deepEqual(
      (await listSignals(db, [2], any, firstPage)).map(({ id }) => id),
      [second?.id],
    );
    assert.equal(
      (await latestSignal({ db }).load({ tokenId: 2, strategy: 'trend-votes-1d', asOf: null, knownAt: null }))?.id,
      second?.id,
    );
    assert.equal((await signalById({ db }).load(first!.id))?.direction, 'BULLISH');
  });

  it('withdraws what is no longer given, with what it corrected, and tells of what stood; the same again is a new row', async () => {
    const at = { strategyId: daily, tokenId: 9, seriesId: 9 };
    const [first] = await record([signalOf({ ...at, issuedAt: day(2) })], day(3));
    const corrected = signalOf({ ...at, issuedAt: day(2), confidence: 0.25 });
    const [second] = await record([corrected], day(4));
    await record([signalOf({ ...at, issuedAt: day(1) }), signalOf({ ...at, issuedAt: day(5) })], day(5));
    const computed = { ...at, from: day(2), to: day(4), issuedAt: [] };
    const withdraw = (when: number) => db.transaction((tx) => withdrawSignals(tx, [computed], when));
    const gone = await withdraw(day(6));
    assert.deepEqual(
      gone.map(({ id, withdrawnAt }) => [id, withdrawnAt]),
      [[second?.id, day(6)]],
    );
    assert.equal((await signalById({ db }).load(first!.id))?.withdrawnAt, day(6));
    assert.deepEqual(await withdraw(day(7)), []);
    const latestAt = async (knownAt: number | null) => {
      const key = { tokenId: 9, strategy: 'trend-votes-1d', asOf: day(4), knownAt };
      return (await latestSignal({ db }).load(key))?.issuedAt;
    };
    assert.deepEqual(
      [await latestAt(day(6) - 1), await latestAt(day(6)), await latestAt(null)],
      [day(2), day(1), day(1)],
    );
    const listed = async (isWithdrawn: boolean) =>
      (await listSignals(db, [9], { ...any, isWithdrawn }, firstPage)).map(({ issuedAt }) => issuedAt);
    assert.deepEqual([await listed(false), await listed(true)], [[day(5), day(1)], [day(2)]]);

    const [again] = await record([corrected], day(8));
    assert.deepEqual([again?.supersedes, again?.withdrawnAt], [second?.id, null]);
    assert.deepEqual([await latestAt(day(7)), await latestAt(null)], [day(1), day(2)]);
    assert.deepEqual([await listed(false), await listed(true)], [[day(5), day(2), day(1)], []]);
  });

  it('writes an outcome once, for the newest row of its signal, and none without a signal', async () => {
    const at = { strategyId: daily, tokenId: 3, issuedAt: day(2) };
    const [first] = await record([signalOf(at)], day(3));
    const [second] = await record([signalOf({ ...at, confidence: 0.25 })], day(3));
    const outcome = outcomeOf(at);
    const missing = outcomeOf({ ...at, issuedAt: day(9) });
    const closed = await close([outcome, missing], day(4));
    assert.deepEqual(
      closed.map(({ id, tokenId, strategy }) => [id, tokenId, strategy]),
      [[second?.id, 3, 'trend-votes-1d']],
    );
    assert.deepEqual(await close([{ ...outcome, returnPct: 99 }], day(5)), []);
    const { strategyId: _s, tokenId: _t, seriesId: _r, issuedAt: _i, ...kept } = outcome;
    assert.deepEqual(await outcomeBySignal({ db }).load(second!.id), {
      ...kept,
      signalId: second?.id,
      publishedAt: day(4),
    });
    assert.equal(await outcomeBySignal({ db }).load(first!.id), null);
  });

  for (const table of ['signal', 'signal_outcome', 'strategy'])
    it(`refuses to change or delete a ${table}`, async () => {
      const column = table === 'signal_outcome' ? 'signal_id' : 'id';
      await assert.rejects(db.execute(`UPDATE ${table} SET ${column} = ${column}`), /rows are immutable/);
      await assert.rejects(db.execute(`DELETE FROM ${table}`), /rows are immutable/);
    });
});

describe('the signal in force', () => {
  before(async () => {
    await record(
      [
        signalOf({ strategyId: daily, tokenId: 4, issuedAt: day(2), direction: 'BULLISH' }),
        signalOf({ strategyId: hourly, tokenId: 4, issuedAt: day(5), direction: 'BEARISH' }),
        signalOf({ strategyId: daily, tokenId: 4, issuedAt: day(6), direction: 'NEUTRAL' }),
      ],
      day(7),
    );
  });

  const table: [strategy: string, asOf: number | null, direction: string | null][] = [
    ['trend-votes-1d', null, 'NEUTRAL'],
    ['trend-votes-1d', day(6), 'NEUTRAL'],
    ['trend-votes-1d', day(6) - 1, 'BULLISH'],
    ['trend-votes-1d', day(2) - 1, null],
    ['trend-votes-1h', null, 'BEARISH'],
    ['trend-votes-1h', day(4), null],
    ['no-such', null, null],
  ];
  for (const [strategy, asOf, direction] of table)
    it(`of ${strategy} as of ${asOf === null ? 'now' : new Date(asOf).toISOString()} is ${direction}`, async () => {
      const row = await latestSignal({ db }).load({ tokenId: 4, strategy, asOf, knownAt: null });
      assert.equal(row?.direction ?? null, direction);
    });

  it('of many tokens is one statement', async () => {
    const ctx = { db };
    const keys = Array.from({ length: 40 }, (_, n) => ({
      tokenId: n + 1,
      strategy: 'trend-votes-1d',
      asOf: null,
      knownAt: null,
    }));
    assert.equal(await statementCount(() => Promise.all(keys.map((key) => latestSignal(ctx).load(key)))), 1);
  });
});

describe('lists of signals', () => {
  const directions = ['BULLISH', 'NEUTRAL', 'BEARISH'] as const;
  before(async () => {
    await db.execute(`INSERT INTO narrative VALUES ('layer-1', 'Layer 1', 'Chains.'), ('memes', 'Memes', 'Jokes.')`);
    await db.execute(
      `INSERT INTO token_narrative SELECT n, 'layer-1' FROM generate_series(10, 12) n UNION SELECT 12, 'memes' UNION SELECT 13, 'memes'`,
    );
    await db.execute(
      `INSERT INTO token_stat (token_id, trader_key) SELECT n, n FROM generate_series(10, 20) n ON CONFLICT DO NOTHING`,
    );
    const signals = Array.from({ length: 60 }, (_, n) =>
      signalOf({
        strategyId: n % 2 === 0 ? daily : hourly,
        tokenId: 10 + (n % 6),
        issuedAt: Date.UTC(2025, 5, 1 + Math.floor(n / 3)), // three at a time: ties are told apart by id
        direction: directions[n % 3]!,
      }),
    );
    await record(signals, Date.UTC(2025, 6, 1));
  });
  const june = { ...any, from: Date.UTC(2025, 5, 1) };

  for (const isBackward of [false, true])
    for (const tokenIds of [null, [10, 11, 12]])
      it(`concatenate to the whole, ${isBackward ? 'backward' : 'forward'}, ${tokenIds ? 'of some tokens' : 'of all'}`, async () => {
        const whole = await listSignals(db, tokenIds, june, firstPage);
        assert.equal(whole.length, tokenIds ? 30 : 60);
        const sorted = whole.toSorted((a, b) => b.issuedAt - a.issuedAt || b.id - a.id);
        assert.deepEqual(
          whole.map(({ id }) => id),
          sorted.map(({ id }) => id),
        );
        const all: SignalRow[] = [];
        for (let edge: SignalRow | undefined; ; ) {
          const position = edge ? [edge.issuedAt, edge.id] : null;
          const page = {
            take: 7,
            isBackward,
            after: isBackward ? null : position,
            before: isBackward ? position : null,
          };
          const rows = await listSignals(db, tokenIds, june, page);
          all.push(...rows.slice(0, 7));
          if (rows.length <= 7) break;
          edge = rows[6];
        }
        assert.deepEqual(
          all.map(({ id }) => id),
          (isBackward ? sorted.toReversed() : sorted).map(({ id }) => id),
        );
      });

  const filters: [name: string, conditions: Partial<SignalConditions>, isIn: (row: SignalRow) => boolean][] = [
    ['directions', { directions: ['BULLISH', 'BEARISH'] }, ({ direction }) => direction !== 'NEUTRAL'],
    ['strategies', { strategies: ['trend-votes-1h'] }, ({ strategyId }) => strategyId === hourly],
    ['narratives', { narratives: ['layer-1', 'memes'] }, ({ tokenId }) => tokenId <= 13],
    ['a least grade', { traderGradeMin: 14 }, ({ tokenId }) => tokenId >= 14],
    [
      'a time',
      { from: Date.UTC(2025, 5, 3), to: Date.UTC(2025, 5, 5) },
      ({ issuedAt }) => [3, 4].includes(new Date(issuedAt).getUTCDate()),
    ],
    ['nothing', { directions: [] }, () => false],
    [
      'all together',
      { directions: ['BULLISH'], strategies: ['trend-votes-1d'], narratives: ['memes'], traderGradeMin: 12 },
      ({ direction, strategyId, tokenId }) =>
        direction === 'BULLISH' && strategyId === daily && [12, 13].includes(tokenId),
    ],
  ];
  for (const [name, conditions, isIn] of filters)
    it(`hold to ${name}`, async () => {
      const whole = await listSignals(db, null, june, firstPage);
      const expected = whole.filter(isIn).map(({ id }) => id);
      const kept = { ...june, ...conditions };
      assert.deepEqual(
        (await listSignals(db, null, kept, firstPage)).map(({ id }) => id),
        expected,
      );
      const tokenIds = [10, 11, 12, 13, 14, 15];
      assert.deepEqual(
        (await listSignals(db, tokenIds, kept, firstPage)).map(({ id }) => id),
        expected,
      );
    });

  it('of each of many tokens are one statement, and one without signals is empty', async () => {
    const ctx = { db };
    const page = { ...firstPage, take: 3 };
    let pages: SignalRow[][] = [];
    const count = await statementCount(async () => {
      pages = await Promise.all(
        [15, 39, 10].map((tokenId) => signalPage(ctx).load({ tokenId, conditions: june, page })),
      );
    });
    assert.equal(count, 1);
    assert.deepEqual(
      pages.map((rows) => rows.map(({ tokenId }) => tokenId)),
      [[15, 15, 15, 15], [], [10, 10, 10, 10]],
    );
    const whole = await listSignals(db, [15], june, page);
    assert.deepEqual(pages[0], whole);
  });

  it('refuse a cursor that is none of theirs', async () => {
    for (const after of [
      ['x', 1],
      [1, 'x'],
      [1, 1.5],
      [9e15, 1],
    ])
      await assert.rejects(listSignals(db, null, any, { ...firstPage, after }), /cursor does not belong/);
  });

  it('find the tokens that meet the conditions on tokens', async () => {
    const ids = [9, 10, 12, 13, 20];
    const match = async (conditions: Parameters<typeof findMatchingTokens>[2]) =>
      [...(await findMatchingTokens(db, ids, conditions))].sort((a, b) => a - b);
    assert.deepEqual(await match({ narratives: null, traderGradeMin: null }), ids);
    assert.deepEqual(await match({ narratives: ['memes'], traderGradeMin: null }), [12, 13]);
    assert.deepEqual(await match({ narratives: null, traderGradeMin: 0 }), [10, 12, 13, 20]);
    assert.deepEqual(await match({ narratives: ['layer-1'], traderGradeMin: 11 }), [12]);
  });
});
