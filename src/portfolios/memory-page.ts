import type { Key } from '../lib/cursor.ts';
import type { PageSlice } from '../lib/page-slice.ts';

/** Pages of lists that are in memory as a whole: cut by key, so that a page goes on where the last ended though rows came or went. */

/** Numbers before text, smaller first, part by part. */
export function compareKeys(a: Key, b: Key): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (part === other) continue;
    if (typeof part === 'number' && typeof other === 'number') return part - other;
    if (typeof part !== typeof other) return typeof part === 'number' ? -1 : 1;
    return String(part) < String(other) ? -1 : 1;
  }
  return 0;
}

/** Up to `take + 1` rows of a list in its order, in reverse when backward. `compare` orders keys as the rows are. */
export function sliceRows<Row>(
  rows: readonly Row[],
  { take, isBackward, after, before }: PageSlice,
  keyOf: (row: Row) => Key,
  compare: (a: Key, b: Key) => number,
): Row[] {
  const kept = rows.filter((row) => {
    const key = keyOf(row);
    return (after === null || compare(key, after) > 0) && (before === null || compare(key, before) < 0);
  });
  return (isBackward ? kept.reverse() : kept).slice(0, take + 1);
}
