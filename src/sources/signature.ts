import { createPublicClient, http, parseAbi } from 'viem';
import { hashMessage, recoverMessageAddress } from 'viem/utils';
import { AppError } from '../lib/errors.ts';
import type { VerifySignature } from '../lib/sign-in.ts';
import { isOfContract } from './erc20-calls.ts';

/** Signatures of Ethereum accounts: by their key (EIP-191), or by their contract (EIP-1271) where a node can be asked. */

/** What a contract answers for a signature that is good. */
const magicValue = '0x1626ba7e';
const eip1271 = parseAbi(['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)']);
const answerMs = 5_000;
/** A contract's signature may join several; longer ones are an attack. */
const signatureLengthMax = 20_000;

/** Makes the judge of signatures; `rpcUrls` are the nodes that can be asked, by chain. */
export function createSignatureVerifier(rpcUrls: Readonly<Record<number, string>>): VerifySignature {
  return async ({ address, text, signature, chainId }) => {
    if (!isHex(signature)) return false;
    if (signature.length === 132 && (await signerOf(text, signature)) === address) return true;
    const url = rpcUrls[chainId];
    return url === undefined ? false : askContract(url, address as `0x${string}`, text, signature);
  };
}

function isHex(text: string): text is `0x${string}` {
  return text.length <= signatureLengthMax && /^0x(?:[0-9a-fA-F]{2})+$/.test(text);
}

/** The address whose key signed; null where the signature is none. */
async function signerOf(text: string, signature: `0x${string}`): Promise<string | null> {
  try {
    return await recoverMessageAddress({ message: text, signature });
  } catch {
    return null; // no point of the curve: a signature of nobody
  }
}

async function askContract(
  url: string,
  address: `0x${string}`,
  text: string,
  signature: `0x${string}`,
): Promise<boolean> {
  const client = createPublicClient({ transport: http(url, { timeout: answerMs, retryCount: 1 }) });
  try {
    const args = [hashMessage(text), signature] as const;
    return (
      (await client.readContract({ address, abi: eip1271, functionName: 'isValidSignature', args })) === magicValue
    );
  } catch (error) {
    if (isOfContract(error)) return false; // there is no such contract, or it refuses
    throw new AppError('SERVICE_UNAVAILABLE', 'The chain of the signature cannot be asked now; try again.', {
      cause: error,
    });
  }
}
