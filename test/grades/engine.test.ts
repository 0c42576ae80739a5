import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGradeEngine, type GradeClose, type GradeEngineSnapshot } from '../../src/grades/engine.ts';
import type { ScoredFactor } from '../../src/grades/factor-values.ts';
import type { ScoredGrade } from '../../src/grades/model.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { technicalV1 } from '../../src/grades/models/technical-v1.ts';
import type { Bar } from '../../src/indicators/bar.ts';
import { computeSeries } from '../../src/indicators/catalog.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { factorsOf } from './named-factors.ts';
import { closesOf, createRandom, walk } from './universe.ts';

const options = { models: [measuredV1, technicalV1], benchmarkKey: 0 };

/** Series that start late, stop early and have holes: what a real universe looks like. */
function patchyUniverse(seed: number): Bar[][] {
  const random = createRandom(seed);
  return Array.from({ length: 8 }, (_, key) => {
    const start = key < 2 ? 0 : Math.floor(random() * 60);
    return walk(seed + key, 170).filter(({ openTime }) => openTime >= start * dayMs && (key === 1 || random() > 0.03));
  });
}

function bytesOf({ votes, ...rest }: GradeClose): string {
  return JSON.stringify({ ...rest, votes: [...votes] });
}

function run(series: readonly (readonly Bar[])[], settings = options): GradeClose[] {
  const engine = createGradeEngine(settings);
  return closesOf(series).map(({ closeTime, bars }) => engine.close(closeTime, bars));
}

function namedFactors(grade: ScoredGrade): ScoredFactor[] {
  const model = options.models.find(({ version }) => version === grade.modelVersion);
  return model === undefined ? [] : factorsOf(model, grade);
}

/** The raw input of one factor at the last close. */
function lastRaw(closes: readonly GradeClose[], key: number, factor: string): number | undefined {
  const ofKey = closes.at(-1)?.grades.filter((one) => one.key === key) ?? [];
  const named = ofKey.flatMap((grade) => namedFactors(grade));
  return named.find((one) => one.key === factor)?.raw ?? undefined;
}

describe('the grade engine', () => {
  it('grades from the 90th bar on', () => {
    const closes = run([walk(1, 95), walk(2, 95)]);
    assert.deepEqual(closes[88]?.grades, []);
    assert.deepEqual(closes[88]?.ungraded[0], { key: 0, modelVersion: 'measured-v1', reason: 'TOO_LITTLE_HISTORY' });
    assert.deepEqual(
      closes[89]?.grades.map(({ key, modelVersion }) => [key, modelVersion]),
      [
        [0, 'measured-v1'],
        [1, 'measured-v1'],
        [0, 'technical-v1'],
        [1, 'technical-v1'],
      ],
    );
    assert.equal(closes[0]?.votes.size, 2);
  });

  it('reads the inputs its model describes', () => {
    const series = [walk(1, 150), walk(2, 150)];
    const closes = run(series);
    const [market = [], token = []] = series.map((bars) => bars.map(({ close }) => close));
    const returnsOf = (prices: number[]) => prices.slice(1).map((price, index) => price / (prices[index] ?? 1) - 1);
    const [x, y] = [returnsOf(market).slice(-90), returnsOf(token).slice(-90)];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const slope =
      (mean(x.map((value, index) => value * (y[index] ?? 0))) - mean(x) * mean(y)) /
      (mean(x.map((value) => value ** 2)) - mean(x) ** 2);
    const residuals = y.map((value, index) => value - mean(y) - slope * ((x[index] ?? 0) - mean(x)));
    const volumes = (series[1] ?? []).map(({ volume }) => volume);
    const expected: Record<string, number> = {
      'risk.idiosyncraticVolatility': Math.sqrt((mean(residuals.map((value) => value ** 2)) * 90) / 88),
      'lottery.largestGain': Math.max(...y.slice(-30)),
      'reversal.rsi': computeSeries('rsi', [14], series[1] ?? [])[0]?.at(-1) ?? Number.NaN,
      'attention.volumeRatio': mean(volumes.slice(-7)) / mean(volumes.slice(-60)),
      'age.listingDays': 150,
      'quant.sharpe': (mean(y) / Math.sqrt((mean(y.map((v) => (v - mean(y)) ** 2)) * 90) / 89)) * Math.sqrt(365),
    };
    for (const [factor, value] of Object.entries(expected)) {
      const raw = lastRaw(closes, 1, factor);
      assert.ok(raw !== undefined && Math.abs(raw - value) < 1e-6, `${factor}: ${raw} is not ${value}`);
    }
  });

  it('keeps each window as long as it says', () => {
    // A price that stands still but for one jump, so many bars before the last.
    const rawsAfter = (barsAgo: number) => {
      const swings = walk(2, 150).map((bar, index) => {
        const close = (index < 149 - barsAgo ? 100 : 150) + (index % 2);
        return { ...bar, close, volume: index === 149 - barsAgo ? 700 : 100 };
      });
      const closes = run([walk(1, 150), swings]);
      const raw = (factor: string) => lastRaw(closes, 1, factor) ?? assert.fail(factor);
      return { gain: raw('lottery.largestGain'), skew: raw('shape.returnSkew'), volume: raw('attention.volumeRatio') };
    };
    assert.deepEqual(
      [29, 30].map((ago) => rawsAfter(ago).gain > 0.4),
      [true, false],
    );
    assert.deepEqual(
      [59, 60].map((ago) => rawsAfter(ago).skew > 1),
      [true, false],
    );
    assert.deepEqual(
      [6, 7, 59, 60].map((ago) => rawsAfter(ago).volume.toFixed(3)),
      ['1.688', '0.909', '0.909', '1.000'],
    );
  });

  it('does not look ahead: what was graded up to t does not depend on what came after', () => {
    for (const seed of [11, 23]) {
      const past = patchyUniverse(seed);
      const other = patchyUniverse(seed + 100);
      const from = 120 * dayMs;
      const changed = past.map((bars, key) => [
        ...bars.filter(({ openTime }) => openTime < from),
        ...(other[key] ?? []).filter(({ openTime }) => openTime >= from),
      ]);
      const truncated = run(past.map((bars) => bars.filter(({ closeTime }) => closeTime <= from))).map(bytesOf);
      assert.deepEqual(run(past).map(bytesOf).slice(0, truncated.length), truncated);
      assert.deepEqual(run(changed).map(bytesOf).slice(0, truncated.length), truncated);
      assert.ok(truncated.at(-1)?.includes('"grades":[{'));
    }
  });

  it('gives the same bytes live, with a restart between any two closes, as from history', () => {
    const series = patchyUniverse(5);
    const history = run(series).map(bytesOf);
    let saved: string | null = null;
    const live = closesOf(series).map(({ closeTime, bars }) => {
      const engine = createGradeEngine(options);
      if (saved !== null) engine.restore(JSON.parse(saved) as GradeEngineSnapshot);
      const bytes = bytesOf(engine.close(closeTime, bars.toReversed()));
      saved = JSON.stringify(engine.snapshot());
      return bytes;
    });
    assert.deepEqual(live, history);
  });

  it('drops the risk input, and no other, while the benchmark has no candle', () => {
    const closes = run([walk(1, 120).slice(0, -1), walk(2, 120), walk(3, 120)]);
    const grade = closes.at(-1)?.grades[0];
    assert.deepEqual(grade && namedFactors(grade).map(({ key }) => key.split('.')[0]), [
      'lottery',
      'reversal',
      'shape',
      'attention',
      'age',
    ]);
    assert.equal(grade?.coverage, 0.833333);
    assert.equal(closes.at(-2)?.grades[0]?.coverage, 1);
  });

  it('pairs returns with the benchmark over the same span across a hole', () => {
    const market = walk(1, 140);
    const twin = market.filter((_, index) => index !== 100 && index !== 101);
    assert.equal(lastRaw(run([market, twin]), 1, 'risk.idiosyncraticVolatility'), 0);
  });

  it('starts over after more than seven missing days, and keeps the listing date', () => {
    const bars = walk(2, 200);
    const withHole = (days: number) => bars.filter((_, index) => index < 100 || index >= 100 + days);
    const reasonOf = (days: number) => run([walk(1, 200), withHole(days)]).at(-1)?.ungraded[0]?.reason;
    assert.equal(reasonOf(7), undefined);
    assert.equal(reasonOf(90 - 79), 'TOO_LITTLE_HISTORY');
    const later = run([walk(1, 250), walk(2, 250).filter((_, index) => index < 100 || index >= 120)]);
    assert.equal(lastRaw(later, 1, 'age.listingDays'), 250);
  });

  it('does not grade a pegged price', () => {
    const closes = run([walk(1, 120), walk(2, 120, 0.002)]);
    assert.deepEqual(
      closes.at(-1)?.ungraded.map(({ key, reason }) => [key, reason]),
      [
        [1, 'PRICE_PEGGED'],
        [1, 'PRICE_PEGGED'],
      ],
    );
  });

  it('gives no number that JSON cannot hold, on prices that stand still and on none traded', () => {
    const still = walk(2, 120).map((bar) => ({ ...bar, open: 5, high: 5, low: 5, close: 5, volume: 0 }));
    const late = walk(3, 120).map((bar, index) => (index < 100 ? { ...bar, volume: 0 } : bar));
    for (const close of run([walk(1, 120), still, late])) {
      const shown = close.grades.map((grade) => ({ ...grade, factors: namedFactors(grade) }));
      assert.deepEqual(JSON.parse(JSON.stringify(shown)), shown);
    }
  });

  const bar = walk(1, 3)[2] ?? assert.fail();
  const wrong = [
    { name: 'a settled close again', closeTime: 2 * dayMs, bars: [] },
    { name: 'an earlier close', closeTime: dayMs, bars: [] },
    { name: 'a key twice', closeTime: 3 * dayMs, bars: [0, 0].map((key) => ({ key, bar })) },
    { name: 'a bar of another close', closeTime: 4 * dayMs, bars: [{ key: 0, bar }] },
  ];
  for (const { name, closeTime, bars } of wrong) {
    it(`refuses ${name} and changes nothing`, () => {
      const engine = createGradeEngine(options);
      for (const close of closesOf([walk(1, 2)])) engine.close(close.closeTime, close.bars);
      const before = JSON.stringify(engine.snapshot());
      assert.throws(() => engine.close(closeTime, bars), RangeError);
      assert.equal(JSON.stringify(engine.snapshot()), before);
    });
  }

  it('refuses models that do not share interval and gap rule', () => {
    const hourly = { ...technicalV1, interval: 'ONE_HOUR' as const };
    assert.throws(() => createGradeEngine({ models: [measuredV1, hourly], benchmarkKey: null }), RangeError);
    assert.throws(() => createGradeEngine({ models: [], benchmarkKey: null }), RangeError);
  });
});
