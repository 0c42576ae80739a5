import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minuteMs } from '../../src/lib/interval.ts';
import type { VenueTrade } from '../../src/sources/ccxt.ts';
import { createGapLedger, type Gap } from '../../src/sources/venue-gaps.ts';

function trade(id: number | null, timeMs: number): VenueTrade {
  return {
    id: id === null ? null : String(id),
    symbol: 'BTC/USD',
    timeMs,
    price: '10',
    volumeBase: '0.1',
    volumeQuote: '1',
  };
}

function ledgerWith(count: number): { ledger: ReturnType<typeof createGapLedger>; repaired: Gap[] } {
  const repaired: Gap[] = [];
  const ledger = createGapLedger((gap) => repaired.push({ ...gap }));
  for (let id = 1; id <= count; id += 1) ledger.see(trade(id, id * 10), 0);
  return { ledger, repaired };
}

test('a number that is left out is a gap, whole once its trades have come, in any order', () => {
  const { ledger, repaired } = ledgerWith(7);
  ledger.see(trade(10, 100), 1_000);
  assert.deepEqual(ledger.counts(), { found: 1, repaired: 0 });
  assert.equal(ledger.takeDue(1_000), null, 'what is late gets a moment');
  const due = ledger.takeDue(1_500);
  assert.deepEqual([due?.fromMs, due?.toMs, due?.ids], [70, 100, [8, 9]]);
  ledger.see(trade(9, 90), 1_600);
  assert.equal(ledger.see(trade(9, 90), 1_650), false);
  assert.equal(ledger.counts().repaired, 0);
  ledger.see(trade(8, 80), 1_700);
  assert.deepEqual(ledger.counts(), { found: 1, repaired: 1 });
  assert.equal(repaired[0]?.repairedAt, 1_700);
});

test("a gap is whole when the venue's own candles cover it; a gap in the minute under way is not", () => {
  const { ledger } = ledgerWith(7);
  ledger.see(trade(9, 90), 1_000);
  ledger.see(trade(11, minuteMs + 1), 1_000);
  ledger.cover('BTC/USD', minuteMs, 2_000);
  assert.deepEqual(ledger.counts(), { found: 2, repaired: 1 });
});

test('a market whose numbers have holes of their own is known by its trades and no gap any more', () => {
  const { ledger } = ledgerWith(7);
  ledger.see(trade(9, 90), 0);
  const gap = ledger.takeDue(10_000);
  assert.ok(gap);
  ledger.refetched(gap, [trade(7, 70), trade(9, 90)], 10_000);
  assert.deepEqual(ledger.counts(), { found: 1, repaired: 1 });
  ledger.see(trade(20, 200), 10_001);
  assert.equal(ledger.counts().found, 1);
});

test('an answer that does not reach both ends of a gap repairs nothing', () => {
  const { ledger } = ledgerWith(7);
  ledger.see(trade(9, 90), 0);
  const gap = ledger.takeDue(10_000);
  assert.ok(gap);
  ledger.refetched(gap, [trade(9, 90)], 10_000);
  ledger.refetched(gap, [trade(7, 70)], 10_000);
  assert.equal(ledger.counts().repaired, 0);
  for (const nowMs of [12_000, 14_000, 16_000, 18_000]) ledger.takeDue(nowMs);
  assert.equal(ledger.takeDue(99_000), null, 'it is asked for three times at most');
});

test('without numbers, a broken connection and a candle with more volume than came are gaps', () => {
  const ledger = createGapLedger();
  for (const timeMs of [10, 20]) ledger.see(trade(timeMs * 1000, timeMs), 0);
  ledger.breakOff(['BTC/USD'], 1_000);
  ledger.breakOff(['BTC/USD'], 1_100);
  assert.equal(ledger.takeDue(9_000), null, 'there is nobody to ask yet');
  ledger.resume(['BTC/USD'], 9_000);
  assert.deepEqual([ledger.counts().found, ledger.takeDue(9_000)?.fromMs], [1, 20]);
  assert.equal(ledger.compare('BTC/USD', 0, '0.2', 9_000), 'SAME');
  assert.equal(ledger.compare('BTC/USD', 0, '0.1', 9_000), 'LESS');
  assert.equal(ledger.compare('BTC/USD', 0, '0.3', 9_000), 'MORE');
  assert.equal(ledger.counts().found, 2);
  ledger.cover('BTC/USD', minuteMs, 9_000);
  assert.deepEqual(ledger.counts(), { found: 2, repaired: 2 });
});
