import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byRule } from '../../src/grades/votes.ts';
import { createDetector } from '../../src/signals/detect.ts';
import { trendVotes1d, trendVotes1h } from '../../src/signals/strategy.ts';
import { dayMs, hourMs } from '../../src/lib/interval.ts';
import { trendConfidence } from '../../src/signals/trend-judge.ts';
import { inputOf, votesOf } from './votes-of.ts';

/** [overall, available?, closes since the one before (default 1)] per close. */
type Step = readonly [overall: number | null, available?: number, closesLater?: number];

/** What happens close by close: '.' for nothing, else the first two letters of the new direction. */
function run(steps: readonly Step[], strategy = trendVotes1d, length = dayMs): string {
  const detector = createDetector(strategy);
  let closeTime = 0;
  const marks = steps.map(([overall, available, closesLater = 1]) => {
    closeTime += closesLater * length;
    const transition = detector.step(7, inputOf(closeTime, votesOf(overall, available), null));
    return transition?.direction.slice(0, 2) ?? '.';
  });
  return marks.join(' ');
}

const cases: readonly { name: string; steps: readonly Step[]; expected: string }[] = [
  { name: 'enters BULLISH on the second close above +0.1', steps: [[0.2], [0.2], [0.5]], expected: '. BU .' },
  { name: 'enters BEARISH on the second close below -0.1', steps: [[-0.2], [-0.2]], expected: '. BE' },
  { name: 'does not count a close at exactly 0.1', steps: [[0.1], [0.1], [0.11], [0.11]], expected: '. . . BU' },
  { name: 'stays between 0 and the entry', steps: [[0.2], [0.2], [0.05], [0], [0.01]], expected: '. BU . . .' },
  { name: 'leaves BULLISH on the first close below 0', steps: [[0.2], [0.2], [-0.01]], expected: '. BU NE' },
  { name: 'leaves BEARISH on the first close above 0', steps: [[-0.2], [-0.2], [0], [0.01]], expected: '. BE . NE' },
  {
    name: 'passes through NEUTRAL on the way from one side to the other',
    steps: [[0.2], [0.2], [-0.3], [-0.3]],
    expected: '. BU NE BE',
  },
  {
    name: 'suppresses flip-flop around the entry',
    steps: [[0.2], [0.05], [0.2], [0.05], [0.2], [-0.2], [0.2]],
    expected: '. . . . . . .',
  },
  { name: 'needs both closes in a row', steps: [[0.2], [0.05], [0.2], [0.2]], expected: '. . . BU' },
  { name: 'starts the run over after a missing candle', steps: [[0.2], [0.2, 26, 2], [0.2]], expected: '. . BU' },
  { name: 'stays open over a hole', steps: [[0.2], [0.2], [0.05, 26, 9], [-0.1]], expected: '. BU . NE' },
  {
    name: 'is silent below ten votes',
    steps: [
      [0.9, 9],
      [0.9, 9],
      [0.9, 10],
      [0.9, 10],
    ],
    expected: '. . . BU',
  },
  {
    name: 'is silent without votes',
    steps: [
      [null, 0],
      [null, 0],
    ],
    expected: '. .',
  },
  {
    name: 'keeps its direction while too few votes can be cast',
    steps: [[0.2], [0.2], [-0.9, 9], [-0.1]],
    expected: '. BU . NE',
  },
];

describe('the trend-votes state machine', () => {
  for (const { name, steps, expected } of cases) it(name, () => assert.equal(run(steps), expected));

  it('runs unchanged on hours', () => assert.equal(run([[0.2], [0.2], [-0.1]], trendVotes1h, hourMs), '. BU NE'));

  it('turns at once from BULLISH to BEARISH when one close confirms', () => {
    const strategy = { ...trendVotes1d, params: { ...trendVotes1d.params, confirmCloses: 1 } };
    assert.equal(run([[0.2], [-0.2]], strategy), 'BU BE');
  });

  it('says why', () => {
    const detector = createDetector(trendVotes1d);
    detector.step(7, inputOf(dayMs, votesOf(0.4), 60));
    const transition = detector.step(7, inputOf(2 * dayMs, votesOf(0.5, 13), 61.5));
    assert.equal(transition?.previousDirection, 'NEUTRAL');
    assert.equal(transition.confidence, 0.25);
    assert.deepEqual(transition.evidence, {
      overall: 0.5,
      available: 13,
      movingAverages: 0.5,
      oscillators: 0.5,
      votes: byRule([]),
      values: byRule([]),
      closes: 2,
      grade: 61.5,
    });
  });

  it('keeps series apart', () => {
    const detector = createDetector(trendVotes1d);
    detector.step(1, inputOf(dayMs, votesOf(0.4), null));
    assert.equal(detector.step(2, inputOf(2 * dayMs, votesOf(0.4), null)), null);
  });

  it('is surest of NEUTRAL when the votes balance', () => {
    assert.equal(trendConfidence('NEUTRAL', 0, 26), 1);
    assert.equal(trendConfidence('BEARISH', -1, 26), 1);
    assert.equal(trendConfidence('BULLISH', 0.5, 13), 0.25);
  });
});
