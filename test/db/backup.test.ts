import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { readBackup, writeBackup } from '../../src/db/backup.ts';
import type { Db } from '../../src/db/client.ts';
import { allOfHistory, compute } from '../../src/ingest/compute.ts';
import { createTestClock } from '../support/clock.ts';
import { createTestDb } from '../support/db.ts';
import { closeOf, createDailyMarket, readRecorded } from '../ingest/daily-market.ts';

const [db, other] = [await createTestDb({ after }), await createTestDb({ after })];
const directory = mkdtempSync(join(tmpdir(), 'tokengraph-backup-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const readModels = (from: Db) => from.query('SELECT id, version, factor_keys FROM grade_model ORDER BY id');

it('a backup holds candles, models, grades, signals and their outcomes, and goes into another database', async () => {
  const market = await createDailyMarket(db, { tokens: 3, days: 100 });
  await market.record(0, 100);
  await compute({ db, clock: createTestClock(closeOf(100)) }, allOfHistory);
  const path = join(directory, 'all.gz');
  const written = await writeBackup(db, path, closeOf(100), () => {});
  const read = await readBackup(other, path, false, () => {});
  assert.deepEqual(new Map(read), new Map(written));
  assert.ok((written.get('grade') ?? 0) > 0 && (written.get('signal_outcome') ?? 0) > 0);
  assert.equal(await readRecorded(other), await readRecorded(db));
  assert.deepEqual(await readModels(other), await readModels(db)); // what the database makes itself is made again
});
