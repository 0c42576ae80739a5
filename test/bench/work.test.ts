import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { graphql, parse, validate } from 'graphql';
import { loadMarket } from '../../bench/load.ts';
import { readDocument, workItems } from '../../bench/work.ts';
import { createSchema } from '../../src/schema.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';

const origin = { from: null, scale: 0.06, hours: 500, days: 2 };
const db = await createTestDb({ after });
const schema = createSchema();
await loadMarket(db, origin);

test('the generated market is complete, and loading it again changes nothing', async () => {
  const expected = { tokens: 60, candles: 30_000, grades: 240, signals: 3_000 };
  assert.deepEqual(await loadMarket(db, origin), expected);
});

test('a database that holds other tokens is left alone', async (t) => {
  const foreign = await createTestDb(t);
  await foreign.execute(`INSERT INTO token (slug, symbol, name) VALUES ('bitcoin', 'BTC', 'Bitcoin')`);
  await assert.rejects(loadMarket(foreign, origin), /did not load/);
});

for (const item of workItems) {
  test(`${item.name} is answered with all it asks for`, async () => {
    const contextValue = { db, clock: createTestClock(Date.UTC(2026, 1, 11, 16)), requestId: 'test' };
    for (const variableValues of item.variables(60).slice(0, 3)) {
      const { data, errors } = await graphql({
        schema,
        source: readDocument(item.name),
        variableValues,
        contextValue,
      });
      assert.equal(errors, undefined);
      assert.equal(item.fault(data as never), null);
    }
  });
}

test('W7 is a valid subscription', () => {
  assert.deepEqual(validate(schema, parse(readDocument('W7'))), []);
});
