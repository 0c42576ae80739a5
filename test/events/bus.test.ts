import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createMemoryBus, createPostgresBus } from '../../src/events/bus.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { retryDelayMs } from '../../src/lib/retry.ts';
import { createTestDb } from '../support/db.ts';

test('the memory bus wakes its listeners until they stop, each once', async () => {
  const bus = createMemoryBus();
  const woken: string[] = [];
  const listener = (): void => void woken.push('twice');
  const stop = bus.onWake(listener);
  bus.onWake(listener);
  bus.onWake(() => woken.push('once'));
  await bus.wake();
  stop();
  await bus.wake();
  assert.deepEqual(woken, ['twice', 'twice', 'once', 'twice', 'once']);
  await bus.close();
  await bus.wake();
  assert.equal(woken.length, 5);
});

test('retries come later and later, up to four seconds, and never all at once', () => {
  const delays = Array.from({ length: 12 }, (_, index) => retryDelayMs(index + 1, () => 1));
  assert.deepEqual(delays.slice(0, 6), [250, 500, 1_000, 2_000, 4_000, 4_000]);
  assert.equal(
    retryDelayMs(1, () => 0),
    125,
  );
  assert.ok(delays.every((delay) => delay <= 4_000));
});

const isPostgres = process.env['TEST_DATABASE_URL'] !== undefined;
const skip = isPostgres ? false : 'NOTIFY needs a PostgreSQL server: set TEST_DATABASE_URL';

test('buses on one PostgreSQL wake each other, and again after the connection was cut', { skip }, async () => {
  const db = await createTestDb({ after });
  const [one, two] = [0, 1].map(() => createPostgresBus({ db, clock: systemClock }));
  assert.ok(one && two);
  const nextWake = (): Promise<void> =>
    new Promise((resolve) => {
      const stop = two.onWake(() => {
        stop();
        resolve();
      });
    });
  await nextWake(); // it listens
  const woken = nextWake();
  await one.wake();
  await woken;
  const back = nextWake();
  await db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
  );
  await back;
  const wokenAgain = nextWake();
  await one.wake();
  await wokenAgain;
  await one.close();
  await two.close();
});
