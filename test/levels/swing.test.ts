import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Bar } from '../../src/indicators/bar.ts';
import { restore, snapshot } from '../../src/indicators/machine.ts';
import { type Swing, SwingDetector } from '../../src/levels/swing.ts';
import { arbitraryBars, barsOfCloses, dayOpen } from './bars.ts';

/** The definition, looked up in the whole series. */
function plainSwings(bars: readonly Bar[], reach: number): Swing[] {
  return bars.flatMap((bar, at) => {
    const confirming = bars[at + reach];
    if (at < reach || confirming === undefined) return [];
    const [before, after] = [bars.slice(at - reach, at), bars.slice(at + 1, at + reach + 1)];
    const facts = { volume: bar.volume, closeTime: bar.closeTime, knownAt: confirming.closeTime };
    const isHigh = before.every(({ high }) => high < bar.high) && after.every(({ high }) => high <= bar.high);
    const isLow = before.every(({ low }) => low > bar.low) && after.every(({ low }) => low >= bar.low);
    return [
      ...(isHigh ? [{ kind: 'HIGH' as const, price: bar.high, ...facts }] : []),
      ...(isLow ? [{ kind: 'LOW' as const, price: bar.low, ...facts }] : []),
    ];
  });
}

function detect(bars: readonly Bar[], reach: number): Swing[] {
  const detector = new SwingDetector(reach);
  return bars.flatMap((bar) => detector.update(bar));
}

describe('the swing detector', () => {
  it('tells a swing when the bars after it are there, not before', () => {
    const bars = barsOfCloses([10, 11, 15, 12, 11, 10]);
    const detector = new SwingDetector(2);
    const told = bars.map((bar) => detector.update(bar).map(({ kind, price }) => [kind, price]));
    assert.deepEqual(told, [[], [], [], [], [['HIGH', 16]], []]);
  });

  it('takes the first of equal highs', () => {
    const flat = barsOfCloses([10, 11, 15, 15, 15, 11, 10, 9]);
    assert.deepEqual(
      detect(flat, 3).map(({ kind, closeTime }) => [kind, closeTime]),
      [],
      'with too few bars before it there is none',
    );
    const longer = barsOfCloses([8, 9, 10, 15, 15, 12, 11, 10]);
    assert.deepEqual(
      detect(longer, 3).map(({ kind, closeTime }) => [kind, closeTime]),
      [['HIGH', dayOpen(4)]],
    );
  });

  it('is the definition, whatever the series', () => {
    fc.assert(
      fc.property(arbitraryBars(0, 60), fc.integer({ min: 1, max: 6 }), (bars, reach) => {
        assert.deepEqual(detect(bars, reach), plainSwings(bars, reach));
      }),
    );
  });

  it('goes on from a snapshot as if it had never stopped', () => {
    fc.assert(
      fc.property(arbitraryBars(1, 40), fc.nat(39), (bars, cut) => {
        const first = new SwingDetector(3);
        for (const bar of bars.slice(0, cut)) first.update(bar);
        const second = new SwingDetector(3);
        restore(second, JSON.parse(JSON.stringify(snapshot(first))));
        for (const bar of bars.slice(cut)) assert.deepEqual(second.update(bar), first.update(bar));
      }),
    );
  });
});
