import { AppError } from './errors.ts';

/** Opaque positions. A cursor names what it is a position in, so that one of another list is refused, not misread. */

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(cursor: string): unknown {
  if (cursor.length > 1000 || !/^[A-Za-z0-9_-]+$/.test(cursor)) return null;
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}

/** A cursor of the event log. */
export function encodeSeqCursor(seq: number): string {
  return encode(['e', seq]);
}

/** The sequence number of a cursor of the event log; null where the text is no such cursor. */
export function decodeSeqCursor(cursor: string): number | null {
  const value = decode(cursor);
  if (!Array.isArray(value) || value.length !== 2 || value[0] !== 'e') return null;
  return Number.isSafeInteger(value[1]) && value[1] >= 0 ? value[1] : null;
}

/** A sort key of a list, last part unique: numbers, or text for numbers too long to be one. */
export type Key = readonly (string | number)[];

/** A cursor into a list: `list` names it and its order, such as "tokens:MARKET_CAP:DESC". */
export function encodeKeyCursor(list: string, key: Key): string {
  return encode([list, ...key]);
}

/** The key of a list's cursor. Throws BAD_CURSOR where it is not one of this list in this order. */
export function decodeKeyCursor(list: string, cursor: string, length: number): Key {
  const value = decode(cursor);
  const isRight =
    Array.isArray(value) &&
    value.length === length + 1 &&
    value[0] === list &&
    value.slice(1).every((part) => (typeof part === 'string' && part.length <= 200) || Number.isFinite(part));
  if (!isRight)
    throw new AppError('BAD_CURSOR', 'The cursor does not belong to this list in this order; start again without it.');
  return value.slice(1) as Key;
}
