import { addDecimals, compareDecimals, type DecimalText, multiplyDecimals, subtractDecimals } from '../lib/decimal.ts';
import { isStaleQuote, type Quote } from '../prices/quote.ts';

/** What holdings are worth, and how far that can be trusted. Pure. */

/** VALUED counts; SUSPECT has a value that is told apart; EXCLUDED has none that could be believed. */
export type HoldingStatus = 'VALUED' | 'SUSPECT' | 'EXCLUDED';

/** Why a holding is not VALUED, by rule, the first that holds. */
export const statusReasons = {
  SPAM_CONTRACT:
    'The contract advertises, imitates a listed token or cannot be read: most likely it was sent to deceive.',
  UNLISTED_CONTRACT: 'The contract is of no token of the registry, so that there is no price of it.',
  NO_QUOTE: 'No source gives a price of the token.',
  SYMBOL_IMPERSONATION:
    'The token is hardly known and has the symbol of a large one; check that it is the one you mean.',
  STALE_QUOTE: 'The price is old: nothing was heard of it for twice the length of its candles.',
  BELOW_LIQUIDITY_FLOOR: 'So little is traded in 24 hours that the holding could hardly be sold at the price.',
} as const;

/** One of {@link statusReasons}. */
export type StatusReason = keyof typeof statusReasons;

/** A price is believed where at least so much was traded in 24 hours, USD. An unknown volume is not held against it. */
export const liquidityFloorUsd = 10_000;
/** A symbol is a large token's where that token ranks so high by market capitalisation … */
export const imitatedRankMax = 200;
/** … and borrowed where its own token is unranked or ranks lower than this. */
export const imitatorRankMin = 1_000;

/** What is to be valued. */
export interface Holdable {
  readonly walletId: number;
  /** Null: a contract that no token of the registry has. */
  readonly tokenId: number | null;
  readonly balance: DecimalText;
  /** USD; null where not known. */
  readonly costUsd: DecimalText | null;
}

/** A holding with its value. */
export interface ValuedHolding extends Holdable {
  readonly status: HoldingStatus;
  readonly reason: StatusReason | null;
  readonly priceUsd: DecimalText | null;
  /** Exactly balance times price; null where EXCLUDED. */
  readonly valueUsd: DecimalText | null;
  /** Value less cost; null where either is not known. */
  readonly unrealisedUsd: DecimalText | null;
  readonly changePct24h: number | null;
}

/** What a holding is judged by. */
export interface Judgement {
  readonly quote: Quote | null;
  readonly isSpam: boolean;
  readonly isImitation: boolean;
  /** Epoch ms. */
  readonly nowMs: number;
}

/** Values a holding. */
export function computeHolding<Held extends Holdable>(held: Held, judgement: Judgement): Held & ValuedHolding {
  const [status, reason] = judge(held, judgement);
  const { quote } = judgement;
  const price = status === 'EXCLUDED' || quote === null ? null : quote.priceUsd;
  const value = price === null ? null : multiplyDecimals(held.balance, price);
  return {
    ...held,
    status,
    reason,
    priceUsd: price,
    valueUsd: value,
    unrealisedUsd: value === null || held.costUsd === null ? null : subtractDecimals(value, held.costUsd),
    changePct24h: quote?.changePct24h ?? null,
  };
}

function judge(
  { tokenId }: Holdable,
  { quote, isSpam, isImitation, nowMs }: Judgement,
): [status: HoldingStatus, reason: StatusReason | null] {
  if (isSpam) return ['EXCLUDED', 'SPAM_CONTRACT'];
  if (tokenId === null) return ['EXCLUDED', 'UNLISTED_CONTRACT'];
  if (quote === null) return ['EXCLUDED', 'NO_QUOTE'];
  if (isImitation) return ['SUSPECT', 'SYMBOL_IMPERSONATION'];
  if (isStaleQuote(quote, nowMs)) return ['SUSPECT', 'STALE_QUOTE'];
  const volume = quote.volume24hUsd;
  if (volume !== null && compareDecimals(volume, String(liquidityFloorUsd)) < 0)
    return ['SUSPECT', 'BELOW_LIQUIDITY_FLOOR'];
  return ['VALUED', null];
}

/** Sums of holdings, USD, exactly. */
export interface Totals {
  readonly valueUsd: DecimalText;
  readonly suspectUsd: DecimalText;
  readonly totalUsd: DecimalText;
  /** Percent, floating point; null where no VALUED holding tells its change. */
  readonly changePct24h: number | null;
}

/** The totals of holdings. */
export function computeTotals(holdings: readonly ValuedHolding[]): Totals {
  let [valued, suspect] = ['0', '0'];
  let [now, before] = [0, 0];
  for (const { status, valueUsd, changePct24h } of holdings) {
    if (valueUsd === null) continue;
    if (status === 'SUSPECT') suspect = addDecimals(suspect, valueUsd);
    else valued = addDecimals(valued, valueUsd);
    if (status === 'SUSPECT' || changePct24h === null || changePct24h <= -100) continue;
    now += Number(valueUsd);
    before += Number(valueUsd) / (1 + changePct24h / 100);
  }
  return {
    valueUsd: valued,
    suspectUsd: suspect,
    totalUsd: addDecimals(valued, suspect),
    changePct24h: before > 0 ? (now / before - 1) * 100 : null,
  };
}
