import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFeatures, type FeatureMachine } from '../../src/grades/features.ts';
import type { FeatureName } from '../../src/grades/model.ts';
import type { Bar } from '../../src/indicators/bar.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { walk } from './universe.ts';

/** The inputs of a token after its last bar, beside a benchmark. */
function featuresAfter(token: readonly Bar[], market: readonly Bar[]): FeatureMachine {
  const closes = new Map(market.map(({ closeTime, close }) => [closeTime, close]));
  const machine = createFeatures({ intervalMs: dayMs, gapBarsMax: 7 });
  for (const bar of token) machine.update(bar, closes.get(bar.closeTime) ?? null);
  return machine;
}

/** A walk without one day; `still` is a day on which nothing was traded. */
function without(bars: readonly Bar[], day: number, still: number | null = null): Bar[] {
  return bars
    .filter(({ openTime }) => openTime !== day * dayMs)
    .map((bar) => (bar.openTime / dayMs === still ? { ...bar, volume: 0 } : bar));
}

describe('the inputs of a token', () => {
  it('equal what numpy makes of the same 400 days, with a missing day on either side and a day without trade', () => {
    const { raws } = featuresAfter(without(walk(2, 400), 385, 390), without(walk(1, 400), 380)).read();
    const expected: Partial<Record<FeatureName, number>> = {
      idiosyncraticVolatility: 0.02310888370401058,
      largestIdiosyncraticGain: 0.035526786716298275,
      dailyRangeWeek: 0.0285370759740995,
      dailyRangeMonth: 0.027113699258528762,
      upperWick: 0.0051577228150663495,
      returnFiveDays: 0.024488938265869065,
      volumeRatio: 0.8264344774661865,
      returnVolumeCorrelation: 0.015454851863816172,
      volumeTrend: 0.9296895975852654,
      maxDrawdownYear: -0.24822715151420216,
    };
    for (const [name, value] of Object.entries(expected)) {
      const raw = raws[name as FeatureName];
      assert.ok(raw !== null && Math.abs(raw - value) < 1e-12, `${name}: ${raw} is not ${value}`);
    }
  });

  it('keep each window as long as it says', () => {
    // Days alike but one: wide, with a wick, falling to half and back up after.
    const rawsAfter = (daysAgo: number, name: FeatureName) => {
      const days = walk(2, 500, 0).map((bar, index): Bar => {
        const isOdd = index === 499 - daysAgo;
        const close = isOdd ? 50 : 100 + (index % 2);
        return {
          ...bar,
          open: close,
          close,
          high: close + (isOdd ? 50 : 1),
          low: close - 1,
          volume: isOdd ? 700 : 100,
        };
      });
      return featuresAfter(days, walk(1, 500)).read().raws[name] ?? 0;
    };
    const lengths: [FeatureName, number, (value: number) => boolean][] = [
      ['dailyRangeWeek', 7, (value) => value > 0.05],
      ['dailyRangeMonth', 30, (value) => value > 0.03],
      ['upperWick', 30, (value) => value > 0.02],
      ['largestIdiosyncraticGain', 31, (value) => value > 0.5],
      ['returnFiveDays', 6, (value) => Math.abs(value) > 0.2],
      ['volumeTrend', 180, (value) => Math.abs(value - 1) > 1e-9],
      ['returnVolumeCorrelation', 61, (value) => value < -0.3],
      ['maxDrawdownYear', 364, (value) => value < -0.4],
    ];
    for (const [name, length, isSeen] of lengths) {
      const seen = [length - 1, length].map((daysAgo) => isSeen(rawsAfter(daysAgo, name)));
      assert.deepEqual(seen, [true, false], `${name} over ${length}`);
    }
  });

  it('are missing, not zero, before their windows are full', () => {
    const { raws } = featuresAfter(walk(2, 100), walk(1, 100)).read();
    assert.deepEqual([raws.volumeTrend, raws.maxDrawdownYear], [null, null]);
    assert.ok(raws.dailyRangeMonth !== null && raws.returnVolumeCorrelation !== null);
    const quiet = walk(2, 100).map((bar, index) => ({ ...bar, volume: index % 2 }));
    assert.equal(featuresAfter(quiet, walk(1, 100)).read().raws.returnVolumeCorrelation, null);
  });
});
