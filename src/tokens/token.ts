/**
 * Tokens: which assets there are, what they are called and where their contracts live.
 *
 * A token is known by its id and its slug; symbols repeat. A contract (network, address) belongs to one token. Every
 * token has a row in token_stat, by which lists are ordered. Input that comes twice changes nothing; an entry that
 * contradicts what is known (a contract of another token) is left out and reported, the rest goes on. Nothing here
 * deletes a token: what a list no longer names stays.
 */
import type { DecimalText } from '../lib/decimal.ts';

/** A crypto asset. */
export interface Token {
  readonly id: number;
  /** Lower case, unique, stable. */
  readonly slug: string;
  /** Upper case; not unique. */
  readonly symbol: string;
  readonly name: string;
  /** 1 is the largest; a snapshot of the imported list, not unique. Null where the list gave none. */
  readonly marketCapRank: number | null;
  readonly logoUrl: string | null;
  /** Coins; null where no source told. */
  readonly circulatingSupply: DecimalText | null;
  /** Coins; null where unlimited or not known. */
  readonly maxSupply: DecimalText | null;
  /** First listing, epoch ms; null where not known. */
  readonly listedAt: number | null;
}

/** A token's contract on one chain. */
export interface TokenContract {
  readonly tokenId: number;
  /** Slug of the network, such as `ethereum`. */
  readonly network: string;
  readonly networkName: string;
  /** EIP-155 chain id; null on networks that are not EVM chains. */
  readonly chainId: number | null;
  /** EIP-55 where it is an EVM address, else as its network writes it. */
  readonly address: string;
  /** Null where no source told. */
  readonly decimals: number | null;
}

/** A theme that tokens share. */
export interface Narrative {
  readonly slug: string;
  readonly name: string;
  /** One sentence. */
  readonly description: string;
}

/** What token lists can be ordered by, with the column of token_stat (or of token) that holds the key. */
export const tokenOrderFields = [
  'MARKET_CAP',
  'VOLUME_24H',
  'CHANGE_24H',
  'TRADER_GRADE',
  'INVESTOR_GRADE',
  'NAME',
] as const;

/** An order of token lists; equal keys are ordered by id in the same direction. */
export interface TokenOrder {
  readonly field: (typeof tokenOrderFields)[number];
  readonly direction: 'ASC' | 'DESC';
}

/** Which tokens a list has: every given condition must hold; null and absent ones do not count. */
export interface TokenFilter {
  readonly slugs?: readonly string[] | null | undefined;
  readonly symbols?: readonly string[] | null | undefined;
  /** Tokens of any of these narratives. */
  readonly narratives?: readonly string[] | null | undefined;
  /** Tokens with a contract on any of these EVM chains. */
  readonly chainIds?: readonly number[] | null | undefined;
  readonly hasQuote?: boolean | null | undefined;
  readonly minMarketCapUsd?: DecimalText | null | undefined;
  readonly minVolume24hUsd?: DecimalText | null | undefined;
  readonly minTraderGrade?: number | null | undefined;
  readonly minInvestorGrade?: number | null | undefined;
  /** Part of the name, symbol or slug, in any letter case. */
  readonly search?: string | null | undefined;
}
