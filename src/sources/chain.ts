/**
 * The contract every source of chain data fulfils: a node of an EVM chain behind JSON-RPC.
 *
 * A source knows nothing of wallets or of the database: it says what an address did in a range of blocks and what it holds
 * at one, as bigint and in the chain's own order. It trusts no answer: what contradicts itself, the question, or what the
 * node said before is a {@link ChainError}, never a row.
 * - Late, away, limiting: tried again with pauses, as long as the node asks for; then UNREACHABLE or RATE_LIMITED.
 * - Too much asked for: TOO_MUCH at once; the reader asks for less.
 * - The chain changes while it is read: MOVED; the reader looks where it stands and asks again.
 * - Not told by a node without tracing, hence not here: coin that contracts move inside of a transaction, rewards,
 *   withdrawals of validators. Non-fungible tokens (ERC-721, ERC-1155) are left out.
 */

/** A block by number and hash. */
export interface BlockRef {
  readonly number: number;
  /** 0x and 64 digits in lower case. */
  readonly hash: string;
}

/** The head of a block. */
export interface BlockHeader extends BlockRef {
  readonly parentHash: string;
  /** Epoch milliseconds. */
  readonly timeMs: number;
}

/** One movement into or out of an address, or a fee it paid. */
export interface ChainTransfer {
  readonly block: BlockHeader;
  readonly transactionHash: string;
  readonly transactionIndex: number;
  /** Order within the transaction: 0 the fee, 1 the coin it carries, 2 and more the log of that index less 2. */
  readonly position: number;
  readonly kind: 'FEE' | 'NATIVE' | 'TOKEN';
  readonly direction: 'IN' | 'OUT' | 'SELF';
  /** EIP-55; null: the chain's own coin. */
  readonly contract: string | null;
  /** In lower case. */
  readonly from: string;
  /** In lower case; null for a fee. */
  readonly to: string | null;
  /** In the smallest unit, not negative. */
  readonly amount: bigint;
}

/** Which part of a ledger is asked for. */
export interface LedgerRange {
  /** In lower case. */
  readonly address: string;
  /** Numbers of the first and the last block. */
  readonly from: number;
  readonly to: number;
  /** From this block on transactions are looked through as well, for the chain's own coin and fees. */
  readonly nativeFrom: number;
  /** The block before `from` where it is known: the range must follow it. */
  readonly parent: BlockRef | null;
}

/** A part of a ledger, read as one: every block in it belongs to the chain that `end` is the last block of. */
export interface LedgerPart {
  /** In the order of the chain. */
  readonly transfers: readonly ChainTransfer[];
  readonly end: BlockHeader;
}

/** What a contract says of itself, as it is said; null where it says nothing that can be read. */
export interface ContractDescription {
  readonly symbol: string | null;
  readonly name: string | null;
  /** 0 to 255. */
  readonly decimals: number | null;
}

/** A chain, read through one node. Every call may throw a {@link ChainError}. */
export interface Chain {
  readonly chainId: number;
  /** Throws LIED where the node is of another chain. */
  assertChainId(): Promise<void>;
  /** The newest block. */
  findHead(): Promise<BlockHeader>;
  /** The blocks of these numbers, in order; null where the node has none. */
  findBlocks(numbers: readonly number[]): Promise<(BlockHeader | null)[]>;
  readLedger(range: LedgerRange): Promise<LedgerPart>;
  /** What an address holds of contracts (EIP-55; null: the coin) at the end of a block; null where a contract does not tell. */
  readBalances(address: string, contracts: readonly (string | null)[], blockNumber: number): Promise<(bigint | null)[]>;
  /** What contracts say of themselves now. */
  describeContracts(contracts: readonly string[]): Promise<ContractDescription[]>;
}

/** What went wrong with a node. */
export type ChainTrouble = 'UNREACHABLE' | 'RATE_LIMITED' | 'TOO_MUCH' | 'LIED' | 'MOVED' | 'REFUSED';

/** A node that did not give a usable answer. The message is for the owner of a wallet: it never holds the node's address. */
export class ChainError extends Error {
  readonly trouble: ChainTrouble;
  /** How long the node asks to be left alone, in ms; null where it does not say. */
  readonly retryAfterMs: number | null;

  constructor(
    trouble: ChainTrouble,
    message: string,
    options: { readonly cause?: unknown; readonly retryAfterMs?: number | null } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ChainError';
    this.trouble = trouble;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Whether something thrown is a trouble of this kind. */
export function isTrouble(error: unknown, ...troubles: readonly ChainTrouble[]): error is ChainError {
  return error instanceof ChainError && troubles.includes(error.trouble);
}
