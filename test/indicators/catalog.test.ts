import assert from 'node:assert/strict';
import { test } from 'node:test';
import { computeSeries, createIndicator, indicatorCatalog, resolveIndicator } from '../../src/indicators/catalog.ts';
import { AppError } from '../../src/lib/errors.ts';
import { longWalk } from './series.ts';

const isBadInput =
  (pattern: RegExp) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === 'BAD_USER_INPUT' && pattern.test(error.message);

test('the catalog describes every indicator completely', () => {
  for (const [name, definition] of Object.entries(indicatorCatalog)) {
    assert.match(name, /^[a-z0-9]+$/);
    assert.equal(definition.name, name);
    assert.ok(definition.title.length > 2 && definition.description.endsWith('.'), name);
    assert.equal(new Set(definition.outputs).size, definition.outputs.length);
    for (const param of definition.params) {
      assert.ok(param.min <= param.default && param.default <= param.max, `${name}.${param.name}`);
    }
  }
});

test('the catalog holds all that the TradingView technical rating reads', () => {
  const read = ['sma', 'ema', 'hma', 'vwma', 'ichimoku', 'rsi', 'stoch', 'cci', 'adx', 'ao', 'mom', 'macd', 'stochrsi'];
  for (const name of [...read, 'willr', 'bbp', 'uo']) assert.ok(Object.hasOwn(indicatorCatalog, name), name);
});

test('missing parameters take their defaults', () => {
  assert.deepEqual(resolveIndicator('macd').params, [12, 26, 9]);
  assert.deepEqual(resolveIndicator('macd', [5]).params, [5, 26, 9]);
  assert.deepEqual(resolveIndicator('obv', []).params, []);
});

test('an unknown name is refused with the known ones', () => {
  for (const name of ['nope', 'SMA', 'constructor', 'toString', '__proto__', '']) {
    assert.throws(() => createIndicator(name), isBadInput(/Known: .*\bema\b.*\bsma\b/));
  }
});

test('parameters out of bounds are refused with what is allowed', () => {
  const wrong: [string, number[]][] = [
    ['sma', [0]],
    ['sma', [501]],
    ['sma', [2.5]],
    ['sma', [Number.NaN]],
    ['sma', [20, 3]],
    ['bbands', [20, Infinity]],
    ['psar', [-0.1]],
    ['obv', [1]],
  ];
  for (const [name, params] of wrong) {
    assert.throws(() => createIndicator(name, params), isBadInput(/takes (up to \d|no parameters).*got \[/), name);
  }
  assert.throws(() => createIndicator('sma', [0]), isBadInput(/period \(whole number 1\.\.500, default 20\)/));
});

test('parameters at their bounds work', () => {
  const bars = longWalk(40);
  for (const { name, params } of Object.values(indicatorCatalog)) {
    for (const bound of ['min', 'max'] as const) {
      const columns = computeSeries(
        name,
        params.map((param) => param[bound]),
        bars,
      );
      assert.ok(
        columns.flat().every((x) => x === null || Number.isFinite(x)),
        `${name} at ${bound}`,
      );
    }
  }
});

test('a series is one column per output, as long as the bars', () => {
  const columns = computeSeries('macd', undefined, longWalk(40));
  assert.deepEqual(
    columns.map((column) => column.length),
    [40, 40, 40],
  );
  assert.deepEqual(computeSeries('macd', undefined, []), [[], [], []]);
});
