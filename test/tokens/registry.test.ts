import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Db } from '../../src/db/client.ts';
import { importTokenFile } from '../../src/ingest/import-tokens.ts';
import { parseAddress } from '../../src/lib/address.ts';
import { networkAliases, symbolAliases } from '../../src/tokens/aliases.ts';
import { createToken, importTokens, resolveSymbols, seedTokens } from '../../src/tokens/registry.ts';
import {
  contractsByToken,
  narrativesByToken,
  recordMarketCapKeys,
  tokenByContract,
  tokenBySlug,
} from '../../src/tokens/store.ts';
import { parseTokenList } from '../../src/tokens/token-list.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const metadata = resolve(process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data', 'metadata');
const skip = existsSync(metadata) ? false : 'needs the shared test data (TOKENGRAPH_TEST_DATA)';

/** Which version of which row the registry holds: a write of any kind changes it. */
async function versions(db: Db): Promise<unknown> {
  const tables = ['token', 'network', 'token_contract', 'narrative', 'token_narrative', 'token_stat'];
  const all = tables.map((table) => db.query(`SELECT ctid::text, xmin::text FROM ${table} ORDER BY ctid`));
  return Promise.all(all);
}

test('the shipped registry loads into an empty database in a dozen statements, and only there', async () => {
  const statements: string[] = [];
  const stop = db.onStatement((text) => statements.push(text));
  const summary = await seedTokens({ db });
  stop();
  assert.ok(summary !== null && summary.tokensAdded > 1900 && summary.contractsAdded > 2800);
  assert.deepEqual(summary.skipped, []);
  assert.ok(statements.length <= 16, `${statements.length} statements`);
  assert.equal(await seedTokens({ db }), null);
});

test('the shipped registry again writes no row', async () => {
  const seed = parseTokenList(JSON.parse(readFileSync('prisma/seed/tokens.json', 'utf8')));
  const before = await versions(db);
  const summary = await importTokens({ db }, seed);
  assert.deepEqual(summary, { tokensAdded: 0, tokensChanged: 0, contractsAdded: 0, contractsChanged: 0, skipped: [] });
  assert.deepEqual(await versions(db), before);
});

test('the shipped registry knows the large tokens by slug, contract and narrative', async () => {
  const deps = { db };
  const usdc = await tokenByContract(deps).load({ chainId: 1, address: '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48' });
  assert.equal(usdc?.slug, 'usd-coin');
  const bitcoin = await tokenBySlug(deps).load('bitcoin');
  assert.deepEqual([bitcoin?.symbol, bitcoin?.name, bitcoin?.marketCapRank], ['BTC', 'Bitcoin', 1]);
  const polygon = await contractsByToken(deps).load(usdc?.id ?? 0);
  assert.ok(polygon.some(({ chainId, network }) => chainId === 137 && network === 'polygon'));
  const narratives = await narrativesByToken(deps).load(bitcoin?.id ?? 0);
  assert.deepEqual(
    narratives.map(({ slug }) => slug),
    ['bitcoin-ecosystem', 'layer-1', 'payments', 'proof-of-work'],
  );
});

test('every token has a stat row, and the best 150 have a narrative', async () => {
  const [row] = await db.query<{ bare: number; plain: number }>(
    `SELECT (SELECT count(*) FROM token t WHERE NOT EXISTS (SELECT FROM token_stat s WHERE s.token_id = t.id)) AS bare,
            (SELECT count(*) FROM (SELECT id FROM token ORDER BY market_cap_rank NULLS LAST LIMIT 150) t
             WHERE NOT EXISTS (SELECT FROM token_narrative n WHERE n.token_id = t.id)) AS plain`,
  );
  assert.deepEqual(row, { bare: 0, plain: 0 });
});

test('EVM addresses are checksummed, and chain ids name one network each', async () => {
  const rows = await db.query<{ address: string }>(
    `SELECT address FROM token_contract WHERE address ~* '^0x[0-9a-f]{40}$'`,
  );
  assert.ok(rows.length > 2700);
  assert.deepEqual(
    rows.filter(({ address }) => parseAddress(address) !== address),
    [],
  );
  const near = await db.query(
    `SELECT chain_id AS "chainId" FROM network WHERE slug IN ('near-protocol', 'ton', 'xdc') ORDER BY slug`,
  );
  assert.deepEqual(near, [{ chainId: null }, { chainId: null }, { chainId: 50 }]);
});

test('aliases lead to tokens and networks that exist', async () => {
  const slugs = [...new Set(Object.values(symbolAliases))];
  const tokens = await tokenBySlug({ db }).loadMany(slugs);
  assert.deepEqual(
    slugs.filter((_, index) => tokens[index] === null),
    [],
  );
  const networks = new Set((await db.prisma.network.findMany()).map(({ slug }) => slug));
  assert.deepEqual(
    Object.values(networkAliases).filter((slug) => !networks.has(slug)),
    [],
  );
});

test('symbols mean the best-ranked token, in any letter case, and aliases only what no token is called', async () => {
  const symbols = ['btc', 'XBT', 'IOT', 'LUNC', 'LUNA', 'MATIC', 'POL', 'JUP', 'RENDER', 'NOSUCHCOIN'];
  const resolved = await resolveSymbols({ db }, symbols);
  assert.deepEqual(
    symbols.map((symbol) => resolved.get(symbol)?.token.slug ?? null),
    [
      'bitcoin',
      'bitcoin',
      'iota',
      'terra-luna',
      'terra-luna-2',
      'matic-network',
      'polygon-ecosystem-token',
      'jupiter-exchange-solana',
      'render-token',
      null,
    ],
  );
  assert.deepEqual(
    resolved.get('JUP')?.others.map(({ slug }) => slug),
    ['jupiter'],
  );
});

test('a ranked token comes before an unranked one of the same symbol, then slugs decide', async () => {
  await createToken({ db }, { symbol: 'btc', name: 'Another Bitcoin' });
  await createToken({ db }, { symbol: 'BTC', name: 'Aardvark Bitcoin' });
  const resolved = await resolveSymbols({ db }, ['BTC']);
  const { token, others } = resolved.get('BTC') ?? assert.fail();
  assert.deepEqual(
    [token, ...others].map(({ slug }) => slug),
    ['bitcoin', 'aardvark-bitcoin', 'another-bitcoin'],
  );
});

test('a token is made once for a symbol and name', async () => {
  const made = await createToken({ db }, { symbol: ' newcoin ' });
  assert.deepEqual([made.slug, made.symbol, made.name], ['newcoin', 'NEWCOIN', 'NEWCOIN']);
  assert.equal((await createToken({ db }, { symbol: 'NewCoin' })).id, made.id);
});

test('a market cap key is the known market cap, else below it by rank, else 0', async () => {
  const ids = await db.query<{ id: number }>(
    `SELECT id FROM token WHERE slug IN ('bitcoin', 'ethereum', 'newcoin') ORDER BY slug`,
  );
  const [bitcoin, ethereum, newcoin] = ids.map(({ id }) => id);
  await db.execute(`INSERT INTO source (id, name, kind) VALUES (900, 'test', 'IMPORT')`);
  await db.execute(
    `INSERT INTO series (id, token_id, source_id, market_symbol, market_type, quote_symbol) VALUES (900, $1, 900, 'ETH/USD', 'SPOT', 'USD')`,
    [ethereum],
  );
  await db.execute(
    `INSERT INTO quote (token_id, series_id, price_usd, market_cap_usd, observed_at, updated_at) VALUES ($1, 900, 2000, 240000000000.5, now(), now())`,
    [ethereum],
  );
  assert.equal(await recordMarketCapKeys(db, [bitcoin ?? 0, ethereum ?? 0, newcoin ?? 0]), 1);
  const keys = await db.query<{ key: string }>(
    'SELECT market_cap_key AS key FROM token_stat WHERE token_id = ANY($1) ORDER BY token_id',
    [ids.map(({ id }) => id).sort((a, b) => a - b)],
  );
  assert.deepEqual(
    keys.map(({ key }) => Number(key)),
    [0.5, 240000000000.5, 0],
  );
});

test('a bad entry is reported with its reason and stops nothing', async () => {
  const address = '0x5a3e6A77ba2f983eC0d371ea3B475F8Bc0811AD5';
  const good = { chainId: 99_999, address, name: 'Good', symbol: 'good', decimals: 9 };
  const bad = [
    null,
    { ...good, name: undefined },
    { ...good, name: '\u202Egood' },
    { ...good, symbol: '' },
    { ...good, decimals: 300 },
    { ...good, chainId: 2 ** 40 },
    { ...good, address: '0x123' },
    { ...good, address: address.replace('A77', 'a77') },
  ];
  const folder = mkdtempSync(join(tmpdir(), 'tokengraph-list-'));
  const path = join(folder, 'list.json.gz');
  writeFileSync(path, gzipSync(JSON.stringify({ name: 'List', tokens: [...bad, good] })));
  const summary = await importTokenFile({ db }, path);
  assert.equal(summary.tokensAdded, 1);
  assert.equal(summary.contractsAdded, 1);
  assert.deepEqual(
    summary.skipped.map(({ entry }) => entry.split(' ')[0]),
    bad.map((_, index) => `#${index + 1}`),
  );
  assert.ok(summary.skipped.every(({ reason }) => reason.length > 10));
  const token = await tokenByContract({ db }).load({ chainId: 99_999, address });
  assert.deepEqual([token?.slug, token?.symbol], ['good', 'GOOD']);
  rmSync(folder, { recursive: true });
});

test('what is no token list is refused by name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokengraph-list-'));
  for (const [name, content] of [
    ['a.json', '{"name":"x"}'],
    ['b.json', 'not json'],
    ['c.json.gz', gzipSync('[').subarray(0, 10)],
  ] as const) {
    const path = join(folder, name);
    writeFileSync(path, content);
    await assert.rejects(
      importTokenFile({ db }, path),
      (error: Error & { code?: string }) => error.code === 'BAD_USER_INPUT' && error.message.startsWith(path),
    );
  }
  await assert.rejects(importTokenFile({ db }, join(folder, 'none.json')), { code: 'BAD_USER_INPUT' });
  rmSync(folder, { recursive: true });
});

test('the list of web3icons adds nothing that the shipped registry lacks', { skip }, async () => {
  const summary = await importTokenFile({ db }, join(metadata, 'web3icons-tokens.json.gz'));
  assert.equal(summary.tokensAdded, 0);
  assert.ok(
    summary.tokensChanged < 5 && summary.contractsAdded < 5 && summary.skipped.length < 5,
    JSON.stringify(summary),
  );
});

test('the token list of Uniswap maps onto known tokens, twice the same', { skip }, async () => {
  const path = join(metadata, 'uniswap-default.tokenlist.json.gz');
  const first = await importTokenFile({ db }, path);
  assert.ok(
    first.tokensAdded > 100 && first.contractsAdded > 500 && first.contractsChanged > 100,
    JSON.stringify(first),
  );
  assert.ok(first.skipped.length < 20, JSON.stringify(first.skipped.slice(0, 20)));
  const weth = await tokenByContract({ db }).load({
    chainId: 10,
    address: '0x4200000000000000000000000000000000000006',
  });
  assert.equal(weth?.symbol, 'WETH');
  const usdc = (await tokenBySlug({ db }).load('usd-coin')) ?? assert.fail();
  const onEthereum = (await contractsByToken({ db }).load(usdc.id)).filter(({ chainId }) => chainId === 1);
  assert.deepEqual(
    onEthereum.map(({ address, decimals }) => [address, decimals]),
    [['0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48', 6]],
  );
  const before = await versions(db);
  const second = await importTokenFile({ db }, path);
  assert.deepEqual(second, { ...first, tokensAdded: 0, tokensChanged: 0, contractsAdded: 0, contractsChanged: 0 });
  assert.deepEqual(await versions(db), before);
});
