import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Bar } from '../../src/indicators/bar.ts';
import { computeSeries, createIndicator, indicatorCatalog } from '../../src/indicators/catalog.ts';
import { restore, snapshot } from '../../src/indicators/machine.ts';
import { naive } from './naive.ts';
import { barAt, barsOf, compareColumns, longWalk, walks } from './series.ts';

/** Parameters other than the defaults, in shapes that differ from them: short, odd, even, in reverse order. */
const otherParams: Readonly<Record<string, readonly (readonly number[])[]>> = {
  sma: [[1], [7]],
  ema: [[1], [7]],
  wma: [[1], [7], [50]],
  dema: [[5]],
  tema: [[5]],
  t3: [[4, 0.5]],
  trima: [[9], [10]],
  hma: [[2], [16], [30]],
  kama: [[5, 3, 20]],
  rsi: [[2]],
  stoch: [[5, 1, 4]],
  stochrsi: [[14, 5, 1, 3]],
  adx: [[2], [5]],
  psar: [[0.05, 0.1]],
  ichimoku: [[3, 5, 9, 1]],
  bbands: [[5, 1.5]],
  donchian: [[1]],
  macd: [[3, 10, 4]],
  uo: [[2, 3, 4]],
  cci: [[3]],
  aroon: [[1], [25]],
};

/** All entries of the catalog with their defaults and their other parameters. */
const cases = Object.values(indicatorCatalog).flatMap((definition) =>
  [definition.params.map((param) => param.default), ...(otherParams[definition.name] ?? [])].map((params) => ({
    definition,
    params,
    label: `${definition.name}(${params.join(', ')})`,
  })),
);

const rowsOf = (columns: (number | null)[][]): (number | null)[][] =>
  columns[0]!.map((_, i) => columns.map((column) => column[i]!));

for (const { definition, params, label } of cases) {
  test(`${label} equals its definition recomputed over the whole series`, () => {
    fc.assert(
      fc.property(walks({ min: 60, max: 160 }), (bars) => {
        const expected = naive[definition.name]!(bars, ...params);
        const actual = computeSeries(definition.name, params, bars);
        definition.outputs.forEach((output, i) => {
          const nulls = (column: (number | null)[]): boolean[] => column.map((x) => x === null);
          assert.deepEqual(nulls(actual[i]!), nulls(expected[i]!), `${output}: null in other rows`);
          assert.ok(compareColumns(actual[i]!, expected[i]!).worst < 1e-8, `${output} differs`);
        });
      }),
      { numRuns: 12 },
    );
  });

  test(`${label} continues with identical bits after its snapshot went through JSON`, () => {
    const bars = longWalk(260);
    for (const cut of [0, 1, 5, 30, 100, 200]) {
      const original = createIndicator(definition.name, params);
      for (const bar of bars.slice(0, cut)) original.update(bar);
      const restored = createIndicator(definition.name, params);
      restore(restored, JSON.parse(JSON.stringify(snapshot(original))));
      for (const bar of bars.slice(cut)) assert.deepStrictEqual(restored.update(bar), original.update(bar));
      assert.deepStrictEqual(snapshot(restored), snapshot(original));
    }
  });

  test(`${label} has all its values from bar ${definition.warmupBars(params)} on, not before`, () => {
    const rows = rowsOf(computeSeries(definition.name, params, longWalk(200)));
    const first = rows.findIndex((row) => row.every((x) => x !== null));
    assert.equal(first + 1, definition.warmupBars(params));
    assert.ok(rows.slice(first).every((row) => row.every((x) => x !== null)));
  });
}

/** Bars without range that repeat the given closes. */
function candlesAtClose(closes: readonly number[], times: number): Bar[] {
  const repeated = Array.from({ length: times }, () => closes).flat();
  return repeated.map((close, i) => barAt(i, { open: close, high: close, low: close, close, volume: 1 }));
}

/** Series on which naive divisions give NaN. */
const degenerate: Readonly<Record<string, readonly Bar[]>> = {
  'a flat series': barsOf(Array.from({ length: 150 }, () => 0.1 + 0.2)),
  'a flat series without volume': barsOf(
    Array.from({ length: 150 }, () => 7),
    0,
    0,
  ),
  'a flat stretch inside a walk': [
    ...longWalk(80),
    ...barsOf(Array.from({ length: 120 }, () => longWalk(80)[79]!.close)),
    ...longWalk(80, 5),
  ],
  'bars with range that always close the same': barsOf(
    Array.from({ length: 150 }, () => 3),
    1,
  ),
  'a walk without volume': longWalk(150).map((bar) => ({ ...bar, volume: 0 })),
  'a steady rise': barsOf(Array.from({ length: 150 }, (_, i) => 1 + i)),
  'a steady fall': barsOf(Array.from({ length: 150 }, (_, i) => 200 - i)),
  'closes that return to their mean': candlesAtClose([1, 3, 2], 50),
  'prices of 1e-12': longWalk(150).map((bar, i) =>
    barAt(i, {
      open: bar.open * 1e-14,
      high: bar.high * 1e-14,
      low: bar.low * 1e-14,
      close: bar.close * 1e-14,
      volume: 1e15,
    }),
  ),
};

for (const [name, bars] of Object.entries(degenerate)) {
  test(`${name} gives finite numbers or null, never NaN, Infinity or −0`, () => {
    for (const { definition, params, label } of cases) {
      for (const row of rowsOf(computeSeries(definition.name, params, bars))) {
        for (const x of row) assert.ok(x === null || (Number.isFinite(x) && !Object.is(x, -0)), `${label}: ${x}`);
      }
    }
  });
}

test('a flat series has zero width and no position, rather than rounding noise', () => {
  const bars = barsOf(Array.from({ length: 120 }, () => 0.1 + 0.2));
  const last = (name: string): (number | null)[] => rowsOf(computeSeries(name, undefined, bars))[119]!;
  for (const name of ['rsi', 'cmo', 'cci', 'willr', 'adx', 'mfi', 'uo']) assert.equal(last(name)[0], null, name);
  assert.deepEqual(last('stoch'), [null, null]);
  assert.deepEqual(last('stochrsi'), [null, null]);
  assert.deepEqual(last('stddev'), [0]);
  assert.deepEqual(last('bbands').slice(3), [null, 0]);
  assert.deepEqual(last('atr'), [0]);
});

test('StochRSI stays undefined while the price stands still after a walk', () => {
  const walk = longWalk(80);
  const bars = [...walk, ...barsOf(Array.from({ length: 60 }, () => walk[79]!.close))];
  assert.deepEqual(rowsOf(computeSeries('stochrsi', undefined, bars)).at(-1), [null, null]);
});

test('rolling values do not drift over 5,000 bars, even after a spike a billion times their size', () => {
  const bars = longWalk(5_000).map((bar, i) => (i === 2_500 ? { ...bar, close: 1e11, high: 1e11, volume: 1e15 } : bar));
  for (const name of ['sma', 'wma', 'hma', 'vwma', 'vwap', 'stddev', 'cci', 'mfi', 'uo', 'stoch', 'linregslope']) {
    const params = indicatorCatalog[name]!.params.map((param) => param.default);
    const tail = bars.slice(-200);
    const expected = rowsOf(naive[name]!(tail, ...params)).at(-1)!;
    const actual = rowsOf(computeSeries(name, params, bars)).at(-1)!;
    const { worst } = compareColumns(actual, expected);
    assert.ok(worst < 1e-11, `${name}: ${worst}`);
  }
});

test('a machine given another machine’s snapshot refuses it and stays as it was', () => {
  const sma = createIndicator('sma', [5]);
  for (const bar of longWalk(12)) sma.update(bar);
  const before = JSON.stringify(snapshot(sma));
  const foreign = [snapshot(createIndicator('sma', [6])), snapshot(createIndicator('ema', [5])), null, 3, {}, [], 'x'];
  for (const state of foreign) assert.throws(() => restore(sma, state), /does not fit/);
  const damaged = JSON.parse(before) as { inner: { period: unknown } };
  damaged.inner.period = 'five';
  assert.throws(() => restore(sma, damaged), /state\.inner\.period/);
  assert.equal(JSON.stringify(snapshot(sma)), before);
});
