/** What signing in needs of an installation: made once, handed to requests. */
export interface SignIn {
  /** Scheme, host and port that people reach us at: messages must be for it. */
  readonly publicOrigin: string;
  /** Chains that a message may name. */
  readonly chainIds: readonly number[];
  /** Signs sessions. */
  readonly secret: Uint8Array;
  readonly verifySignature: VerifySignature;
}

/**
 * Whether the owner of an address signed a text: its key did, or its contract on that chain says so (EIP-1271). Throws
 * SERVICE_UNAVAILABLE where the chain had to be asked and did not answer.
 */
export type VerifySignature = (signed: {
  /** EIP-55. */
  readonly address: string;
  readonly text: string;
  /** 0x and hexadecimal digits. */
  readonly signature: string;
  readonly chainId: number;
}) => Promise<boolean>;
