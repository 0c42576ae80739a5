import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBreaker } from '../../src/lib/breaker.ts';
import { createTestClock } from '../support/clock.ts';

test('a circuit opens after failures in a row, lets one try through after a while, and goes by that', async () => {
  const clock = createTestClock(0);
  const breaker = createBreaker(clock, { failuresMax: 2, openMs: 1000 });
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  assert.deepEqual([breaker.allows(), breaker.isOpen()], [true, false]);
  breaker.failed();
  assert.deepEqual([breaker.allows(), breaker.isOpen()], [false, true]);
  await clock.advance(999);
  assert.equal(breaker.allows(), false);
  await clock.advance(1);
  assert.deepEqual([breaker.allows(), breaker.allows()], [true, false]);
  breaker.failed();
  await clock.advance(999);
  assert.equal(breaker.allows(), false);
  await clock.advance(1);
  assert.equal(breaker.allows(), true);
  breaker.succeeded();
  assert.deepEqual([breaker.allows(), breaker.allows()], [true, true]);
});
