import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAppList } from '../../src/apps/app-list.ts';
import { readSeed } from '../../src/db/seed.ts';
import { parseTokenList } from '../../src/tokens/token-list.ts';

const shipped = parseAppList(readSeed('wallet-apps.json'));
const [first] = (readSeed('wallet-apps.json') as { apps: Record<string, unknown>[] }).apps;
const sourceOf = (...facts: string[]) => [{ url: 'https://example.org/', facts }];
const listOf = (change: Record<string, unknown>) => ({ version: 1, apps: [{ ...first, ...change }] });
const always = ['CUSTODY', 'HARDWARE', 'NETWORKS'];
const unknown = { isOpenSource: null, hasMultisig: null, hasDapps: null, hasStaking: null };

test('the shipped apps have each a slug of their own and support networks of the shipped registry', () => {
  const registry = new Set(parseTokenList(readSeed('tokens.json')).networks.map(({ slug }) => slug));
  const slugs = shipped.apps.map(({ slug }) => slug);
  assert.equal(new Set(slugs).size, slugs.length);
  for (const slug of ['metamask', 'ledger-nano-x', 'trust-wallet']) assert.ok(slugs.includes(slug), slug);
  for (const { slug, networks } of shipped.apps) {
    assert.deepEqual([...new Set(networks)], networks, slug);
    assert.deepEqual(
      networks.filter((network) => !registry.has(network)),
      [],
      slug,
    );
  }
});

test('facts that are not known are null, and need no source', () => {
  const { apps } = parseAppList(listOf({ ...unknown, sources: sourceOf(...always) }));
  assert.deepEqual([apps[0]?.hasStaking, apps[0]?.checkedOn], [null, Date.UTC(2026, 10, 28)]);
});

for (const { title, change, says } of [
  {
    title: 'a fact without a source',
    change: { ...unknown, hasStaking: false, sources: sourceOf(...always) },
    says: /STAKING has no source/,
  },
  {
    title: 'a source of a fact that is not set',
    change: { ...unknown, sources: sourceOf(...always, 'DAPPS') },
    says: /DAPPS has a source but no value/,
  },
  { title: 'a source that is no link', change: { sources: [{ url: 'example.org', facts: always }] }, says: /url/ },
  { title: 'a day that is none', change: { checkedOn: '2026-02-30' }, says: /checkedOn/ },
  { title: 'a custody that is none', change: { custody: 'WARM' }, says: /custody/ },
  { title: 'a field nobody knows', change: { rating: 5 }, says: /rating/ },
]) {
  test(`refused: ${title}`, () => {
    assert.throws(() => parseAppList(listOf(change)), says);
  });
}
