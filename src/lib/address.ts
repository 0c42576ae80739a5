import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** EVM addresses in the spelling of EIP-55: the case of each letter is a checksum. */

const evm = /^0x[0-9a-fA-F]{40}$/;

/** The checksummed spelling of 0x and 40 hexadecimal digits in any case. */
export function checksumAddress(address: string): string {
  const digits = address.slice(2).toLowerCase();
  const hash = bytesToHex(keccak_256(utf8ToBytes(digits)));
  return `0x${Array.from(digits, (digit, i) => (Number.parseInt(hash[i] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit)).join('')}`;
}

/** The checksummed address; null where the text is none, or where its letters are mixed and the checksum is wrong. */
export function parseAddress(text: string): string | null {
  if (!evm.test(text)) return null;
  const checksummed = checksumAddress(text);
  const digits = text.slice(2);
  const isOneCase = digits === digits.toLowerCase() || digits === digits.toUpperCase();
  return isOneCase || text === checksummed ? checksummed : null;
}
