import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { NodeAnswer, NodeScript } from '../support/fake-node.ts';

/**
 * Two blocks of Ethereum, 17,173,049 and 17,173,050 (2023-05-02), as blockchain-etl exported them, played as a node; and
 * the ERC-20 transfers that it extracted. Amounts are kept as text: as JSON numbers they would lose digits.
 */

interface Row {
  readonly [field: string]: string | null | undefined;
}

function readRows(name: string): Row[] {
  const text = gunzipSync(readFileSync(`test/fixtures/chain/expected_${name}.json.gz`)).toString();
  const lines = text.trim().split('\n');
  return lines.map((line) => JSON.parse(line.replace(/: (-?\d+)(?=[,}])/g, ': "$1"')) as Row);
}

export const blocks = readRows('blocks');
export const transactions = readRows('transactions');
const logs = readRows('logs');
const nftLogs = new Set(
  logs.filter((log) => log['topics']?.length === 4).map((log) => `${log['transaction_hash']} ${log['log_index']}`),
);
/** What was extracted from the logs, without non-fungible tokens: their logs have the id as a fourth topic. */
export const tokenTransfers = readRows('token_transfers').filter(
  (row) => !nftLogs.has(`${row['transaction_hash']} ${row['log_index']}`),
);

const hexOf = (value: string | null | undefined): string => `0x${BigInt(value ?? 0).toString(16)}`;

function rpcTransaction(row: Row): object {
  return {
    hash: row['hash'],
    blockHash: row['block_hash'],
    transactionIndex: hexOf(row['transaction_index']),
    from: row['from_address'],
    to: row['to_address'],
    value: hexOf(row['value']),
    gasPrice: hexOf(row['gas_price']),
  };
}

function rpcBlock(row: Row, isFull: boolean): object {
  const own = transactions.filter((transaction) => transaction['block_hash'] === row['hash']);
  return {
    number: hexOf(row['number']),
    hash: row['hash'],
    parentHash: row['parent_hash'],
    timestamp: hexOf(row['timestamp']),
    transactions: isFull ? own.map(rpcTransaction) : own.map(({ hash }) => hash),
  };
}

function rpcReceipt(row: Row): object {
  return {
    transactionHash: row['hash'],
    blockHash: row['block_hash'],
    status: hexOf(row['receipt_status']),
    gasUsed: hexOf(row['receipt_gas_used']),
    effectiveGasPrice: hexOf(row['receipt_effective_gas_price']),
    contractAddress: row['receipt_contract_address'] ?? null,
  };
}

function rpcLog(row: Row): object {
  return {
    address: row['address'],
    topics: row['topics'],
    data: row['data'],
    blockNumber: hexOf(row['block_number']),
    blockHash: row['block_hash'],
    transactionHash: row['transaction_hash'],
    transactionIndex: hexOf(row['transaction_index']),
    logIndex: hexOf(row['log_index']),
    removed: false,
  };
}

function answer(method: string, params: readonly unknown[]): NodeAnswer {
  const [first, second] = params;
  if (method === 'eth_chainId') return { result: '0x1' };
  if (method === 'eth_getBlockByNumber') {
    const row = blocks.find(({ number }) => hexOf(number) === first);
    return { result: row ? rpcBlock(row, second === true) : null };
  }
  if (method === 'eth_getTransactionReceipt') {
    const row = transactions.find(({ hash }) => hash === first);
    return { result: row ? rpcReceipt(row) : null };
  }
  if (method === 'eth_getLogs') {
    const { topics } = first as { topics: (string | null)[] };
    const isAsked = (row: Row): boolean =>
      topics.every((topic, i) => topic === null || (row['topics'] as unknown as string[])[i] === topic);
    return { result: logs.filter(isAsked).map(rpcLog) };
  }
  return { error: { code: -32_601, message: 'the method does not exist' } };
}

/** The blocks as a node. */
export const mainnetNode: NodeScript = { answer };
