import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import {
  type Abi,
  type Account,
  type Address,
  createTestClient,
  defineChain,
  type EIP1193RequestFn,
  encodeFunctionData,
  getAddress,
  type Hex,
  http,
  numberToHex,
  parseAbi,
  publicActions,
  walletActions,
} from 'viem';
import { mnemonicToAccount } from 'viem/accounts';

/** A real EVM node on a free loopback port, for tests: anvil, which comes with npm as a binary. */

/** Where the binary of this machine is; null where npm has none for it. */
function findAnvil(): string | null {
  const platform = process.platform === 'win32' ? 'win32' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  try {
    return createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${platform}-${arch}/bin/anvil`);
  } catch {
    return null;
  }
}

const binary = findAnvil();

/** node:test's `skip` option: a message where npm has no anvil for this machine, else false. */
export const skipWithoutAnvil: string | false = binary === null ? 'npm brings no anvil for this machine' : false;

/** Accounts of the node's mnemonic: its first ones have coin. */
export function accountOf(index: number): Account {
  return mnemonicToAccount('test test test test test test test test test test test junk', { addressIndex: index });
}

/** What contracts of tests can do; see test/fixtures/contracts. */
export const tokenAbi = parseAbi([
  'constructor(string name, string symbol, uint8 decimals, uint256 supply)',
  'function transfer(address to, uint256 value) returns (bool)',
  'function transferMany(address[] to, uint256[] values)',
  'function conjure(address to, uint256 value)',
  'function mint(address to, uint256 value)',
  'function spam(address to)',
  'function forward(address to) payable',
  'function balanceOf(address) view returns (uint256)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
]);

const walletAbi = parseAbi(['constructor(address owner)']);

const bytecodes = JSON.parse(readFileSync('test/fixtures/contracts/tokens.json', 'utf8')) as Record<string, Hex>;
type Contract =
  | 'TestToken'
  | 'OldToken'
  | 'HostileToken'
  | 'LyingToken'
  | 'MuteToken'
  | 'TestNft'
  | 'Forwarder'
  | 'ContractWallet'
  | 'SilentWallet'
  | 'BurningWallet';

/** Its chain id. */
export const anvilChainId = 31_337;

/** A call of a contract of the fixtures. */
export interface SentCall {
  readonly functionName: string;
  readonly args: readonly unknown[];
}

/** A running node. */
export interface Anvil {
  readonly url: string;
  readonly client: ReturnType<typeof createClient>;
  /** Deploys a contract of the fixtures; its address. */
  deploy(contract: Contract, args?: readonly unknown[]): Promise<Address>;
  /** Sends a call of a contract (none: coin alone) and does not wait for a block; calls sent together keep their order. */
  send(from: Account, to: Address, call: SentCall | null, value?: bigint): Promise<Hex>;
  /** To be called where the node went back to an earlier state. */
  forgetNonces(): void;
  /** Ends it at once. */
  kill(): Promise<void>;
}

function createClient(url: string) {
  const chain = defineChain({
    id: anvilChainId,
    name: 'Anvil',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  return createTestClient({ mode: 'anvil', chain, transport: http(url, { batch: { batchSize: 100 } }) })
    .extend(publicActions)
    .extend(walletActions);
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Starts a node that makes blocks only when told to; gone when the test ends. `args` are anvil's own. */
export async function startAnvil(
  t: { after(run: () => Promise<void>): void },
  { port, args = [] }: { readonly port?: number; readonly args?: readonly string[] } = {},
): Promise<Anvil> {
  const listening = port ?? (await freePort());
  const url = `http://127.0.0.1:${listening}`;
  const child = spawn(
    binary ?? '',
    ['--host', '127.0.0.1', '--port', String(listening), '--no-mining', '--silent', '--accounts', '21', ...args],
    { stdio: 'ignore' },
  );
  const kill = (): Promise<void> => endProcess(child);
  t.after(kill);
  const client = createClient(url);
  await answering(client);
  const deployer = accountOf(0);
  const nonces = new Map<string, Promise<number>>();
  return {
    url,
    client,
    kill,
    forgetNonces: () => nonces.clear(),
    async deploy(contract, constructorArgs = []) {
      const abi = (constructorArgs.length === 0 ? [] : contract === 'ContractWallet' ? walletAbi : tokenAbi) as Abi;
      const bytecode = bytecodes[contract] as Hex;
      const hash = await client.deployContract({ abi, bytecode, args: constructorArgs, account: deployer });
      nonces.delete(deployer.address);
      await client.mine({ blocks: 1 });
      const { contractAddress } = await client.getTransactionReceipt({ hash });
      return getAddress(contractAddress ?? '0x');
    },
    async send(account, to, call, value = 0n) {
      const nonce = nonces.get(account.address) ?? client.getTransactionCount({ address: account.address });
      nonces.set(
        account.address,
        nonce.then((number) => number + 1),
      );
      const transaction = {
        from: account.address,
        to,
        nonce: numberToHex(await nonce),
        gas: numberToHex(5_000_000),
        gasPrice: numberToHex(2_000_000_000),
        value: numberToHex(value),
        ...(call === null
          ? {}
          : { data: encodeFunctionData({ abi: tokenAbi, ...(call as { functionName: never; args: never }) }) }),
      };
      return (client.request as EIP1193RequestFn)({ method: 'eth_sendTransaction', params: [transaction] });
    },
  };
}

function endProcess(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

async function answering(client: ReturnType<typeof createClient>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await client.getBlockNumber();
      return;
    } catch (error) {
      if (tries >= 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50)); // the node is another process: nothing here tells when it listens
    }
  }
}
