import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { absenceOf } from '../../src/grades/absence.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { gradePage } from '../../src/grades/page-store.ts';
import { findModel, loadModels, publishModels } from '../../src/grades/model-store.ts';
import { recordGrades } from '../../src/grades/record-store.ts';
import { gradeById, gradeGround, type GradeRow, latestGrade } from '../../src/grades/store.ts';
import { createTestDb } from '../support/db.ts';
import { gradeOf, investorV1, seedTokens, traderV2 } from './seed.ts';

const day = (n: number): number => Date.UTC(2025, 0, n);
const db = await createTestDb({ after });
await seedTokens(db, 60);
const current = [measuredV1, investorV1].map(({ kind, version }) => ({ kind, version }));
const [trader, investor] = (await publishModels(db, [measuredV1, investorV1], current, 0)).map(({ id }) => id) as [
  number,
  number,
];

const record = (grades: Parameters<typeof recordGrades>[1], publishedAt: number) =>
  db.transaction((tx) => recordGrades(tx, grades, publishedAt));
const newest = { version: null, asOf: null, knownAt: null } as const;
const statKeys = async (tokenId: number) =>
  (
    await db.query<{ trader: number; investor: number }>(
      'SELECT trader_key AS trader, investor_key AS investor FROM token_stat WHERE token_id = $1',
      [tokenId],
    )
  )[0];

/** Every statement that `run` sends. */
async function statementsOf(run: () => Promise<unknown>): Promise<string[]> {
  const sent: string[] = [];
  const stop = db.onStatement((text) => sent.push(text));
  await run();
  stop();
  return sent;
}

describe('publishing models', () => {
  it('publishes a version once, and answers the same rows again', async () => {
    const again = await publishModels(db, [investorV1, measuredV1], [], 0);
    assert.deepEqual(
      again.map(({ id, isCurrent }) => [id, isCurrent]),
      [
        [investor, true],
        [trader, true],
      ],
    );
    assert.deepEqual((await findModel({ db }, trader))?.definition, measuredV1);
    assert.equal(await findModel({ db }, 999), null);
  });

  it('refuses a version that changed, and leaves everything as it was', async () => {
    const changed = { ...measuredV1, factors: measuredV1.factors.slice(1) };
    await assert.rejects(
      publishModels(db, [{ ...traderV2, version: 'measured-v9' }, changed], [], 0),
      /TRADER measured-v1 is already published with another definition; publish a change under a new version/,
    );
    assert.deepEqual((await loadModels({ db })).map(({ version }) => version).sort(), [
      'measured-v1',
      'test-investor-v1',
    ]);
  });

  it('refuses a current version that is not published', async () => {
    await assert.rejects(publishModels(db, [], [{ kind: 'INVESTOR', version: 'measured-v1' }], 0), /not published/);
  });

  it('moves what lists sort by to the new current version, and back', async () => {
    await record([gradeOf({ modelId: trader, tokenId: 60, asOf: day(1), value: 70 })], day(2));
    const [v2] = await publishModels(db, [traderV2], [], 0);
    await record([gradeOf({ modelId: v2!.id, tokenId: 60, asOf: day(1), value: 30 })], day(2));
    assert.equal((await statKeys(60))?.trader, 70);
    await publishModels(db, [], [{ kind: 'TRADER', version: 'measured-v2' }], 0);
    assert.equal((await statKeys(60))?.trader, 30);
    assert.equal((await latestGrade({ db }).load({ tokenId: 60, kind: 'TRADER', ...newest }))?.value, 30);
    await publishModels(db, [], [{ kind: 'TRADER', version: 'measured-v1' }], 0);
    assert.equal((await statKeys(60))?.trader, 70);
    const named = await latestGrade({ db }).load({ tokenId: 60, kind: 'TRADER', ...newest, version: 'measured-v2' });
    assert.equal(named?.value, 30);
  });
});

describe('recording grades', () => {
  it('writes what is new, names the grade before it, and writes the same again not at all', async () => {
    const grades = [3, 1, 2].map((n) => gradeOf({ modelId: trader, tokenId: 1, asOf: day(n), value: 50 + n }));
    const written = await record(grades, day(4));
    const byDay = new Map(written.map((one) => [one.asOf, one]));
    assert.deepEqual(
      [1, 2, 3].map((n) => byDay.get(day(n))?.previousId),
      [null, byDay.get(day(1))?.id, byDay.get(day(2))?.id],
    );
    assert.deepEqual(
      written.map(({ kind, tokenId, supersedes }) => [kind, tokenId, supersedes]),
      Array.from({ length: 3 }, () => ['TRADER', 1, null]),
    );
    assert.deepEqual(await record(grades, day(5)), []);
    assert.deepEqual(await record([], day(5)), []);
  });

  it('supersedes by a different one, chain by chain, never published before the one it corrects', async () => {
    const at = { modelId: trader, tokenId: 2, asOf: day(1) };
    const [first] = await record([gradeOf({ ...at, value: 10 })], day(5));
    const [second, other] = await record(
      [gradeOf({ ...at, value: 20 }), gradeOf({ ...at, asOf: day(2), value: 20 })],
      day(3),
    ).then((rows) => rows.sort((a, b) => a.asOf - b.asOf));
    const [third] = await record([gradeOf({ ...at, value: 10 })], day(6));
    assert.deepEqual([second?.supersedes, third?.supersedes, other?.supersedes], [first?.id, second?.id, null]);
    assert.equal((await gradeById({ db }).load(second!.id))?.publishedAt, day(5));
    assert.equal(other?.previousId, second?.id);
  });

  it('keeps every part of a grade', async () => {
    const grade = gradeOf({
      modelId: trader,
      tokenId: 3,
      asOf: day(1),
      value: 12.345678901,
      band: 'STRONG_SELL',
      change24h: -0.1,
      coverage: 0.625,
      factors: [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 1e-7, 33.25, 1 / 3, 11.083333333],
      peers: [null, 'a "b" \\c'],
      servedBy: 'measured-v1',
      fallbackReason: 'TIMEOUT',
    });
    const [written] = await record([grade], day(2));
    const id = written!.id;
    const row = await gradeById({ db }).load(id);
    const { peers: _, ...told } = grade;
    const factor = {
      key: measuredV1.factors[1]?.key,
      raw: 1e-7,
      score: 33.25,
      weight: 1 / 3,
      contribution: 11.083333333,
      peers: 'a "b" \\c',
    };
    assert.deepEqual(row, { ...told, factors: [factor], id, kind: 'TRADER', publishedAt: day(2), supersedes: null });
  });

  it('lets the later of two for one close count', async () => {
    const at = { modelId: trader, tokenId: 4, asOf: day(1) };
    const written = await record([gradeOf({ ...at, value: 1 }), gradeOf({ ...at, value: 2 })], day(2));
    assert.deepEqual(
      written.map(({ value }) => value),
      [2],
    );
  });

  it('sets what lists sort by to the newest close of the current models, not to what came last', async () => {
    await record([gradeOf({ modelId: trader, tokenId: 5, asOf: day(3), value: 80 })], day(4));
    await record([gradeOf({ modelId: trader, tokenId: 5, asOf: day(2), value: 20 })], day(4));
    assert.deepEqual(await statKeys(5), { trader: 80, investor: -1 });
    await record([gradeOf({ modelId: investor, tokenId: 5, asOf: day(2), value: 0 })], day(4));
    assert.deepEqual(await statKeys(5), { trader: 80, investor: 0 });
  });

  it('writes more than a batch in one call', async () => {
    const grades = Array.from({ length: 4500 }, (_, n) =>
      gradeOf({ modelId: investor, tokenId: 6, asOf: day(1) - n * 3_600_000, value: n % 100 }),
    );
    const written = await record(grades, day(2));
    assert.equal(new Set(written.map(({ id }) => id)).size, 4500);
    assert.equal(written.filter(({ previousId }) => previousId === null).length, 1);
  });

  it('refuses a grade published before the close it speaks about', async () => {
    await assert.rejects(record([gradeOf({ modelId: trader, asOf: day(9) })], day(8)));
  });

  for (const change of ['UPDATE grade SET value = 1', 'DELETE FROM grade', 'DELETE FROM grade_model'])
    it(`refuses: ${change}`, async () => {
      await assert.rejects(db.execute(change), /is refused: its rows are immutable/);
    });
});

describe('the grade as of a time, as known at a time', () => {
  before(async () => {
    const at = { modelId: trader, tokenId: 7 };
    await record([gradeOf({ ...at, asOf: day(1), value: 10 })], day(1) + 1);
    await record([gradeOf({ ...at, asOf: day(2), value: 20 })], day(2) + 1);
    await record([gradeOf({ ...at, asOf: day(1), value: 11 })], day(5)); // corrected late
    await record([gradeOf({ ...at, asOf: day(2), value: 21 })], day(6));
    await record([gradeOf({ ...at, asOf: day(2), value: 22 })], day(7));
  });

  const table: [asOf: number | null, knownAt: number | null, value: number | null][] = [
    [null, null, 22],
    [day(2), null, 22],
    [day(2) - 1, null, 11],
    [day(1), null, 11],
    [day(1) - 1, null, null],
    [null, day(1), null],
    [null, day(1) + 1, 10],
    [null, day(2), 10],
    [null, day(2) + 1, 20],
    [day(1), day(5) - 1, 10],
    [day(1), day(5), 11],
    [null, day(6) - 1, 20],
    [null, day(6), 21],
    [null, day(7), 22],
  ];
  const text = (time: number | null): string => (time === null ? '-' : new Date(time).toISOString().slice(5, 23));
  for (const [asOf, knownAt, value] of table)
    it(`asOf ${text(asOf)} knownAt ${text(knownAt)} is ${value}`, async () => {
      const row = await latestGrade({ db }).load({ tokenId: 7, kind: 'TRADER', version: null, asOf, knownAt });
      assert.equal(row?.value ?? null, value);
    });
});

describe('reading many', () => {
  before(async () => {
    const ids = Array.from({ length: 45 }, (_, n) => n + 10);
    await record(
      ids.flatMap((tokenId) => [
        gradeOf({ modelId: trader, tokenId, asOf: day(1), value: tokenId }),
        gradeOf({ modelId: investor, tokenId, asOf: day(1), value: tokenId / 2 }),
      ]),
      day(2),
    );
  });

  it('reads both grades of 50 tokens, and their models, by two statements', async () => {
    const ctx = { db };
    const keys = Array.from({ length: 50 }, (_, n) => n + 8).flatMap((tokenId) =>
      (['TRADER', 'INVESTOR'] as const).map((kind) => ({ tokenId, kind, ...newest })),
    );
    let rows: (GradeRow | null)[] = [];
    const sent = await statementsOf(async () => {
      rows = await Promise.all(
        keys.map(async (key) => {
          const grade = await latestGrade(ctx).load(key);
          if (grade) await findModel(ctx, grade.modelId);
          return grade;
        }),
      );
    });
    assert.equal(sent.length, 2, sent.join('\n'));
    assert.deepEqual(
      rows.map((row) => row && [row.tokenId, row.kind, row.value]),
      keys.map(({ tokenId, kind }) =>
        tokenId < 10 || tokenId > 54 ? null : [tokenId, kind, kind === 'TRADER' ? tokenId : tokenId / 2],
      ),
    );
  });

  it('reads the ground of missing grades by one statement', async () => {
    await db.execute(
      `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
       VALUES (56, 'ONE_DAY', $1, $1, 89), (57, 'ONE_DAY', $1, $1, 90), (58, 'ONE_DAY', $1, $1, 90), (59, 'ONE_DAY', $1, $1, 90)`,
      [new Date(day(1))],
    );
    await db.execute(`INSERT INTO source (id, name, kind) VALUES (2, 'simulated', 'SIMULATED')`);
    await db.execute('UPDATE series SET source_id = 2 WHERE id = 59');
    // 57 and 59 closed when others were graded, 58 later than any; of 57 a candle is under way, too.
    await db.execute(
      `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, is_final, is_native)
       SELECT s.id, 'ONE_DAY', s.opened, 1, 1, 1, 1, s.closed, true
       FROM unnest($1::int[], $2::timestamptz[], $3::boolean[]) AS s(id, opened, closed)`,
      [[57, 57, 58, 59], [0, 1, 300, 0].map((n) => new Date(day(n))), [true, false, true, true]],
    );
    const ctx = { db };
    let grounds: Awaited<ReturnType<ReturnType<typeof gradeGround>['load']>>[] = [];
    const sent = await statementsOf(async () => {
      grounds = await Promise.all(
        [55, 56, 57, 58, 59].map((tokenId) => gradeGround(ctx).load({ tokenId, kind: 'TRADER' })),
      );
    });
    assert.equal(sent.length, 1);
    assert.deepEqual(
      grounds.map((ground) => absenceOf(ground).reason),
      ['NO_CANDLES', 'TOO_LITTLE_HISTORY', 'NOT_GRADABLE', 'NOT_COMPUTED_YET', 'NOT_COMPUTED_YET'],
    );
    assert.match(absenceOf(grounds[1]!).detail, /^89 of the 90 1d candles/);
    assert.equal(absenceOf({ ...grounds[2]!, model: null }).reason, 'NO_MODEL');
  });
});

describe('pages of a history', () => {
  const closes = Array.from({ length: 23 }, (_, n) => day(n + 1));
  before(async () => {
    const grades = closes.flatMap((asOf, n) =>
      [8, 9].map((tokenId) => gradeOf({ modelId: trader, tokenId, asOf, value: n })),
    );
    await record(grades, day(40));
    const corrected = [5, 11].map((n) => gradeOf({ modelId: trader, tokenId: 8, asOf: day(n + 1), value: n + 0.5 }));
    await record(corrected, day(41));
  });

  const key = { tokenId: 8, kind: 'TRADER', version: null, from: null, to: null } as const;
  const expected = closes.map((asOf, n) => [asOf, n === 5 || n === 11 ? n + 0.5 : n]).reverse();
  const valuesOf = (rows: readonly GradeRow[]) => rows.map(({ asOf, value }) => [asOf, value]);

  for (const isBackward of [false, true])
    it(`concatenate to the whole, ${isBackward ? 'backward' : 'forward'}, with each close once in its newest correction`, async () => {
      const take = 4;
      const all: GradeRow[] = [];
      for (let edge: GradeRow | undefined; ; ) {
        const position = edge ? [edge.asOf] : null;
        const page = { take, isBackward, after: isBackward ? null : position, before: isBackward ? position : null };
        const rows = await gradePage({ db }).load({ ...key, page });
        all.push(...rows.slice(0, take));
        if (rows.length <= take) break;
        edge = rows[take - 1];
      }
      assert.deepEqual(valuesOf(all), isBackward ? expected.toReversed() : expected);
    });

  it('hold to from (inclusive) and to (exclusive)', async () => {
    const page = { take: 50, isBackward: false, after: null, before: null };
    const rows = await gradePage({ db }).load({ ...key, from: day(3), to: day(6), page });
    assert.deepEqual(valuesOf(rows), [
      [day(5), 4],
      [day(4), 3],
      [day(3), 2],
    ]);
  });

  it('of many tokens are one statement, and one without grades is empty', async () => {
    const ctx = { db };
    const page = { take: 2, isBackward: false, after: null, before: null };
    let pages: GradeRow[][] = [];
    const sent = await statementsOf(async () => {
      pages = await Promise.all([9, 59, 8].map((tokenId) => gradePage(ctx).load({ ...key, tokenId, page })));
    });
    assert.equal(sent.length, 1);
    assert.deepEqual(
      pages.map((rows) => rows.map(({ tokenId }) => tokenId)),
      [[9, 9, 9], [], [8, 8, 8]],
    );
  });

  it('refuse a cursor that is none of theirs', async () => {
    for (const after of [['x'], [1.5], [9e15]])
      await assert.rejects(
        gradePage({ db }).load({ ...key, page: { take: 2, isBackward: false, after, before: null } }),
        /cursor does not belong/,
      );
  });
});
