import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Bar } from '../../src/indicators/bar.ts';
import { computeSeries } from '../../src/indicators/catalog.ts';
import { createDetector, type SavedSeries, type Transition } from '../../src/signals/detect.ts';
import type { BreakoutEvidence, ReversionEvidence } from '../../src/signals/evidence.ts';
import {
  type LevelBreakout,
  levelBreakout1d,
  type MeanReversion,
  meanReversion1d,
  type Strategy,
} from '../../src/signals/strategy.ts';
import { arbitraryBars, barsOfCloses, dayOpen } from '../levels/bars.ts';

type Told = (Transition & { readonly day: number })[];

/** Every transition of a strategy over bars, with the number of the bar. */
function run(strategy: Strategy, bars: readonly Bar[]): Told {
  const detector = createDetector(strategy);
  return bars.flatMap((bar, day) => {
    const transition = detector.step(1, { bar, votes: null, gradeValue: 50 });
    return transition === null ? [] : [{ day, ...transition }];
  });
}

const marks = (told: Told): [number, string][] => told.map(({ day, direction }) => [day, direction]);

/** Rises to 120 at day 10, falls to 100, stays: the swing high 121 stands from day 15 on. */
const base = [...Array.from({ length: 11 }, (_, n) => 100 + 2 * n), 116, 112, 108, 104, 100, 100, 100, 100, 100, 100];

const withVolume = (bars: readonly Bar[], day: number, volume: number): Bar[] =>
  bars.map((bar, n) => (n === day ? { ...bar, volume } : bar));

describe('the breakout machine', () => {
  const loud = (closes: readonly number[], params: Partial<LevelBreakout['params']> = {}): Told =>
    run(
      { ...levelBreakout1d, params: { ...levelBreakout1d.params, ...params } },
      withVolume(barsOfCloses(closes), base.length, 200),
    );

  it('enters on a close above the standing swing high, on volume', () => {
    const told = loud([...base, 121.5]);
    assert.deepEqual(marks(told), [[base.length, 'BULLISH']]);
    const evidence = told[0]!.evidence as BreakoutEvidence;
    assert.deepEqual(
      [evidence.rule, evidence.level, evidence.levelAt, evidence.close, evidence.volumeRatio, evidence.closes],
      ['LEVEL', 121, new Date(dayOpen(11)).toISOString(), 121.5, 2, 1],
    );
    assert.deepEqual([evidence.grade, evidence.stop, evidence.bestClose], [50, null, null]);
    assert.ok(Math.abs(told[0]!.confidence - 0.5 / evidence.atr) < 1e-12);
  });

  it('stays out at the level itself, and without volume', () => {
    assert.deepEqual(loud([...base, 121]), []);
    assert.deepEqual(run(levelBreakout1d, barsOfCloses([...base, 121.5])), []);
    assert.deepEqual(loud([...base, 121.5], { volumeRatioMin: 2.01 }), []);
  });

  it('uses a level up with the first close beyond it, on volume or not', () => {
    const closes = [...base, 121.5, 119, 122];
    assert.deepEqual(run(levelBreakout1d, withVolume(barsOfCloses(closes), base.length + 2, 900)), []);
  });

  it('leaves 3 ATRs behind the best close, not before', () => {
    const closes = [...base, 121.5, 140, 138, 136, 105];
    const told = loud(closes);
    assert.deepEqual(marks(told), [
      [base.length, 'BULLISH'],
      [base.length + 4, 'NEUTRAL'],
    ]);
    const evidence = told[1]!.evidence as BreakoutEvidence;
    const atr = computeSeries('atr', [14], barsOfCloses(closes))[0]!.at(-1)!;
    assert.deepEqual([evidence.rule, evidence.bestClose, evidence.level], ['STOP', 140, null]);
    assert.ok(Math.abs(evidence.stop! - (140 - 3 * atr)) < 1e-9 && evidence.close < evidence.stop!);
  });

  it('is the mirror image downwards', () => {
    const mirrored = base.map((close) => 300 - close);
    const told = loud([...mirrored, 178.5, 160, 195]);
    assert.deepEqual(marks(told), [
      [base.length, 'BEARISH'],
      [base.length + 2, 'NEUTRAL'],
    ]);
  });

  it('forgets levels that are too old', () => {
    const closes = [...base, 121.5];
    assert.deepEqual(marks(loud(closes, { levelBars: 11 })), [[base.length, 'BULLISH']]);
    assert.deepEqual(loud(closes, { levelBars: 10 }), []);
  });

  it('waits for as many closes as it must confirm', () => {
    const bars = barsOfCloses([...base, 121.5, 122, 123]).map((bar, n) =>
      n >= base.length ? { ...bar, volume: 900 } : bar,
    );
    const two: LevelBreakout = {
      ...levelBreakout1d,
      params: { ...levelBreakout1d.params, confirmCloses: 2, volumeRatioMin: 1 },
    };
    assert.deepEqual(marks(run(two, bars)), [[base.length + 1, 'BULLISH']]);
  });
});

describe('the mean-reversion machine', () => {
  /** Forty days of small waves around 100. */
  const calm = Array.from({ length: 40 }, (_, n) => 100 + 2 * Math.sin(n));
  const params = (changes: Partial<MeanReversion['params']>): MeanReversion => ({
    ...meanReversion1d,
    params: { ...meanReversion1d.params, ...changes },
  });

  it('enters below the lower band when the RSI is extreme, and leaves at the mean', () => {
    const told = run(meanReversion1d, barsOfCloses([...calm, 97, 93, 88, 91, 97, 101]));
    assert.deepEqual(
      marks(told).map(([, direction]) => direction),
      ['BULLISH', 'NEUTRAL'],
    );
    const [entered, left] = told.map(({ evidence }) => evidence as ReversionEvidence);
    assert.deepEqual([entered!.rule, entered!.closesHeld, left!.rule], ['EXTREME', 0, 'MEAN']);
    assert.ok(entered!.rsi < 30 && entered!.close < entered!.lower && entered!.adx <= 40);
    assert.ok(left!.close >= left!.middle);
    assert.ok(Math.abs(told[0]!.confidence - (30 - entered!.rsi) / 30) < 1e-12);
    assert.equal(told[1]!.confidence, 1);
  });

  it('is the mirror image upwards', () => {
    const told = run(meanReversion1d, barsOfCloses([...calm, 103, 107, 111, 109, 103, 99]));
    assert.deepEqual(
      marks(told).map(([, direction]) => direction),
      ['BEARISH', 'NEUTRAL'],
    );
  });

  it('stays out of a strong trend', () => {
    const fall = [...calm, 97, 93, 88, 91, 97, 101];
    assert.equal(run(params({ adxMax: 0 }), barsOfCloses(fall)).length, 0);
  });

  it('gives up after so many closes', () => {
    const closes = [...calm, 97, 93, 89, ...Array.from({ length: 10 }, () => 88)];
    const told = run(params({ holdClosesMax: 3 }), barsOfCloses(closes));
    const [first, second] = told;
    assert.deepEqual([first?.direction, second?.direction], ['BULLISH', 'NEUTRAL']);
    assert.equal(second!.day - first!.day, 3);
    const evidence = second!.evidence as ReversionEvidence;
    assert.deepEqual([evidence.rule, evidence.closesHeld], ['TIME', 3]);
    assert.ok(second!.confidence >= 0 && second!.confidence < 1);
  });
});

describe('every machine of candles', () => {
  const eager: readonly Strategy[] = [
    { ...levelBreakout1d, params: { ...levelBreakout1d.params, volumeRatioMin: 0.5, swingReach: 2, stopAtrs: 1 } },
    {
      ...meanReversion1d,
      params: {
        ...meanReversion1d.params,
        rsiPeriod: 5,
        rsiBelow: 45,
        bandBars: 5,
        bandSigmas: 1,
        adxPeriod: 3,
        adxMax: 100,
      },
    },
  ];
  for (const strategy of eager) {
    it(`${strategy.name} knows nothing that comes later, and stays within 0..1 sure`, () => {
      let seen = 0;
      fc.assert(
        fc.property(arbitraryBars(20, 90), fc.nat(90), (bars, cut) => {
          const whole = run(strategy, bars);
          const part = run(strategy, bars.slice(0, cut));
          assert.deepEqual(
            part,
            whole.filter(({ day }) => day < cut),
          );
          for (const { confidence } of whole) assert.ok(confidence >= 0 && confidence <= 1);
          seen += whole.length;
        }),
      );
      assert.ok(seen > 0, 'the walks cause signals');
    });

    it(`${strategy.name} goes on from a snapshot with the same bytes`, () => {
      fc.assert(
        fc.property(arbitraryBars(20, 60), fc.nat(59), (bars, cut) => {
          let detector = createDetector(strategy);
          const told = bars.map((bar, day) => {
            if (day === cut)
              detector = createDetector(strategy, JSON.parse(JSON.stringify(detector.snapshot())) as SavedSeries[]);
            const transition = detector.step(1, { bar, votes: null, gradeValue: 50 });
            return transition === null ? [] : [{ day, ...transition }];
          });
          assert.equal(JSON.stringify(told.flat()), JSON.stringify(run(strategy, bars)));
        }),
      );
    });
  }

  it('refuses the state of another machine', () => {
    const [a, b] = eager as [Strategy, Strategy];
    const detector = createDetector(a);
    detector.step(1, { bar: barsOfCloses([1])[0]!, votes: null, gradeValue: null });
    assert.throws(() => createDetector(b, detector.snapshot()));
  });
});
