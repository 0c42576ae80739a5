import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import type { Bar } from '../../src/indicators/bar.ts';
import { type BacktestResult, type BarColumns, computeBacktest } from '../../src/signals/backtest.ts';
import { curvePointsMax } from '../../src/signals/equity.ts';
import { levelBreakout1d, meanReversion1d, type Strategy, trendVotes1d } from '../../src/signals/strategy.ts';
import { createUniverse } from '../../src/signals/universe.ts';
import { arbitraryBars, barsOfCloses, dayOpen } from '../levels/bars.ts';

const daily: readonly Strategy[] = [trendVotes1d, levelBreakout1d, meanReversion1d];

function columnsOf(bars: readonly Bar[]): BarColumns {
  const column = (name: keyof Bar): Float64Array => Float64Array.from(bars, (bar) => bar[name]);
  return {
    openTime: column('openTime'),
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    volume: column('volume'),
    openText: bars.map(({ open }) => String(open)),
  };
}

const run = (strategy: Strategy, bars: readonly Bar[], from: number | null = null): BacktestResult =>
  computeBacktest({ strategy, bars: columnsOf(bars), from });

/** Two years of waves with a rising volume at their turns, and a hole of `hole` days in the middle. */
function history(hole: number): Bar[] {
  const closes = Array.from({ length: 700 }, (_, n) => 100 + 20 * Math.sin(n / 17) + 8 * Math.sin(n / 3) + n / 40);
  const bars = barsOfCloses(closes).map((bar, n) => ({ ...bar, volume: 100 + (n % 9) * 40 }));
  return bars.filter((_, n) => n < 350 || n >= 350 + hole);
}

const withFee = (feeBps: number): Strategy => ({ ...trendVotes1d, feeBps });

describe('a backtest', () => {
  for (const hole of [0, 5, 20])
    it(`with the published parameters gives the outcomes of the ledger, over a hole of ${hole} days`, () => {
      const bars = history(hole);
      const switches = [{ version: measuredV1.version, switchedAt: 0 }];
      const universe = createUniverse({ models: [measuredV1], switches, strategies: daily, benchmarkKey: null });
      const closes = bars.map((bar) =>
        universe.close('ONE_DAY', bar.closeTime, [
          { key: 7, bar, openText: String(bar.open), closeText: String(bar.close) },
        ]),
      );
      for (const strategy of daily) {
        const recorded = closes
          .flatMap(({ closed }) => closed)
          .filter(({ strategy: name }) => name === strategy.name)
          .map(({ strategy: _, strategyVersion: __, key: ___, ...outcome }) => outcome);
        assert.ok(recorded.length > 2, `${strategy.name} trades`);
        const { trades, closedCount } = run(strategy, bars);
        assert.equal(closedCount, recorded.length);
        assert.deepEqual(
          trades.filter(({ closedAt }) => closedAt !== null).map(({ confidence: _, ...trade }) => trade),
          recorded,
        );
      }
    });

  it('knows nothing that comes later', () => {
    const strategies = daily.slice(1).map((strategy) => ({ ...strategy }));
    fc.assert(
      fc.property(arbitraryBars(40, 120), fc.integer({ min: 1, max: 119 }), (bars, cut) => {
        for (const strategy of strategies) {
          const whole = run(strategy, bars).trades;
          const part = run(strategy, bars.slice(0, cut)).trades;
          const end = bars[Math.min(cut, bars.length) - 1]!.closeTime;
          assert.deepEqual(
            part.map(({ issuedAt, direction, confidence }) => [issuedAt, direction, confidence]),
            whole
              .filter(({ issuedAt }) => issuedAt <= end)
              .map(({ issuedAt, direction, confidence }) => [issuedAt, direction, confidence]),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('counts what is issued from an instant on; what came before warms up', () => {
    const bars = history(0);
    const from = dayOpen(400);
    const whole = run(trendVotes1d, bars);
    const part = run(trendVotes1d, bars, from);
    assert.deepEqual([part.n, part.warmupN], [301, 399]);
    assert.deepEqual([part.firstClose, part.lastClose], [from, bars.at(-1)!.closeTime]);
    assert.deepEqual(
      part.trades,
      whole.trades.filter(({ issuedAt }) => issuedAt >= from),
    );
    assert.equal(part.equity.equity[0], 1);
  });

  it('is nothing but reasons without candles', () => {
    const { trades, missing, n, returnPct } = run(levelBreakout1d, []);
    assert.deepEqual([trades, n, returnPct], [[], 0, null]);
    assert.deepEqual(
      missing.map(({ name }) => name),
      ['returnPct', 'holdReturnPct', 'hitRate', 'maxDrawdownPct', 'sharpe', 'exposure'],
    );
  });

  it('without a trade stays at 1, and says why there is no Sharpe ratio', () => {
    const flat = run(levelBreakout1d, barsOfCloses(Array.from({ length: 60 }, (_, n) => 100 + n / 10)));
    assert.deepEqual(
      [flat.returnPct, flat.maxDrawdownPct, flat.exposure, flat.sharpe, flat.hitRate],
      [0, 0, 0, null, null],
    );
    assert.deepEqual(
      flat.missing.map(({ name, detail }) => [name, detail]),
      [
        ['hitRate', 'No trade was closed.'],
        ['sharpe', 'The returns do not vary.'],
      ],
    );
    assert.ok(Math.abs(flat.holdReturnPct! - 5.9) < 1e-9);
  });

  it('bounds its curve and keeps the last close', () => {
    const { equity, n, lastClose } = run(trendVotes1d, history(0));
    assert.equal(n, 700);
    assert.ok(equity.closeTime.length <= curvePointsMax && equity.closeTime.length > curvePointsMax / 3);
    assert.equal(equity.closeTime.at(-1), lastClose);
    assert.deepEqual([equity.equity.length, equity.hold.length], Array(2).fill(equity.closeTime.length));
  });

  it('ends where its trades multiplied end, when none is open', () => {
    let checked = 0;
    for (const strategy of [withFee(0), withFee(25), levelBreakout1d, meanReversion1d]) {
      const bars = history(0);
      const { trades } = run(strategy, bars);
      const lastClosed = trades.findLast(({ closedAt }) => closedAt !== null)!;
      const upTo = bars.filter(({ openTime }) => openTime <= lastClosed.closedAt!);
      const result = run(strategy, upTo);
      const product = trades
        .filter(({ closedAt }) => closedAt !== null)
        .reduce((money, { returnPct }) => money * (1 + returnPct! / 100), 1);
      // A trade that the last candle's open begins is open at its close: leave such histories out.
      if (result.trades.some(({ closedAt, enteredAt }) => closedAt === null && enteredAt !== null)) continue;
      assert.ok(Math.abs(1 + result.returnPct! / 100 - product) < 1e-12);
      checked += 1;
    }
    assert.ok(checked >= 3);
  });

  it('values an open trade at each close, less the fee of its entry', () => {
    const base = [
      ...Array.from({ length: 11 }, (_, n) => 100 + 2 * n),
      116,
      112,
      108,
      104,
      100,
      100,
      100,
      100,
      100,
      100,
    ];
    const bars = barsOfCloses([...base, 121.5, 130, 143]).map((bar, n) =>
      n === base.length ? { ...bar, volume: 500 } : bar,
    );
    const { trades, equity, exposure, n } = run({ ...levelBreakout1d, feeBps: 100 }, bars);
    assert.deepEqual(
      trades.map(({ enteredAt, entryPriceUsd, closedAt, returnPct }) => [
        enteredAt,
        entryPriceUsd,
        closedAt,
        returnPct,
      ]),
      [[dayOpen(base.length + 1), '121.5', null, null]],
    );
    const expected = [1, 130 / 121.5 - 0.01, 143 / 121.5 - 0.01];
    for (const [at, value] of equity.equity.slice(-3).entries()) assert.ok(Math.abs(value - expected[at]!) < 1e-12);
    assert.equal(exposure, 2 / n);
  });

  it('loses no more than there is when a short position goes wrong', () => {
    const base = [
      ...Array.from({ length: 11 }, (_, n) => 200 - 2 * n),
      184,
      188,
      192,
      196,
      200,
      200,
      200,
      200,
      200,
      200,
    ];
    const bars = barsOfCloses([...base, 178, 500, 900, 900, 900]).map((bar, n) => ({
      ...bar,
      volume: n === base.length ? 500 : 100,
    }));
    const { equity, returnPct } = run(levelBreakout1d, bars);
    assert.equal(returnPct, -100);
    assert.equal(Math.min(...equity.equity), 0);
    assert.equal(equity.equity.at(-1), 0);
  });
});
