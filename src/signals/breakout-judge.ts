import { Sma } from '../indicators/averages.ts';
import { createIndicator } from '../indicators/catalog.ts';
import { type Machine, ratio } from '../indicators/machine.ts';
import { SwingDetector } from '../levels/swing.ts';
import type { BreakoutEvidence } from './evidence.ts';
import { HeldDirection, sideOf } from './held.ts';
import type { DetectorInput, Judge, Judgement } from './judge.ts';
import { StandingSwings } from './standing-swings.ts';
import type { LevelBreakout, SignalDirection } from './strategy.ts';

/**
 * Judges by the swing points that still stand. A close beyond the outermost of them, on volume, agrees with its
 * direction; what closes have passed is used up, with or without volume, so that the same level is broken once. The stop
 * hangs `stopAtrs` times the ATR behind the best close.
 */
export class BreakoutJudge implements Judge {
  readonly #params: LevelBreakout['params'];
  readonly swings: SwingDetector;
  readonly highs: StandingSwings;
  readonly lows: StandingSwings;
  readonly range: Machine;
  readonly volumeMean: Sma;
  readonly held = new HeldDirection();
  /** The mean volume before the next candle. */
  meanBefore: number | null = null;

  constructor(params: LevelBreakout['params']) {
    const { swingReach, levelBars, confirmCloses, atrPeriod, volumeBars } = params;
    this.#params = params;
    this.swings = new SwingDetector(swingReach);
    this.highs = new StandingSwings(1, swingReach, levelBars, confirmCloses);
    this.lows = new StandingSwings(-1, swingReach, levelBars, confirmCloses);
    this.range = createIndicator('atr', [atrPeriod]);
    this.volumeMean = new Sma(volumeBars);
  }

  judge({ bar, gradeValue }: DetectorInput, held: SignalDirection): Judgement | null {
    const { volumeRatioMin, stopAtrs, swingReach } = this.#params;
    const atr = this.range.update(bar)[0] ?? null;
    const volumeRatio = this.meanBefore === null ? null : ratio(bar.volume, this.meanBefore);
    this.meanBefore = this.volumeMean.update(bar.volume);
    this.highs.advance(bar.close);
    this.lows.advance(bar.close);
    this.held.update(bar.close, held);
    const [resistance, support] = [this.highs.outermost(), this.lows.outermost()];
    for (const swing of this.swings.update(bar))
      (swing.kind === 'HIGH' ? this.highs : this.lows).add(swing, swingReach);
    if (atr === null) return null;

    const isOnVolume = volumeRatio !== null && volumeRatio >= volumeRatioMin;
    const isAbove = isOnVolume && resistance !== null && bar.close > resistance.price;
    const isBelow = isOnVolume && support !== null && bar.close < support.price;
    const { best } = this.held;
    const stop = best === null ? null : best - sideOf(held) * stopAtrs * atr;
    const explain = (direction: SignalDirection, closes: number): ReturnType<Judgement['explain']> => {
      const level = direction === 'NEUTRAL' ? null : direction === 'BULLISH' ? resistance : support;
      const evidence: BreakoutEvidence = {
        rule: level === null ? 'STOP' : 'LEVEL',
        close: bar.close,
        level: level?.price ?? null,
        levelAt: level === null ? null : new Date(level.closeTime).toISOString(),
        atr,
        volumeRatio,
        bestClose: level === null ? best : null,
        stop: level === null ? stop : null,
        closes,
        grade: gradeValue,
      };
      return { confidence: distanceInAtrs(bar.close, level?.price ?? stop ?? bar.close, atr), evidence };
    };
    return {
      isBullish: isAbove && !isBelow,
      isBearish: isBelow && !isAbove,
      isLeft: stop !== null && sideOf(held) * (bar.close - stop) < 0,
      explain,
    };
  }
}

/** How far the close lies beyond a price, in ATRs, at most 1; 1 where nothing ever moved. */
function distanceInAtrs(close: number, price: number, atr: number): number {
  return atr > 0 ? Math.min(1, Math.abs(close - price) / atr) : 1;
}
