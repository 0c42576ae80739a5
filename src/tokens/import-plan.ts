import type { ListedContract, ListedEntry, Network, Skipped } from './token-list.ts';

/**
 * Decides what a token list changes. Pure: what is known in, what to write out; planning the outcome again gives
 * nothing to write.
 *
 * An entry is the known token that has one of its contracts, in the list's order; else the token with its slug. An
 * entry without a slug may also be a token of the same name and symbol that has no contract on the entry's networks
 * (another contract on the same network is another token, however it calls itself); else it is new, with a slug made of
 * its name. Only an entry that names a token's slug may rename or rank it; others add contracts and fill what is null.
 */

/** A token as far as imports know it. */
export interface KnownToken {
  readonly slug: string;
  readonly symbol: string;
  readonly name: string;
  readonly marketCapRank: number | null;
  readonly logoUrl: string | null;
}

/** A contract and the slug of its token. */
export interface KnownContract {
  readonly slug: string;
  readonly network: string;
  readonly address: string;
  readonly decimals: number | null;
}

/** What is stored now: all networks; tokens and contracts at least as far as the list touches them. */
export interface Known {
  readonly networks: readonly Network[];
  readonly tokens: readonly KnownToken[];
  readonly contracts: readonly KnownContract[];
}

/** What to write, in this order; `targets` has the slug of each entry's token, null where it was left out. */
export interface ImportPlan {
  readonly networks: Network[];
  readonly newTokens: KnownToken[];
  readonly changedTokens: KnownToken[];
  readonly newContracts: KnownContract[];
  /** Known contracts that get their decimals. */
  readonly filledContracts: KnownContract[];
  readonly skipped: Skipped[];
  readonly targets: (string | null)[];
}

const slugPart = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/^-+|-+$/g, '');

/** The slugs an entry may get, best first: its own, else of its name, with its symbol, with its first contract. */
export function candidateSlugs({ slug, name, symbol, contracts }: ListedEntry): string[] {
  if (slug !== null) return [slug];
  const base = slugPart(name) || slugPart(symbol) || 'token';
  const [first] = contracts;
  const last = first === undefined ? 'token' : slugPart(`${first.network}-${first.address.slice(-8)}`);
  return [base, `${base}-${slugPart(symbol) || 'token'}`, `${base}-${last}`];
}

const keyOf = ({ network, address }: { network: string; address: string }): string => `${network} ${address}`;

interface Draft {
  readonly networks: Network[];
  readonly skipped: Skipped[];
  readonly networkSlugs: Set<string>;
  readonly networkByChain: Map<number, string>;
  readonly tokens: Map<string, KnownToken>;
  readonly owners: Map<string, KnownContract>;
  /** Networks on which a token has a contract, by its slug. */
  readonly networksOf: Map<string, Set<string>>;
  readonly byName: Map<string, string[]>;
}

const nameKey = ({ symbol, name }: Pick<KnownToken, 'symbol' | 'name'>): string =>
  `${symbol.toLowerCase()} ${name.toLowerCase()}`;

/** What the list changes in what is known. */
export function planImport(
  known: Known,
  list: { readonly networks: readonly Network[]; readonly tokens: readonly ListedEntry[] },
): ImportPlan {
  const draft = createDraft(known);
  for (const network of list.networks) addNetwork(draft, network);
  const targets = list.tokens.map((entry) => planEntry(draft, entry));
  const former = new Map(known.tokens.map((token) => [token.slug, token]));
  const owned = new Map(known.contracts.map((contract) => [keyOf(contract), contract]));
  const tokens = [...draft.tokens.values()];
  const contracts = [...draft.owners.values()];
  return {
    networks: draft.networks,
    newTokens: tokens.filter(({ slug }) => !former.has(slug)),
    changedTokens: tokens.filter((token) => former.has(token.slug) && former.get(token.slug) !== token),
    newContracts: contracts.filter((contract) => !owned.has(keyOf(contract))),
    filledContracts: contracts.filter(
      (contract) => owned.has(keyOf(contract)) && owned.get(keyOf(contract)) !== contract,
    ),
    skipped: draft.skipped,
    targets,
  };
}

function createDraft(known: Known): Draft {
  const draft: Draft = {
    networks: [],
    skipped: [],
    networkSlugs: new Set(),
    networkByChain: new Map(),
    tokens: new Map(),
    owners: new Map(),
    networksOf: new Map(),
    byName: new Map(),
  };
  for (const network of known.networks) noteNetwork(draft, network);
  for (const token of known.tokens) noteToken(draft, token);
  for (const contract of known.contracts) noteContract(draft, contract);
  return draft;
}

function noteNetwork(draft: Draft, { slug, chainId }: Network): void {
  draft.networkSlugs.add(slug);
  if (chainId !== null) draft.networkByChain.set(chainId, slug);
}

function noteToken(draft: Draft, token: KnownToken): void {
  draft.tokens.set(token.slug, token);
  const key = nameKey(token);
  draft.byName.set(key, [...(draft.byName.get(key) ?? []), token.slug]);
}

function noteContract(draft: Draft, contract: KnownContract): void {
  draft.owners.set(keyOf(contract), contract);
  const networks = draft.networksOf.get(contract.slug) ?? new Set();
  draft.networksOf.set(contract.slug, networks.add(contract.network));
}

function addNetwork(draft: Draft, network: Network): void {
  const isKnown = draft.networkSlugs.has(network.slug) || draft.networkByChain.has(network.chainId ?? -1);
  if (isKnown) return;
  noteNetwork(draft, network);
  draft.networks.push(network);
}

/** The slug of the network a contract names; one not known yet is added. */
function networkOf(draft: Draft, network: string | number): string {
  if (typeof network === 'string') {
    addNetwork(draft, { slug: network, name: network, chainId: null, caip2: null });
    return network;
  }
  addNetwork(draft, {
    slug: `eip155-${network}`,
    name: `Chain ${network}`,
    chainId: network,
    caip2: `eip155:${network}`,
  });
  return draft.networkByChain.get(network) as string;
}

type PlacedContract = ListedContract & { readonly network: string };

function planEntry(draft: Draft, entry: ListedEntry): string | null {
  const contracts = entry.contracts.map((contract) => ({ ...contract, network: networkOf(draft, contract.network) }));
  const slug = targetOf(draft, entry, contracts);
  if (slug === null) {
    draft.skipped.push({ entry: entry.entry, reason: 'every slug made of its name belongs to another token' });
    return null;
  }
  applyEntry(draft, slug, entry);
  for (const contract of contracts) planContract(draft, slug, entry, contract);
  return slug;
}

/** The slug of the token an entry speaks of, known or to be made; null where none is free. */
function targetOf(draft: Draft, entry: ListedEntry, contracts: readonly PlacedContract[]): string | null {
  for (const contract of contracts) {
    const owner = draft.owners.get(keyOf(contract));
    if (owner !== undefined) return owner.slug;
  }
  if (entry.slug !== null) return entry.slug;
  const isFreeOf = (slug: string): boolean =>
    !contracts.some(({ network }) => draft.networksOf.get(slug)?.has(network));
  const namesake = draft.byName.get(nameKey(entry))?.find(isFreeOf);
  if (namesake !== undefined) return namesake;
  return candidateSlugs(entry).find((slug) => !draft.tokens.has(slug)) ?? null;
}

function applyEntry(draft: Draft, slug: string, entry: ListedEntry): void {
  const { symbol, name, marketCapRank, logoUrl } = entry;
  const token = draft.tokens.get(slug);
  if (token === undefined) {
    noteToken(draft, { slug, symbol, name, marketCapRank, logoUrl });
    return;
  }
  const next =
    entry.slug === slug
      ? { slug, symbol, name, marketCapRank: marketCapRank ?? token.marketCapRank, logoUrl: logoUrl ?? token.logoUrl }
      : { ...token, logoUrl: token.logoUrl ?? logoUrl };
  const fields = ['symbol', 'name', 'marketCapRank', 'logoUrl'] as const;
  if (fields.some((field) => next[field] !== token[field])) draft.tokens.set(slug, next);
}

function planContract(draft: Draft, slug: string, { entry }: ListedEntry, contract: PlacedContract): void {
  const { network, address, decimals } = contract;
  const known = draft.owners.get(keyOf(contract));
  if (known === undefined) {
    noteContract(draft, { slug, network, address, decimals });
  } else if (known.slug !== slug) {
    draft.skipped.push({ entry, reason: `contract ${network} ${address} belongs to ${known.slug}` });
  } else if (known.decimals === null && decimals !== null) {
    noteContract(draft, { ...known, decimals });
  }
}
