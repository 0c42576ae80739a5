import type { Bar } from '../indicators/bar.ts';

/** A floor trader's pivot. */
export interface FloorPivot {
  readonly label: 'P' | 'R1' | 'R2' | 'R3' | 'S1' | 'S2' | 'S3';
  readonly price: number;
}

/**
 * The floor pivots that a closed bar gives for the next one, highest first: P = (H + L + C) / 3, R1 = 2P - L, S1 = 2P - H,
 * R2 = P + (H - L), S2 = P - (H - L), R3 = H + 2(P - L), S3 = L - 2(H - P). A price of 0 or less is left out.
 */
export function computeFloorPivots({ high, low, close }: Bar): FloorPivot[] {
  const pivot = (high + low + close) / 3;
  const pivots: FloorPivot[] = [
    { label: 'R3', price: high + 2 * (pivot - low) },
    { label: 'R2', price: pivot + (high - low) },
    { label: 'R1', price: 2 * pivot - low },
    { label: 'P', price: pivot },
    { label: 'S1', price: 2 * pivot - high },
    { label: 'S2', price: pivot - (high - low) },
    { label: 'S3', price: low - 2 * (high - pivot) },
  ];
  return pivots.filter(({ price }) => price > 0);
}
