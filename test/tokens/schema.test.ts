import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { importTokens, seedTokens } from '../../src/tokens/registry.ts';
import { recordMarketCapKeys } from '../../src/tokens/store.ts';
import { createTestDb } from '../support/db.ts';
import { ask as askDb, type Answer } from './api.ts';

const db = await createTestDb({ after });
await seedTokens({ db });
// Three tokens that share a symbol, one of them ranked, and one whose name holds LIKE's wildcards.
const listed = (slug: string, name: string, marketCapRank: number | null = null, symbol = 'TWIN') => ({
  entry: slug,
  slug,
  symbol,
  name,
  marketCapRank,
  logoUrl: null,
  contracts: [],
});
await importTokens(
  { db },
  {
    networks: [],
    narratives: [],
    skipped: [],
    tokens: [
      listed('twin-b', 'Beta Twin'),
      listed('twin-a', 'Alpha Twin'),
      listed('twin-z', 'Zeta', 7000),
      listed('odd', '100%_Odd\\Coin', null, 'ODD'),
    ],
  },
);
// Values to order by, with ties and unknowns.
await db.execute(`UPDATE token_stat SET volume_key = (token_id * 7919) % 11, change_key = CASE token_id % 3 WHEN 0 THEN -1e9 ELSE (token_id * 31) % 7 / 3.0 END,
  trader_key = CASE token_id % 2 WHEN 0 THEN -1 ELSE (token_id * 13) % 101 END, investor_key = (token_id * 17) % 97`);
await db.execute('ANALYZE');

const ask = (source: string, variables: Record<string, unknown> = {}): Promise<Answer> => askDb(db, source, variables);
const slugsOf = (connection: { nodes: { slug: string }[] }): string[] => connection.nodes.map(({ slug }) => slug);

for (const { title, slug, expected } of [
  { title: 'as stored', slug: 'bitcoin', expected: 'BTC' },
  { title: 'in any letter case, trimmed', slug: ' BitCoin ', expected: 'BTC' },
  { title: 'not there', slug: 'no-such-token', expected: undefined },
]) {
  test(`a token by its slug: ${title}`, async () => {
    const { data, code, statements } = await ask('query ($slug: String!) { token(slug: $slug) { symbol } }', { slug });
    assert.deepEqual([data.token?.symbol, code, statements.length], [expected, null, 1]);
  });
}

const refused: { title: string; source: string; variables?: Record<string, unknown>; code: string }[] = [
  { title: 'an empty slug', source: '{ token(slug: "  ") { slug } }', code: 'BAD_USER_INPUT' },
  { title: 'a slug with a zero byte', source: '{ token(slug: "a\\u0000") { slug } }', code: 'BAD_USER_INPUT' },
  { title: 'an empty search', source: '{ searchTokens(query: "") { isAmbiguous } }', code: 'BAD_USER_INPUT' },
  {
    title: 'an address that is none',
    source: '{ tokenByContract(chainId: 1, address: "0x1") { slug } }',
    code: 'BAD_USER_INPUT',
  },
  {
    title: '251 slugs',
    source: 'query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { notFound } }',
    variables: { slugs: Array.from({ length: 251 }, () => 'bitcoin') },
    code: 'LIMIT_EXCEEDED',
  },
  {
    title: '251 slugs in a filter',
    source: 'query ($slugs: [String!]!) { tokens(filter: { slugs: $slugs }) { totalCount } }',
    variables: { slugs: Array.from({ length: 251 }, () => 'bitcoin') },
    code: 'LIMIT_EXCEEDED',
  },
  { title: 'a page of 101', source: '{ tokens(first: 101) { totalCount } }', code: 'LIMIT_EXCEEDED' },
  { title: 'first and last', source: '{ tokens(first: 1, last: 1) { totalCount } }', code: 'BAD_USER_INPUT' },
  { title: '51 candidates', source: '{ searchTokens(query: "a", first: 51) { isAmbiguous } }', code: 'LIMIT_EXCEEDED' },
  { title: 'a cursor that is none', source: '{ tokens(after: "x") { totalCount } }', code: 'BAD_CURSOR' },
];
for (const { title, source, variables, code } of refused) {
  test(`refused: ${title}`, async () => {
    assert.equal((await ask(source, variables)).code, code);
  });
}

test('cursors of another order, and forged ones, are BAD_CURSOR', async () => {
  const { data } = await ask('{ tokens(first: 1) { pageInfo { endCursor } } }');
  const forge = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');
  const cases = [
    ['NAME', data.tokens.pageInfo.endCursor],
    ['MARKET_CAP', forge('tokens:MARKET_CAP:DESC', 'x', 1)],
    ['MARKET_CAP', forge('tokens:MARKET_CAP:DESC', 5, 1)],
    ['MARKET_CAP', forge('tokens:MARKET_CAP:DESC', '1', 2 ** 31)],
    ['MARKET_CAP', forge('tokens:MARKET_CAP:DESC', '1', 1.5)],
    ['CHANGE_24H', forge('tokens:CHANGE_24H:DESC', '1', 1)],
    ['NAME', forge('tokens:NAME:DESC', 'a\0', 1)],
  ];
  for (const [field, after] of cases) {
    const { code } = await ask(
      'query ($field: TokenOrderField!, $after: String) { tokens(orderBy: { field: $field }, after: $after) { totalCount } }',
      { field, after },
    );
    assert.equal(code, 'BAD_CURSOR', String(after));
  }
});

const pageQuery = `query ($field: TokenOrderField!, $direction: OrderDirection, $filter: TokenFilter, $first: Int, $after: String, $last: Int, $before: String) {
  tokens(orderBy: { field: $field, direction: $direction }, filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    nodes { slug } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

for (const field of ['MARKET_CAP', 'VOLUME_24H', 'CHANGE_24H', 'TRADER_GRADE', 'INVESTOR_GRADE', 'NAME']) {
  for (const direction of ['ASC', 'DESC']) {
    test(`pages of ${field} ${direction} join to the whole, from either end`, async () => {
      const filter = { narratives: ['meme'] };
      const read = async (page: Record<string, unknown>) =>
        (await ask(pageQuery, { field, direction, filter, ...page })).data.tokens;
      const whole = await read({ first: 100 });
      const all = slugsOf(whole);
      assert.ok(all.length > 30 && !whole.pageInfo.hasNextPage);
      const forward: string[] = [];
      for (let after: string | null = null, more = true; more; ) {
        const page = await read({ first: 5, after });
        forward.push(...slugsOf(page));
        ({ endCursor: after, hasNextPage: more } = page.pageInfo);
      }
      assert.deepEqual(forward, all);
      const backward: string[] = [];
      for (let before: string | null = null, more = true; more; ) {
        const page = await read({ last: 7, before });
        backward.unshift(...slugsOf(page));
        ({ startCursor: before, hasPreviousPage: more } = page.pageInfo);
      }
      assert.deepEqual(backward, all);
    });
  }
}

test('a page between two cursors holds what lies between them', async () => {
  const whole = (await ask('{ tokens(first: 12) { edges { cursor node { slug } } } }')).data.tokens.edges;
  const between = fc.tuple(fc.nat(11), fc.nat(11), fc.integer({ min: 1, max: 12 }), fc.boolean());
  await fc.assert(
    fc.asyncProperty(between, async ([from, to, take, isBackward]) => {
      const page = {
        after: whole[from].cursor,
        before: whole[to].cursor,
        ...(isBackward ? { last: take } : { first: take }),
      };
      const { data } = await ask(pageQuery, { field: 'MARKET_CAP', ...page });
      const inside = whole.slice(from + 1, to).map(({ node }: { node: { slug: string } }) => node.slug);
      assert.deepEqual(slugsOf(data.tokens), isBackward ? inside.slice(-take) : inside.slice(0, take));
    }),
    { numRuns: 30 },
  );
});

test('the default order is by market cap, ranks standing in for unknown ones', async () => {
  const { data } = await ask('{ tokens(first: 4) { nodes { slug } totalCount } }');
  assert.deepEqual(slugsOf(data.tokens), ['bitcoin', 'ethereum', 'tether', 'binancecoin']);
  const [row] = await db.query<{ count: number }>('SELECT count(*) AS count FROM token');
  assert.equal(data.tokens.totalCount, row?.count);
});

const statementCases: { title: string; source: string; statementsMax: number }[] = [
  {
    title: 'a page with contracts and narratives',
    source:
      '{ tokens(first: 50) { nodes { slug contracts { address network chainId decimals } narratives { slug } } } }',
    statementsMax: 3,
  },
  { title: 'a total', source: '{ tokens(first: 50) { totalCount nodes { slug } } }', statementsMax: 2 },
  {
    title: 'a batch',
    source: '{ tokenBatch(slugs: ["bitcoin", "ethereum", "solana"]) { nodes { slug contracts { address } } } }',
    statementsMax: 2,
  },
  {
    title: 'tokens asked for one by one',
    source: '{ a: token(slug: "bitcoin") { slug } b: token(slug: "ethereum") { slug } }',
    statementsMax: 1,
  },
  {
    title: 'contracts asked for one by one',
    source:
      '{ a: tokenByContract(chainId: 1, address: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48") { slug } b: tokenByContract(chainId: 1, address: "0xdAC17F958D2ee523a2206206994597C13D831ec7") { slug } }',
    statementsMax: 1,
  },
  {
    title: 'the tokens of every narrative, counted',
    source: '{ narratives { slug tokens(first: 3) { totalCount nodes { slug } } } }',
    statementsMax: 3,
  },
  {
    title: 'a search',
    source: '{ searchTokens(query: "bit") { candidates { token { slug } score } } }',
    statementsMax: 1,
  },
];
for (const { title, source, statementsMax } of statementCases) {
  test(`${title} takes at most ${statementsMax} statements`, async () => {
    const { code, statements } = await ask(source);
    assert.equal(code, null);
    assert.ok(statements.length <= statementsMax, statements.join('\n---\n'));
  });
}

test('a batch answers in the order asked, twice where asked twice, and names what is missing', async () => {
  const { data } = await ask(
    '{ tokenBatch(slugs: ["Solana", "nope", "bitcoin", "solana"]) { nodes { slug } notFound } }',
  );
  assert.deepEqual(slugsOf(data.tokenBatch), ['solana', 'bitcoin', 'solana']);
  assert.deepEqual(data.tokenBatch.notFound, ['nope']);
});

test('a token is found again by its global id; another id is nothing', async () => {
  const { data } = await ask('{ token(slug: "bitcoin") { id } }');
  const wrong = ['Token:999999999', 'Token:x', 'Token:99999999999'].map((id) => Buffer.from(id).toString('base64'));
  const found = await ask('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Token { slug } } }', {
    ids: [data.token.id, ...wrong],
  });
  assert.deepEqual(
    found.data.nodes.map((node: { slug: string } | null) => node?.slug ?? null),
    ['bitcoin', null, null, null],
  );
});

test('a contract is found by its address in any letter case', async () => {
  const { data } = await ask(
    '{ tokenByContract(chainId: 1, address: "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48") { slug } other: tokenByContract(chainId: 2, address: "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48") { slug } }',
  );
  assert.deepEqual([data.tokenByContract.slug, data.other], ['usd-coin', null]);
});

const searches: { query: string; first: string; matchedBy: string; isAmbiguous: boolean }[] = [
  { query: 'bitcoin', first: 'bitcoin', matchedBy: 'SLUG', isAmbiguous: false },
  { query: 'bTc', first: 'bitcoin', matchedBy: 'SYMBOL', isAmbiguous: false },
  { query: 'XBT', first: 'bitcoin', matchedBy: 'ALIAS', isAmbiguous: false },
  { query: 'JUP', first: 'jupiter-exchange-solana', matchedBy: 'SYMBOL', isAmbiguous: true },
  { query: 'twin', first: 'twin-z', matchedBy: 'SYMBOL', isAmbiguous: true },
  { query: 'chainl', first: 'chainlink', matchedBy: 'NAME_PREFIX', isAmbiguous: false },
  { query: '100%_', first: 'odd', matchedBy: 'NAME_PREFIX', isAmbiguous: false },
  { query: '_odd\\', first: 'odd', matchedBy: 'NAME_PART', isAmbiguous: false },
];
for (const { query, ...expected } of searches) {
  test(`searching ${query} finds ${expected.first} by ${expected.matchedBy}`, async () => {
    const { data } = await ask(
      'query ($query: String!) { searchTokens(query: $query) { nodes { slug } candidates { matchedBy } isAmbiguous } }',
      { query },
    );
    const { nodes, candidates, isAmbiguous } = data.searchTokens;
    assert.deepEqual({ first: nodes[0]?.slug, matchedBy: candidates[0]?.matchedBy, isAmbiguous }, expected);
  });
}

test('candidates come by score, then rank; wildcards of LIKE stand for themselves', async () => {
  const { data } = await ask(
    '{ searchTokens(query: "so", first: 50) { candidates { score token { marketCapRank } } } none: searchTokens(query: "%%%") { nodes { slug } } }',
  );
  const keys = data.searchTokens.candidates.map(
    ({ score, token }: { score: number; token: { marketCapRank: number | null } }) => [
      -score,
      token.marketCapRank ?? Infinity,
    ],
  );
  assert.deepEqual(
    keys,
    keys.toSorted((a: number[], b: number[]) => (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0)),
  );
  assert.ok(new Set(keys.map(([score]: number[]) => score)).size >= 3);
  assert.deepEqual(data.none.nodes, []);
});

const filters: { title: string; filter: Record<string, unknown>; condition: string }[] = [
  { title: 'symbols in any letter case', filter: { symbols: ['twin', 'Btc'] }, condition: `symbol IN ('TWIN', 'BTC')` },
  { title: 'slugs', filter: { slugs: ['BITCOIN', 'nope'] }, condition: `slug = 'bitcoin'` },
  { title: 'an empty list', filter: { slugs: [] }, condition: 'false' },
  {
    title: 'narratives, any of them',
    filter: { narratives: ['oracle', 'privacy'] },
    condition: `id IN (SELECT token_id FROM token_narrative WHERE narrative IN ('oracle', 'privacy'))`,
  },
  {
    title: 'chains',
    filter: { chainIds: [8453, 10] },
    condition: `id IN (SELECT token_id FROM token_contract WHERE network IN ('base', 'optimism'))`,
  },
  {
    title: 'a least volume',
    filter: { minVolume24hUsd: '5' },
    condition: `id IN (SELECT token_id FROM token_stat WHERE volume_key >= 5)`,
  },
  {
    title: 'a least volume of nothing, which unknown ones do not have',
    filter: { minVolume24hUsd: '0' },
    condition: `id IN (SELECT token_id FROM token_stat WHERE volume_key > 0)`,
  },
  {
    title: 'a least Trader Grade',
    filter: { minTraderGrade: 50 },
    condition: `id IN (SELECT token_id FROM token_stat WHERE trader_key >= 50)`,
  },
  {
    title: 'a least Trader Grade below all, which ungraded ones do not have',
    filter: { minTraderGrade: -5 },
    condition: `id IN (SELECT token_id FROM token_stat WHERE trader_key >= 0)`,
  },
  {
    title: 'a least Investor Grade',
    filter: { minInvestorGrade: 90.5 },
    condition: `id IN (SELECT token_id FROM token_stat WHERE investor_key >= 90.5)`,
  },
  { title: 'a market cap nobody is known to have', filter: { minMarketCapUsd: '0' }, condition: 'false' },
  { title: 'no quote', filter: { hasQuote: false, slugs: ['bitcoin'] }, condition: `slug = 'bitcoin'` },
  { title: 'a quote', filter: { hasQuote: true }, condition: 'false' },
  { title: 'a search text with wildcards', filter: { search: '%_ODD\\' }, condition: `slug = 'odd'` },
  {
    title: 'several conditions at once',
    filter: { narratives: ['meme'], chainIds: [1], minInvestorGrade: 20 },
    condition: `id IN (SELECT token_id FROM token_narrative WHERE narrative = 'meme') AND id IN (SELECT token_id FROM token_contract WHERE network = 'ethereum') AND id IN (SELECT token_id FROM token_stat WHERE investor_key >= 20)`,
  },
];
for (const { title, filter, condition } of filters) {
  test(`a filter of ${title} lists and counts what it says`, async () => {
    const { data, code } = await ask(
      'query ($filter: TokenFilter) { tokens(filter: $filter, first: 100) { totalCount nodes { slug } } }',
      { filter },
    );
    assert.equal(code, null);
    const rows = await db.query<{ slug: string }>(`SELECT slug FROM token WHERE ${condition}`);
    assert.equal(data.tokens.totalCount, rows.length);
    const listed = new Set(slugsOf(data.tokens));
    assert.equal(listed.size, Math.min(100, rows.length));
    assert.ok([...listed].every((slug) => rows.some((row) => row.slug === slug)));
  });
}

test('narratives name their tokens by market cap, each page of its own', async () => {
  const { data } = await ask(
    '{ narratives { slug description tokens(first: 2) { totalCount nodes { slug } pageInfo { endCursor } } } }',
  );
  const layer1 = data.narratives.find(({ slug }: { slug: string }) => slug === 'layer-1');
  assert.deepEqual(slugsOf(layer1.tokens), ['bitcoin', 'ethereum']);
  assert.ok(layer1.description.endsWith('.') && layer1.tokens.totalCount > 50);
  const next = await ask(
    'query ($after: String) { narratives { slug tokens(first: 2, after: $after) { nodes { slug } } } }',
    { after: layer1.tokens.pageInfo.endCursor },
  );
  const page = next.data.narratives.find(({ slug }: { slug: string }) => slug === 'layer-1').tokens;
  assert.deepEqual(slugsOf(page), ['binancecoin', 'solana']);
});

test('a page of 10,000 tokens walks the index of its order', async () => {
  await db.execute(
    `INSERT INTO token (slug, symbol, name, market_cap_rank) SELECT 'many-' || n, 'M' || n, 'Many ' || n, n FROM generate_series(1, 10000) n`,
  );
  const made = await db.query<{ id: number }>(`SELECT id FROM token WHERE slug LIKE 'many-%'`);
  await recordMarketCapKeys(
    db,
    made.map(({ id }) => id),
  );
  await db.execute('ANALYZE');
  const indexes = {
    MARKET_CAP: 'token_stat_market_cap_idx',
    TRADER_GRADE: 'token_stat_trader_idx',
    NAME: 'token_order_name_idx',
  };
  for (const [field, index] of Object.entries(indexes)) {
    const { data, statements } = await ask(pageQuery, { field, first: 50 });
    assert.equal(data.tokens.nodes.length, 50);
    const sql = (statements[0] ?? '').replace('$1', '51');
    const plan = (await db.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`))
      .map((row) => row['QUERY PLAN'])
      .join('\n');
    assert.ok(plan.includes(index) && !plan.includes('Sort'), plan);
  }
});
