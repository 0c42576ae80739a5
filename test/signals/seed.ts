import type { SignalEvidence } from '../../src/signals/evidence.ts';
import type { NewOutcome, NewSignal } from '../../src/signals/store.ts';

/** Evidence of a signal; the mean vote tells one from another. */
export function evidenceOf(overall: number): SignalEvidence {
  return {
    overall,
    available: 26,
    movingAverages: overall,
    oscillators: null,
    votes: { sma10: 1, rsi: null },
    values: { sma10: 101.5, rsi: null },
    closes: 2,
    grade: 55.5,
  };
}

/** A signal of token 1 by strategy 1 on the token's own series. */
export function signalOf(part: Partial<NewSignal> & { issuedAt: number }): NewSignal {
  return {
    strategyId: 1,
    tokenId: 1,
    seriesId: part.tokenId ?? 1,
    direction: 'BULLISH',
    priceUsd: '100.50',
    confidence: 0.5,
    evidence: evidenceOf(0.5),
    ...part,
  };
}

/** The outcome of such a signal, a day long. */
export function outcomeOf(part: Partial<NewOutcome> & { issuedAt: number }): NewOutcome {
  return {
    strategyId: 1,
    tokenId: 1,
    seriesId: part.tokenId ?? 1,
    enteredAt: part.issuedAt,
    closedAt: part.issuedAt + 86_400_000,
    entryPriceUsd: '100.00000000000001',
    exitPriceUsd: '110.5',
    returnPct: 10.29,
    holdReturnPct: 10.5,
    maxAdversePct: -2.5,
    ...part,
  };
}
