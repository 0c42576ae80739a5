import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { indicatorCatalog } from '../../src/indicators/catalog.ts';
import { listParams, overrideParams, strategyKinds } from '../../src/signals/kinds.ts';
import { kindOf, levelBreakout1d, shippedStrategies, trendVotes1d } from '../../src/signals/strategy.ts';

describe('the kinds of strategies', () => {
  for (const strategy of shippedStrategies)
    it(`describe every parameter of ${strategy.name}, within its bounds`, () => {
      const rules = listParams(strategy);
      assert.deepEqual(rules.map(({ name }) => name).sort(), Object.keys(strategy.params).sort());
      assert.deepEqual(overrideParams(strategy, { ...strategy.params }), strategy);
      for (const { name, params } of strategyKinds[kindOf(strategy)].indicators) {
        assert.equal(indicatorCatalog[name]?.params.length, params.length);
        for (const param of params) assert.ok(param in strategy.params);
      }
    });

  it('take other parameters, those not given as published', () => {
    assert.deepEqual(overrideParams(levelBreakout1d, { stopAtrs: 2.5 }).params, {
      ...levelBreakout1d.params,
      stopAtrs: 2.5,
    });
    assert.equal(overrideParams(levelBreakout1d, null), levelBreakout1d);
  });

  for (const [what, params, message] of [
    ['an unknown name', { nope: 1 }, /no parameter "nope".*stopAtrs/],
    ['a name of every object', { toString: 1 }, /no parameter "toString"/],
    ['text', { stopAtrs: '3' }, /`stopAtrs` must be a number from 0.1 to 20; got "3"/],
    ['a number out of bounds', { stopAtrs: 0 }, /from 0.1 to 20; got 0/],
    ['a fraction of a candle', { atrPeriod: 1.5 }, /whole number/],
    ['null', { atrPeriod: null }, /got null/],
    ['a list', [1], /object/],
    ['a number', 1, /object/],
  ] as const)
    it(`refuse ${what}`, () => {
      assert.throws(() => overrideParams(levelBreakout1d, params), { code: 'BAD_USER_INPUT', message });
    });

  it('refuse parameters that contradict each other', () => {
    assert.throws(() => overrideParams(trendVotes1d, { leaveBelow: 0.2 }), { message: /leaveBelow/ });
    assert.equal(overrideParams(trendVotes1d, { leaveBelow: 0.2, enterAbove: 0.3 }).params.confirmCloses, 2);
  });
});
