import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Bar } from '../../src/indicators/bar.ts';
import { computeFloorPivots } from '../../src/levels/floor-pivots.ts';
import { computeLevels, type LevelSet } from '../../src/levels/levels.ts';
import { arbitraryBars, barsOfCloses, dayOpen } from './bars.ts';

const levelsOf = (bars: readonly Bar[], method: LevelSet['method'] = 'SWINGS'): LevelSet =>
  computeLevels({ method, interval: 'ONE_DAY', first: 100 }, { source: 'test', bars });

/** Waves between 100 and 120, `count` days long: turns every 10 days. */
const waves = (count: number): number[] =>
  Array.from({ length: count }, (_, n) => 100 + 2 * (n % 20 < 10 ? n % 20 : 20 - (n % 20)));

describe('levels of swings', () => {
  it('are the turning points, each touch counted once', () => {
    const { levels, n, close, asOf, absence } = levelsOf(barsOfCloses(waves(106)));
    assert.deepEqual([n, close, asOf, absence], [106, 110, dayOpen(106), null]);
    const [low, high] = levels.toSorted((a, b) => a.price - b.price);
    assert.equal(levels.length, 2);
    assert.ok(Math.abs(low!.price - 99) < 1e-9 && Math.abs(high!.price - 121) < 1e-9);
    assert.deepEqual([low!.kind, low!.touches, low!.isBroken], ['SUPPORT', 5, false]);
    assert.deepEqual([high!.kind, high!.touches, high!.isBroken], ['RESISTANCE', 5, false]);
    assert.deepEqual(
      [low!.firstSeenAt, low!.lastTouchedAt],
      [dayOpen(26), dayOpen(101)],
      'the first low at day 20 is known five closes later',
    );
    assert.ok(Math.abs(high!.distancePct - 10) < 1e-9);
    const ages = [15, 35, 55, 75, 95].map((age) => 0.5 ** (age / 90));
    assert.ok(Math.abs(high!.strength! - ages.reduce((a, b) => a + b, 0)) < 1e-9, 'volumes are equal');
  });

  it('are broken by a close through them, and then lie on the other side', () => {
    const closes = [...waves(106), 114, 118, 125, 130, 131, 132];
    const high = levelsOf(barsOfCloses(closes)).levels.find(({ price }) => Math.abs(price - 121) < 0.01);
    assert.deepEqual([high?.kind, high?.isBroken], ['SUPPORT', true]);
  });

  it('weigh a touch of high volume more, at most twice', () => {
    const bars = barsOfCloses(waves(106));
    const strengthWith = (volume: number): number => {
      const louder = bars.map((bar, n) => (n === 90 ? { ...bar, volume } : bar));
      return levelsOf(louder).levels.find(({ kind }) => kind === 'RESISTANCE')!.strength!;
    };
    assert.ok(strengthWith(180) > strengthWith(100));
    assert.ok(Math.abs(strengthWith(1e6) - strengthWith(1e7)) < 1e-2, 'held within bounds');
    assert.ok(Number.isFinite(levelsOf(bars.map((bar) => ({ ...bar, volume: 0 }))).levels[0]!.strength));
  });

  it('are clustered within the bandwidth: 0.3 % of a calm price at least', () => {
    const { inputs } = levelsOf(
      barsOfCloses(Array.from({ length: 40 }, () => 10_000)).map((bar) => ({ ...bar, high: 10_000, low: 10_000 })),
    );
    assert.equal(inputs['bandwidth'], 0.003);
    const wide = levelsOf(barsOfCloses(waves(106))).inputs;
    assert.equal(wide['bandwidth'], (0.5 * wide['atr']!) / 110);
  });

  for (const [what, bars, reason] of [
    ['without candles', [], 'NO_CANDLES'],
    ['with fewer than 30', barsOfCloses(waves(29)), 'TOO_FEW_CANDLES'],
    ['of a price that only rises', barsOfCloses(Array.from({ length: 40 }, (_, n) => 100 + 3 * n)), 'NO_SWINGS'],
  ] as const)
    it(`are none ${what}, with a reason`, () => {
      const { levels, absence } = levelsOf(bars);
      assert.deepEqual([levels, absence?.reason], [[], reason]);
    });

  it('at a time are the same, whatever came later', () => {
    fc.assert(
      fc.property(arbitraryBars(30, 120), fc.integer({ min: 1, max: 120 }), (bars, at) => {
        const then = bars.slice(0, at);
        const closeTime = then.at(-1)!.closeTime;
        const filtered = bars.filter((bar) => bar.closeTime <= closeTime);
        const told = levelsOf(filtered);
        assert.equal(JSON.stringify(told), JSON.stringify(levelsOf(then)));
        for (const { firstSeenAt, lastTouchedAt } of told.levels)
          assert.ok(firstSeenAt! <= closeTime && lastTouchedAt! < closeTime, 'nothing is known before it was');
      }),
    );
  });

  it('account for every swing once, and never leave the finite numbers', () => {
    fc.assert(
      fc.property(arbitraryBars(30, 120), (bars) => {
        const { levels, inputs } = levelsOf(bars);
        const counted = levels.reduce((sum, { touches }) => sum + touches!, 0);
        assert.equal(counted, inputs['swings']);
        for (const { price, low, high, strength } of levels) {
          assert.ok(price >= low! * (1 - 1e-12) && price <= high! * (1 + 1e-12));
          assert.ok(Number.isFinite(strength) && strength! > 0);
        }
      }),
    );
  });
});

describe('floor pivots', () => {
  const [bar] = barsOfCloses([100]);
  it('are the textbook formulas', () => {
    const pivots = computeFloorPivots({ ...bar!, high: 110, low: 90, close: 106 });
    assert.deepEqual(
      pivots.map(({ label, price }) => [label, price]),
      [
        ['R3', 134],
        ['R2', 122],
        ['R1', 114],
        ['P', 102],
        ['S1', 94],
        ['S2', 82],
        ['S3', 74],
      ],
    );
  });

  it('leave out what would cost nothing or less', () => {
    const pivots = computeFloorPivots({ ...bar!, high: 10, low: 1, close: 1 });
    assert.deepEqual(
      pivots.map(({ label }) => label),
      ['R3', 'R2', 'R1', 'P'],
    );
  });

  it('speak about the last candle alone', () => {
    const { levels, inputs } = levelsOf(barsOfCloses(waves(20)), 'FLOOR_PIVOTS');
    assert.deepEqual(inputs, { high: 105, low: 101, close: 102 });
    assert.deepEqual(levels.find(({ label }) => label === 'P')?.kind, 'RESISTANCE');
  });
});
