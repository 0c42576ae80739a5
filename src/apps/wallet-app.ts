/**
 * Wallet apps: reference data on the applications that keep keys, by hand from public sources. Every fact that is set
 * stands in at least one source; one that nobody has shown is null and never guessed. Nothing here is about a user.
 */

/** Where keys are used: on a device that is connected to the internet, or kept on one that is not. */
export const custodies = ['HOT', 'COLD'] as const;

/** What a source says something about. */
export const walletAppFacts = [
  'CUSTODY',
  'HARDWARE',
  'OPEN_SOURCE',
  'MULTISIG',
  'DAPPS',
  'STAKING',
  'NETWORKS',
] as const;

/** A fact of a wallet app. */
export type WalletAppFact = (typeof walletAppFacts)[number];

/** Where facts stand. */
export interface WalletAppSource {
  readonly url: string;
  readonly facts: readonly WalletAppFact[];
}

/** An application that keeps keys. */
export interface WalletApp {
  /** Lower case, unique, stable. */
  readonly slug: string;
  readonly name: string;
  readonly url: string;
  readonly custody: (typeof custodies)[number];
  readonly isHardware: boolean;
  readonly isOpenSource: boolean | null;
  readonly hasMultisig: boolean | null;
  readonly hasDapps: boolean | null;
  readonly hasStaking: boolean | null;
  readonly sources: readonly WalletAppSource[];
  /** The day the sources were read, its first instant in UTC, epoch ms. */
  readonly checkedOn: number;
}

/** A network that a wallet app supports. */
export interface WalletAppNetwork {
  readonly slug: string;
  readonly name: string;
  /** EIP-155 chain id; null where it is no EVM chain. */
  readonly chainId: number | null;
}

/** Which apps a list has: every given condition must hold; facts that are not known match neither true nor false. */
export interface WalletAppFilter {
  readonly custody?: WalletApp['custody'] | null | undefined;
  readonly isHardware?: boolean | null | undefined;
  readonly isOpenSource?: boolean | null | undefined;
  readonly hasMultisig?: boolean | null | undefined;
  readonly hasDapps?: boolean | null | undefined;
  readonly hasStaking?: boolean | null | undefined;
  /** Apps that support any of these networks, by slug. */
  readonly networks?: readonly string[] | null | undefined;
  /** Apps that support any of these EVM chains. */
  readonly chainIds?: readonly number[] | null | undefined;
}
