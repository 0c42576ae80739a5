/**
 * A live list as a snapshot and the edits after it. Edits are applied one after the other, each to the list as the ones
 * before it left it; after the last of a look the list is exactly the one that was read. Pure.
 */

/** A row of a list; `stamp` changes with what is shown of it. */
export interface Row {
  readonly id: number;
  readonly stamp: string;
}

/** One step from a list to the next. Places count from 0. */
export type Edit<R extends Row> =
  | { readonly kind: 'SNAPSHOT'; readonly rows: readonly R[] }
  /** Stands at `position` now; what stood there and after moves down. */
  | { readonly kind: 'ENTERED'; readonly row: R; readonly position: number }
  /** Was taken out at `previousPosition` and put in at `position`; the same place: only what is shown of it changed. */
  | { readonly kind: 'CHANGED'; readonly row: R; readonly position: number; readonly previousPosition: number }
  /** Was taken out at `previousPosition`; what stood after it moves up. */
  | { readonly kind: 'LEFT'; readonly row: R; readonly previousPosition: number };

/** The list after an edit. */
export function applyEdit<R extends Row>(list: readonly R[], edit: Edit<R>): readonly R[] {
  if (edit.kind === 'SNAPSHOT') return edit.rows;
  const next = edit.kind === 'ENTERED' ? [...list] : list.toSpliced(edit.previousPosition, 1);
  if (edit.kind !== 'LEFT') next.splice(edit.position, 0, edit.row);
  return next;
}

/**
 * The edits from one list to another: first those who leave, then those who enter or move, top to bottom, then those who
 * stay but look different. Who overtakes moves; who is overtaken does not (the longest rising subsequence stays put).
 */
export function computeEdits<R extends Row>(previous: readonly R[], next: readonly R[]): Edit<R>[] {
  const edits: Edit<R>[] = [];
  let list = previous;
  const edit = (step: Edit<R>): void => {
    edits.push(step);
    list = applyEdit(list, step);
  };
  const placeOf = (id: number): number => list.findIndex((row) => row.id === id);
  const wanted = new Set(next.map(({ id }) => id));
  for (const row of previous) if (!wanted.has(row.id)) edit({ kind: 'LEFT', row, previousPosition: placeOf(row.id) });
  const staying = findStaying(previous, next);
  next.forEach((row, at) => {
    if (staying.has(row.id)) return;
    const previousPosition = placeOf(row.id);
    const before = next[at - 1];
    const above = before === undefined ? -1 : placeOf(before.id);
    if (previousPosition < 0) return edit({ kind: 'ENTERED', row, position: above + 1 });
    const position = previousPosition < above ? above : above + 1; // taken out first, which moves up what is below it
    edit({ kind: 'CHANGED', row, position, previousPosition });
  });
  next.forEach((row, at) => {
    if (list[at]?.stamp !== row.stamp) edit({ kind: 'CHANGED', row, position: at, previousPosition: at });
  });
  return edits;
}

/** Ids of the most rows that are in both lists in the same order. */
function findStaying<R extends Row>(previous: readonly R[], next: readonly R[]): ReadonlySet<number> {
  const placeBefore = new Map(previous.map(({ id }, place) => [id, place]));
  const kept = next.flatMap(({ id }) => {
    const place = placeBefore.get(id);
    return place === undefined ? [] : [{ id, place }];
  });
  const ends: number[] = []; // of the rising subsequences of each length, the one that ends lowest: its index in `kept`
  const before: number[] = [];
  kept.forEach(({ place }, at) => {
    const found = ends.findIndex((end) => (kept[end]?.place ?? 0) > place);
    const length = found < 0 ? ends.length : found;
    before[at] = ends[length - 1] ?? -1;
    ends[length] = at;
  });
  const staying = new Set<number>();
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at] ?? -1) staying.add(kept[at]?.id ?? 0);
  return staying;
}
