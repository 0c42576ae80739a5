import DataLoader from 'dataloader';

/**
 * One way to load: a loader stands beside its query. {@link defineLoader} keeps one DataLoader per context object, so
 * that look-ups made in the same tick of one request become one statement, and nothing outlives the request.
 */

// Each loader is found by the batch function it was made of, which fixes its types.
const loadersByContext = new WeakMap<object, Map<object, unknown>>();

/** Page sizes above this make a single statement slower than two; DataLoader splits there. */
const batchSizeMax = 500;

/**
 * Makes a loader from a batch function. The batch gets the context of its first look-up and keys without repeats, and
 * answers in key order (see {@link inKeyOrder}). `keyOf` names composite keys; equal names load once.
 */
export function defineLoader<Ctx extends object, Key, Row>(
  batch: (ctx: Ctx, keys: readonly Key[]) => Promise<readonly (Row | Error)[]>,
  keyOf: (key: Key) => unknown = (key) => key,
): (ctx: Ctx) => DataLoader<Key, Row, unknown> {
  return (ctx) => {
    let loaders = loadersByContext.get(ctx);
    if (!loaders) loadersByContext.set(ctx, (loaders = new Map()));
    const existing = loaders.get(batch) as DataLoader<Key, Row, unknown> | undefined;
    if (existing) return existing;
    const loader = new DataLoader<Key, Row, unknown>((keys) => batch(ctx, keys), {
      cacheKeyFn: keyOf,
      maxBatchSize: batchSizeMax,
    });
    loaders.set(batch, loader);
    return loader;
  };
}

/** Puts rows back in the order of the keys asked for; null where no row has the key. */
export function inKeyOrder<Key, Row>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): (Row | null)[] {
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  return keys.map((key) => byKey.get(key) ?? null);
}

/** Groups rows under the keys asked for, keeping the rows' order; an empty list where a key has none. */
export function groupInKeyOrder<Key, Row>(
  keys: readonly Key[],
  rows: readonly Row[],
  keyOf: (row: Row) => Key,
): Row[][] {
  const groups = new Map<Key, Row[]>(keys.map((key) => [key, []]));
  for (const row of rows) groups.get(keyOf(row))?.push(row);
  return keys.map((key) => groups.get(key) ?? []);
}
