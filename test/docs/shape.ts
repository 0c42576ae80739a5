import assert from 'node:assert/strict';

/**
 * Holds an answer to the shape that is shown: the same keys, the same kinds of values, nulls where a value can be null.
 * A shown list may be shorter, never longer than none; the key `…` stands for keys left out.
 */
export function assertShape(actual: unknown, shown: unknown, path = 'data'): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(actual), `${path} is a list`);
    if (shown.length > 0) assert.ok(actual.length > 0, `${path} has items`);
    for (const [index, item] of shown.entries())
      assertShape(actual[Math.min(index, actual.length - 1)], item, `${path}[${index}]`);
    return;
  }
  if (typeof shown === 'object' && shown !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${path} is an object; got ${JSON.stringify(actual)}`);
    assertKeys(actual as Record<string, unknown>, shown as Record<string, unknown>, path);
    return;
  }
  if (actual !== null && shown !== null) assert.equal(typeof actual, typeof shown, path);
}

function assertKeys(actual: Record<string, unknown>, shown: Record<string, unknown>, path: string): void {
  const { '…': rest, ...named } = shown;
  const wanted = Object.keys(named).sort();
  const found = Object.keys(actual)
    .filter((key) => rest === undefined || wanted.includes(key))
    .sort();
  assert.deepEqual(found, wanted, `keys of ${path}`);
  for (const key of wanted) assertShape(actual[key], named[key], `${path}.${key}`);
}
