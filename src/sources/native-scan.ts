import { type BlockHeader, type BlockRef, ChainError, type ChainTransfer, type LedgerRange } from './chain.ts';
import { blockAnswer, readAnswer, receiptAnswer, type RpcReceipt, type RpcTransaction } from './rpc-answers.ts';
import type { RpcClient } from './rpc-client.ts';

/** The chain's own coin: what transactions carried from or to an address, and the fees that it paid for its own. */

/** What a scan found. */
export interface Scan {
  /** Of every block looked through, linked to each other by parent hash. */
  readonly headers: readonly BlockHeader[];
  readonly transfers: readonly ChainTransfer[];
}

/** Whole blocks asked for at once: each may be a megabyte. */
const blocksAtOnce = 10;

/** Looks through the transactions of every block of a range; nothing where `from` lies behind `to`. Throws ChainError. */
export async function scanBlocks(client: RpcClient, range: Omit<LedgerRange, 'nativeFrom'>): Promise<Scan> {
  const headers: BlockHeader[] = [];
  const transfers: ChainTransfer[] = [];
  let parent: BlockRef | null = range.parent;
  for (let start = range.from; start <= range.to; start += blocksAtOnce) {
    const end = Math.min(range.to, start + blocksAtOnce - 1);
    const numbers = Array.from({ length: end - start + 1 }, (_, i) => start + i);
    const blocks = await Promise.all(numbers.map((number) => readBlock(client, number)));
    for (const { header } of blocks) parent = follow(parent, header);
    headers.push(...blocks.map(({ header }) => header));
    transfers.push(...(await readMovements(client, range.address, blocks)));
  }
  return { headers, transfers };
}

interface Block {
  readonly header: BlockHeader;
  readonly transactions: readonly RpcTransaction[];
}

async function readBlock(client: RpcClient, number: number): Promise<Block> {
  const answer = await client.request('eth_getBlockByNumber', [`0x${number.toString(16)}`, true]);
  if (answer === null) throw new ChainError('MOVED', `The node has no block ${number} any more.`);
  const { hash, parentHash, timestamp, transactions, ...block } = readAnswer(blockAnswer, answer, 'a block');
  if (block.number !== number)
    throw new ChainError('LIED', `The node answered with block ${block.number} where ${number} was asked for.`);
  if (transactions.some(({ blockHash }) => blockHash !== hash))
    throw new ChainError('LIED', `The node answered with transactions that are not of block ${number}.`);
  return { header: { number, hash, parentHash, timeMs: timestamp * 1_000 }, transactions };
}

/** The header, where it follows its parent. */
function follow(parent: BlockRef | null, header: BlockHeader): BlockHeader {
  if (parent !== null && header.parentHash !== parent.hash)
    throw new ChainError('MOVED', `Block ${header.number} does not follow block ${parent.number} as it was.`);
  return header;
}

async function readMovements(client: RpcClient, address: string, blocks: readonly Block[]): Promise<ChainTransfer[]> {
  const own = blocks.flatMap(({ header, transactions }) =>
    transactions
      .filter(({ from, to, value }) => from === address || (to === address && value > 0n))
      .map((transaction) => ({ header, transaction })),
  );
  const receipts = await Promise.all(own.map(({ transaction }) => readReceipt(client, transaction)));
  return own.flatMap(({ header, transaction }, i) =>
    movementsOf(address, header, transaction, receipts[i] as RpcReceipt),
  );
}

async function readReceipt(client: RpcClient, { hash, blockHash }: RpcTransaction): Promise<RpcReceipt> {
  const answer = await client.request('eth_getTransactionReceipt', [hash]);
  if (answer === null) throw new ChainError('MOVED', `The node has no receipt of ${hash} any more.`);
  const receipt = readAnswer(receiptAnswer, answer, 'a receipt');
  if (receipt.transactionHash !== hash)
    throw new ChainError(
      'LIED',
      `The node answered with a receipt of ${receipt.transactionHash} where that of ${hash} was asked for.`,
    );
  if (receipt.blockHash !== blockHash) throw new ChainError('MOVED', `Transaction ${hash} moved to another block.`);
  return receipt;
}

/** What a transaction moved of the coin: its fee, paid even where it failed, and its value where it did not. */
function movementsOf(
  address: string,
  block: BlockHeader,
  { hash, transactionIndex, from, to, value, gasPrice }: RpcTransaction,
  receipt: RpcReceipt,
): ChainTransfer[] {
  const shared = { block, transactionHash: hash, transactionIndex, contract: null, from };
  const movements: ChainTransfer[] = [];
  const fee = receipt.gasUsed * (receipt.effectiveGasPrice ?? gasPrice ?? 0n) + (receipt.l1Fee ?? 0n);
  if (from === address && fee > 0n)
    movements.push({ ...shared, position: 0, kind: 'FEE', direction: 'OUT', to: null, amount: fee });
  const receiver = to ?? receipt.contractAddress;
  if (value === 0n || receipt.status === 0n || receiver == null) return movements;
  const direction = from === receiver ? 'SELF' : receiver === address ? 'IN' : 'OUT';
  return [...movements, { ...shared, position: 1, kind: 'NATIVE', direction, to: receiver, amount: value }];
}
