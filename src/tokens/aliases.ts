/**
 * Other names under which sources know the same thing. Data, not logic: a symbol here counts only where no token has
 * it, so a real `RENDER` token would win over the alias; a network name here always stands for the other.
 */

/**
 * Symbols that venues and files use for a token that is registered under another: old names (XRB), venue spellings
 * (XBT), renames (RENDER). Not here: swaps at another rate (LEND, MKR→SKY), which are different tokens.
 */
export const symbolAliases: Readonly<Record<string, string>> = {
  BCC: 'bitcoin-cash',
  BCHABC: 'bitcoin-cash',
  BCHN: 'bitcoin-cash',
  BCHSV: 'bitcoin-cash-sv',
  BEAMX: 'beam-2',
  CGLD: 'celo',
  DSH: 'dash',
  GRAM: 'the-open-network',
  IOT: 'iota',
  KAIA: 'klay-token',
  LUNA1: 'terra-luna',
  MATIC: 'matic-network',
  MIOTA: 'iota',
  NANO: 'nano',
  POL: 'polygon-ecosystem-token',
  QTM: 'qtum',
  RENDER: 'render-token',
  REPV2: 'augur',
  STR: 'stellar',
  TONCOIN: 'the-open-network',
  UST: 'terrausd',
  WAX: 'wax',
  XBT: 'bitcoin',
  XDG: 'dogecoin',
  XETH: 'ethereum',
  XRB: 'nano',
  XXBT: 'bitcoin',
  XXDG: 'dogecoin',
  XXRP: 'ripple',
  XZC: 'zcoin',
};

/** Names of networks in token lists → the slug of the network here. */
export const networkAliases: Readonly<Record<string, string>> = {
  Bitcichain: 'bitcichain',
  bsc: 'binance-smart-chain',
  cosmos: 'cosmos-hub',
  elrond: 'multiversx',
  eos: 'vaulta',
  'eos-evm': 'vaulta',
  'harmony-shard-0': 'harmony',
  kardiachain: 'kardia',
  'klay-token': 'kaia',
  'kucoin-community-chain': 'kucoin',
  'milkomeda-cardano': 'milkomeda-c1',
  'okex-chain': 'okex',
  'optimistic-ethereum': 'optimism',
  'polygon-pos': 'polygon',
  'step-network': 'step',
  syscoin: 'sys',
  terra: 'terra-classic',
  'the-open-network': 'ton',
  tomochain: 'viction',
  xdai: 'gnosis',
  'xdc-network': 'xdc',
};

/** Numbers that token lists use in `chainId` for chains that have none → the slug of the network here. */
export const listedChains: Readonly<Record<number, string>> = { 501000101: 'solana' };

/** Former ids of lists (CoinGecko's) whose token is registered under another slug now. */
export const slugAliases: Readonly<Record<string, string>> = {
  bitclout: 'deso',
  'immutable-x': 'imx',
  'reef-finance': 'reef',
  zenon: 'zenon-2',
};
