import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createSchema } from '../../src/schema.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const [token] = await db.query<{ id: number }>(
  `INSERT INTO token (slug, symbol, name) VALUES ('bitcoin', 'BTC', 'Bitcoin') RETURNING id`,
);
const api = createTestApi({ after: (run) => after(run as () => void) }, { schema: createSchema(), db });

const idOf = (text: string): string => Buffer.from(text).toString('base64');
const bitcoin = idOf(`Token:${token?.id}`);

const strangers: [what: string, id: string][] = [
  ['no text', ''],
  ['no base64', 'x'],
  ['a word in base64', idOf('hello')],
  ['no type', idOf(':1')],
  ['no id', idOf('Token:')],
  ['an unknown type', idOf('Nope:1')],
  ['a type without ids', idOf('Quote:1')],
  ['an interface', idOf('Node:1')],
  ['a name of JavaScript', idOf('constructor:1')],
  ['zero bytes', idOf('Token:\0')],
  ...['Token', 'Grade', 'GradeModel', 'Signal', 'Strategy'].flatMap((type): [string, string][] =>
    ['abc', '-1', '0', '1.5', '9999999999', '99999999999999999999999', '1e3', ' 7'].map((id) => [
      `${type} "${id}"`,
      idOf(`${type}:${id}`),
    ]),
  ),
];

for (const [what, id] of strangers)
  test(`${what} is no object: null`, async () => {
    const { status, data, errors } = await api.query(
      'query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id } nodes(ids: $ids) { id } }',
      { id, ids: [bitcoin, id, bitcoin] },
    );
    assert.deepEqual(
      { status, data, errors },
      { status: 200, data: { node: null, nodes: [{ id: bitcoin }, null, { id: bitcoin }] }, errors: undefined },
    );
  });

test('more than 250 ids are refused', async () => {
  const { data, errors } = await api.query('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids: Array(251).fill(bitcoin),
  });
  assert.equal(data, undefined);
  const refusal = { code: 'LIMIT_EXCEEDED', name: 'inputList', limit: 250, value: 251, field: 'nodes(ids)' };
  assert.deepEqual(errors?.[0]?.extensions, refusal);
});

test('250 ids are found', async () => {
  const ids = Array(250).fill(bitcoin) as string[];
  const { data, errors } = await api.query<{ nodes: object[] }>('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', {
    ids,
  });
  assert.deepEqual([data?.nodes.length, errors], [250, undefined]);
});
