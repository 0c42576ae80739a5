import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Known, type KnownToken, planImport } from '../../src/tokens/import-plan.ts';
import type { ListedContract, ListedEntry } from '../../src/tokens/token-list.ts';

const ethereum = { slug: 'ethereum', name: 'Ethereum', chainId: 1, caip2: 'eip155:1' };
const known = (
  tokens: Partial<KnownToken>[],
  contracts: [slug: string, network: string, address: string][] = [],
): Known => ({
  networks: [ethereum],
  tokens: tokens.map((token) => ({ slug: 'x', symbol: 'X', name: 'X', marketCapRank: null, logoUrl: null, ...token })),
  contracts: contracts.map(([slug, network, address]) => ({ slug, network, address, decimals: null })),
});
const entry = (fields: Partial<ListedEntry>): ListedEntry => ({
  entry: '#1',
  slug: null,
  symbol: 'X',
  name: 'X',
  marketCapRank: null,
  logoUrl: null,
  contracts: [],
  ...fields,
});
const on = (network: string | number, address: string, decimals: number | null = null): ListedContract => ({
  network,
  address,
  decimals,
});
const usdc = { slug: 'usd-coin', symbol: 'USDC', name: 'USDC', marketCapRank: 8 };

const targets: { title: string; state: Known; entries: Partial<ListedEntry>[]; expected: (string | null)[] }[] = [
  {
    title: 'the token of its contract, before the token of its slug',
    state: known([usdc, { slug: 'fake' }], [['usd-coin', 'ethereum', '0xA']]),
    entries: [{ slug: 'fake', contracts: [on('ethereum', '0xA')] }],
    expected: ['usd-coin'],
  },
  {
    title: 'the token of its slug',
    state: known([usdc]),
    entries: [{ slug: 'usd-coin', contracts: [on('ethereum', '0xB')] }],
    expected: ['usd-coin'],
  },
  {
    title: 'the token of its name and symbol, on a network where that one has no contract',
    state: known([usdc], [['usd-coin', 'ethereum', '0xA']]),
    entries: [{ symbol: 'usdc', name: 'usdc', contracts: [on(10, '0xB')] }],
    expected: ['usd-coin'],
  },
  {
    title: 'a new token where the namesake has another contract on the same network',
    state: known([usdc], [['usd-coin', 'ethereum', '0xA']]),
    entries: [{ symbol: 'USDC', name: 'USDC', contracts: [on(1, '0xB')] }],
    expected: ['usdc'],
  },
  {
    title: 'one token for entries that a bridge connects, in either order',
    state: known([]),
    entries: [
      { name: 'Coin', contracts: [on(10, '0xB')] },
      { name: 'Coin (main)', contracts: [on(1, '0xA'), on(10, '0xB')] },
    ],
    expected: ['coin', 'coin'],
  },
  {
    title: 'a slug with the symbol, then with the contract, where the name is taken',
    state: known([
      { slug: 'coin', symbol: 'A' },
      { slug: 'coin-b', symbol: 'C' },
    ]),
    entries: [{ name: 'Coin', symbol: 'B', contracts: [on(1, '0x00000000ABCDEF12')] }],
    expected: ['coin-1-abcdef12'],
  },
  {
    title: 'nothing where every slug is taken',
    state: known(['coin', 'coin-b', 'coin-token'].map((slug) => ({ slug }))),
    entries: [{ name: 'Coin', symbol: 'B' }],
    expected: [null],
  },
];

for (const { title, state, entries, expected } of targets) {
  test(`an entry is ${title}`, () => {
    assert.deepEqual(planImport(state, { networks: [], tokens: entries.map(entry) }).targets, expected);
  });
}

test('only an entry that names the slug renames and ranks; another fills what is null', () => {
  const state = known([usdc], [['usd-coin', 'ethereum', '0xA']]);
  const contracts = [on('ethereum', '0xA', 6)];
  const byContract = planImport(state, {
    networks: [],
    tokens: [entry({ symbol: 'SCAM', name: 'Scam', marketCapRank: 1, logoUrl: 'https://l', contracts })],
  });
  assert.deepEqual(byContract.changedTokens, [{ ...usdc, logoUrl: 'https://l' }]);
  assert.deepEqual(byContract.filledContracts, [
    { slug: 'usd-coin', network: 'ethereum', address: '0xA', decimals: 6 },
  ]);
  const bySlug = planImport(state, {
    networks: [],
    tokens: [entry({ slug: 'usd-coin', symbol: 'USDC', name: 'USD Coin' })],
  });
  assert.deepEqual(bySlug.changedTokens, [{ ...usdc, name: 'USD Coin', logoUrl: null }]);
});

test('a contract of another token is left out with the owner named', () => {
  const state = known(
    [usdc, { slug: 'coin' }],
    [
      ['usd-coin', 'ethereum', '0xA'],
      ['coin', 'ethereum', '0xB'],
    ],
  );
  const plan = planImport(state, {
    networks: [],
    tokens: [entry({ slug: 'coin', contracts: [on('ethereum', '0xB'), on('ethereum', '0xA')] })],
  });
  assert.deepEqual(plan.newContracts, []);
  assert.match(plan.skipped[0]?.reason ?? '', /0xA belongs to usd-coin/);
});

test('a chain that is not known becomes a network of its own', () => {
  const plan = planImport(known([]), { networks: [], tokens: [entry({ contracts: [on(777, '0xA')] })] });
  assert.deepEqual(plan.networks, [{ slug: 'eip155-777', name: 'Chain 777', chainId: 777, caip2: 'eip155:777' }]);
});

test('planning what was planned changes nothing, whatever the list', () => {
  const names = fc.constantFrom('Coin', 'Other', 'Ünï', '***');
  const contract = fc.record({
    network: fc.constantFrom<string | number>('ethereum', 'solana', 1, 10),
    address: fc.constantFrom('0xA', '0xB', '0xC', '0xD'),
    decimals: fc.constantFrom(null, 6),
  });
  const listed = <Slug>({ slug }: { slug: fc.Arbitrary<Slug> }) =>
    fc.record({
      slug,
      symbol: fc.constantFrom('A', 'B'),
      name: names,
      marketCapRank: fc.constantFrom(null, 1),
      logoUrl: fc.constantFrom(null, 'https://l'),
      contracts: fc.array(contract, { maxLength: 3 }),
    });
  // A list names its tokens by slug, each once, or none of them: the reader sees to that.
  const lists = fc.oneof(
    fc.uniqueArray(listed({ slug: fc.constantFrom('coin', 'other', 'third') }), { selector: ({ slug }) => slug }),
    fc.array(listed({ slug: fc.constant(null) }), { maxLength: 6 }),
  );
  fc.assert(
    fc.property(lists, (fields) => {
      const tokens = fields.map(entry);
      const first = planImport(known([]), { networks: [], tokens });
      const after: Known = {
        networks: [ethereum, ...first.networks],
        tokens: first.newTokens,
        contracts: first.newContracts,
      };
      const { skipped: _, targets: again, ...writes } = planImport(after, { networks: [], tokens });
      assert.deepEqual(Object.values(writes).flat(), []);
      assert.deepEqual(again, first.targets);
    }),
    { numRuns: 500 },
  );
});
