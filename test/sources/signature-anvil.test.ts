import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Address, type Hex, serializeErc6492Signature } from 'viem';
import { recordNonce, signInWithEthereum } from '../../src/access/session-store.ts';
import { createSignatureVerifier } from '../../src/sources/signature.ts';
import { testSecret } from '../access/accounts.ts';
import { fullMessage, textOf, wallet as owner } from '../access/siwe-message.ts';
import { accountOf, type Anvil, anvilChainId as chainId, skipWithoutAnvil, startAnvil } from '../support/anvil.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

/** Signatures of contract wallets (EIP-1271), judged by contracts that stand on a real EVM node. */

const db = await createTestDb({ after });
const node = skipWithoutAnvil ? (null as unknown as Anvil) : await startAnvil({ after });

describe('the signature of a contract wallet', { skip: skipWithoutAnvil }, () => {
  const verify = createSignatureVerifier({ [chainId]: node?.url ?? '' });
  const text = 'hello';
  let contract: Address;
  let signature: Hex;

  before(async () => {
    contract = await node.deploy('ContractWallet', [owner.address]);
    signature = await owner.signMessage({ message: text });
  });

  it('is good where its owner signed that text', async () => {
    assert.equal(await verify({ address: contract, text, signature, chainId }), true);
  });

  it('is not where somebody else signed, or another text, or it is cut, or no signature at all', async () => {
    const other = (await accountOf(5).signMessage?.({ message: text })) ?? '0x';
    assert.notEqual(other, '0x');
    for (const [said, given] of [
      [text, other],
      ['other', signature],
      [text, signature.slice(0, -2)],
      [text, `0x${'00'.repeat(65)}`],
      [text, '0x'],
    ] as const)
      assert.equal(await verify({ address: contract, text: said, signature: given, chainId }), false, given);
  });

  it('is not where the contract is of another owner, says nothing, burns all gas, or is none', async () => {
    const strangers = [
      await node.deploy('ContractWallet', [accountOf(5).address]),
      await node.deploy('SilentWallet'),
      await node.deploy('BurningWallet'),
      await node.deploy('OldToken'),
      accountOf(2).address,
    ];
    for (const address of strangers) assert.equal(await verify({ address, text, signature, chainId }), false, address);
  });

  it('of a contract that is still to be deployed (EIP-6492) is not taken', async () => {
    const wrapped = serializeErc6492Signature({ address: contract, data: '0x00', signature });
    assert.equal(await verify({ address: accountOf(3).address, text, signature: wrapped, chainId }), false);
    assert.equal(await verify({ address: contract, text, signature: wrapped, chainId }), false);
  });

  it('signs in, on the chain where the contract stands and nowhere else', async () => {
    const clock = createTestClock(Date.UTC(2026, 10, 28, 12));
    const publicOrigin = 'https://api.example';
    const signIn = { publicOrigin, chainIds: [1, chainId], secret: testSecret, verifySignature: verify };
    const signInOn = async (id: number): Promise<number> => {
      const { nonce } = await recordNonce({ db, clock });
      const message = textOf({ ...fullMessage, address: contract, chainId: String(id), nonce });
      const signed = await owner.signMessage({ message });
      return (await signInWithEthereum({ db, clock, signIn }, message, signed)).accountId;
    };
    const accountId = await signInOn(chainId);
    assert.equal(await signInOn(chainId), accountId);
    await assert.rejects(signInOn(1), { code: 'BAD_USER_INPUT' });
    const [identity] = await db.query<{ subject: string }>(
      'SELECT subject FROM account_identity WHERE account_id = $1',
      [accountId],
    );
    assert.equal(identity?.subject, contract.toLowerCase());
  });
});
