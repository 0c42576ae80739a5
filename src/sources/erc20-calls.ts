import {
  type Abi,
  type Address,
  type BaseError,
  HttpRequestError,
  hexToString,
  parseAbi,
  RpcRequestError,
  TimeoutError,
} from 'viem';
import type { ContractDescription } from './chain.ts';
import { codeAnswer, readAnswer } from './rpc-answers.ts';
import type { RpcClient } from './rpc-client.ts';

/** What contracts answer when they are called: many at once, and one that misbehaves harms no other. */

const erc20 = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'function symbol() view returns (string)',
  'function name() view returns (string)',
  'function decimals() view returns (uint256)',
]);
/** How the oldest tokens (MKR, SAI) name themselves. */
const oldNames = parseAbi(['function symbol() view returns (bytes32)', 'function name() view returns (bytes32)']);

/** Where Multicall3 stands on the chains that have it. */
const multicall3: Address = '0xcA11bde05977b3631167028862bE2a173976CA11';
/** Bytes of call data in one call: about a hundred calls, which fit into what may be deployed where there is no Multicall3. */
const callBytesMax = 3_600;

/** One call of a contract. */
interface Call {
  readonly address: Address;
  readonly abi: Abi;
  readonly functionName: string;
  readonly args?: readonly unknown[];
}

/** Calls contracts, at the end of a block or now; null where one does not answer as it should. */
export type Multicall = (calls: readonly Call[], blockNumber: number | null) => Promise<unknown[]>;

/** Makes {@link Multicall}: through Multicall3 where the chain has it, else by code that is sent along. */
export function createMulticall(client: RpcClient): Multicall {
  let where: Promise<{ multicallAddress: Address } | { deployless: true }> | null = null;

  async function findMulticall3(): Promise<{ multicallAddress: Address } | { deployless: true }> {
    const code = readAnswer(codeAnswer, await client.request('eth_getCode', [multicall3, 'latest']), 'code');
    return code === '0x' ? { deployless: true } : { multicallAddress: multicall3 };
  }

  return async (calls, blockNumber) => {
    if (calls.length === 0) return [];
    where ??= findMulticall3().catch((error: unknown) => {
      where = null;
      throw error;
    });
    const way = await where;
    const at = blockNumber === null ? {} : { blockNumber: BigInt(blockNumber) };
    const results = await client.attempt(() =>
      client.viem.multicall({ contracts: [...calls], allowFailure: true, batchSize: callBytesMax, ...way, ...at }),
    );
    const alone = async (call: Call): Promise<unknown> => {
      try {
        return await client.attempt(() => client.viem.readContract({ ...call, ...at }));
      } catch (error) {
        if (isOfContract(error)) return null;
        throw error;
      }
    };
    // One that takes all the gas fails the whole batch: those that failed are asked once more, each by itself.
    return Promise.all(
      results.map(({ status, result }, i) => (status === 'success' ? result : alone(calls[i] as Call))),
    );
  };
}

/** Whether a call failed because of the contract, not because of the node. */
export function isOfContract(error: unknown): boolean {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const walk = (cause as Partial<BaseError>).walk?.bind(cause);
  if (walk === undefined) return false;
  const isOfNode = (inner: unknown): boolean => inner instanceof HttpRequestError || inner instanceof TimeoutError;
  if (walk(isOfNode) !== null) return false;
  const rpc = walk((inner) => inner instanceof RpcRequestError) as RpcRequestError | null;
  return rpc === null || isExecutionError(rpc);
}

/** Nodes tell of reverts with code 3, and of everything else that happens inside of the machine in words. */
function isExecutionError({ code, details }: RpcRequestError): boolean {
  return (
    code === 3 || /revert|out of gas|invalid opcode|stack|execution|bad jump|OutOfGas|InvalidFEOpcode/i.test(details)
  );
}

/** What an address holds of contracts at the end of a block; null where a contract does not tell. */
export async function readTokenBalances(
  multicall: Multicall,
  address: string,
  contracts: readonly string[],
  blockNumber: number,
): Promise<(bigint | null)[]> {
  const calls = contracts.map((contract) => ({
    address: contract as Address,
    abi: erc20,
    functionName: 'balanceOf',
    args: [address],
  }));
  return (await multicall(calls, blockNumber)).map((result) => (typeof result === 'bigint' ? result : null));
}

/** What contracts say of themselves: text, or 32 bytes of it. */
export async function readDescriptions(
  multicall: Multicall,
  contracts: readonly string[],
): Promise<ContractDescription[]> {
  const ask = (abi: Abi, functionName: string, of: readonly string[]): Promise<unknown[]> =>
    multicall(
      of.map((address) => ({ address: address as Address, abi, functionName })),
      null,
    );
  const readText = async (functionName: 'symbol' | 'name'): Promise<(string | null)[]> => {
    const texts = await ask(erc20, functionName, contracts);
    const silent = contracts.filter((_, i) => typeof texts[i] !== 'string');
    const old = new Map(
      (await ask(oldNames, functionName, silent)).map((result, i) => [silent[i], textOfBytes(result)]),
    );
    return contracts.map((contract, i) => (typeof texts[i] === 'string' ? texts[i] : (old.get(contract) ?? null)));
  };
  const [symbols, names, decimals] = await Promise.all([
    readText('symbol'),
    readText('name'),
    ask(erc20, 'decimals', contracts),
  ]);
  return contracts.map((_, i) => ({
    symbol: symbols[i] ?? null,
    name: names[i] ?? null,
    decimals: typeof decimals[i] === 'bigint' && decimals[i] <= 255n ? Number(decimals[i]) : null,
  }));
}

function textOfBytes(result: unknown): string | null {
  if (typeof result !== 'string' || !/^0x[0-9a-f]{64}$/i.test(result)) return null;
  return hexToString(result as `0x${string}`, { size: 32 });
}
