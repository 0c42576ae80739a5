import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { publishStrategies, recordOutcomes, recordSignals } from '../../src/signals/store.ts';
import { trendVotes1d, trendVotes1h } from '../../src/signals/strategy.ts';
import { ask } from '../grades/api.ts';
import { seedTokens } from '../grades/seed.ts';
import { createTestDb } from '../support/db.ts';
import { evidenceOf, outcomeOf, signalOf } from './seed.ts';

const day = (n: number): number => Date.UTC(2025, 0, n);
const db = await createTestDb({ after });
await seedTokens(db, 21);
const strategies = (await publishStrategies(db, [trendVotes1d, trendVotes1h], day(1))).map(({ id }) => id);
const [daily, hourly] = strategies as [number, number];
const directions = ['BULLISH', 'NEUTRAL', 'BEARISH'] as const;
await db.transaction(async (tx) => {
  const signals = Array.from({ length: 120 }, (_, n) =>
    signalOf({
      strategyId: n % 4 === 0 ? hourly : daily,
      tokenId: (n % 20) + 1,
      issuedAt: day(2 + Math.floor(n / 4)),
      direction: directions[n % 3]!,
      priceUsd: `${n + 1}.10`,
    }),
  );
  await recordSignals(tx, signals, day(60));
  const corrected = signalOf({
    strategyId: daily,
    tokenId: 2,
    issuedAt: day(2),
    direction: 'BULLISH',
    priceUsd: '7.77',
  });
  await recordSignals(tx, [corrected], day(61));
  await recordOutcomes(tx, [outcomeOf({ strategyId: daily, tokenId: 2, issuedAt: day(2) })], day(62));
});

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a signal', () => {
  it('is told with its strategy, its evidence, its outcome and the signal it corrects', async () => {
    const { data, code } = await ask(
      db,
      `{ token(slug: "token-2") { signals(filter: { to: "2025-01-03" }) { nodes {
        direction priceUsd confidence issuedAt publishedAt evidence token { slug } strategy { name version isDefault }
        outcome { enteredAt entryPriceUsd closedAt exitPriceUsd returnPct holdReturnPct maxAdversePct publishedAt }
        supersedes { direction priceUsd outcome { returnPct } } } } } }`,
    );
    assert.equal(code, null);
    assert.deepEqual(plain(data.token.signals.nodes), [
      {
        direction: 'BULLISH',
        priceUsd: '7.77',
        confidence: 0.5,
        issuedAt: '2025-01-02T00:00:00.000Z',
        publishedAt: '2025-03-02T00:00:00.000Z',
        evidence: evidenceOf(0.5),
        token: { slug: 'token-2' },
        strategy: { name: 'trend-votes-1d', version: 1, isDefault: true },
        outcome: {
          enteredAt: '2025-01-02T00:00:00.000Z',
          entryPriceUsd: '100.00000000000001',
          closedAt: '2025-01-03T00:00:00.000Z',
          exitPriceUsd: '110.5',
          returnPct: 10.29,
          holdReturnPct: 10.5,
          maxAdversePct: -2.5,
          publishedAt: '2025-03-03T00:00:00.000Z',
        },
        supersedes: { direction: 'NEUTRAL', priceUsd: '2.10', outcome: null },
      },
    ]);
  });

  it('is found again by its id, also when superseded; other ids find nothing', async () => {
    const { data } = await ask(
      db,
      '{ token(slug: "token-2") { signals(filter: { to: "2025-01-03" }) { nodes { supersedes { id } strategy { id } } } } }',
    );
    const [{ supersedes, strategy }] = data.token.signals.nodes;
    const ids = [
      supersedes.id,
      strategy.id,
      ...['Signal:x', 'Signal:999999'].map((id) => Buffer.from(id).toString('base64')),
    ];
    const found = await ask(db, 'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Signal { priceUsd } } }', {
      ids,
    });
    assert.deepEqual(plain(found.data.nodes), [
      { __typename: 'Signal', priceUsd: '2.10' },
      { __typename: 'Strategy' },
      null,
      null,
    ]);
  });
});

describe('Query.signals', () => {
  const source = `query ($filter: SignalFilter, $first: Int, $after: String, $last: Int, $before: String) {
    signals(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { priceUsd issuedAt direction } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  interface Page {
    edges: { cursor: string; node: { priceUsd: string; issuedAt: string; direction: string } }[];
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
  }
  const page = async (variables: Record<string, unknown>): Promise<Page> =>
    (await ask(db, source, variables)).data.signals;
  const pricesOf = ({ edges }: Page) => edges.map(({ node }) => node.priceUsd);

  it('is whole when its pages are put together, from either end', async () => {
    const [forward, backward]: string[][] = [[], []];
    for (let at = await page({ first: 50 }); ; at = await page({ first: 50, after: at.pageInfo.endCursor })) {
      forward!.push(...pricesOf(at));
      if (!at.pageInfo.hasNextPage) break;
    }
    for (let at = await page({ last: 50 }); ; at = await page({ last: 50, before: at.pageInfo.startCursor })) {
      backward!.unshift(...pricesOf(at));
      if (!at.pageInfo.hasPreviousPage) break;
    }
    assert.equal(new Set(forward).size, 120);
    assert.deepEqual(backward, forward);
    assert.equal(forward![0], '120.10');
  });

  it('takes three statements for 50 signals with token and strategy, and outcomes one more', async () => {
    const fields = 'direction token { slug } strategy { name }';
    const { data, statements } = await ask(db, `{ signals(first: 50) { nodes { ${fields} } } }`);
    assert.equal(data.signals.nodes.length, 50);
    assert.equal(statements.length, 3, statements.join('\n'));
    const more = await ask(db, `{ signals(first: 50) { nodes { ${fields} outcome { returnPct } } } }`);
    assert.equal(more.statements.length, 4);
  });

  it('holds to its filter', async () => {
    const filter = { slugs: ['TOKEN-1', 'token-2'], directions: ['BULLISH'], strategies: ['trend-votes-1d'] };
    const { edges } = await page({ filter, first: 100 });
    assert.ok(edges.length > 0 && edges.every(({ node }) => node.direction === 'BULLISH'));
    assert.deepEqual((await page({ filter: { slugs: [] } })).edges, []);
    assert.deepEqual((await page({ filter: { narratives: ['none'] } })).edges, []);
  });

  const refused: [variables: Record<string, unknown>, code: string, message: RegExp][] = [
    [{ filter: { slugs: ['no-such', 'token-1'] } }, 'BAD_USER_INPUT', /no-such/],
    [{ filter: { from: '2025-01-02', to: '2025-01-01' } }, 'BAD_USER_INPUT', /`from` must lie before `to`/],
    [{ filter: { strategies: ['no-such'] } }, 'BAD_USER_INPUT', /Published: trend-votes-1d, trend-votes-1h/],
    [{ filter: { slugs: Array.from({ length: 251 }, () => 'token-1') } }, 'LIMIT_EXCEEDED', /250/],
    [{ first: 101 }, 'LIMIT_EXCEEDED', /100/],
    [{ after: 'x' }, 'BAD_CURSOR', /cursor/],
    [{ after: Buffer.from('["signals:ISSUED_AT:DESC",1,"x"]').toString('base64url') }, 'BAD_CURSOR', /cursor/],
  ];
  for (const [variables, code, pattern] of refused)
    it(`refuses ${JSON.stringify(variables).slice(0, 70)} with ${code}`, async () => {
      const answer = await ask(db, source, variables);
      assert.equal(answer.code, code);
      assert.match(answer.message ?? '', pattern);
    });
});

describe('the signals of tokens', () => {
  it('of 20 tokens are one statement, a page each', async () => {
    const slugs = Array.from({ length: 21 }, (_, n) => `token-${n + 1}`);
    const { data, statements } = await ask(
      db,
      `query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { slug signals(first: 2) {
        nodes { token { slug } issuedAt } pageInfo { hasNextPage } } } } }`,
      { slugs },
    );
    for (const { slug, signals } of data.tokenBatch.nodes) {
      assert.equal(signals.nodes.length, slug === 'token-21' ? 0 : 2);
      assert.ok(signals.nodes.every((node: { token: { slug: string } }) => node.token.slug === slug));
    }
    // Tokens are asked for by slug and, for `signal.token`, by id.
    assert.equal(statements.filter((text) => text.includes('FROM unnest')).length, 1);
    assert.equal(statements.length, 3, statements.join('\n'));
  });

  it('leave out a token that the filter leaves out', async () => {
    const { data } = await ask(
      db,
      '{ token(slug: "token-1") { signals(filter: { slugs: ["token-2"] }) { nodes { id } } } }',
    );
    assert.deepEqual(data.token.signals.nodes, []);
  });

  it('tell the one in force: of the default strategy, of another, as of a time', async () => {
    const { data } = await ask(
      db,
      `{ token(slug: "token-2") { now: latestSignal { issuedAt strategy { name } } none: latestSignal(strategy: "trend-votes-1h") { issuedAt }
        earlier: latestSignal(asOf: "2025-01-02") { priceUsd } before: latestSignal(asOf: "2025-01-01") { priceUsd } }
        other: token(slug: "token-1") { latestSignal(strategy: "trend-votes-1h") { strategy { name } } }
        empty: token(slug: "token-21") { latestSignal { issuedAt } } }`,
    );
    assert.deepEqual(plain(data), {
      token: {
        now: { issuedAt: '2025-01-27T00:00:00.000Z', strategy: { name: 'trend-votes-1d' } },
        none: null,
        earlier: { priceUsd: '7.77' },
        before: null,
      },
      other: { latestSignal: { strategy: { name: 'trend-votes-1h' } } },
      empty: { latestSignal: null },
    });
  });

  it('tell the one that was known at a time: before its correction, before it was published', async () => {
    const { data } = await ask(
      db,
      `{ token(slug: "token-2") {
        corrected: latestSignal(asOf: "2025-01-02", knownAt: "2025-03-02") { priceUsd }
        first: latestSignal(asOf: "2025-01-02", knownAt: "2025-03-01T12:00:00Z") { priceUsd }
        unknown: latestSignal(asOf: "2025-01-02", knownAt: "2025-02-28") { priceUsd } } }`,
    );
    assert.deepEqual(plain(data.token), {
      corrected: { priceUsd: '7.77' },
      first: { priceUsd: '2.10' },
      unknown: null,
    });
  });

  it('refuse a strategy that is not published', async () => {
    const { code } = await ask(db, '{ token(slug: "token-1") { latestSignal(strategy: "x") { id } } }');
    assert.equal(code, 'BAD_USER_INPUT');
  });
});

describe('Query.strategies', () => {
  it('tells every published version, the default first', async () => {
    const { data } = await ask(
      db,
      '{ strategies { name version title params interval feeBps isDefault publishedAt } }',
    );
    assert.deepEqual(
      data.strategies.map((one: { name: string; isDefault: boolean }) => [one.name, one.isDefault]),
      [
        ['trend-votes-1d', true],
        ['trend-votes-1h', false],
      ],
    );
    assert.deepEqual(plain(data.strategies[0].params), trendVotes1d.params);
    assert.equal(data.strategies[0].feeBps, 10);
  });
});
