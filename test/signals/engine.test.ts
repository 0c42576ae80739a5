import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { dayMs } from '../../src/lib/interval.ts';
import { createSignalEngine, type SignalEngineSnapshot, type SignalInput } from '../../src/signals/engine.ts';
import { trendVotes1d, trendVotes1h } from '../../src/signals/strategy.ts';
import { votesOf } from './votes-of.ts';

const name = trendVotes1d.name;

function rowOf(key: number, closeTime: number, overall: number, openText: string, closeText: string): SignalInput {
  const [open, close] = [Number(openText), Number(closeText)];
  const prices = { open, high: Math.max(open, close), low: Math.min(open, close), close };
  const bar = { openTime: closeTime - dayMs, closeTime, ...prices, volume: 1 };
  return { key, bar, openText, closeText, votes: votesOf(overall), gradeValue: null };
}

/** The two series of a simple story: 2 turns BULLISH and back, 1 BEARISH and back, a day later. */
const story = [
  [rowOf(2, dayMs, 0.3, '1.10', '1.20')],
  [rowOf(2, 2 * dayMs, 0.3, '1.20', '1.300'), rowOf(1, 2 * dayMs, -0.3, '9', '8')],
  [rowOf(2, 3 * dayMs, -0.01, '1.3000', '1.1'), rowOf(1, 3 * dayMs, -0.3, '8', '0.000000071')],
  [rowOf(2, 4 * dayMs, 0, '1.04', '1.1'), rowOf(1, 4 * dayMs, 0.3, '0.0000000710', '0.00000007')],
  [rowOf(2, 5 * dayMs, 0, '1.04', '1.1'), rowOf(1, 5 * dayMs, 0.3, '0.00000006', '0.00000007')],
];

describe('the signal engine', () => {
  it('issues, closes and keeps the digits of prices', () => {
    const engine = createSignalEngine({ strategies: [trendVotes1d] });
    const closes = story.map((rows, index) => engine.close(name, (index + 1) * dayMs, rows));
    const issued = closes.flatMap((close) => close.issued);
    assert.deepEqual(
      issued.map(({ key, issuedAt, direction, priceUsd }) => [issuedAt / dayMs, key, direction, priceUsd]),
      [
        [2, 2, 'BULLISH', '1.300'],
        [3, 1, 'BEARISH', '0.000000071'],
        [3, 2, 'NEUTRAL', '1.1'],
        [4, 1, 'NEUTRAL', '0.00000007'],
        [5, 1, 'BULLISH', '0.00000007'],
      ],
    );
    const closed = closes.flatMap((close) => close.closed);
    assert.deepEqual(
      closed.map(({ key, issuedAt, entryPriceUsd, exitPriceUsd }) => [
        key,
        issuedAt / dayMs,
        entryPriceUsd,
        exitPriceUsd,
      ]),
      [
        [2, 2, '1.3000', '1.04'],
        [1, 3, '0.0000000710', '0.00000006'],
      ],
    );
    assert.deepEqual([closed[0]?.strategy, closed[0]?.strategyVersion], [name, 1]);
  });

  it('answers the same whatever the order of the rows', () => {
    const [forward, backward] = [false, true].map((isReversed) => {
      const engine = createSignalEngine({ strategies: [trendVotes1d] });
      return story.map((rows, index) => {
        const ordered = isReversed ? rows.toReversed() : rows;
        return engine.close(name, (index + 1) * dayMs, ordered);
      });
    });
    assert.equal(JSON.stringify(backward), JSON.stringify(forward));
  });

  it('gives the same bytes live, with a restart between any two closes, as from history', () => {
    const overall = fc.double({ min: -1, max: 1, noNaN: true });
    const price = fc.integer({ min: 1, max: 1_000_000 }).map((cents) => (cents / 100).toFixed(2));
    const day = fc.array(fc.record({ key: fc.integer({ min: 1, max: 3 }), overall, open: price, close: price }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(day, { maxLength: 40 }), (days) => {
        const closes = days.map((rows, index) => {
          const byKey = new Map(rows.map((row) => [row.key, row]));
          return [...byKey.values()].map((row) =>
            rowOf(row.key, (index + 1) * dayMs, row.overall, row.open, row.close),
          );
        });
        const history = createSignalEngine({ strategies: [trendVotes1d] });
        let saved = '{}';
        for (const [index, rows] of closes.entries()) {
          const live = createSignalEngine({ strategies: [trendVotes1d] });
          live.restore(JSON.parse(saved) as SignalEngineSnapshot);
          const [a, b] = [live, history].map((engine) => engine.close(name, (index + 1) * dayMs, rows));
          assert.equal(JSON.stringify(a), JSON.stringify(b));
          saved = JSON.stringify(live.snapshot());
        }
        assert.equal(closes.length === 0 ? '' : saved, closes.length === 0 ? '' : JSON.stringify(history.snapshot()));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps strategies apart', () => {
    const engine = createSignalEngine({ strategies: [trendVotes1d, trendVotes1h] });
    engine.close(name, dayMs, [rowOf(1, dayMs, 0.3, '1', '1')]);
    engine.close(trendVotes1h.name, dayMs, [rowOf(1, dayMs, 0.3, '1', '1')]);
    assert.equal(engine.close(name, 2 * dayMs, [rowOf(1, 2 * dayMs, 0.3, '1', '1')]).issued.length, 1);
  });

  it('starts a strategy over when its saved state is of another version', () => {
    const engine = createSignalEngine({ strategies: [trendVotes1d] });
    engine.close(name, dayMs, [rowOf(1, dayMs, 0.3, '1', '1')]);
    const next = createSignalEngine({ strategies: [{ ...trendVotes1d, version: 2 }] });
    next.restore(engine.snapshot());
    assert.equal(next.close(name, 2 * dayMs, [rowOf(1, 2 * dayMs, 0.3, '1', '1')]).issued.length, 0);
  });

  const wrong = [
    { name: 'an unknown strategy', strategy: 'nope', closeTime: 2 * dayMs, rows: [] },
    { name: 'a close that was settled', strategy: name, closeTime: dayMs, rows: [] },
    {
      name: 'a key twice',
      strategy: name,
      closeTime: 2 * dayMs,
      rows: [rowOf(1, 2 * dayMs, 0, '1', '1'), rowOf(1, 2 * dayMs, 0, '1', '1')],
    },
    { name: 'a bar of another close', strategy: name, closeTime: 2 * dayMs, rows: [rowOf(1, dayMs, 0, '1', '1')] },
  ];
  for (const { name: what, strategy, closeTime, rows } of wrong) {
    it(`refuses ${what} and changes nothing`, () => {
      const engine = createSignalEngine({ strategies: [trendVotes1d] });
      engine.close(name, dayMs, [rowOf(1, dayMs, 0.3, '1', '1')]);
      const before = JSON.stringify(engine.snapshot());
      assert.throws(() => engine.close(strategy, closeTime, rows), RangeError);
      assert.equal(JSON.stringify(engine.snapshot()), before);
    });
  }
});
