import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseAppList } from '../../src/apps/app-list.ts';
import { seedWalletApps } from '../../src/apps/seed.ts';
import { findListVersion, recordAppList } from '../../src/apps/store.ts';
import { readSeed } from '../../src/db/seed.ts';
import { createSchema } from '../../src/schema.ts';
import { seedTokens } from '../../src/tokens/registry.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
await seedTokens({ db });
await seedWalletApps({ db });
const shipped = parseAppList(readSeed('wallet-apps.json'));
const api = createTestApi({ after: (run) => after(run as () => void) }, { schema: createSchema(), db });

interface Page {
  readonly totalCount: number;
  readonly nodes: { readonly slug: string }[];
  readonly pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
}

async function listApps(args: string): Promise<Page> {
  const { data, errors } = await api.query<{ walletApps: Page }>(
    `{ walletApps${args} { totalCount nodes { slug } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
  );
  assert.equal(errors, undefined);
  return data?.walletApps as Page;
}

const slugsOf = (page: Page): string[] => page.nodes.map(({ slug }) => slug);
const all = shipped.apps.map(({ slug }) => slug).toSorted();
const expected = (keep: (app: (typeof shipped.apps)[number]) => boolean): string[] =>
  shipped.apps
    .filter(keep)
    .map(({ slug }) => slug)
    .toSorted();

for (const { filter, keep } of [
  { filter: 'custody: COLD', keep: ({ custody }) => custody === 'COLD' },
  { filter: 'isHardware: false', keep: ({ isHardware }) => !isHardware },
  { filter: 'isOpenSource: true', keep: ({ isOpenSource }) => isOpenSource === true },
  { filter: 'isOpenSource: false', keep: ({ isOpenSource }) => isOpenSource === false },
  { filter: 'hasMultisig: true', keep: ({ hasMultisig }) => hasMultisig === true },
  { filter: 'hasDapps: true', keep: ({ hasDapps }) => hasDapps === true },
  { filter: 'hasStaking: false', keep: ({ hasStaking }) => hasStaking === false },
  {
    filter: 'networks: ["SUI", "starknet"]',
    keep: ({ networks }) => networks.some((n) => n === 'sui' || n === 'starknet'),
  },
  { filter: 'chainIds: [42220]', keep: ({ networks }) => networks.includes('celo') },
  { filter: 'networks: []', keep: () => false },
  {
    filter: 'custody: HOT, hasMultisig: true, networks: ["bitcoin"]',
    keep: (app) => app.custody === 'HOT' && app.hasMultisig === true && app.networks.includes('bitcoin'),
  },
] as { filter: string; keep: (app: (typeof shipped.apps)[number]) => boolean }[]) {
  test(`listed by { ${filter} }`, async () => {
    const page = await listApps(`(first: 100, filter: { ${filter} })`);
    assert.deepEqual(slugsOf(page), expected(keep));
    assert.equal(page.totalCount, slugsOf(page).length);
  });
}

test('pages join to the whole, from either end', async () => {
  const forward: string[] = [];
  for (let after = '', more = true; more; ) {
    const page = await listApps(`(first: 4${after})`);
    forward.push(...slugsOf(page));
    more = page.pageInfo.hasNextPage;
    after = `, after: "${page.pageInfo.endCursor}"`;
  }
  assert.deepEqual(forward, all);
  const backward: string[] = [];
  for (let before = '', more = true; more; ) {
    const page = await listApps(`(last: 4${before})`);
    backward.unshift(...slugsOf(page));
    more = page.pageInfo.hasPreviousPage;
    before = `, before: "${page.pageInfo.startCursor}"`;
  }
  assert.deepEqual(backward, all);
});

const forge = (...parts: unknown[]): string => Buffer.from(JSON.stringify(parts)).toString('base64url');
for (const { title, args, code } of [
  { title: 'a cursor of another list', args: `after: "${forge('tokens:NAME:ASC', 'a', 1)}"`, code: 'BAD_CURSOR' },
  { title: 'a cursor with a number', args: `after: "${forge('walletApps', 1)}"`, code: 'BAD_CURSOR' },
  { title: 'a cursor with a zero byte', args: `before: "${forge('walletApps', 'a\0')}"`, code: 'BAD_CURSOR' },
  { title: 'a page of 101', args: 'first: 101', code: 'LIMIT_EXCEEDED' },
  { title: 'an empty network', args: 'filter: { networks: [" "] }', code: 'BAD_USER_INPUT' },
  {
    title: '251 chains',
    args: `filter: { chainIds: [${Array.from({ length: 251 }, (_, id) => id + 1).join(',')}] }`,
    code: 'LIMIT_EXCEEDED',
  },
]) {
  test(`refused: ${title}`, async () => {
    const { errors } = await api.query(`{ walletApps(${args}) { nodes { slug } } }`);
    assert.equal(errors?.[0]?.extensions.code, code);
  });
}

test('an app shows its facts, its networks and where they stand', async () => {
  const { data } = await api.query<{ walletApps: { nodes: Record<string, unknown>[] } }>(
    `{ walletApps(filter: { networks: ["starknet"], hasMultisig: true }) { nodes {
      slug name url custody isHardware isOpenSource hasMultisig hasDapps hasStaking checkedOn
      networks { slug name chainId } sources { url facts } } } }`,
  );
  const ready = shipped.apps.find(({ slug }) => slug === 'ready');
  assert.deepEqual(data?.walletApps.nodes, [
    {
      ...ready,
      checkedOn: '2026-11-28T00:00:00.000Z',
      networks: [{ slug: 'starknet', name: 'StarkNet', chainId: null }],
    },
  ]);
});

async function appsOf(slug: string): Promise<string[] | undefined> {
  const { data } = await api.query<{ token: { walletApps: { slug: string }[] } | null }>(
    `{ token(slug: "${slug}") { walletApps { slug } } }`,
  );
  return data?.token?.walletApps.map((app) => app.slug);
}

for (const { token, why, networks } of [
  { token: 'bitcoin', why: 'the coin of a network that is no EVM chain', networks: ['bitcoin'] },
  { token: 'ripple', why: 'a coin whose network is called otherwise', networks: ['xrp'] },
  { token: 'celo', why: "an EVM chain's own coin", networks: ['celo'] },
]) {
  test(`the apps for ${token}: ${why}`, async () => {
    const found = await appsOf(token);
    const native = expected((app) => networks.some((network) => app.networks.includes(network)));
    assert.ok(native.length > 0);
    assert.deepEqual(
      native.filter((slug) => found?.includes(slug)),
      native,
    );
  });
}

test('the apps for a token are those of the networks of its contracts and its own chains, each once', async () => {
  const rows = await db.query<{ slug: string; networks: string[] }>(
    `SELECT t.slug, array_agg(DISTINCT c.network) AS networks FROM token t JOIN token_contract c ON c.token_id = t.id
     WHERE t.slug IN ('usd-coin', 'chainlink', 'bonk') GROUP BY t.slug ORDER BY t.slug`,
  );
  assert.ok(rows.length >= 2);
  for (const { slug, networks } of rows)
    assert.deepEqual(
      await appsOf(slug),
      expected((app) => app.networks.some((n) => networks.includes(n))),
      slug,
    );
  assert.ok(!(await appsOf('bitcoin'))?.includes('solflare'));
});

test('a token on no network of an app has none', async () => {
  await db.execute(`INSERT INTO token (slug, symbol, name) VALUES ('nowhere', 'NOWHERE', 'Nowhere')`);
  assert.deepEqual(await appsOf('nowhere'), []);
});

test('statements are bounded: a page, its count, the networks of all its apps; the apps of fifty tokens', async () => {
  const whole = await api.query('{ walletApps(first: 100) { totalCount nodes { slug networks { slug } } } }');
  assert.equal(whole.errors, undefined);
  assert.equal(api.sql.length, 3);
  await api.query('{ walletApps(first: 100) { nodes { slug } } }');
  assert.equal(api.sql.length, 1);
  await api.query('{ tokens(first: 50) { nodes { walletApps { slug } } } }');
  assert.equal(api.sql.length, 2);
  await api.query('{ tokens(first: 20) { nodes { walletApps { slug networks { slug } } } } }');
  assert.equal(api.sql.length, 3);
});

test('the list is loaded once, replaced by a newer one, and never by an older', async () => {
  assert.equal(await seedWalletApps({ db }), null);
  const [one] = shipped.apps;
  await db.transaction((tx) => recordAppList(tx, { version: shipped.version + 1, apps: one ? [one] : [] }));
  assert.equal((await listApps('')).totalCount, 1);
  assert.equal(await seedWalletApps({ db }), null);
  await db.execute('DELETE FROM wallet_app');
  const loaded = await Promise.all([seedWalletApps({ db }), seedWalletApps({ db })]);
  assert.deepEqual(new Set(loaded), new Set([shipped.version, null]));
  assert.equal((await listApps('')).totalCount, all.length);
  assert.equal(await findListVersion(db), shipped.version);
});
