import type { Bar } from '../indicators/bar.ts';
import { Window } from '../indicators/window.ts';

/**
 * Swing points, found bar by bar. A bar is a swing high when its high is above those of the `reach` bars before it and
 * not below those of the `reach` bars after it (of equal highs the first counts), a swing low likewise. So it is known
 * only `reach` bars later: {@link SwingDetector.update} answers with the bar that the newest one confirms.
 */

/** A swing point. */
export interface Swing {
  readonly kind: 'HIGH' | 'LOW';
  readonly price: number;
  /** Volume of its bar. */
  readonly volume: number;
  /** Epoch ms: the close of its bar, and the close that confirmed it. */
  readonly closeTime: number;
  readonly knownAt: number;
}

/** The swing points of one series. Its state is numbers, so it is saved and restored as an indicator is. */
export class SwingDetector {
  readonly reach: number;
  readonly highs: Window;
  readonly lows: Window;
  readonly volumes: Window;
  readonly closeTimes: Window;

  constructor(reach: number) {
    const period = 2 * reach + 1;
    this.reach = reach;
    this.highs = new Window(period);
    this.lows = new Window(period);
    this.volumes = new Window(period);
    this.closeTimes = new Window(period);
  }

  /** Takes the next closed bar; the swings that it confirms, none to two. O(reach). */
  update(bar: Bar): Swing[] {
    this.lows.push(bar.low);
    this.volumes.push(bar.volume);
    this.closeTimes.push(bar.closeTime);
    if (!this.highs.push(bar.high)) return [];
    const { reach } = this;
    const at = {
      volume: this.volumes.at(reach),
      closeTime: this.closeTimes.at(reach),
      knownAt: bar.closeTime,
    };
    const found: Swing[] = [];
    if (isExtreme(this.highs, reach, 1)) found.push({ kind: 'HIGH', price: this.highs.at(reach), ...at });
    if (isExtreme(this.lows, reach, -1)) found.push({ kind: 'LOW', price: this.lows.at(reach), ...at });
    return found;
  }
}

/** Whether the middle of a full window is its highest (sign 1) or lowest (-1) number, the first of equal ones. */
function isExtreme(window: Window, reach: number, sign: 1 | -1): boolean {
  const middle = sign * window.at(reach);
  for (let age = 0; age <= 2 * reach; age += 1) {
    const other = sign * window.at(age);
    if (other > middle || (other === middle && age > reach)) return false;
  }
  return true;
}
