import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { Viewer } from '../../src/lib/viewer.ts';
import { createSchema } from '../../src/schema.ts';
import { nativeContract } from '../../src/wallets/native-coin.ts';
import { claimDue, matchWatched, releaseClaim } from '../../src/wallets/sync-store.ts';
import { createTestApi, type TestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { hashOf, seedNetwork, seedToken, seedViewer } from './seed.ts';

const schema = createSchema();
const db = await createTestDb({ after });
const nowMs = Date.UTC(2026, 0, 1);
const clock = createTestClock(nowMs);
const address = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
await seedNetwork(db, 'ethereum', 1);
await seedToken(db, { slug: 'ethereum', symbol: 'ETH' });
const ada = await seedViewer(db, 'Ada');
const bob = await seedViewer(db, 'Bob');
const scope = { after: (run: unknown): void => after(run as () => void) };
const apiOf = (viewer?: Viewer): TestApi => createTestApi(scope, { schema, db, clock, ...(viewer ? { viewer } : {}) });
const asAda = apiOf(ada);
const asBob = apiOf(bob);
const asNobody = apiOf();

const addWallet = `mutation ($input: AddWalletInput!) { addWallet(input: $input) {
  ... on Wallet { id chainId address label isVerified syncedAt syncedBlock sync { state progressPct } }
  ... on Refusal { code message }
} }`;

interface Added {
  readonly addWallet: { readonly id: string };
}
const added = await asAda.query<Added>(addWallet, { input: { chainId: 1, address, label: ' cold ' } });
const id = added.data?.addWallet.id ?? '';

describe('a wallet', () => {
  it('is watch-only and queued when it is added', () => {
    assert.deepEqual(added.data?.addWallet, {
      id,
      chainId: 1,
      address,
      label: 'cold',
      isVerified: false,
      syncedAt: null,
      syncedBlock: null,
      sync: { state: 'QUEUED', progressPct: null },
    });
  });

  it('is refused where it is there already, on an unknown chain, or with an endless label', async () => {
    for (const [input, message] of [
      [{ chainId: 1, address }, /already/],
      [{ chainId: 12_345, address }, /No chain/],
      [{ chainId: 1, address: nativeContract, label: 'x'.repeat(101) }, /label/],
    ] as const) {
      const { data } = await asAda.query<{ addWallet: { code: string; message: string } }>(addWallet, { input });
      assert.equal(data?.addWallet.code, 'BAD_USER_INPUT');
      assert.match(data.addWallet.message, message);
    }
  });

  it('is not there for anybody else, in whatever way it is asked for', async () => {
    const ways = `query ($id: ID!) { wallet(id: $id) { label } node(id: $id) { id } nodes(ids: [$id]) { id } }`;
    const missing = Buffer.from('Wallet:999999').toString('base64');
    for (const api of [asBob, asNobody]) {
      const foreign = await api.query(ways, { id });
      assert.deepEqual(foreign.data, { wallet: null, node: null, nodes: [null] });
      assert.deepEqual(foreign.errors, (await api.query(ways, { id: missing })).errors);
    }
    assert.deepEqual((await asAda.query(ways, { id })).data, {
      wallet: { label: 'cold' },
      node: { id },
      nodes: [{ id }],
    });
    assert.deepEqual((await asBob.query('{ viewer { wallets { nodes { id } } } }')).data, {
      viewer: { wallets: { nodes: [] } },
    });
  });

  const mutations = [
    'updateWallet(id: $id, label: "mine") { __typename ... on Refusal { code message } }',
    'syncWallet(id: $id) { __typename ... on Refusal { code message } }',
    'removeWallet(id: $id) { __typename ... on Refusal { code message } }',
  ];
  for (const mutation of mutations)
    it(`of somebody else is answered like none: ${mutation.split('(')[0]}`, async () => {
      const source = `mutation ($id: ID!) { r: ${mutation} }`;
      const foreign = await asBob.query(source, { id });
      const refusal = { __typename: 'Refusal', code: 'BAD_USER_INPUT', message: 'You have no wallet with this id.' };
      assert.deepEqual(foreign.data, { r: refusal });
      for (const other of ['Wallet:999999', 'Token:1', 'Wallet:99999999999', 'nonsense'])
        assert.deepEqual((await asBob.query(source, { id: Buffer.from(other).toString('base64') })).data, {
          r: refusal,
        });
      const anonymous = await asNobody.query(source, { id });
      assert.equal(anonymous.errors?.[0]?.extensions.code, 'UNAUTHENTICATED');
      assert.deepEqual((await asAda.query('query ($id: ID!) { wallet(id: $id) { label } }', { id })).data, {
        wallet: { label: 'cold' },
      });
    });
});

describe('the sync of a wallet', () => {
  const syncOf = async (): Promise<unknown> => {
    const source =
      'query ($id: ID!) { wallet(id: $id) { sync { state fromBlock toBlock headBlock progressPct error } } }';
    const { data } = await asAda.query<{ wallet: { sync: unknown } }>(source, { id });
    return data?.wallet.sync;
  };

  it('shows how far it is, and why it failed', async () => {
    await matchWatched(db, nowMs);
    const claim = await claimDue(db, 1, { lease: 'w1', nowMs, leaseMs: 60_000 });
    assert.ok(claim);
    await db.execute(
      `UPDATE chain_address SET first_block = 0, native_from = 0, cursor_block = 249, cursor_hash = $1, target_block = 999,
       head_block = 1011`,
      [hashOf(249)],
    );
    const blocks = { fromBlock: '0', toBlock: '999', headBlock: '1011', progressPct: 25 };
    assert.deepEqual(await syncOf(), { state: 'RUNNING', ...blocks, error: null });
    await releaseClaim(db, claim, { dueAtMs: nowMs + 5_000, error: 'The node does not answer.', syncedAtMs: null });
    assert.deepEqual(await syncOf(), { state: 'FAILED', ...blocks, error: 'The node does not answer.' });
  });

  it('is queued by syncWallet, once however often', async () => {
    const source = 'mutation ($id: ID!) { syncWallet(id: $id) { ... on Wallet { id } } }';
    for (let i = 0; i < 3; i += 1) assert.deepEqual((await asAda.query(source, { id })).data, { syncWallet: { id } });
    const claim = await claimDue(db, 1, { lease: 'w2', nowMs, leaseMs: 60_000 });
    assert.ok(claim, 'it is due now');
    assert.equal(await claimDue(db, 1, { lease: 'w3', nowMs, leaseMs: 60_000 }), null);
    await asAda.query(source, { id }); // asked for while it runs: it runs once more
    await releaseClaim(db, claim, { dueAtMs: nowMs + 300_000, error: null, syncedAtMs: nowMs });
    assert.ok(await claimDue(db, 1, { lease: 'w4', nowMs, leaseMs: 60_000 }));
  });

  it('is one for all who watch an address', async () => {
    await asBob.query(addWallet, { input: { chainId: 1, address: address.toLowerCase() } });
    assert.deepEqual(await matchWatched(db, nowMs), { added: 0, dropped: 0 });
    const rows = await db.query('SELECT 1 FROM chain_address');
    assert.equal(rows.length, 1);
  });
});

describe('what wallets hold and what moved', () => {
  it('comes in pages, in statements that do not grow with the wallets', async () => {
    const [row] = await db.query<{ id: number }>('SELECT id FROM chain_address');
    await db.execute(`INSERT INTO chain_asset (id, chain_id, contract) VALUES (1, 1, $1)`, [nativeContract]);
    await db.execute(`INSERT INTO chain_balance VALUES ($1, 1, 1500000000000000001)`, [row?.id]);
    for (let block = 1; block <= 12; block += 1)
      await db.execute(`INSERT INTO chain_transfer VALUES ($1, $2, 0, 1, 'NATIVE', 'IN', 1, $3, $3, 100, $4, $4, $5)`, [
        row?.id,
        block,
        address.toLowerCase(),
        hashOf(block),
        new Date(nowMs),
      ]);
    const source = `query ($after: String, $first: Int!) { viewer { wallets(first: 3) { nodes {
      balances(first: 5) { nodes { amountRaw amount unexplainedRaw asset { contract symbol decimals flags isSpam token { slug } } } }
      transfers(first: $first, after: $after) { nodes { blockNumber amountRaw kind direction from to } pageInfo { endCursor hasNextPage } }
    } } } }`;
    interface Found {
      readonly viewer: {
        readonly wallets: {
          readonly nodes: {
            balances: { nodes: unknown[] };
            transfers: { nodes: { blockNumber: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } };
          }[];
        };
      };
    }
    const readWallet = async (cursor: string | null): Promise<Found['viewer']['wallets']['nodes'][0]> => {
      const { data } = await asAda.query<Found>(source, { first: 5, after: cursor });
      const [wallet] = data?.viewer.wallets.nodes ?? [];
      assert.ok(wallet);
      return wallet;
    };
    const pages: string[] = [];
    let after: string | null = null;
    for (let hasMore = true; hasMore; ) {
      const wallet = await readWallet(after);
      pages.push(...wallet.transfers.nodes.map(({ blockNumber }) => blockNumber));
      after = wallet.transfers.pageInfo.endCursor;
      hasMore = wallet.transfers.pageInfo.hasNextPage;
      assert.deepEqual(wallet.balances.nodes, [
        {
          amountRaw: '1500000000000000001',
          amount: '1.500000000000000001',
          unexplainedRaw: '1499999999999998801',
          asset: { contract: null, symbol: 'ETH', decimals: 18, flags: [], isSpam: false, token: { slug: 'ethereum' } },
        },
      ]);
    }
    assert.deepEqual(
      pages,
      Array.from({ length: 12 }, (_, i) => String(12 - i)),
    );
    await asAda.query(addWallet, { input: { chainId: 1, address: nativeContract } });
    await asAda.query(source, { first: 5 });
    assert.equal(asAda.sql.length, 5);
    assert.equal((await asAda.query('{ viewer { wallets { nodes { id } } } }')).status, 200);
    assert.equal(asAda.sql.length, 1);
  });

  it('is gone with the wallet', async () => {
    const source = 'mutation ($id: ID!) { removeWallet(id: $id) { ... on WalletRemoved { id } } }';
    assert.deepEqual((await asAda.query(source, { id })).data, { removeWallet: { id } });
    assert.deepEqual((await asAda.query('query ($id: ID!) { wallet(id: $id) { id } }', { id })).data, { wallet: null });
    assert.deepEqual(
      await matchWatched(db, nowMs),
      { added: 1, dropped: 0 },
      'somebody else still watches the address',
    );
    await db.execute('DELETE FROM wallet');
    assert.deepEqual(await matchWatched(db, nowMs), { added: 0, dropped: 2 });
  });
});
