import { randomBytes } from 'node:crypto';
import type { Db } from '../db/client.ts';
import { checksumAddress } from '../lib/address.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError } from '../lib/errors.ts';
import type { SignIn } from '../lib/sign-in.ts';
import { ownWallet, type OwnWalletKey } from './store.ts';
import { recordChallenge, recordVerified, takeChallenge, type WalletChallenge } from './verification-store.ts';
import type { Wallet } from './wallet.ts';

/** Showing that an account owns the address of a wallet: a message of ours, signed once by the address. */

/** What verification needs. */
export interface VerificationDeps {
  readonly db: Db;
  readonly clock: Pick<Clock, 'now'>;
  readonly signIn: Pick<SignIn, 'publicOrigin' | 'verifySignature'>;
}

const challengeMs = 600_000;

interface ChainWallet extends Wallet {
  readonly chainId: number;
  readonly address: string;
}

async function findChainWallet({ db }: VerificationDeps, key: OwnWalletKey): Promise<ChainWallet> {
  const wallet = await ownWallet({ db }).load(key);
  if (wallet === null || wallet.chainId === null || wallet.address === null)
    throw new AppError('BAD_USER_INPUT', 'You have no wallet with this id.');
  return { ...wallet, chainId: wallet.chainId, address: wallet.address };
}

/** A message for a wallet of the account to sign, in place of an earlier one. Throws BAD_USER_INPUT where there is no such wallet. */
export async function challengeWallet(deps: VerificationDeps, key: OwnWalletKey): Promise<WalletChallenge> {
  const { address, chainId } = await findChainWallet(deps, key);
  const expiresAt = deps.clock.now() + challengeMs;
  const message = [
    `${new URL(deps.signIn.publicOrigin).host} asks you to show that this wallet is yours. Signing costs nothing and moves nothing.`,
    '',
    `Address: ${checksumAddress(address)}`,
    `Chain ID: ${chainId}`,
    `Account: ${key.accountId}`,
    `Nonce: ${randomBytes(16).toString('hex')}`,
    `Expiration Time: ${new Date(expiresAt).toISOString()}`,
  ].join('\n');
  await recordChallenge(deps.db, key, { message, expiresAt });
  return { message, expiresAt };
}

/**
 * Verifies a wallet by the signature of its last message, which counts once. Throws BAD_USER_INPUT where there is no
 * message to sign, or somebody else signed; SERVICE_UNAVAILABLE where the wallet is a contract and its chain is away.
 */
export async function verifyWallet(deps: VerificationDeps, key: OwnWalletKey, signature: string): Promise<void> {
  const { address, chainId } = await findChainWallet(deps, key);
  const nowMs = deps.clock.now();
  const text = await takeChallenge(deps.db, key, nowMs);
  if (text === null)
    throw new AppError('BAD_USER_INPUT', 'No message waits to be signed; ask for one with requestWalletVerification.');
  const isGood = await deps.signIn.verifySignature({ address: checksumAddress(address), text, signature, chainId });
  if (!isGood) throw new AppError('BAD_USER_INPUT', 'The signature is not one of this address; ask for a new message.');
  await recordVerified(deps.db, key, nowMs);
}
