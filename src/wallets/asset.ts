/**
 * What a balance or a transfer is of: a chain's own coin or an ERC-20 contract. Contracts name themselves, and anyone can
 * send anybody any token, so what a contract says of itself is kept harmless and never decides which token it is: only
 * the registry does.
 */

/** An asset of a chain. */
export interface Asset {
  readonly assetId: number;
  readonly chainId: number;
  /** EIP-55 checksummed; null: the chain's own coin. */
  readonly contract: string | null;
  /** As the contract says, made harmless; null where it says nothing usable. */
  readonly symbol: string | null;
  readonly name: string | null;
  /** Raw amounts count in 10^-decimals; null where neither the contract nor the registry tells. */
  readonly decimals: number | null;
  /** The token of the registry that it is; null where it is none. */
  readonly tokenId: number | null;
  /** Whether a token of the registry that it is not has the same symbol. */
  readonly hasListedSymbol: boolean;
}

/** What speaks against an asset. */
export type AssetFlag = 'UNLISTED' | 'IMPERSONATES' | 'ADVERTISES' | 'UNREADABLE';

/** Names that send people somewhere: what airdropped spam does. */
const advertisement =
  /https?:|www\.|t\.me|[a-z0-9-]\.(com|org|net|io|xyz|app|finance|fi|site|club|vip|gift|claim)\b|claim|airdrop|visit|reward|voucher/i;

/** What a listed symbol is made of; a look-alike letter of another script is not. */
const plainSymbol = /^[\x20-\x7e]+$/;

/** What speaks against an asset; nothing does against one that the registry knows. */
export function flagsOf(asset: Asset): AssetFlag[] {
  const { contract, tokenId, symbol, name, decimals } = asset;
  if (contract === null || tokenId !== null) return [];
  const flags: AssetFlag[] = ['UNLISTED'];
  if (asset.hasListedSymbol || (symbol !== null && !plainSymbol.test(symbol))) flags.push('IMPERSONATES');
  if (advertisement.test(`${symbol ?? ''} ${name ?? ''}`)) flags.push('ADVERTISES');
  if (symbol === null || decimals === null) flags.push('UNREADABLE');
  return flags;
}

/** Whether an asset is most likely worthless and there to deceive: it imitates, advertises or cannot be read. */
export function isSpam(asset: Asset): boolean {
  return flagsOf(asset).some((flag) => flag !== 'UNLISTED');
}

const charsMax = 64;

/**
 * A name that a contract gave, made harmless: no control, direction or invisible characters, one line, at most 64
 * characters. Null where nothing is left.
 */
export function cleanText(text: string): string | null {
  const visible = text
    .slice(0, 1_000)
    .normalize('NFC')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  return Array.from(visible).slice(0, charsMax).join('').trim() || null;
}
