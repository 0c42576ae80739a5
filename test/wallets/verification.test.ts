import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { privateKeyToAccount } from 'viem/accounts';
import { createSchema } from '../../src/schema.ts';
import { createSignatureVerifier } from '../../src/sources/signature.ts';
import { createTestApi } from '../support/api.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { seedNetwork, seedViewer } from './seed.ts';

const db = await createTestDb({ after });
const clock = createTestClock(Date.UTC(2026, 0, 1));
await seedNetwork(db, 'ethereum', 1);
const viewer = await seedViewer(db, 'Ada');
const owner = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const other = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const signIn = { publicOrigin: 'https://graph.example', verifySignature: createSignatureVerifier({}) };
const scope = { after: (run: unknown): void => after(run as () => void) };
const api = createTestApi(scope, { schema: createSchema(), db, clock, viewer, context: () => ({ signIn }) });

async function addWallet(address: string): Promise<string> {
  const { data } = await api.query<{ addWallet: { id: string } }>(
    'mutation ($a: Address!) { addWallet(input: { chainId: 1, address: $a }) { ... on Wallet { id } } }',
    { a: address },
  );
  return data?.addWallet.id ?? '';
}

async function requestMessage(id: string): Promise<string> {
  const { data } = await api.query<{ requestWalletVerification: { message: string } }>(
    'mutation ($id: ID!) { requestWalletVerification(id: $id) { ... on WalletChallenge { message expiresAt } } }',
    { id },
  );
  return data?.requestWalletVerification.message ?? '';
}

async function verify(id: string, signature: string): Promise<unknown> {
  const source = `mutation ($id: ID!, $s: String!) { verifyWallet(id: $id, signature: $s) {
    ... on Wallet { isVerified } ... on Refusal { message } } }`;
  return (await api.query<{ verifyWallet: unknown }>(source, { id, s: signature })).data?.verifyWallet;
}

const none = { message: 'No message waits to be signed; ask for one with requestWalletVerification.' };
const wrong = { message: 'The signature is not one of this address; ask for a new message.' };

it('a wallet is verified by the signature of its address, of the message of that wallet, once and in time', async () => {
  const id = await addWallet(owner.address);
  assert.deepEqual(await verify(id, '0x00'), none);

  const message = await requestMessage(id);
  assert.match(message, /^graph\.example asks you/);
  assert.ok(message.includes(`Address: ${owner.address}\nChain ID: 1\nAccount: ${viewer.accountId}\nNonce: `));
  assert.deepEqual(await verify(id, await other.signMessage({ message })), wrong);
  assert.deepEqual(await verify(id, await owner.signMessage({ message })), none, 'one try a message');

  const late = await requestMessage(id);
  await clock.advance(600_000);
  assert.deepEqual(await verify(id, await owner.signMessage({ message: late })), none);

  const replaced = await requestMessage(id);
  const newest = await requestMessage(id);
  assert.notEqual(newest, replaced);
  assert.deepEqual(await verify(id, await owner.signMessage({ message: replaced })), wrong);

  const good = await owner.signMessage({ message: await requestMessage(id) });
  const results = await Promise.all(Array.from({ length: 10 }, () => verify(id, good)));
  assert.equal(results.filter((result) => (result as { isVerified?: boolean }).isVerified).length, 1);
});
