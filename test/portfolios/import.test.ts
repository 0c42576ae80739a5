import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createSchema } from '../../src/schema.ts';
import { createWorkPool } from '../../src/work/pool.ts';
import { createTestApi, type TestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { dayOf, seedAccount, seedToken, seedWallet, walletNode } from './seed.ts';

const schema = createSchema();
const db = await createTestDb({ after });
const clock = createTestClock(dayOf(3));
const work = createWorkPool({ clock });
after(() => work.close());
await seedToken(db, 'bitcoin', { symbol: 'BTC', rank: 1 });
await seedToken(db, 'bitcoin-copy', { symbol: 'BTC', rank: 5_000 });

const header =
  'time,type,received_amount,received_token,sent_amount,sent_token,fee_amount,fee_token,value_usd,reference,external_id,note';
const file = [
  header,
  '2025-01-01T10:00:00Z,BUY,1,bitcoin,100,USD,1,USD,,,a,',
  '2025-01-01T11:00:00Z,BUY,2,BTC,210,USD,,,,,,',
  '2025-01-02T10:00:00Z,SELL,,,0.5,bitcoin,,,60,,b,',
].join('\n');

const mutation = `mutation ($walletId: ID!, $csv: String!, $isDryRun: Boolean) {
  importTransactions(walletId: $walletId, csv: $csv, isDryRun: $isDryRun) {
    outcome: __typename
    ... on TransactionsImported { format isDryRun rowsRead imported known skippedCount ambiguous { name slug others } }
    ... on TransactionsRejected { rowsRead badCount bad { line reason } }
    ... on Refusal { code message }
  }
}`;

type Told = Record<string, unknown> & { readonly outcome: string };

async function importInto(api: TestApi, walletId: string, csv: string, isDryRun = false): Promise<Told> {
  const { data, errors } = await api.query<{ importTransactions: Told }>(mutation, { walletId, csv, isDryRun });
  assert.equal(errors, undefined);
  assert.ok(data);
  return data.importTransactions;
}

async function countOf(walletId: number): Promise<number> {
  const [row] = await db.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM ledger_transaction WHERE wallet_id = $1',
    [walletId],
  );
  return row?.count ?? -1;
}

async function start(t: { after(run: () => void): void }): Promise<{ api: TestApi; id: number; node: string }> {
  const viewer = await seedAccount(db);
  const id = await seedWallet(db, viewer);
  return { api: createTestApi(t, { schema, db, clock, context: () => ({ work }), viewer }), id, node: walletNode(id) };
}

test('a dry run tells what would be imported, and changes nothing', async (t) => {
  const { api, id, node } = await start(t);
  const told = await importInto(api, node, file, true);
  const ambiguous = [{ name: 'BTC', slug: 'bitcoin', others: ['bitcoin-copy'] }];
  const counts = { rowsRead: 3, imported: 3, known: 0, skippedCount: 0 };
  assert.deepEqual(told, {
    outcome: 'TransactionsImported',
    format: 'TOKENGRAPH',
    isDryRun: true,
    ...counts,
    ambiguous,
  });
  assert.equal(await countOf(id), 0);
});

test('the same file again changes nothing; a file with more adds only that', async (t) => {
  const { api, id, node } = await start(t);
  const first = await importInto(api, node, file);
  assert.deepEqual([first['imported'], first['known']], [3, 0]);
  const holdings = '{ viewer { portfolio { holdings { nodes { balance costBasisUsd } } } } }';
  const before = await api.query(holdings);
  assert.match(JSON.stringify(before.data), /"balance":"2.5"/);
  const second = await importInto(api, node, file);
  assert.deepEqual([second['imported'], second['known']], [0, 3]);
  assert.equal(await countOf(id), 3);
  assert.deepEqual((await api.query(holdings)).data, before.data);
  const third = await importInto(api, node, `${file}\n2025-01-02T11:00:00Z,SELL,,,0.5,bitcoin,,,60,,c,`);
  assert.deepEqual([third['imported'], third['known']], [1, 3]);
  assert.match(JSON.stringify((await api.query(holdings)).data), /"balance":"2"/);
});

const badRows: readonly [what: string, row: string, reason: RegExp][] = [
  ['a time that is none', 'yesterday,BUY,1,bitcoin,100,USD,,,,,,', /time/i],
  ['a token that nobody knows', '2025-01-02T10:00:00Z,BUY,1,no-such-coin,100,USD,,,,,,', /no-such-coin/],
  ['an amount that is no number', '2025-01-02T10:00:00Z,BUY,one,bitcoin,100,USD,,,,,,', /one/],
  ['a sale of nothing', '2025-01-02T10:00:00Z,SELL,,,,,,,60,,,', /SELL needs an amount/],
];
for (const [what, row, reason] of badRows)
  test(`a row with ${what} is refused by its line, and nothing of its file is imported`, async (t) => {
    const { api, id, node } = await start(t);
    const told = await importInto(api, node, `${file}\n${row}`);
    assert.deepEqual([told.outcome, told['rowsRead'], told['badCount']], ['TransactionsRejected', 4, 1]);
    const [bad] = told['bad'] as { line: number; reason: string }[];
    assert.equal(bad?.line, 5);
    assert.match(bad?.reason ?? '', reason);
    assert.equal(await countOf(id), 0);
  });

test('a wallet of somebody else, and a header of no known format, are refusals that change nothing', async (t) => {
  const [mine, theirs] = [await start(t), await start(t)];
  const other = await importInto(mine.api, theirs.node, file);
  assert.deepEqual([other.outcome, other['code']], ['Refusal', 'BAD_USER_INPUT']);
  assert.deepEqual(await importInto(mine.api, walletNode(999_999), file), other);
  assert.equal(await countOf(theirs.id), 0);
  const unknown = await importInto(mine.api, mine.node, 'a,b\n1,2');
  assert.match(String(unknown['message']), /Line 1 is not the header of a known format/);
});
