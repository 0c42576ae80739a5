import type { Bar } from '../indicators/bar.ts';
import type { DecimalText } from '../lib/decimal.ts';
import type { SignalDirection } from './strategy.ts';

/**
 * The end of a BULLISH or BEARISH signal. Fills are at the open of the next candle that exists after the close that
 * issued the signal, and after the close that ended it. Percentages are floating point; prices keep the source's digits.
 */
export interface Outcome {
  readonly issuedAt: number;
  readonly direction: SignalDirection;
  /** Epoch ms: the open of the entry candle and of the exit candle. */
  readonly enteredAt: number;
  readonly closedAt: number;
  readonly entryPriceUsd: DecimalText;
  readonly exitPriceUsd: DecimalText;
  /** Profit on the entry price after both fees, in percent; a short position for BEARISH. See {@link returnPctOf}. */
  readonly returnPct: number;
  /** exit / entry - 1 in percent: holding over the same span, no fee. */
  readonly holdReturnPct: number;
  /**
   * Deepest unrealised loss in percent of the entry price, <= 0: over the lows (BULLISH) or highs (BEARISH) of the
   * candles held, and the exit fill. Before fees.
   */
  readonly maxAdversePct: number;
}

/** A signal that is not over. Plain JSON. */
export interface OpenPosition {
  readonly issuedAt: number;
  readonly direction: SignalDirection;
  /** Null until the candle after the issue. */
  readonly entry: { readonly at: number; readonly price: number; readonly priceUsd: DecimalText } | null;
  /** Deepest low or highest high since the entry; null before it. */
  readonly worst: number | null;
  /** The closing transition has happened; the next candle's open is the exit. */
  readonly isClosing: boolean;
}

/** Follows the open signals of one strategy. */
export interface OutcomeTracker {
  /**
   * Takes the next closed candle of a series, before the transition its close may cause: fills what waits for an open,
   * widens the worst price of what is held. The outcomes that its open settled, none or one.
   */
  advance(key: number, bar: Bar, openText: DecimalText): Outcome[];
  /** A transition at a close: the open signal of the series ends, a directional one begins. */
  turn(key: number, issuedAt: number, direction: SignalDirection): void;
  /** By ascending key; series without an open signal are absent. */
  snapshot(): readonly (readonly [key: number, positions: readonly OpenPosition[]])[];
}

/**
 * Profit in percent of the entry price: (side * (exit - entry) - fee * (entry + exit)) / entry * 100, where side is +1
 * for BULLISH and -1 for BEARISH, and each fill pays `feeBps` hundredths of a percent of its own price.
 */
export function returnPctOf(direction: SignalDirection, entry: number, exit: number, feeBps: number): number {
  const side = direction === 'BEARISH' ? -1 : 1;
  // Adding 0 turns -0 into 0.
  return ((side * (exit - entry) - (feeBps / 10_000) * (entry + exit)) / entry) * 100 + 0;
}

/** The worse of two prices for a direction: the lower for BULLISH, the higher for BEARISH. */
function worseOf(direction: SignalDirection, a: number, b: number): number {
  return direction === 'BEARISH' ? Math.max(a, b) : Math.min(a, b);
}

/** The outcome of a position that leaves at the open of `bar`; null where it was never entered. */
function settle(position: OpenPosition, bar: Bar, openText: DecimalText, feeBps: number): Outcome | null {
  const { issuedAt, direction, entry, worst } = position;
  if (entry === null) return null;
  const adverse = worseOf(direction, worst ?? entry.price, bar.open);
  return {
    issuedAt,
    direction,
    enteredAt: entry.at,
    closedAt: bar.openTime,
    entryPriceUsd: entry.priceUsd,
    exitPriceUsd: openText,
    returnPct: returnPctOf(direction, entry.price, bar.open, feeBps),
    holdReturnPct: returnPctOf('BULLISH', entry.price, bar.open, 0),
    maxAdversePct: Math.min(0, returnPctOf(direction, entry.price, adverse, 0)),
  };
}

/** A position after one more held candle; the first one is its entry. */
function hold(position: OpenPosition, bar: Bar, openText: DecimalText): OpenPosition {
  const { direction, worst } = position;
  const entry = position.entry ?? { at: bar.openTime, price: bar.open, priceUsd: openText };
  const extreme = direction === 'BEARISH' ? bar.high : bar.low;
  return { ...position, entry, worst: worseOf(direction, worst ?? entry.price, extreme) };
}

/** A tracker with the strategy's fee, from the start or from a snapshot. NEUTRAL signals have no outcome. */
export function createOutcomeTracker(
  feeBps: number,
  from: ReturnType<OutcomeTracker['snapshot']> = [],
): OutcomeTracker {
  const open = new Map(from);

  function advance(key: number, bar: Bar, openText: DecimalText): Outcome[] {
    const positions = open.get(key);
    if (positions === undefined) return [];
    const held = positions.filter(({ isClosing }) => !isClosing).map((position) => hold(position, bar, openText));
    if (held.length === 0) open.delete(key);
    else open.set(key, held);
    return positions
      .filter(({ isClosing }) => isClosing)
      .flatMap((position) => settle(position, bar, openText, feeBps) ?? []);
  }

  function turn(key: number, issuedAt: number, direction: SignalDirection): void {
    const closing = (open.get(key) ?? []).map((position) => ({ ...position, isClosing: true }));
    const begun: OpenPosition = { issuedAt, direction, entry: null, worst: null, isClosing: false };
    const positions = direction === 'NEUTRAL' ? closing : [...closing, begun];
    if (positions.length > 0) open.set(key, positions);
  }

  return { advance, turn, snapshot: () => [...open.entries()].sort(([a], [b]) => a - b) };
}
