/**
 * How many blocks are asked for at once. Nodes refuse ranges that hold too much, each by limits of its own: half as much
 * is asked for after a refusal, twice as much after a success, but for a while not again what was just refused.
 */
export interface BlockWindow {
  /** Blocks to ask for now. */
  size(): number;
  grow(): void;
  /** Whether less can be asked for. */
  shrink(): boolean;
}

const sizeFirst = 2_000;
const sizeMax = 1_000_000;
/** After so many successes a refused size is tried again: what was too much in one place need not be in another. */
const ceilingSteps = 50;

/** A window of `sizeFirst` blocks. */
export function createBlockWindow(): BlockWindow {
  let size = sizeFirst;
  let ceiling = sizeMax;
  let successes = 0;
  return {
    size: () => size,
    grow() {
      successes += 1;
      if (successes >= ceilingSteps) ceiling = sizeMax;
      size = Math.min(size * 2, ceiling);
    },
    shrink() {
      if (size === 1) return false;
      successes = 0;
      ceiling = Math.max(1, size - 1);
      size = Math.floor(size / 2);
      return true;
    },
  };
}
