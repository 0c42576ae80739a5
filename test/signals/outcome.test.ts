import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dayMs } from '../../src/lib/interval.ts';
import { createOutcomeTracker, type Outcome } from '../../src/signals/outcome.ts';
import type { SignalDirection } from '../../src/signals/strategy.ts';

/** [open, high, low, close] of consecutive days; a turn happens at the close of the candle that names it. */
type Day = readonly [open: number, high: number, low: number, close: number, turn?: SignalDirection];

function outcomesOf(days: readonly Day[], feeBps = 10): Outcome[] {
  const tracker = createOutcomeTracker(feeBps);
  return days.flatMap(([open, high, low, close, turn], index) => {
    const openTime = index * dayMs;
    const bar = { openTime, closeTime: openTime + dayMs, open, high, low, close, volume: 1 };
    const settled = tracker.advance(1, bar, open.toFixed(4));
    if (turn !== undefined) tracker.turn(1, bar.closeTime, turn);
    return settled;
  });
}

function near(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

describe('the outcome of a signal', () => {
  it('of a BULLISH one is entry to exit at the opens after the two closes, fees on both fills', () => {
    const [outcome, ...others] = outcomesOf([
      [90, 95, 89, 95, 'BULLISH'],
      [100, 104, 97, 103],
      [104, 130, 103, 108, 'NEUTRAL'],
      [110, 200, 1, 150],
    ]);
    assert.equal(others.length, 0);
    assert.equal(outcome?.issuedAt, dayMs);
    assert.equal(outcome.enteredAt, dayMs);
    assert.equal(outcome.closedAt, 3 * dayMs);
    assert.equal(outcome.entryPriceUsd, '100.0000');
    assert.equal(outcome.exitPriceUsd, '110.0000');
    // 10 % less 0.1 % of 100 and 0.1 % of 110.
    near(outcome.returnPct, 10 - 0.1 - 0.11);
    near(outcome.holdReturnPct, 10);
    near(outcome.maxAdversePct, -3);
  });

  it('of a BEARISH one gains when the price falls, and its adverse move is up', () => {
    const [outcome] = outcomesOf([
      [110, 111, 99, 100, 'BEARISH'],
      [100, 106, 90, 92],
      [92, 93, 78, 79, 'NEUTRAL'],
      [80, 81, 79, 80],
    ]);
    assert.equal(outcome?.direction, 'BEARISH');
    near(outcome.returnPct, 20 - 0.1 - 0.08);
    near(outcome.holdReturnPct, -20);
    near(outcome.maxAdversePct, -6);
  });

  it('counts a gap to the exit as adverse', () => {
    const [outcome] = outcomesOf(
      [
        [100, 100, 100, 100, 'BULLISH'],
        [100, 101, 99, 99, 'NEUTRAL'],
        [80, 81, 80, 80],
      ],
      0,
    );
    near(outcome?.returnPct, -20);
    near(outcome?.maxAdversePct, -20);
  });

  it('has no adverse move where the price never went against it', () => {
    const [outcome] = outcomesOf([
      [100, 100, 100, 100, 'BULLISH'],
      [100, 103, 100, 103, 'NEUTRAL'],
      [104, 104, 104, 104],
    ]);
    assert.equal(outcome?.maxAdversePct, 0);
  });

  it('of a turn from one side to the other exits and enters at the same open', () => {
    const outcomes = outcomesOf(
      [
        [100, 100, 100, 100, 'BULLISH'],
        [100, 100, 100, 100, 'BEARISH'],
        [90, 90, 90, 90],
        [90, 90, 90, 90, 'NEUTRAL'],
        [81, 81, 81, 81],
      ],
      0,
    );
    assert.deepEqual(
      outcomes.map(({ direction, entryPriceUsd, exitPriceUsd }) => [direction, entryPriceUsd, exitPriceUsd]),
      [
        ['BULLISH', '100.0000', '90.0000'],
        ['BEARISH', '90.0000', '81.0000'],
      ],
    );
    near(outcomes[0]?.returnPct, -10);
    near(outcomes[1]?.returnPct, 10);
  });

  it('does not exist for NEUTRAL, nor before the exit has a price', () => {
    const open: Day[] = [
      [100, 100, 100, 100, 'NEUTRAL'],
      [100, 100, 100, 100, 'BULLISH'],
      [100, 100, 100, 100, 'NEUTRAL'],
    ];
    assert.deepEqual(outcomesOf(open), []);
    assert.equal(outcomesOf([...open, [100, 100, 100, 100]]).length, 1);
  });
});
