/** The coin that fees of a chain are paid in: which token of the registry it is. It has no contract. */

/** Slug of the token that is a chain's own coin, by EIP-155 chain id; a chain that is not here has none we know. */
const nativeTokens: Readonly<Record<number, string>> = {
  ...Object.fromEntries(
    [
      1, 10, 130, 255, 288, 324, 480, 1101, 1135, 1868, 2741, 5330, 7777777, 8453, 34443, 42161, 42170, 48900, 57073,
      59144, 60808, 81457, 167000, 534352, 660279, 1380012617,
    ].map((chainId) => [chainId, 'ethereum']),
  ),
  14: 'flare-networks',
  25: 'crypto-com-chain',
  40: 'telos',
  50: 'xdce-crowd-sale',
  56: 'binancecoin',
  61: 'ethereum-classic',
  66: 'okb',
  122: 'fuse-network-token',
  128: 'huobi-token',
  137: 'polygon-ecosystem-token',
  146: 'sonic-3',
  196: 'okb',
  199: 'bittorrent',
  204: 'binancecoin',
  250: 'fantom',
  1088: 'metis-token',
  1284: 'moonbeam',
  1285: 'moonriver',
  1329: 'sei-network',
  2020: 'ronin',
  2222: 'kava',
  4689: 'iotex',
  5000: 'mantle',
  33139: 'apecoin',
  42220: 'celo',
  43114: 'avalanche-2',
  80094: 'berachain-bera',
  1666600000: 'harmony',
};

/** The same for networks that have no EIP-155 id, or whose coin an EVM address counts in other units, by their slug. */
const tokensByNetwork: Readonly<Record<string, string>> = {
  akash: 'akash-network',
  algorand: 'algorand',
  aptos: 'aptos',
  arweave: 'arweave',
  bitcoin: 'bitcoin',
  cardano: 'cardano',
  'cosmos-hub': 'cosmos',
  filecoin: 'filecoin',
  'hedera-hashgraph': 'hedera-hashgraph',
  injective: 'injective-protocol',
  'internet-computer': 'internet-computer',
  juno: 'juno-network',
  litecoin: 'litecoin',
  multiversx: 'elrond-erd-2',
  'near-protocol': 'near',
  osmosis: 'osmosis',
  polkadot: 'polkadot',
  secret: 'secret',
  solana: 'solana',
  stacks: 'blockstack',
  stargaze: 'stargaze',
  starknet: 'starknet',
  stellar: 'stellar',
  sui: 'sui',
  tezos: 'tezos',
  ton: 'the-open-network',
  tron: 'tron',
  xrp: 'ripple',
};

/** Chains with a coin that the registry knows, and its slug, in two lists for a statement. */
export const nativeCoins = {
  chainIds: Object.keys(nativeTokens).map(Number),
  slugs: Object.values(nativeTokens),
} as const;

/** Networks that are no EVM chain for their coin, and its slug, in two lists for a statement. */
export const networkCoins = {
  networks: Object.keys(tokensByNetwork),
  slugs: Object.values(tokensByNetwork),
} as const;
