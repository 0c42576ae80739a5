import type { FactInputs } from '../facts/inputs.ts';
import type { FeatureName } from './model.ts';

/** The inputs of models that facts give: what is known of a token beside its candles, set against its price. Pure. */

/** One of the inputs that facts give. */
export type FactFeature = Extract<FeatureName, 'feesToCap' | 'volumeToCap' | 'supplyInflation' | 'activityGrowth'>;

const daysPerYear = 365;

/**
 * Each null where a part of it is not known. The market capitalisation is the circulating supply at the close, else
 * the newest one that a source gives. `volumeMean` is the mean volume of the last 30 bars in USD; null before there are
 * as many.
 */
export function computeFactFeatures(
  facts: FactInputs | null,
  close: number | null,
  volumeMean: number | null,
): Readonly<Record<FactFeature, number | null>> {
  if (facts === null) return nothing;
  const { circulatingSupply, supplyQuarterBefore, activeAddressesMonth, activeAddressesYear } = facts;
  const cap = circulatingSupply !== null && close !== null ? circulatingSupply * close : facts.marketCapUsd;
  return {
    feesToCap: ratioOf(facts.feesUsdMean === null ? null : facts.feesUsdMean * daysPerYear, cap),
    volumeToCap: ratioOf(volumeMean, cap),
    supplyInflation: growthOf(circulatingSupply, supplyQuarterBefore),
    activityGrowth: growthOf(activeAddressesMonth, activeAddressesYear),
  };
}

const nothing = { feesToCap: null, volumeToCap: null, supplyInflation: null, activityGrowth: null };

function ratioOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : part / whole;
}

function growthOf(now: number | null, before: number | null): number | null {
  const ratio = ratioOf(now, before);
  return ratio === null ? null : ratio - 1;
}
