import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, type ErrorCode } from '../../src/lib/errors.ts';
import {
  assertWhole,
  type CandleArgs,
  createCandlePage,
  type GapPolicy,
  readCandleArgs,
  type StoredCandle,
} from '../../src/prices/series.ts';

const hour = 3_600_000;
const allowed = { name: 'candles', limitMax: 1500 };
const zero = Date.parse('2025-06-02T00:00:00Z');

function stored(hourNumber: number): StoredCandle {
  const price = String(hourNumber + 100);
  const prices = { open: price, high: price, low: price, close: price };
  return {
    openTime: zero + hourNumber * hour,
    ...prices,
    volumeBase: '5',
    volumeQuote: null,
    isFinal: true,
    revision: 0,
  };
}

/** What a series with candles at these hours answers: `3` a candle, `3=2` carried from hour 2, `3-` null. */
function answer(
  hours: readonly number[],
  gaps: GapPolicy,
  range: { from?: number; to?: number; limit?: number },
  nowHour = 1000,
): string {
  const at = (value: number | undefined): number | null => (value === undefined ? null : zero + value * hour);
  const checked = readCandleArgs(
    { interval: 'ONE_HOUR', gaps, from: at(range.from), to: at(range.to), limit: range.limit ?? null },
    allowed,
  );
  const { from, to, limit } = checked;
  const inRange = hours
    .map(stored)
    .filter(({ openTime }) => openTime >= (from ?? -Infinity) && openTime < (to ?? Infinity));
  const candles = from === null ? inRange.slice(-limit - 1) : inRange.slice(0, limit + 1);
  const before = from === null ? null : (hours.map(stored).findLast(({ openTime }) => openTime < from) ?? null);
  const page = createCandlePage(checked, { source: 'x', candles, before }, () => zero + nowHour * hour);
  const shown = page.candles.map((candle) => {
    const hourNumber = (candle.openTime - zero) / hour;
    if (!candle.isFilled) return String(hourNumber);
    assert.equal(candle.volumeBase, candle.close === null ? null : '0');
    assert.ok(candle.open === candle.close && candle.high === candle.close && candle.low === candle.close);
    return candle.close === null ? `${hourNumber}-` : `${hourNumber}=${Number(candle.close) - 100}`;
  });
  return shown.join(' ') + (page.isTruncated ? ' …' : '');
}

const holes = [1, 2, 5, 6];
const cases: readonly [string, GapPolicy, { from?: number; to?: number; limit?: number }, string][] = [
  ['gaps left out', 'OMIT', { from: 0, to: 8 }, '1 2 5 6'],
  ['the newest without from', 'OMIT', { limit: 2 }, '5 6 …'],
  ['the newest before to', 'OMIT', { to: 6, limit: 2 }, '2 5 …'],
  ['the oldest from there on', 'OMIT', { from: 1, limit: 2 }, '1 2 …'],
  ['a limit that just fits', 'OMIT', { from: 1, limit: 4 }, '1 2 5 6'],
  ['every bucket of the range as null', 'NULL', { from: 0, to: 8 }, '0- 1 2 3- 4- 5 6 7-'],
  ['without to, up to the newest candle', 'NULL', { from: 0 }, '0- 1 2 3- 4- 5 6'],
  ['without from, from the oldest candle', 'NULL', { to: 8 }, '1 2 3- 4- 5 6 7-'],
  ['entries of gaps count for the limit, newest kept', 'NULL', { limit: 3 }, '4- 5 6 …'],
  ['entries of gaps count for the limit, oldest kept', 'NULL', { from: 1, limit: 3 }, '1 2 3- …'],
  ['nothing but gaps', 'NULL', { from: 3, to: 5 }, '3- 4-'],
  ['carried from the candle before', 'CARRY', { from: 1, to: 8 }, '1 2 3=2 4=2 5 6 7=6'],
  ['carried from before the range', 'CARRY', { from: 3, to: 6 }, '3=2 4=2 5'],
  ['carried into a range beyond the data', 'CARRY', { from: 8, to: 10 }, '8=6 9=6'],
  ['nothing to carry before the first candle', 'CARRY', { from: 0, to: 3 }, '1 2'],
  ['carrying begins at the first candle, however far from `from`', 'CARRY', { from: -9000, limit: 4 }, '1 2 3=2 4=2 …'],
  ['carrying through a hole wider than the limit', 'CARRY', { from: 3, limit: 1 }, '3=2 …'],
  ['nothing to carry in a range before the data', 'CARRY', { from: -9000, to: -10 }, ''],
  ['every bucket before the data as null', 'NULL', { from: -9000, limit: 2 }, '-9000- -8999- …'],
  ['carried from a candle that the limit left out', 'CARRY', { to: 5, limit: 2 }, '3=2 4=2 …'],
];

for (const [name, gaps, range, expected] of cases) {
  test(`${gaps}: ${name}`, () => assert.equal(answer(holes, gaps, range), expected));
}

for (const gaps of ['OMIT', 'NULL', 'CARRY'] as const)
  for (const limit of [1, 2, 3, 7])
    test(`${gaps}: pages of ${limit} from long before the data are the whole, one after the other`, () => {
      const pages: string[] = [];
      for (let from = -20, isMore = true; isMore; ) {
        const page = answer(holes, gaps, { from, to: 10, limit });
        isMore = page.endsWith(' …');
        const entries = page.split(' ').filter((entry) => entry !== '…');
        assert.ok(!isMore || entries.length === limit, page);
        pages.push(...entries);
        from = Number.parseInt(entries.at(-1) ?? '', 10) + 1;
      }
      assert.equal(pages.join(' '), answer(holes, gaps, { from: -20, to: 10 }));
    });

test('a bucket that has not begun is no gap', () => {
  assert.equal(answer(holes, 'CARRY', { from: 5, to: 500 }, 7.5), '5 6 7=6');
  assert.equal(answer(holes, 'NULL', { from: 5, to: 500 }, 7.5), '5 6 7-');
  assert.equal(answer([], 'NULL', { from: 5, to: 500 }, 2), '');
});

test('bounds between buckets count by open time', () => {
  assert.equal(answer(holes, 'NULL', { from: 1.5, to: 5.5 }), '2 3- 4- 5');
});

test('a filled answer costs no more than its limit, however wide the range', () => {
  const wide = readCandleArgs({ interval: 'ONE_MINUTE', gaps: 'NULL', from: 0, to: zero, limit: 3 }, allowed);
  const page = createCandlePage(wide, { source: 'x', candles: [], before: null }, () => zero);
  assert.deepEqual([page.candles.length, page.isTruncated], [3, true]);
});

test('without a series there is nothing, filled or not', () => {
  const range = readCandleArgs({ interval: 'ONE_HOUR', gaps: 'NULL', from: zero, to: zero + 9 * hour }, allowed);
  const page = createCandlePage(range, { source: null, candles: [], before: null }, () => zero + 99 * hour);
  assert.deepEqual(page, { candles: [], isTruncated: false });
});

test('a range without a limit is whole or an error', () => {
  const filled = (args: Partial<CandleArgs>): unknown => {
    const range = readCandleArgs(
      { interval: 'ONE_HOUR', gaps: 'NULL', from: zero, to: zero + 1501 * hour, ...args },
      allowed,
    );
    return assertWhole(
      range,
      createCandlePage(range, { source: 'x', candles: [], before: null }, () => zero + 9999 * hour),
    );
  };
  assert.throws(
    () => filled({}),
    (error) => error instanceof AppError && error.code === 'LIMIT_EXCEEDED',
  );
  assert.equal((filled({ limit: 1500 }) as unknown[]).length, 1500);
  assert.equal((filled({ to: zero + 1500 * hour }) as unknown[]).length, 1500);
});

const refused: readonly [string, Partial<CandleArgs>, ErrorCode][] = [
  ['an empty range', { from: zero, to: zero }, 'BAD_USER_INPUT'],
  ['a range upside down', { from: zero, to: zero - 1 }, 'BAD_USER_INPUT'],
  ['a limit of nothing', { limit: 0 }, 'LIMIT_EXCEEDED'],
  ['a limit above the maximum', { limit: 1501 }, 'LIMIT_EXCEEDED'],
];

for (const [name, args, code] of refused) {
  test(`${name} is ${code}`, () => {
    assert.throws(
      () => readCandleArgs({ interval: 'ONE_HOUR', gaps: 'OMIT', ...args }, allowed),
      (error) => error instanceof AppError && error.code === code,
    );
  });
}
