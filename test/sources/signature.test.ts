import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { decodeFunctionData, hashMessage, parseAbi } from 'viem';
import { createSignatureVerifier } from '../../src/sources/signature.ts';
import { wallet } from '../access/siwe-message.ts';

const abi = parseAbi(['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)']);
const contract = '0x1111111111111111111111111111111111111111';
const magic = `0x1626ba7e${'0'.repeat(56)}`;
let answer: (call: { to: string; data: `0x${string}` }) => object = () => ({ result: '0x' });
const asked: string[] = [];

async function read(request: IncomingMessage): Promise<{ id: number; method: string; params: never[] }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString()) as { id: number; method: string; params: never[] };
}

const node = createServer((request, response) => {
  void read(request).then(({ id, method, params }) => {
    asked.push(method);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer(params[0] as never) }));
  });
});
await new Promise<void>((resolve) => {
  node.listen(0, '127.0.0.1', resolve);
});
after(() => void node.close());
const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
const verify = createSignatureVerifier({ 1: url, 5: 'http://127.0.0.1:1' });

test('a key signs for its own address, without asking the chain', async () => {
  asked.length = 0;
  const signature = await wallet.signMessage({ message: 'hello' });
  assert.equal(await verify({ address: wallet.address, text: 'hello', signature, chainId: 1 }), true);
  assert.deepEqual(asked, []);
});

test('a contract signs by what it says of the hash of the message and of the signature', async () => {
  answer = ({ to, data }) => {
    const { args } = decodeFunctionData({ abi, data });
    return {
      result:
        to === contract && args[0] === hashMessage('hello') && args[1] === '0x1234' ? magic : `0x${'f'.repeat(64)}`,
    };
  };
  assert.equal(await verify({ address: contract, text: 'hello', signature: '0x1234', chainId: 1 }), true);
  assert.equal(await verify({ address: contract, text: 'hello', signature: '0x1235', chainId: 1 }), false);
  assert.equal(await verify({ address: contract, text: 'other', signature: '0x1234', chainId: 1 }), false);
});

test('an address without a contract, and a contract that refuses, have not signed', async () => {
  const call = { address: contract, text: 'hello', signature: '0x1234', chainId: 1 };
  answer = () => ({ result: '0x' });
  assert.equal(await verify(call), false);
  answer = () => ({ error: { code: 3, message: 'execution reverted', data: '0x' } });
  assert.equal(await verify(call), false);
});

test('a chain that cannot be asked is told as such; one without a node has no contracts', async () => {
  const call = { address: contract, text: 'hello', signature: '0x1234' };
  await assert.rejects(verify({ ...call, chainId: 5 }), { code: 'SERVICE_UNAVAILABLE' });
  answer = () => ({ error: { code: -32005, message: 'rate limited' } });
  await assert.rejects(verify({ ...call, chainId: 1 }), { code: 'SERVICE_UNAVAILABLE' });
  assert.equal(await verify({ ...call, chainId: 137 }), false);
});
