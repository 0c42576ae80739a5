import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditServer } from 'graphql-http';
import { startTestServer } from '../support/server.ts';
import { tinySchema } from '../support/tiny-schema.ts';

test('all audits of GraphQL over HTTP pass, without a warning or a notice', async (t) => {
  const server = await startTestServer(t, { schema: tinySchema });
  const results = await auditServer({ url: `${server.url}/graphql` });
  const fallen = results.filter(({ status }) => status !== 'ok');
  assert.deepEqual(
    fallen.map(({ id, name, status }) => `${status} ${id} ${name}`),
    [],
  );
  assert.equal(results.length, 61);
});
