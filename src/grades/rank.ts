import { narrativeTokensMin } from './model.ts';

/** Ranks of tokens against each other at one close. Pure. */

/**
 * The percentile 0..100 of each value among those that are there: (mid-rank - 0.5) / n * 100, ties share the mean of
 * their ranks, winsorised to 1..99 (one extreme token of a thousand scores no better than one of a hundred). A lone
 * value is 50; null stays null.
 */
export function percentilesOf(values: readonly (number | null)[]): (number | null)[] {
  // Numbers alone sort several times as fast as what they belong to; each then looks up its place.
  const ascending = Float64Array.from(values.filter((value) => value !== null)).sort();
  return values.map((value) => {
    if (value === null) return null;
    const middle = (countWhile(ascending, (one) => one < value) + countWhile(ascending, (one) => one <= value)) / 2;
    return Math.min(99, Math.max(1, (middle / ascending.length) * 100));
  });
}

/** How many numbers at the beginning pass a test that no later one passes. */
function countWhile(ascending: Float64Array, passes: (one: number) => boolean): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(ascending[middle] ?? Number.NaN)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Percentiles and the narrative that each was taken within; null: among all. */
export interface PeerRanks {
  readonly scores: readonly (number | null)[];
  readonly peers: readonly (string | null)[];
}

/**
 * Percentiles within narratives: each value among those of the smallest of its narratives that has at least
 * {@link narrativeTokensMin} values (of equally small ones the first by name), else among all of them.
 */
export function rankWithinNarratives(
  values: readonly (number | null)[],
  narratives: readonly (readonly string[])[],
): PeerRanks {
  const members = new Map<string, number[]>();
  for (const [index, value] of values.entries()) {
    for (const narrative of value === null ? [] : (narratives[index] ?? [])) {
      const known = members.get(narrative);
      if (known === undefined) members.set(narrative, [index]);
      else known.push(index);
    }
  }
  const large = [...members]
    .filter(([, indexes]) => indexes.length >= narrativeTokensMin)
    .sort(([nameA, a], [nameB, b]) => a.length - b.length || (nameA < nameB ? -1 : 1));
  const scores = percentilesOf(values);
  const peers: (string | null)[] = values.map(() => null);
  for (const [narrative, indexes] of large) {
    const within = percentilesOf(indexes.map((index) => values[index] ?? null));
    for (const [place, index] of indexes.entries()) {
      if (peers[index] !== null) continue; // a smaller narrative has it
      scores[index] = within[place] ?? null;
      peers[index] = narrative;
    }
  }
  return { scores, peers };
}
