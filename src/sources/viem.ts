import { checksumAddress } from '../lib/address.ts';
import {
  type BlockHeader,
  type BlockRef,
  type Chain,
  ChainError,
  type ChainTransfer,
  type LedgerPart,
  type LedgerRange,
} from './chain.ts';
import { createMulticall, readDescriptions, readTokenBalances } from './erc20-calls.ts';
import { scanBlocks } from './native-scan.ts';
import { headerAnswer, logsAnswer, quantity, readAnswer, type RpcLog } from './rpc-answers.ts';
import { createRpcClient, type RpcClient, type RpcOptions } from './rpc-client.ts';

/** A chain read through viem: see chain.ts for what it promises. */

/** `Transfer(address,address,uint256)`. */
const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** Blocks asked for at once. */
const blocksAtOnce = 500;

const hexOf = (number: number): string => `0x${number.toString(16)}`;

/** Long-lived: a chain behind the node of `options.url`. Nothing is sent yet. */
export function createChain(chainId: number, options: RpcOptions): Chain {
  const client = createRpcClient(options);
  const multicall = createMulticall(client);
  const findBlocks = (numbers: readonly number[]): Promise<(BlockHeader | null)[]> => readHeaders(client, numbers);
  return {
    chainId,
    findBlocks,
    async assertChainId() {
      const told = readAnswer(quantity, await client.request('eth_chainId', []), 'a chain id');
      if (told !== BigInt(chainId))
        throw new ChainError('LIED', `The node configured for chain ${chainId} is one of chain ${told}.`);
    },
    async findHead() {
      const answer = await client.request('eth_getBlockByNumber', ['latest', false]);
      return headerOf(readAnswer(headerAnswer, answer, 'a newest block'));
    },
    readLedger: (range) => readLedger(client, findBlocks, range),
    async readBalances(address, contracts, blockNumber) {
      const tokens = contracts.filter((contract) => contract !== null);
      const [coin, balances] = await Promise.all([
        contracts.length > tokens.length ? readCoin(client, address, blockNumber) : null,
        readTokenBalances(multicall, address, tokens, blockNumber),
      ]);
      const byContract = new Map(tokens.map((contract, i) => [contract, balances[i] ?? null]));
      return contracts.map((contract) => (contract === null ? coin : (byContract.get(contract) ?? null)));
    },
    describeContracts: (contracts) => readDescriptions(multicall, contracts),
  };
}

function headerOf({ number, hash, parentHash, timestamp }: (typeof headerAnswer)['_output']): BlockHeader {
  return { number, hash, parentHash, timeMs: timestamp * 1_000 };
}

async function readCoin(client: RpcClient, address: string, blockNumber: number): Promise<bigint> {
  return readAnswer(quantity, await client.request('eth_getBalance', [address, hexOf(blockNumber)]), 'a balance');
}

async function readHeaders(client: RpcClient, numbers: readonly number[]): Promise<(BlockHeader | null)[]> {
  const headers: (BlockHeader | null)[] = [];
  for (let start = 0; start < numbers.length; start += blocksAtOnce)
    headers.push(
      ...(await Promise.all(numbers.slice(start, start + blocksAtOnce).map((number) => readHeader(client, number)))),
    );
  return headers;
}

async function readHeader(client: RpcClient, number: number): Promise<BlockHeader | null> {
  const answer = await client.request('eth_getBlockByNumber', [hexOf(number), false]);
  if (answer === null) return null;
  const header = headerOf(readAnswer(headerAnswer, answer, 'a block'));
  if (header.number !== number)
    throw new ChainError('LIED', `The node answered with block ${header.number} where ${number} was asked for.`);
  return header;
}

/** The one block of a number. Throws MOVED where the node has none: it had, or is behind another that had. */
async function demandHeader(client: RpcClient, number: number): Promise<BlockHeader> {
  const header = await readHeader(client, number);
  if (header === null) throw new ChainError('MOVED', `The node has no block ${number} any more.`);
  return header;
}

/** Reads a range as one: the block it ends with is the same before and after, and every part fits to it. */
async function readLedger(client: RpcClient, findBlocks: Chain['findBlocks'], range: LedgerRange): Promise<LedgerPart> {
  const { from, to, nativeFrom, parent } = range;
  const end = await demandHeader(client, to);
  const logs = await readTransferLogs(client, range);
  const scanFrom = Math.max(from, nativeFrom);
  const scanned = await scanBlocks(client, {
    ...range,
    from: scanFrom,
    parent: scanFrom === from ? parent : null,
  });
  const headers = new Map([...scanned.headers, end].map((header) => [header.number, header]));
  const missing = [...new Set(logs.map(({ blockNumber }) => blockNumber))].filter((number) => !headers.has(number));
  for (const header of await findBlocks(missing)) if (header !== null) headers.set(header.number, header);
  const transfers = [...scanned.transfers, ...logs.flatMap((log) => transferOf(log, range.address, headers))];
  await assertUnmoved(client, [end, ...(parent ? [parent] : [])]);
  return { end, transfers: transfers.toSorted(inOrder) };
}

async function assertUnmoved(client: RpcClient, blocks: readonly BlockRef[]): Promise<void> {
  const now = await Promise.all(blocks.map(({ number }) => readHeader(client, number)));
  const moved = blocks.find(({ hash }, i) => now[i]?.hash !== hash);
  if (moved) throw new ChainError('MOVED', `Block ${moved.number} changed while the chain was read.`);
}

function inOrder(a: ChainTransfer, b: ChainTransfer): number {
  return a.block.number - b.block.number || a.transactionIndex - b.transactionIndex || a.position - b.position;
}

/** The logs of ERC-20 transfers from or to an address, each once. Throws TOO_MUCH where the range holds too many. */
async function readTransferLogs(client: RpcClient, { address, from, to }: LedgerRange): Promise<RpcLog[]> {
  const party = `0x${address.slice(2).padStart(64, '0')}`;
  const ask = async (topics: readonly (string | null)[]): Promise<RpcLog[]> => {
    const answer = await client.request('eth_getLogs', [{ fromBlock: hexOf(from), toBlock: hexOf(to), topics }]);
    return readAnswer(logsAnswer, answer, 'logs');
  };
  const [sent, received] = await Promise.all([ask([transferTopic, party]), ask([transferTopic, null, party])]);
  const logs = [...check(sent, 1, party, { from, to }), ...check(received, 2, party, { from, to })];
  return [...new Map(logs.map((log) => [`${log.blockNumber} ${log.logIndex}`, log])).values()];
}

/** The logs themselves where they are what was asked for. Throws LIED for another's, MOVED for one that was taken back. */
function check(
  logs: readonly RpcLog[],
  place: 1 | 2,
  party: string,
  { from, to }: { readonly from: number; readonly to: number },
): readonly RpcLog[] {
  for (const { topics, blockNumber, removed } of logs) {
    if (topics[0] !== transferTopic || topics[place] !== party)
      throw new ChainError('LIED', 'The node answered with logs of another address than it was asked for.');
    if (blockNumber < from || blockNumber > to)
      throw new ChainError(
        'LIED',
        `The node answered with a log of block ${blockNumber}, outside of ${from} to ${to}.`,
      );
    if (removed) throw new ChainError('MOVED', `Block ${blockNumber} was taken back while the chain was read.`);
  }
  return logs;
}

const wordChars = 66;
const addressTopic = /^0x0{24}[0-9a-f]{40}$/;

/** The transfer that a log tells; none where it is not one of an ERC-20 (an ERC-721 has its id as a fourth topic). */
function transferOf(log: RpcLog, address: string, headers: ReadonlyMap<number, BlockHeader>): ChainTransfer[] {
  const [, fromTopic = '', toTopic = ''] = log.topics;
  const isErc20 = log.topics.length === 3 && log.data.length === wordChars;
  if (!isErc20 || !addressTopic.test(fromTopic) || !addressTopic.test(toTopic)) return [];
  const block = headers.get(log.blockNumber);
  if (block === undefined || block.hash !== log.blockHash)
    throw new ChainError('MOVED', `Block ${log.blockNumber} has two hashes.`);
  const [from, to] = [`0x${fromTopic.slice(26)}`, `0x${toTopic.slice(26)}`];
  return [
    {
      block,
      transactionHash: log.transactionHash,
      transactionIndex: log.transactionIndex,
      position: log.logIndex + 2,
      kind: 'TOKEN',
      direction: from === to ? 'SELF' : to === address ? 'IN' : 'OUT',
      contract: checksumAddress(log.address),
      from,
      to,
      amount: BigInt(log.data),
    },
  ];
}
