import { createIndicator } from '../indicators/catalog.ts';
import type { Machine } from '../indicators/machine.ts';
import type { ReversionEvidence } from './evidence.ts';
import { HeldDirection, sideOf } from './held.ts';
import type { DetectorInput, Judge, Judgement } from './judge.ts';
import type { MeanReversion, SignalDirection } from './strategy.ts';

/** Judges by RSI and Bollinger bands: an extreme against a trend that is not strong, until the middle band. */
export class ReversionJudge implements Judge {
  readonly #params: MeanReversion['params'];
  readonly strength: Machine;
  readonly bands: Machine;
  readonly trend: Machine;
  readonly held = new HeldDirection();

  constructor(params: MeanReversion['params']) {
    this.#params = params;
    this.strength = createIndicator('rsi', [params.rsiPeriod]);
    this.bands = createIndicator('bbands', [params.bandBars, params.bandSigmas]);
    this.trend = createIndicator('adx', [params.adxPeriod]);
  }

  judge({ bar, gradeValue }: DetectorInput, held: SignalDirection): Judgement | null {
    const { rsiBelow, adxMax, holdClosesMax } = this.#params;
    const rsi = this.strength.update(bar)[0] ?? null;
    const [upper = null, middle = null, lower = null] = this.bands.update(bar);
    const adx = this.trend.update(bar)[0] ?? null;
    this.held.update(bar.close, held);
    if (rsi === null || upper === null || middle === null || lower === null || adx === null) return null;

    const { close } = bar;
    const side = sideOf(held);
    const closesHeld = this.held.closes;
    const isAtMean = side !== 0 && side * (close - middle) >= 0;
    const isCalm = adx <= adxMax;
    const facts = { close, rsi, upper, middle, lower, adx };
    return {
      isBullish: isCalm && rsi < rsiBelow && close < lower,
      isBearish: isCalm && rsi > 100 - rsiBelow && close > upper,
      isLeft: isAtMean || (side !== 0 && closesHeld >= holdClosesMax),
      explain: (direction, closes) => {
        const rule = direction !== 'NEUTRAL' ? 'EXTREME' : isAtMean ? 'MEAN' : 'TIME';
        const evidence: ReversionEvidence = {
          rule,
          ...facts,
          closesHeld: rule === 'EXTREME' ? 0 : closesHeld,
          closes,
          grade: gradeValue,
        };
        return { confidence: confidenceOf(evidence, direction, rsiBelow), evidence };
      },
    };
  }
}

/**
 * Entering: how far the RSI lies beyond its bound, as a share of the bound. Leaving: 1 at the middle band, less the
 * share of a half band width that is missing to it.
 */
function confidenceOf(
  { rule, rsi, close, middle, upper }: ReversionEvidence,
  direction: SignalDirection,
  rsiBelow: number,
): number {
  if (rule === 'EXTREME') return Math.min(1, (rsiBelow - (direction === 'BULLISH' ? rsi : 100 - rsi)) / rsiBelow);
  if (rule === 'MEAN') return 1;
  const halfWidth = upper - middle;
  return halfWidth > 0 ? Math.max(0, 1 - Math.abs(close - middle) / halfWidth) : 0;
}
