import { AppError } from './errors.ts';
import type { Key } from './cursor.ts';

/** Pages of lists that hang on many owners at once (every token's signals): one statement for all that ask alike. */

/** A side of a list: `take + 1` rows between two keys, from its start, or from its end when backward. */
export interface PageSlice {
  readonly take: number;
  readonly isBackward: boolean;
  readonly after: Key | null;
  readonly before: Key | null;
}

/** Epoch milliseconds beyond which neither Date nor the database has an instant. */
const instantMax = 8.64e15;

/** Part `index` of a cursor's key as a whole number, null without a key. Throws BAD_CURSOR where it cannot be one. */
export function wholePart(key: Key | null, index: number): number | null {
  if (key === null) return null;
  const part = key[index];
  if (typeof part !== 'number' || !Number.isSafeInteger(part) || Math.abs(part) > instantMax)
    throw new AppError('BAD_CURSOR', 'The cursor does not belong to this list; start again without it.');
  return part;
}

/**
 * Answers a loader's batch of pages: owners that ask for the same page (`nameOf` gives it a name) are read by one call of
 * `read`, whose rows `ownerOf` hands out, in their order. An owner without rows gets an empty list.
 */
export async function readPagesByOwner<PageKey, Row>(
  keys: readonly PageKey[],
  names: { nameOf(key: PageKey): string; ownerOf(item: PageKey | Row): number },
  read: (alike: readonly [PageKey, ...PageKey[]]) => Promise<readonly Row[]>,
): Promise<Row[][]> {
  const groups = new Map<string, [PageKey, ...PageKey[]]>();
  for (const key of keys) {
    const name = names.nameOf(key);
    const group = groups.get(name);
    if (group) group.push(key);
    else groups.set(name, [key]);
  }
  const pages = new Map<string, Row[]>();
  const readGroup = async ([name, alike]: [string, [PageKey, ...PageKey[]]]): Promise<void> => {
    for (const key of alike) pages.set(`${names.ownerOf(key)} ${name}`, []);
    for (const row of await read(alike)) pages.get(`${names.ownerOf(row)} ${name}`)?.push(row);
  };
  await Promise.all([...groups].map(readGroup));
  return keys.map((key) => pages.get(`${names.ownerOf(key)} ${names.nameOf(key)}`) ?? []);
}

/** The later of two bounds; null is no bound. */
export function laterOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** The earlier of two bounds; null is no bound. */
export function earlierOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}
