// Makes prisma/seed/tokens.json from the source lists (see NOTICE) and the hand-written prisma/seed/facts.json.
// Usage: npx tsx scripts/seed-data.mjs <folder with web3icons-tokens.json.gz, web3icons-networks.json.gz,
// ethereum-lists-tokens.json.gz and narratives-degenyo.csv>. Prints what it left out and why.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseAddress } from '../src/lib/address.ts';
import { networkAliases, symbolAliases } from '../src/tokens/aliases.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Usage: npx tsx scripts/seed-data.mjs <folder with the source lists>');
  process.exit(1);
}
const readList = (name) => JSON.parse(gunzipSync(readFileSync(join(folder, name))).toString('utf8'));
const facts = JSON.parse(readFileSync('prisma/seed/facts.json', 'utf8'));
const sources = {
  tokens: readList('web3icons-tokens.json.gz'),
  networks: readList('web3icons-networks.json.gz'),
  ethereum: readList('ethereum-lists-tokens.json.gz'),
  narratives: readFileSync(join(folder, 'narratives-degenyo.csv'), 'utf8'),
};
const leftOut = [];

/** Networks of the list, corrected and completed. A chain id counts only with its EIP-155 name beside it. */
function networksOf() {
  const bySlug = new Map();
  for (const { id, name, chainId, caip2id } of sources.networks) {
    if (facts.droppedNetworks.includes(id)) continue;
    const isEvm = caip2id === `eip155:${chainId}`;
    bySlug.set(id, { slug: id, name, chainId: isEvm ? chainId : null, caip2: caip2id ?? null });
  }
  for (const network of facts.networks) bySlug.set(network.slug, network);
  return [...bySlug.values()].sort((a, b) => (a.slug < b.slug ? -1 : 1));
}

const chainSlugs = {
  eth: 'ethereum',
  bsc: 'binance-smart-chain',
  avax: 'avalanche',
  arb: 'arbitrum-one',
  zks: 'zksync',
};
const decimalsByContract = new Map(
  sources.ethereum.map(({ chain, address, decimals }) => [`${chainSlugs[chain]} ${parseAddress(address)}`, decimals]),
);

/** Contracts as [network, address, decimals?]; `taken` makes each belong to one token. */
function contractsOf(slug, addresses, taken) {
  const contracts = [];
  for (const [name, text] of Object.entries(addresses ?? {})) {
    const network = networkAliases[name] ?? name;
    const isHex = /^0x[0-9a-fA-F]{40}$/.test(text);
    const address = isHex ? parseAddress(text) : text;
    const key = `${network} ${address}`;
    if (address === null) leftOut.push(`${slug}: ${name} address ${text} has a wrong checksum`);
    else if (isHex !== text.startsWith('0x') && evmSlugs.has(network))
      leftOut.push(`${slug}: ${name} ${text} is no address`);
    else if (taken.has(key)) leftOut.push(`${slug}: ${key} belongs to ${taken.get(key)}`);
    else {
      taken.set(key, slug);
      const decimals = decimalsByContract.get(key);
      contracts.push(decimals === undefined ? [network, address] : [network, address, Number(decimals)]);
    }
  }
  return contracts;
}

const networks = networksOf();
const evmSlugs = new Set(networks.filter(({ chainId }) => chainId !== null).map(({ slug }) => slug));

function tokensOf() {
  const taken = new Map();
  const listed = sources.tokens.map(({ id, symbol, name, marketCapRank, addresses }) => {
    const slug = id.toLowerCase();
    return { slug, symbol, name, rank: marketCapRank || null, addresses, ...facts.corrections[slug] };
  });
  const added = facts.tokens.map(({ contracts, ...token }) => ({ ...token, addresses: contracts }));
  const bySlug = new Map();
  for (const { addresses, ...token } of [...listed, ...added]) {
    const reason = bySlug.has(token.slug) ? 'a second token of this slug' : facts.droppedTokens[token.slug];
    if (reason !== undefined) leftOut.push(`${token.slug}: ${reason}`);
    else {
      const contracts = contractsOf(token.slug, addresses, taken);
      bySlug.set(token.slug, { ...token, symbol: token.symbol.toUpperCase(), name: token.name.trim(), contracts });
    }
  }
  return [...bySlug.values()].sort((a, b) => (a.rank ?? 1e9) - (b.rank ?? 1e9) || (a.slug < b.slug ? -1 : 1));
}

/** Narratives with the slugs of their members: the best-ranked token of each symbol. */
function narrativesOf(tokens) {
  const bySymbol = new Map([...tokens].reverse().map(({ symbol, slug }) => [symbol, slug]));
  const listed = sources.narratives
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => /^([^,]+),"(.*)"\r?$/.exec(line));
  return facts.narratives.map(({ slug, name, description, sourceLabel, symbols }) => {
    const theirs = listed.filter((match) => match?.[2] === sourceLabel).flatMap((match) => match[1].split('/'));
    const members = [...new Set([...symbols, ...theirs])].map((symbol) => {
      const member = bySymbol.get(symbol) ?? symbolAliases[symbol];
      if (member === undefined) leftOut.push(`narrative ${slug}: no token has the symbol ${symbol}`);
      return member;
    });
    return {
      slug,
      name,
      description,
      tokens: [...new Set(members.filter((member) => member !== undefined))].sort((a, b) => (a < b ? -1 : 1)),
    };
  });
}

const tokens = tokensOf();
const used = new Set(tokens.flatMap(({ contracts }) => contracts.map(([network]) => network)));
for (const network of used)
  if (!networks.some(({ slug }) => slug === network)) throw new Error(`no network ${network}`);
const narratives = narrativesOf(tokens);
const lines = (rows) => `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
writeFileSync(
  'prisma/seed/tokens.json',
  `{"networks":${lines(networks)},\n"tokens":${lines(tokens)},\n"narratives":${lines(narratives)}}\n`,
);
console.log(leftOut.join('\n'));
const named = new Set(narratives.flatMap(({ tokens }) => tokens));
console.log(`${tokens.length} tokens, ${networks.length} networks, ${narratives.length} narratives`);
console.log(
  'best 150 without a narrative:',
  tokens
    .slice(0, 150)
    .filter(({ slug }) => !named.has(slug))
    .map(({ symbol }) => symbol)
    .join(' '),
);
