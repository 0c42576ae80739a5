import { z } from 'zod';
import { parseAddress } from '../lib/address.ts';
import { AppError } from '../lib/errors.ts';
import { listedChains, networkAliases } from './aliases.ts';
import type { Narrative } from './token.ts';

/**
 * Reads the three kinds of token list into one: our own seed, web3icons' list (an array) and Uniswap's token list
 * format. Pure. An entry that is not right is left out with its reason; it never stops the rest.
 */

/** A contract an entry names: the network by our slug, or an EVM chain by its EIP-155 id. */
export interface ListedContract {
  readonly network: string | number;
  readonly address: string;
  readonly decimals: number | null;
}

/** A token as a list gives it. */
export interface ListedEntry {
  /** How reports name it. */
  readonly entry: string;
  /** Null where the list has no stable id: the token is found by its contracts, or gets a slug made of its name. */
  readonly slug: string | null;
  readonly symbol: string;
  readonly name: string;
  readonly marketCapRank: number | null;
  readonly logoUrl: string | null;
  readonly contracts: readonly ListedContract[];
}

/** A network that contracts live on. */
export interface Network {
  readonly slug: string;
  readonly name: string;
  readonly chainId: number | null;
  readonly caip2: string | null;
}

/** An entry, or a part of one, that was left out, and why. */
export interface Skipped {
  readonly entry: string;
  readonly reason: string;
}

/** What a list says, in its order. */
export interface TokenList {
  readonly networks: readonly Network[];
  readonly tokens: readonly ListedEntry[];
  readonly narratives: readonly (Narrative & { readonly tokens: readonly string[] })[];
  readonly skipped: readonly Skipped[];
}

/** Text for people: no control characters, no direction marks. */
const text = (max: number): z.ZodType<string> =>
  z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^\P{C}*$/u, 'must be free of control characters');
const symbolText = text(40).transform((symbol) => symbol.toUpperCase());
const slugText = z
  .string()
  .transform((slug) => slug.toLowerCase())
  .pipe(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,119}$/, 'must be letters, digits, dots, dashes and underscores'));
const rank = z.number().int().min(0).max(2_147_483_647).nullish();
const decimals = z.number().int().min(0).max(255).nullish();
const logo = z
  .string()
  .max(500)
  .regex(/^(https?|ipfs):\/\/\S+$/)
  .nullish()
  .catch(null);

const web3iconsEntryFields = z.object({
  id: slugText,
  symbol: symbolText,
  name: text(120),
  marketCapRank: rank,
  addresses: z.record(z.string(), z.string()).nullish(),
});

const uniswapEntryFields = z.object({
  chainId: z.number().int().min(1).max(2_147_483_647),
  address: z.string(),
  name: text(120),
  symbol: symbolText,
  decimals,
  logoURI: logo,
  extensions: z
    .object({ bridgeInfo: z.record(z.string(), z.object({ tokenAddress: z.string() })).catch({}) })
    .catch({ bridgeInfo: {} }),
});

const seedEntryFields = z.object({
  slug: slugText,
  symbol: symbolText,
  name: text(120),
  rank,
  contracts: z.array(z.tuple([z.string(), z.string()]).rest(z.number().int().min(0).max(255))),
});

const seedList = z.object({
  networks: z.array(
    z.object({ slug: slugText, name: text(120), chainId: z.number().int().nullable(), caip2: z.string().nullable() }),
  ),
  narratives: z.array(z.object({ slug: slugText, name: text(120), description: text(500), tokens: z.array(slugText) })),
});

/** What an entry of each kind becomes; contracts are checked afterwards. */
type EntrySchema = z.ZodType<Omit<ListedEntry, 'entry'>>;

const web3iconsEntry: EntrySchema = web3iconsEntryFields.transform(
  ({ id, symbol, name, marketCapRank, addresses }) => ({
    slug: id,
    symbol,
    name,
    marketCapRank: marketCapRank || null,
    logoUrl: null,
    contracts: Object.entries(addresses ?? {}).map(([network, address]) => ({
      network: networkAliases[network] ?? network,
      address,
      decimals: null,
    })),
  }),
);

const uniswapEntry: EntrySchema = uniswapEntryFields.transform(
  ({ chainId, address, name, symbol, decimals, logoURI, extensions }) => ({
    slug: null,
    symbol,
    name,
    marketCapRank: null,
    logoUrl: logoURI ?? null,
    contracts: [
      { network: listedChains[chainId] ?? chainId, address, decimals: decimals ?? null },
      ...Object.entries(extensions.bridgeInfo).map(([chain, { tokenAddress }]) => ({
        network: listedChains[Number(chain)] ?? Number(chain),
        address: tokenAddress,
        decimals: null,
      })),
    ],
  }),
);

const seedEntry: EntrySchema = seedEntryFields.transform(({ slug, symbol, name, rank, contracts }) => ({
  slug,
  symbol,
  name,
  marketCapRank: rank || null,
  logoUrl: null,
  contracts: contracts.map(([network, address, decimals]) => ({ network, address, decimals: decimals ?? null })),
}));

/** Reads a parsed JSON document; the seed's contracts were checked when it was made. Throws BAD_USER_INPUT where it is none of the known kinds. */
export function parseTokenList(document: unknown): TokenList {
  if (Array.isArray(document)) return { networks: [], narratives: [], ...readEntries(document, web3iconsEntry) };
  const tokens = (document as { tokens?: unknown } | null)?.tokens;
  if (!Array.isArray(tokens))
    throw new AppError(
      'BAD_USER_INPUT',
      'Not a token list: expected an array of tokens, or an object with an array `tokens`.',
    );
  const ours = seedList.safeParse(document);
  if (ours.success) return { ...ours.data, ...readEntries(tokens, seedEntry, true) };
  return { networks: [], narratives: [], ...readEntries(tokens, uniswapEntry) };
}

/** `areChecked`: the contracts are known to be right, which saves thousands of checksums at a first start. */
function readEntries(
  raws: readonly unknown[],
  schema: EntrySchema,
  areChecked = false,
): Pick<TokenList, 'tokens' | 'skipped'> {
  const tokens: ListedEntry[] = [];
  const skipped: Skipped[] = [];
  const slugs = new Set<string>();
  raws.forEach((raw, index) => {
    const entry = nameOf(raw, index);
    const result = schema.safeParse(raw);
    if (!result.success) {
      const [issue] = result.error.issues;
      skipped.push({ entry, reason: `${issue?.path.join('.') || 'entry'}: ${issue?.message ?? 'not readable'}` });
    } else if (result.data.slug !== null && slugs.has(result.data.slug)) {
      skipped.push({ entry, reason: 'repeats the slug of an earlier entry' });
    } else {
      if (result.data.slug !== null) slugs.add(result.data.slug);
      const listed = result.data.contracts;
      const contracts = areChecked ? listed : checkContracts(entry, listed, skipped);
      // An entry known only by a contract says nothing when that is wrong.
      if (result.data.slug !== null || contracts.length > 0) tokens.push({ ...result.data, entry, contracts });
    }
  });
  return { tokens, skipped };
}

function nameOf(raw: unknown, index: number): string {
  const { id, slug, symbol, address } = (raw ?? {}) as Record<string, unknown>;
  const name = [id ?? slug ?? symbol, address].filter((part) => typeof part === 'string').join(' ');
  return `#${index + 1} ${name.slice(0, 100)}`.trim();
}

const hexAddress = /^0x[0-9a-fA-F]{40}$/;
const otherAddress = /^[^\s\p{C}]{1,200}$/u;

/** Contracts with addresses in their stored spelling. On a chain given by its id, and wherever it looks like one, an address must be an EVM address. */
function checkContracts(entry: string, contracts: readonly ListedContract[], skipped: Skipped[]): ListedContract[] {
  const kept: ListedContract[] = [];
  for (const contract of contracts) {
    const { network, address } = contract;
    const isEvm = typeof network === 'number' || hexAddress.test(address);
    const stored = isEvm ? parseAddress(address) : otherAddress.test(address) ? address : null;
    const isNetwork = typeof network === 'string' ? network !== '' : Number.isInteger(network) && network > 0;
    if (stored !== null && isNetwork) kept.push({ ...contract, address: stored });
    else skipped.push({ entry, reason: `contract on ${network}: ${JSON.stringify(address)} is no address there` });
  }
  return kept;
}
