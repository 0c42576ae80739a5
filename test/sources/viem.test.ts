import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Chain, ChainError, type ChainTrouble, type LedgerRange } from '../../src/sources/chain.ts';
import { createChain } from '../../src/sources/viem.ts';
import { type NodeAnswer, type NodeScript, startFakeNode } from '../support/fake-node.ts';
import { blocks, mainnetNode, tokenTransfers, transactions } from './mainnet-blocks.ts';

/** A chain whose clock only notes how long it is told to sleep. */
async function chainOf(
  t: TestContext,
  script: NodeScript,
): Promise<{ chain: Chain; slept: number[]; asked: string[] }> {
  const slept: number[] = [];
  const { url, asked } = await startFakeNode({ after: (run) => t.after(run) }, script);
  const clock = { now: () => 0, sleep: (ms: number) => (slept.push(ms), Promise.resolve()) };
  return { chain: createChain(1, { url, clock }), slept, asked };
}

const [from, to] = [17_173_049, 17_173_050];
const rangeOf = (address: string): LedgerRange => ({ address, from, to, nativeFrom: from, parent: null });

describe('two real blocks of Ethereum', () => {
  it('give every address the ERC-20 transfers that were extracted from them, to the last digit', async (t) => {
    const { chain } = await chainOf(t, mainnetNode);
    const addresses = new Set(tokenTransfers.flatMap((row) => [row['from_address'] ?? '', row['to_address'] ?? '']));
    assert.ok(addresses.size > 100);
    for (const address of addresses) {
      const { transfers } = await chain.readLedger(rangeOf(address));
      const told = transfers
        .filter(({ kind }) => kind === 'TOKEN')
        .map(({ contract, transactionHash, position, amount, from: sender, to: receiver }) =>
          [contract?.toLowerCase(), sender, receiver, amount, transactionHash, position - 2].join(' '),
        );
      const recorded = tokenTransfers
        .filter((row) => row['from_address'] === address || row['to_address'] === address)
        .map((row) =>
          ['token_address', 'from_address', 'to_address', 'value', 'transaction_hash', 'log_index']
            .map((field) => row[field])
            .join(' '),
        );
      assert.deepEqual(told.toSorted(), recorded.toSorted(), address);
    }
    assert.ok(tokenTransfers.some((row) => BigInt(row['value'] ?? 0) > 2n ** 53n));
  });

  it('give every sender what it sent and paid', async (t) => {
    const { chain } = await chainOf(t, mainnetNode);
    for (const address of new Set(transactions.slice(0, 60).map((row) => row['from_address'] ?? ''))) {
      const { transfers } = await chain.readLedger(rangeOf(address));
      const own = transactions.filter((row) => row['from_address'] === address);
      const sumOf = (kind: string): bigint =>
        transfers.reduce((sum, line) => (line.kind === kind && line.direction === 'OUT' ? sum + line.amount : sum), 0n);
      const fee = (row: (typeof own)[0]): bigint =>
        BigInt(row['receipt_gas_used'] ?? 0) * BigInt(row['receipt_effective_gas_price'] ?? 0);
      const paid = own.reduce((sum, row) => sum + fee(row), 0n);
      const sent = own
        .filter((row) => row['receipt_status'] === '1' && row['to_address'] !== address)
        .reduce((sum, row) => sum + BigInt(row['value'] ?? 0), 0n);
      assert.deepEqual([sumOf('FEE'), sumOf('NATIVE')], [paid, sent], address);
    }
  });
});

/** The node of the real blocks, but for what it says to one method. */
function lying(method: string, lie: (told: unknown) => unknown): NodeScript {
  return {
    answer(asked, params): NodeAnswer {
      const told = mainnetNode.answer(asked, params);
      return asked === method && 'result' in told ? { result: lie(structuredClone(told.result)) } : told;
    },
  };
}

type Json = Record<string, unknown>;
const sender = transactions[0]?.['from_address'] ?? '';
const receiver = tokenTransfers[0]?.['to_address'] ?? '';
const other = `0x${'ab'.repeat(32)}`;
const patchFirst =
  (patch: Json) =>
  (told: unknown): unknown =>
    (told as Json[]).map((item, i) => (i === 0 ? { ...item, ...patch } : item));
const party = `0x${'0'.repeat(24)}${receiver.slice(2)}`;

/** A lie: what is lied to, the lie, about whom, and what we make of it. */
const lies: readonly [
  name: string,
  method: string,
  lie: (told: unknown) => unknown,
  address: string,
  trouble: ChainTrouble,
][] = [
  ['an amount as a JSON number', 'eth_getBlockByNumber', (told) => numericValues(told as Json), sender, 'LIED'],
  [
    'a log of another address',
    'eth_getLogs',
    (told) => (told as Json[]).map((log) => ({ ...log, topics: [(log['topics'] as string[])[0], other, other] })),
    receiver,
    'LIED',
  ],
  [
    'a log of another event',
    'eth_getLogs',
    (told) => (told as Json[]).map((log) => ({ ...log, topics: [other, party, party] })),
    receiver,
    'LIED',
  ],
  ['a log outside of the range', 'eth_getLogs', patchFirst({ blockNumber: '0x1' }), receiver, 'LIED'],
  [
    'a log of a block of that number that is not on the chain',
    'eth_getLogs',
    patchFirst({ blockHash: other }),
    receiver,
    'MOVED',
  ],
  ['a log that was taken back', 'eth_getLogs', patchFirst({ removed: true }), receiver, 'MOVED'],
  ['a log without a block', 'eth_getLogs', patchFirst({ blockNumber: null }), receiver, 'LIED'],
  ['no block', 'eth_getBlockByNumber', () => null, receiver, 'MOVED'],
  [
    'another block than the one asked for',
    'eth_getBlockByNumber',
    (told) => ({ ...(told as Json), number: '0x1' }),
    receiver,
    'LIED',
  ],
  [
    'a block whose transactions are of another',
    'eth_getBlockByNumber',
    (told) => ({ ...(told as Json), hash: other }),
    receiver,
    'LIED',
  ],
  [
    'a receipt of another transaction',
    'eth_getTransactionReceipt',
    (told) => ({ ...(told as Json), transactionHash: other }),
    sender,
    'LIED',
  ],
  [
    'a receipt of another block',
    'eth_getTransactionReceipt',
    (told) => ({ ...(told as Json), blockHash: other }),
    sender,
    'MOVED',
  ],
  ['no receipt', 'eth_getTransactionReceipt', () => null, sender, 'MOVED'],
  ['text in place of logs', 'eth_getLogs', () => 'ok', receiver, 'LIED'],
];

function numericValues(block: Json): Json {
  const own = block['transactions'] as (Json | string)[];
  return {
    ...block,
    transactions: own.map((item) => (typeof item === 'string' ? item : { ...item, value: 2 ** 60 })),
  };
}

describe('a node that answers with', () => {
  for (const [name, method, lie, address, trouble] of lies)
    it(`${name} is not believed`, async (t) => {
      const { chain } = await chainOf(t, lying(method, lie));
      await assert.rejects(chain.readLedger(rangeOf(address)), (error) => {
        assert.ok(error instanceof ChainError, String(error));
        assert.equal(error.trouble, trouble, error.message);
        return true;
      });
    });

  it('a block that does not follow the one before is not believed', async (t) => {
    const { chain } = await chainOf(t, mainnetNode);
    const parent = { number: from - 1, hash: other };
    await assert.rejects(chain.readLedger({ ...rangeOf(sender), parent }), /does not follow/);
    assert.notEqual(blocks[0]?.['parent_hash'], other);
  });

  it('another chain id is not used', async (t) => {
    const { chain } = await chainOf(t, { answer: () => ({ result: '0x89' }) });
    await assert.rejects(chain.assertChainId(), /configured for chain 1 is one of chain 137/);
  });
});

describe('a node that', () => {
  it('asks to be asked less often is left alone as long as it says', async (t) => {
    let refusals = 2;
    const { chain, slept } = await chainOf(t, {
      ...mainnetNode,
      take(response) {
        if (refusals === 0) return false;
        refusals -= 1;
        response.writeHead(429, { 'retry-after': '7' }).end();
        return true;
      },
    });
    await chain.assertChainId();
    assert.deepEqual(slept, [7_000, 7_000]);
  });

  it('asks for more patience than a turn has ends the turn, with the time it wants', async (t) => {
    const { chain } = await chainOf(t, {
      ...mainnetNode,
      take: (response) => Boolean(response.writeHead(429, { 'retry-after': '3600' }).end()),
    });
    await assert.rejects(chain.assertChainId(), { trouble: 'RATE_LIMITED', retryAfterMs: 3_600_000 });
  });

  it('is away is tried six times, and told without its address', async (t) => {
    const { chain, slept } = await chainOf(t, {
      ...mainnetNode,
      take: (response) => Boolean(response.writeHead(503).end()),
    });
    await assert.rejects(chain.assertChainId(), (error) => {
      assert.ok(error instanceof ChainError);
      assert.equal(error.trouble, 'UNREACHABLE');
      assert.doesNotMatch(error.message, /secret|127\.0\.0\.1/);
      return true;
    });
    assert.equal(slept.length, 5);
  });

  for (const [code, message] of [
    [-32_005, 'query returned more than 10000 results'],
    [-32_602, 'block range is too wide'],
    [-32_000, 'Log response size exceeded.'],
  ] as const)
    it(`says "${message}" is asked for less, at once`, async (t) => {
      const { chain, slept } = await chainOf(t, {
        answer: (method, params) =>
          method === 'eth_getLogs' ? { error: { code, message } } : mainnetNode.answer(method, params),
      });
      await assert.rejects(chain.readLedger(rangeOf(receiver)), { trouble: 'TOO_MUCH' });
      assert.deepEqual(slept, []);
    });

  it('refuses a method is told as such', async (t) => {
    const { chain } = await chainOf(t, { answer: () => ({ error: { code: -32_601, message: 'key=abc' } }) });
    await assert.rejects(chain.assertChainId(), (error) => {
      assert.ok(error instanceof ChainError);
      assert.deepEqual([error.trouble, error.message], ['REFUSED', 'The node refused a request (code -32601).']);
      return true;
    });
  });
});
