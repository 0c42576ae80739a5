import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { computeQuantMetrics, type QuantMetrics, returnsMin, statisticNames } from '../../src/metrics/quant-metrics.ts';
import { dayMs } from '../../src/lib/interval.ts';

const seriesOf = (levels: readonly number[]) => ({ times: levels.map((_, index) => index * dayMs), levels });

function metricsOf(levels: readonly number[], benchmark: readonly number[] | null = null): QuantMetrics {
  const other = benchmark && seriesOf(benchmark);
  return computeQuantMetrics({ series: seriesOf(levels), benchmark: other, riskFreeRate: 0, periodsPerYear: 365 });
}

const reasonsOf = ({ missing }: QuantMetrics): Record<string, string> =>
  Object.fromEntries(missing.map(({ name, reason }) => [name, reason]));
const wave = (count: number): number[] => Array.from({ length: count }, (_, index) => 100 + 10 * Math.sin(index));

test('under thirty returns everything is null and says so', () => {
  for (const levels of [[], [1], wave(returnsMin)]) {
    const metrics = metricsOf(levels, levels);
    assert.deepEqual(
      metrics.missing.map(({ name }) => name),
      statisticNames,
    );
    assert.ok(metrics.missing.every(({ reason }) => reason === 'TOO_FEW_RETURNS'));
    assert.ok(Object.values(metrics.values).every((value) => value === null));
    assert.equal(metrics.drawdown, null);
  }
  assert.deepEqual(metricsOf(wave(returnsMin + 1), wave(returnsMin + 1)).missing, []);
});

test('a flat price has no ratio, no loss and nothing to correlate', () => {
  const flat = Array.from({ length: 40 }, () => 5);
  const metrics = metricsOf(flat, wave(40));
  assert.deepEqual(reasonsOf(metrics), {
    sharpe: 'NO_VARIATION',
    sortino: 'NO_LOSSES',
    calmar: 'NO_LOSSES',
    skew: 'NO_VARIATION',
    excessKurtosis: 'NO_VARIATION',
    tailRatio: 'UNDEFINED',
    profitFactor: 'NO_LOSSES',
    omega: 'NO_LOSSES',
    var95Normal: 'NO_VARIATION',
    correlation: 'NO_VARIATION',
  });
  assert.deepEqual([metrics.values.cumulativeReturn, metrics.values.volatility, metrics.values.maxDrawdown], [0, 0, 0]);
});

test('a benchmark that is missing, too short or still is told apart', () => {
  const of = (benchmark: readonly number[] | null): string | undefined =>
    reasonsOf(metricsOf(wave(60), benchmark))['beta'];
  assert.equal(of(null), 'NO_BENCHMARK');
  assert.equal(of(wave(20)), 'NO_BENCHMARK');
  assert.equal(of(wave(60).map(() => 7)), 'NO_VARIATION');
  assert.equal(of(wave(60)), undefined);
});

test('a return over a hole is paired with the return of the benchmark over the same span', () => {
  const market = wave(80);
  const own = market.map((level) => level ** 2);
  const kept = own.map((_, index) => index).filter((index) => index % 5 !== 3);
  const series = { times: kept.map((index) => index * dayMs), levels: kept.map((index) => own[index] ?? 0) };
  const metrics = computeQuantMetrics({ series, benchmark: seriesOf(market), riskFreeRate: 0, periodsPerYear: 365 });
  assert.deepEqual([metrics.n, metrics.benchmarkN], [kept.length - 1, kept.length - 1]);
  assert.ok((metrics.values.correlation ?? 0) > 0.99, `${metrics.values.correlation}`);
});

test('the deepest fall has its peak, trough and recovery', () => {
  const levels = [...wave(30).map(() => 100), 120, 90, 60, 80, 120, 110];
  const { drawdown, values } = metricsOf(levels);
  assert.equal(values.maxDrawdown, -0.5);
  assert.deepEqual(drawdown, { peakAt: 30 * dayMs, troughAt: 32 * dayMs, recoveryAt: 34 * dayMs });
  assert.equal(metricsOf(levels.slice(0, -2)).drawdown?.recoveryAt, null);
});

test('whatever the prices, no statistic is ever NaN or infinite, and each null has a reason', () => {
  const level = fc.oneof(fc.double({ min: 1e-9, max: 1e12, noNaN: true }), fc.constantFrom(1, 1e-9, 1e12));
  const levels = fc.array(level, { maxLength: 60 });
  fc.assert(
    fc.property(levels, fc.option(levels), fc.double({ min: -1, max: 10, noNaN: true }), (own, other, riskFreeRate) => {
      const benchmark = other && seriesOf(other);
      const metrics = computeQuantMetrics({ series: seriesOf(own), benchmark, riskFreeRate, periodsPerYear: 365 });
      const nulls = statisticNames.filter((name) => metrics.values[name] === null);
      assert.deepEqual(
        metrics.missing.map(({ name }) => name),
        nulls,
      );
      assert.ok(Object.values(metrics.values).every((value) => value === null || Number.isFinite(value)));
    }),
  );
});
