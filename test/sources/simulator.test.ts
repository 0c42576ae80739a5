import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { addDecimals, compareDecimals, Exact } from '../../src/lib/decimal.ts';
import { bucketOpen, type CandleInterval, dayMs, hourMs, intervalMs, minuteMs } from '../../src/lib/interval.ts';
import { assetModels } from '../../src/sources/calibration.ts';
import type { SourceCandle, SourceTick } from '../../src/sources/exchange.ts';
import { createSimulator } from '../../src/sources/simulator.ts';

const end = Date.UTC(2025, 9, 6, 13, 47);
const simulator = createSimulator({ seed: 7 });
const symbols = simulator.markets.map(({ symbol }) => symbol);

/** One candle out of finer ones, by the book. */
function fold(candles: readonly SourceCandle[]): Partial<SourceCandle> {
  const pick = (best: -1 | 1, field: 'high' | 'low') =>
    candles.map((candle) => candle[field]).reduce((a, b) => (compareDecimals(b, a) === best ? b : a));
  const sum = (field: 'volumeBase' | 'volumeQuote') =>
    candles.map((candle) => candle[field] ?? '0').reduce(addDecimals);
  return {
    open: candles[0]?.open ?? '',
    high: pick(1, 'high'),
    low: pick(-1, 'low'),
    close: candles.at(-1)?.close ?? '',
    volumeBase: sum('volumeBase'),
    volumeQuote: sum('volumeQuote'),
  };
}

function foldTicks(ticks: readonly SourceTick[]): Partial<SourceCandle> {
  return fold(
    ticks.map(({ symbol, timeMs, price, volumeBase, volumeQuote }) => {
      const prices = { open: price, high: price, low: price, close: price, volumeBase, volumeQuote };
      return { symbol, interval: 'ONE_MINUTE', openTime: timeMs, ...prices, marketCapUsd: null, supply: null };
    }),
  );
}

function assertFolds(finer: Partial<SourceCandle>, coarse: SourceCandle | undefined): void {
  assert.ok(coarse !== undefined);
  for (const field of ['open', 'high', 'low', 'close', 'volumeBase', 'volumeQuote'] as const) {
    assert.equal(
      compareDecimals(finer[field] ?? '', coarse[field] ?? ''),
      0,
      `${field}: ${finer[field]} ${coarse[field]}`,
    );
  }
}

const anySymbol = fc.constantFrom(...symbols);
const anyTime = fc.integer({ min: Date.UTC(2022, 0, 1), max: Date.UTC(2027, 0, 1) });
const steps: [CandleInterval, CandleInterval][] = [
  ['ONE_MINUTE', 'FIVE_MINUTES'],
  ['FIVE_MINUTES', 'FIFTEEN_MINUTES'],
  ['FIFTEEN_MINUTES', 'ONE_HOUR'],
  ['ONE_HOUR', 'FOUR_HOURS'],
  ['FOUR_HOURS', 'ONE_DAY'],
  ['ONE_DAY', 'ONE_WEEK'],
];

describe('simulated history', () => {
  for (const [fine, coarse] of steps) {
    it(`${fine} folds exactly to ${coarse}`, () => {
      fc.assert(
        fc.property(anySymbol, anyTime, (symbol, time) => {
          const open = bucketOpen(coarse, time);
          const close = open + intervalMs(coarse);
          const [candle, ...others] = simulator.history(symbol, coarse, open, close);
          const parts = simulator.history(symbol, fine, open, close);
          assert.equal(others.length, 0);
          assert.equal(parts.length, intervalMs(coarse) / intervalMs(fine));
          assertFolds(fold(parts), candle);
        }),
        { numRuns: 25 },
      );
    });
  }

  it('ticks fold exactly to their minute', () => {
    const tickLengths = fc.constantFrom(250, 1_000, 2_500, 15_000);
    fc.assert(
      fc.property(anySymbol, anyTime, tickLengths, (symbol, time, tickMs) => {
        const open = bucketOpen('ONE_MINUTE', time);
        const ticks = simulator.ticks(symbol, open, tickMs);
        assert.deepEqual(
          ticks.map(({ timeMs }) => timeMs),
          Array.from({ length: minuteMs / tickMs }, (_, index) => open + index * tickMs),
        );
        assertFolds(foldTicks(ticks), simulator.history(symbol, 'ONE_MINUTE', open, open + minuteMs)[0]);
      }),
      { numRuns: 200 },
    );
  });

  it('is well formed: positive prices within high and low, each candle opening at the close before', () => {
    for (const symbol of symbols) {
      for (const [interval, span] of [
        ['ONE_DAY', 900 * dayMs],
        ['ONE_MINUTE', 3 * hourMs],
      ] as const) {
        const candles = simulator.history(symbol, interval, end - span, end);
        for (const [index, candle] of candles.entries()) {
          const [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map(Number) as [
            number,
            number,
            number,
            number,
          ];
          assert.ok(
            low > 0 && low <= Math.min(open, close) && high >= Math.max(open, close),
            `${symbol} ${candle.openTime}`,
          );
          if (index > 0) assert.equal(candle.open, candles[index - 1]?.close);
        }
      }
    }
  });

  it('holds volumes whose mean price lies within the candle, and a market cap that is close times supply', () => {
    const candles = symbols.flatMap((symbol) => simulator.history(symbol, 'ONE_HOUR', end - dayMs, end));
    for (const candle of candles) {
      const mean = Number(candle.volumeQuote) / Number(candle.volumeBase);
      assert.ok(mean > Number(candle.low) * 0.995 && mean < Number(candle.high) * 1.005, `${candle.symbol} ${mean}`);
      const cap = new Exact(candle.close).times(candle.supply ?? '0').toFixed();
      assert.equal(compareDecimals(candle.marketCapUsd ?? '', cap), 0);
    }
  });

  it('gives only closed candles that open in the asked span', () => {
    const times = simulator.history('BTC/USD', 'ONE_HOUR', end - 3 * hourMs, end).map(({ openTime }) => openTime);
    const last = bucketOpen('ONE_HOUR', end) - hourMs;
    assert.deepEqual(times, [last - hourMs, last]);
    assert.deepEqual(simulator.history('BTC/USD', 'ONE_DAY', 0, Date.UTC(2019, 0, 1)), []);
  });

  it('meets the real last prices where the calibration ends', () => {
    const close = (symbol: string): string | undefined =>
      simulator.history(symbol, 'ONE_DAY', Date.UTC(2025, 5, 30), Date.UTC(2025, 6, 1))[0]?.close;
    assert.equal(close('BTC/USD'), '107080.00');
    assert.equal(close('PEPE/USD'), '0.00000974100');
    assert.equal(close('SATS/USD'), '0.0000000378000');
  });

  it('is the same bytes for the same seed, whatever else is simulated and in whatever order it is asked', () => {
    const look = (seed: number | string, options = {}): string => {
      const other = createSimulator({ seed, ...options });
      return JSON.stringify([
        other.history('SOL/USD', 'ONE_DAY', end - 99 * dayMs, end),
        other.history('SOL/USD', 'ONE_MINUTE', end - hourMs, end),
        other.ticks('SOL/USD', end, 1_000),
      ]);
    };
    const expected = look(7);
    simulator.history('SOL/USD', 'ONE_MINUTE', end + 90 * dayMs, end + 91 * dayMs);
    assert.equal(look(7, { symbols: ['SOL/USD'] }), expected);
    assert.equal(look('7', { count: 143 }), expected);
    assert.notEqual(look(8), expected);
  });

  it('refuses markets it does not know', () => {
    assert.throws(() => simulator.history('NOPE/USD', 'ONE_DAY', 0, end), { code: 'BAD_USER_INPUT' });
    assert.throws(() => createSimulator({ seed: 1, symbols: ['BTC/USDT'] }), /BTC\/USDT is not simulated/);
  });
});

describe('simulated statistics over six years, three seeds', () => {
  const from = Date.UTC(2019, 0, 1);
  const to = Date.UTC(2025, 6, 1);
  const measured = [1, 2, 3].map((seed) => {
    const market = createSimulator({ seed });
    const returns = market.markets.map(({ symbol }) => logReturns(market.history(symbol, 'ONE_DAY', from, to)));
    return returns.map((series, index) => {
      const asset = assetModels[index];
      assert.ok(asset !== undefined);
      return {
        volatility: (deviation(series) * Math.sqrt(365)) / asset.volatilityAnnual,
        kurtosis: excessKurtosis(series),
        correlation: correlation(series, returns[0] ?? []) - asset.correlationToBtc,
      };
    });
  });

  it('daily volatility is the calibrated one within 35 %, within 15 % on average', () => {
    for (const coins of measured) {
      const ratios = coins.map(({ volatility }) => volatility);
      assert.ok(
        Math.min(...ratios) > 0.65 && Math.max(...ratios) < 1.35,
        `${Math.min(...ratios)} ${Math.max(...ratios)}`,
      );
      assert.ok(Math.abs(mean(ratios) - 1) < 0.15, String(mean(ratios)));
    }
  });

  it('tails are fat: excess kurtosis above 1', () => {
    for (const coins of measured) for (const { kurtosis } of coins) assert.ok(kurtosis > 1, String(kurtosis));
  });

  it('correlation to BTC is the calibrated one within 0.2, within 0.15 on average', () => {
    for (const coins of measured) {
      const gaps = coins.map((coin) => coin.correlation);
      assert.ok(
        gaps.every((gap) => Math.abs(gap) < 0.2),
        String(gaps),
      );
      assert.ok(Math.abs(mean(gaps)) < 0.15, String(mean(gaps)));
    }
  });

  it('hours and minutes carry the volatility of their days', () => {
    const perDay = (interval: CandleInterval): number =>
      deviation(logReturns(simulator.history('BTC/USD', interval, end - 60 * dayMs, end))) *
      Math.sqrt(dayMs / intervalMs(interval));
    const days = perDay('ONE_DAY');
    for (const interval of ['ONE_HOUR', 'ONE_MINUTE'] as const) {
      const ratio = perDay(interval) / days;
      assert.ok(ratio > 0.65 && ratio < 1.5, `${interval}: ${ratio}`);
    }
  });
});

function logReturns(candles: readonly SourceCandle[]): number[] {
  return candles.slice(1).map((candle, index) => Math.log(Number(candle.close) / Number(candles[index]?.close)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
}

function excessKurtosis(values: readonly number[]): number {
  const center = mean(values);
  return mean(values.map((value) => (value - center) ** 4)) / deviation(values) ** 4 - 3;
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const [centerA, centerB] = [mean(a), mean(b)];
  return mean(a.map((value, index) => (value - centerA) * ((b[index] ?? 0) - centerB))) / deviation(a) / deviation(b);
}
