import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { technicalV1 } from '../../src/grades/models/technical-v1.ts';
import { publishModels } from '../../src/grades/model-store.ts';
import { recordGrades } from '../../src/grades/record-store.ts';
import { createTestDb } from '../support/db.ts';
import { ask } from './api.ts';
import { gradeOf, investorV1, seedTokens } from './seed.ts';

const day = (n: number): number => Date.UTC(2025, 0, n);
const db = await createTestDb({ after });
await seedTokens(db, 55);
const models = [measuredV1, technicalV1, investorV1];
const [trader, technical, investor] = (await publishModels(db, models, [measuredV1, investorV1], 0)).map(
  ({ id }) => id,
) as [number, number, number];
const record = (grades: Parameters<typeof recordGrades>[1], publishedAt: number) =>
  db.transaction((tx) => recordGrades(tx, grades, publishedAt));
const ids = Array.from({ length: 50 }, (_, n) => n + 1);
await record(
  ids.flatMap((tokenId) => [
    gradeOf({ modelId: trader, tokenId, asOf: day(2), value: 50 + tokenId / 10, change24h: -1.5, coverage: 0.9 }),
    gradeOf({ modelId: investor, tokenId, asOf: day(2), value: 20, band: 'STRONG_SELL' }),
  ]),
  day(3),
);
await record([gradeOf({ modelId: technical, tokenId: 1, asOf: day(2), value: 33 })], day(3));
await record(
  Array.from({ length: 7 }, (_, n) => gradeOf({ modelId: trader, tokenId: 1, asOf: day(3 + n), value: 60 + n })),
  day(10),
);
await record([gradeOf({ modelId: trader, tokenId: 1, asOf: day(4), value: 99, band: 'STRONG_BUY' })], day(11));

describe('Token.grade', () => {
  it('answers the grade with its model and its factors', async () => {
    const { data, code } = await ask(
      db,
      `{ token(slug: "token-2") { grade(kind: TRADER) {
        value band asOf publishedAt change24h coverage kind token { slug }
        factors { key raw score weight contribution } supersedes { id }
        model { version kind title isCurrent } } } }`,
    );
    assert.equal(code, null);
    assert.deepEqual(JSON.parse(JSON.stringify(data.token.grade)), {
      value: 50.2,
      band: 'NEUTRAL',
      asOf: '2025-01-02T00:00:00.000Z',
      publishedAt: '2025-01-03T00:00:00.000Z',
      change24h: -1.5,
      coverage: 0.9,
      kind: 'TRADER',
      token: { slug: 'token-2' },
      factors: [{ key: 'risk.idiosyncraticVolatility', raw: 0.1, score: 50.2, weight: 1, contribution: 50.2 }],
      supersedes: null,
      model: { version: 'measured-v1', kind: 'TRADER', title: 'Trader Grade (measured)', isCurrent: true },
    });
  });

  const table: [args: string, value: number | null][] = [
    ['kind: TRADER', 66],
    ['kind: INVESTOR', 20],
    ['kind: TRADER, asOf: "2025-01-04T12:00:00Z"', 99],
    ['kind: TRADER, asOf: "2025-01-04T12:00:00Z", knownAt: "2025-01-10T12:00:00Z"', 61],
    ['kind: TRADER, knownAt: "2025-01-03T00:00:00Z"', 50.1],
    ['kind: TRADER, asOf: "2025-01-01"', null],
    ['kind: TRADER, model: "technical-v1"', 33],
  ];
  for (const [args, value] of table)
    it(`(${args}) is ${value}`, async () => {
      const { data, code } = await ask(db, `{ token(slug: "token-1") { grade(${args}) { value } } }`);
      assert.equal(code, null);
      assert.equal(data.token.grade?.value ?? null, value);
    });

  it('refuses a model version that the kind does not have, naming those it has', async () => {
    const { code, message } = await ask(
      db,
      '{ token(slug: "token-1") { grade(kind: INVESTOR, model: "technical-v1") { value } } }',
    );
    assert.equal(code, 'BAD_USER_INPUT');
    assert.match(message ?? '', /Published: test-investor-v1/);
  });

  it('takes two statements for both grades and models of 50 tokens', async () => {
    const { data, statements } = await ask(
      db,
      `query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes {
        trader: grade(kind: TRADER) { value band model { version } factors { key } }
        investor: grade(kind: INVESTOR) { value model { version } } } } }`,
      { slugs: ids.map((id) => `token-${id}`) },
    );
    assert.equal(data.tokenBatch.nodes.length, 50);
    assert.equal(data.tokenBatch.nodes[49].trader.value, 55);
    assert.equal(statements.length, 3, 'tokens, grades, models');
  });

  it('finds a grade and its model again by their ids, and nothing by others', async () => {
    const { data } = await ask(db, '{ token(slug: "token-1") { grade(kind: TRADER) { id value model { id } } } }');
    const { id, value, model } = data.token.grade;
    const of = (text: string) => Buffer.from(text).toString('base64');
    const bad = [of('Grade:abc'), of('Grade:999999'), of('GradeModel:x')];
    const found = await ask(
      db,
      'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Grade { value } ... on GradeModel { version } } }',
      { ids: [id, model.id, ...bad] },
    );
    assert.deepEqual(JSON.parse(JSON.stringify(found.data.nodes)), [
      { __typename: 'Grade', value },
      { __typename: 'GradeModel', version: 'measured-v1' },
      null,
      null,
      null,
    ]);
  });
});

describe('Token.gradeStatus', () => {
  it('tells the grade, or why there is none', async () => {
    await db.execute(
      `INSERT INTO series_interval (series_id, interval, first_open_time, last_open_time, candle_count)
       VALUES (52, 'ONE_DAY', $1, $1, 12), (53, 'ONE_DAY', $1, $1, 400)`,
      [new Date(day(1))],
    );
    await db.execute(
      `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, is_final, is_native)
       VALUES (53, 'ONE_DAY', $1, 1, 1, 1, 1, true, true)`,
      [new Date(day(1))],
    );
    const { data, statements } = await ask(
      db,
      `{ tokenBatch(slugs: ["token-2", "token-51", "token-52", "token-53"]) { nodes {
        gradeStatus(kind: TRADER) { grade { value } reason detail } } } }`,
    );
    const told = data.tokenBatch.nodes.map((node: { gradeStatus: { reason: unknown } }) => node.gradeStatus.reason);
    assert.deepEqual(told, [null, 'NO_CANDLES', 'TOO_LITTLE_HISTORY', 'NOT_GRADABLE']);
    assert.equal(data.tokenBatch.nodes[0].gradeStatus.grade.value, 50.2);
    assert.match(data.tokenBatch.nodes[2].gradeStatus.detail, /12 of the 90/);
    assert.equal(statements.length, 3, 'tokens, grades, grounds');
  });
});

describe('Token.gradeHistory', () => {
  const source = `query ($first: Int, $after: String, $last: Int, $before: String, $from: DateTime, $to: DateTime) {
    token(slug: "token-1") { gradeHistory(kind: TRADER, first: $first, after: $after, last: $last, before: $before, from: $from, to: $to) {
      nodes { value } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
  const whole = [66, 65, 64, 63, 62, 99, 60, 50.1];
  interface Page {
    nodes: { value: number }[];
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
  }
  const page = async (variables: Record<string, unknown>): Promise<Page> =>
    (await ask(db, source, variables)).data.token.gradeHistory;
  const valuesOf = ({ nodes }: Page) => nodes.map(({ value }) => value);

  it('is whole when its pages are put together, from either end', async () => {
    const [forward, backward]: number[][] = [[], []];
    for (let at = await page({ first: 3 }); ; at = await page({ first: 3, after: at.pageInfo.endCursor })) {
      forward!.push(...valuesOf(at));
      if (!at.pageInfo.hasNextPage) break;
    }
    for (let at = await page({ last: 3 }); ; at = await page({ last: 3, before: at.pageInfo.startCursor })) {
      backward!.unshift(...valuesOf(at));
      if (!at.pageInfo.hasPreviousPage) break;
    }
    assert.deepEqual([forward, backward], [whole, whole]);
  });

  it('holds to from and to', async () => {
    assert.deepEqual(valuesOf(await page({ from: '2025-01-03', to: '2025-01-05' })), [99, 60]);
  });

  it('is empty for a token without grades', async () => {
    const { data } = await ask(db, '{ token(slug: "token-55") { gradeHistory(kind: TRADER) { nodes { value } } } }');
    assert.deepEqual(data.token.gradeHistory.nodes, []);
  });

  const refused: [variables: Record<string, unknown>, code: string][] = [
    [{ first: 101 }, 'LIMIT_EXCEEDED'],
    [{ first: 0 }, 'LIMIT_EXCEEDED'],
    [{ first: 1, last: 1 }, 'BAD_USER_INPUT'],
    [{ from: '2025-01-05', to: '2025-01-05' }, 'BAD_USER_INPUT'],
    [{ after: 'x' }, 'BAD_CURSOR'],
    [{ after: Buffer.from('["grades:INVESTOR:AS_OF:DESC",1]').toString('base64url') }, 'BAD_CURSOR'],
    [{ after: Buffer.from('["grades:TRADER:AS_OF:DESC","x"]').toString('base64url') }, 'BAD_CURSOR'],
    [{ after: Buffer.from('["grades:TRADER:AS_OF:DESC",1e300]').toString('base64url') }, 'BAD_CURSOR'],
  ];
  for (const [variables, code] of refused)
    it(`refuses ${JSON.stringify(variables)} with ${code}`, async () => {
      assert.equal((await ask(db, source, variables)).code, code);
    });
});

describe('Query.gradeModels', () => {
  it('tells every published version with what it is made of', async () => {
    const { data, statements } = await ask(
      db,
      `{ gradeModels { kind version isCurrent interval historyBarsMin universe publishedAt
         factors { key group weight direction normalisation } bands { band from } } }`,
    );
    assert.deepEqual(
      data.gradeModels.map((model: { version: string; isCurrent: boolean }) => [model.version, model.isCurrent]),
      [
        ['measured-v1', true],
        ['technical-v1', false],
        ['test-investor-v1', true],
      ],
    );
    const [{ factors, bands, historyBarsMin, interval }] = data.gradeModels;
    assert.equal(factors.length, measuredV1.factors.length);
    assert.deepEqual(
      bands.map(({ from }: { from: number }) => from),
      [80.5, 60.5, 40.5, 20.5, 0],
    );
    assert.deepEqual([historyBarsMin, interval], [90, 'ONE_DAY']);
    assert.equal(statements.length, 1);
  });
});
