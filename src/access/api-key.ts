import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * API keys as text: `tg_`, a public id that names the key, `_`, 192 random bits, a checksum; all hexadecimal. The
 * prefix lets scanners of source code find leaked keys, the checksum tells a mistyped key from a foreign one without
 * asking the database. Only the hash of the whole text is ever stored.
 */

/** A key as it is made: the only time that its text is known. */
export interface NewApiKey {
  readonly id: string;
  readonly text: string;
  readonly hash: Buffer;
}

const shape = /^(tg_([0-9a-f]{12})_[0-9a-f]{48})([0-9a-f]{8})$/;

/** Makes a key. */
export function createApiKey(): NewApiKey {
  const id = randomBytes(6).toString('hex');
  const body = `tg_${id}_${randomBytes(24).toString('hex')}`;
  const text = `${body}${checksumOf(body)}`;
  return { id, text, hash: hashOf(text) };
}

/** Whether a text claims to be a key of ours, rather than a signed token. */
export function looksLikeApiKey(text: string): boolean {
  return text.startsWith('tg_');
}

/** The public id in a key's text; null where the text is no key of ours or its checksum is wrong. */
export function readApiKeyId(text: string): string | null {
  const [, body = '', id = '', checksum] = shape.exec(text) ?? [];
  return id !== '' && checksumOf(body) === checksum ? id : null;
}

/** SHA-256: what is stored of a secret that has too many random bits to be guessed. */
export function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Whether a text has this hash, in time that does not depend on where they differ. */
export function hasHash(text: string, hash: Uint8Array): boolean {
  return timingSafeEqual(hashOf(text), hash);
}

function checksumOf(body: string): string {
  return hashOf(body).toString('hex').slice(0, 8);
}
