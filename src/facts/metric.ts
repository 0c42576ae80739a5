import { bucketOpen } from '../lib/interval.ts';
import type { MetricName, SourceFact } from '../sources/fact.ts';

/** What each metric means, and which values of it can be true. Pure. */

/** How a metric is to be read. */
interface MetricMeaning {
  readonly description: string;
  /** Whether zero cannot be true: a token that is worth or counts nothing is one whose number is not known. */
  readonly isPositive: boolean;
}

/** The metrics that facts are of. */
export const metrics: Readonly<Record<MetricName, MetricMeaning>> = {
  MARKET_CAP_USD: {
    description: 'Market capitalisation in USD, by the supply that its source counts.',
    isPositive: true,
  },
  REALIZED_CAP_USD: {
    description: 'Every coin at the price in USD of the day on which it last moved, summed.',
    isPositive: true,
  },
  CIRCULATING_SUPPLY: { description: 'Coins that can be traded (free float).', isPositive: true },
  TOTAL_SUPPLY: { description: 'Coins that exist, locked ones included.', isPositive: true },
  MAX_SUPPLY: { description: 'Coins that can ever exist.', isPositive: true },
  VOLUME_24H_USD: { description: 'Traded in USD on all venues that its source knows, that day.', isPositive: false },
  ACTIVE_ADDRESSES: { description: 'Addresses that sent or received that day.', isPositive: false },
  TRANSACTIONS: { description: 'Transactions on its chain, or with its contract, that day.', isPositive: false },
  TRANSFER_VALUE_USD: {
    description: 'Value in USD moved between addresses that day, adjusted for noise by its source.',
    isPositive: false,
  },
  FEES_USD: { description: 'Fees paid to miners or validators that day, in USD.', isPositive: false },
  MVRV: { description: 'Market capitalisation over realised capitalisation.', isPositive: true },
  NVT: { description: 'Market capitalisation over the value transferred that day.', isPositive: true },
  HASH_RATE: { description: "Mean hash rate of that day, in its source's unit for the chain.", isPositive: false },
};

/** Why a fact is refused, with the figures that show it; the reasons are those of the quarantine. */
export interface FactFault {
  readonly reason: 'UNPARSEABLE' | 'UNALIGNED_OPEN_TIME' | 'IN_FUTURE' | 'NEGATIVE_VOLUME' | 'NON_POSITIVE_VALUE';
  readonly detail: string;
}

/** Longer numbers are no facts; the database would take them up to 131,072 digits. */
const digitsMax = 200;

/** What is wrong with a fact told at `nowMs` (epoch ms); null where it can be true. */
export function findFactFault({ metric, asOf, value, knownAt }: SourceFact, nowMs: number): FactFault | null {
  const when = `${metric} as of ${new Date(asOf).toISOString()}`;
  if (value.length > digitsMax)
    return { reason: 'UNPARSEABLE', detail: `a number has more than ${digitsMax} characters` };
  if (asOf < 0 || asOf !== bucketOpen('ONE_DAY', asOf))
    return { reason: 'UNALIGNED_OPEN_TIME', detail: `${when} is not the close of a day` };
  if (asOf > nowMs) return { reason: 'IN_FUTURE', detail: when };
  if (knownAt !== null && (knownAt > nowMs || knownAt < asOf))
    return {
      reason: 'IN_FUTURE',
      detail: `${when}, known at ${new Date(knownAt).toISOString()}: before the day's close or after now`,
    };
  if (Number(value) < 0) return { reason: 'NEGATIVE_VOLUME', detail: `${when} is ${value}` };
  if (Number(value) === 0 && metrics[metric].isPositive)
    return { reason: 'NON_POSITIVE_VALUE', detail: `${when} is ${value}` };
  return null;
}
