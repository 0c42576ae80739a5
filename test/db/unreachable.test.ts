import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDb } from '../../src/db/client.ts';
import { findFreePort } from '../e2e/product.ts';

test('a database that cannot be reached is SERVICE_UNAVAILABLE, by statements, transactions and Prisma alike', async (t) => {
  const connectionString = `postgres://nobody@127.0.0.1:${await findFreePort()}/none`;
  const db = createDb({ mode: 'POSTGRES', connection: { connectionString } });
  t.after(() => db.close());
  const away = { name: 'AppError', code: 'SERVICE_UNAVAILABLE' };
  await assert.rejects(db.query('SELECT 1'), away);
  await assert.rejects(
    db.transaction((tx) => tx.query('SELECT 1')),
    away,
  );
  await assert.rejects(db.prisma.token.findFirst(), away);
});
