import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyEdit, computeEdits, type Edit, type Row } from '../../src/screener/edits.ts';

const rowsOf = (ids: readonly number[], stamp = 'a'): Row[] => ids.map((id) => ({ id, stamp }));

/** What a client does that knows positions only. */
function applyAsClient(list: readonly Row[], edit: Edit<Row>): readonly Row[] {
  if (edit.kind === 'SNAPSHOT') return edit.rows;
  const next = [...list];
  if (edit.kind !== 'ENTERED') {
    const [taken] = next.splice(edit.previousPosition, 1);
    assert.equal(taken?.id, edit.row.id, 'the position names the token');
  }
  if (edit.kind !== 'LEFT') {
    assert.ok(edit.position <= next.length, 'the position lies in the list');
    next.splice(edit.position, 0, edit.row);
  }
  return next;
}

const list = fc.uniqueArray(
  fc.record({ id: fc.integer({ min: 1, max: 30 }), stamp: fc.constantFrom('a', 'b') }, { noNullPrototype: true }),
  {
    selector: ({ id }) => id,
    maxLength: 25,
  },
);

test('applied one after the other, the edits between any two lists lead from one to the other', () => {
  fc.assert(
    fc.property(list, list, (previous, next) => {
      const edits = computeEdits(previous, next);
      assert.deepEqual(edits.reduce<readonly Row[]>(applyAsClient, previous), next);
      assert.deepEqual(edits.reduce<readonly Row[]>(applyEdit, previous), next);
    }),
    { numRuns: 2_000 },
  );
});

test('a list that is the same has no edits', () => {
  fc.assert(fc.property(list, (rows) => assert.deepEqual(computeEdits(rows, rows), [])));
});

const moves: [string, number[], number[], string[]][] = [
  ['who overtakes one moves, who is overtaken does not', [1, 2, 3, 4], [1, 3, 2, 4], ['CHANGED']],
  ['the first becomes the last', [1, 2, 3, 4], [2, 3, 4, 1], ['CHANGED']],
  ['the last becomes the first', [1, 2, 3, 4], [4, 1, 2, 3], ['CHANGED']],
  ['one enters in the middle and the last leaves', [1, 2, 3], [1, 4, 2], ['LEFT', 'ENTERED']],
  ['an empty list fills', [], [1, 2], ['ENTERED', 'ENTERED']],
];
for (const [what, previous, next, kinds] of moves)
  test(`${what}: ${kinds.length} of it`, () => {
    assert.deepEqual(
      computeEdits(rowsOf(previous), rowsOf(next)).map(({ kind }) => kind),
      kinds,
    );
  });

test('a row that looks different and stays is told once, at its place', () => {
  const edits = computeEdits(rowsOf([1, 2, 3]), [...rowsOf([1]), ...rowsOf([2], 'b'), ...rowsOf([3])]);
  assert.deepEqual(edits, [{ kind: 'CHANGED', row: { id: 2, stamp: 'b' }, position: 1, previousPosition: 1 }]);
});
