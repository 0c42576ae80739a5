import { narrativeTokensMin } from './model.ts';

/** Ranks of tokens against each other at one close. Pure. */

/**
 * The percentile 0..100 of each value among those that are there: (mid-rank - 0.5) / n * 100, ties share the mean of
 * their ranks, winsorised to 1..99 (one extreme token of a thousand scores no better than one of a hundred). A lone
 * value is 50; null stays null.
 */
export function percentilesOf(values: readonly (number | null)[]): (number | null)[] {
  const present = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  present.sort((a, b) => a.value - b.value);
  const scores: (number | null)[] = values.map(() => null);
  for (let start = 0; start < present.length; ) {
    const value = present[start]?.value;
    let end = start + 1;
    while (end < present.length && present[end]?.value === value) end += 1;
    const percentile = ((start + end) / 2 / present.length) * 100;
    for (const tied of present.slice(start, end)) scores[tied.index] = Math.min(99, Math.max(1, percentile));
    start = end;
  }
  return scores;
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
