import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createSchema } from '../../src/schema.ts';
import { createTestApi } from '../support/api.ts';
import { createTestDb } from '../support/db.ts';

const schema = createSchema();
const db = await createTestDb({ after });

test('an anonymous request has no viewer, and asks the database nothing', async (t) => {
  const api = createTestApi(t, { schema, db });
  const { data } = await api.query('{ viewer { account { id } } }');
  assert.deepEqual(data, { viewer: null });
  assert.deepEqual(api.sql, []);
});

test('a viewer sees the account that is theirs, in one statement', async (t) => {
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO account (name, plan) VALUES ('Ada', 'GOLD') RETURNING id`,
    [],
  );
  const accountId = row?.id ?? 0;
  const api = createTestApi(t, { schema, db, viewer: { accountId, plan: 'GOLD', via: 'SESSION' } });
  const { data } = await api.query('{ viewer { account { id name plan } } }');
  assert.deepEqual(data, { viewer: { account: { id: String(accountId), name: 'Ada', plan: 'GOLD' } } });
  assert.equal(api.sql.length, 1);
});
