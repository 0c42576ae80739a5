import { dayMs } from '../lib/interval.ts';
import { createPanel, type DailySeries, daysOf, type Panel } from '../lib/panel.ts';
import { rankCorrelation, ranksOf } from '../lib/rank.ts';
import { meanOf } from '../lib/statistics.ts';
import { type BandEdge, bandOf } from './model.ts';
import { fifthOf, tokensMin } from './skill.ts';

/**
 * How the grades of two models go together: what a switch from one to the other would change. A close counts where at
 * least {@link tokensMin} tokens have a grade by both, and of it only those tokens. The best fifth is by rank among them,
 * ties sharing their mean rank; churn is the share of it that is gone one day later.
 */
export interface ComparisonInput {
  readonly own: GradedSide;
  readonly other: GradedSide;
}

/** The grades of one model, with the edges of its bands. */
export interface GradedSide {
  readonly grades: readonly DailySeries[];
  readonly bands: readonly BandEdge[];
}

/** What was found; floating point. Null where `reason` says why. */
export interface GradeComparison {
  readonly dayCount: number;
  /** First and last close compared, epoch ms; null where there is none. */
  readonly from: number | null;
  readonly to: number | null;
  readonly tokensPerDay: number | null;
  /** Mean and least of the daily rank correlations, -1..1. */
  readonly rankCorrelation: number | null;
  readonly leastRankCorrelation: number | null;
  /** Mean distance of the two values, points. */
  readonly meanDistance: number | null;
  /** Shares 0..1: of the grades that lie in the same band, and of the best fifth that is in the other's. */
  readonly sameBandShare: number | null;
  readonly sharedBestShare: number | null;
  /** Mean share 0..1 of the best fifth that is gone one day later. */
  readonly churn: number | null;
  readonly otherChurn: number | null;
  readonly reason: string | null;
}

/** One close: the rows of the panels that both models graded, and their values. */
interface Section {
  readonly day: number;
  readonly rows: readonly number[];
  readonly own: Float64Array;
  readonly other: Float64Array;
}

/** Compares two models; see {@link GradeComparison}. */
export function computeComparison({ own, other }: ComparisonInput): GradeComparison {
  const sections = sectionsOf(own.grades, other.grades);
  const timeOf = (section: Section | undefined): number | null => (section === undefined ? null : section.day * dayMs);
  const known = { dayCount: sections.length, from: timeOf(sections[0]), to: timeOf(sections.at(-1)) };
  if (sections.length === 0)
    return { ...known, ...nothing, reason: `On no close ${tokensMin} tokens have a grade by both models.` };
  const correlations = sections.flatMap((section) => rankCorrelation(section.own, section.other) ?? []);
  const best = sections.map((section) => ({
    day: section.day,
    own: bestFifth(section.rows, section.own),
    other: bestFifth(section.rows, section.other),
  }));
  const [churn, otherChurn] = [
    churnOf(best.map(({ day, own: rows }) => ({ day, rows }))),
    churnOf(best.map(({ day, other: rows }) => ({ day, rows }))),
  ];
  return {
    ...known,
    tokensPerDay: meanOf(sections.map(({ rows }) => rows.length)),
    rankCorrelation: meanOf(correlations),
    leastRankCorrelation: correlations.length === 0 ? null : Math.min(...correlations),
    meanDistance: meanOfPairs(sections, (a, b) => Math.abs(a - b)),
    sameBandShare: meanOfPairs(sections, (a, b) => (bandOf(own.bands, a) === bandOf(other.bands, b) ? 1 : 0)),
    sharedBestShare: meanOf(best.flatMap((one) => shareIn(one.own, one.other) ?? [])),
    churn,
    otherChurn,
    reason: reasonFor(correlations.length > 0, churn !== null && otherChurn !== null),
  };
}

const nothing = {
  tokensPerDay: null,
  rankCorrelation: null,
  leastRankCorrelation: null,
  meanDistance: null,
  sameBandShare: null,
  sharedBestShare: null,
  churn: null,
  otherChurn: null,
} as const;

function reasonFor(areRanked: boolean, isChurnKnown: boolean): string | null {
  if (!areRanked) return 'The grades of a model do not vary, so they have no ranks.';
  return isChurnKnown ? null : 'No two closes that follow each other have a best fifth, so churn is not known.';
}

function sectionsOf(own: readonly DailySeries[], other: readonly DailySeries[]): Section[] {
  const span = daysOf(own);
  if (span === null) return [];
  const tokenIds = own.map(({ tokenId }) => tokenId);
  const [left, right] = [createPanel(own, tokenIds, span), createPanel(other, tokenIds, span)];
  return Array.from({ length: left.dayCount }, (_, day) => sectionAt(left, right, day)).filter(
    ({ rows }) => rows.length >= tokensMin,
  );
}

function sectionAt(left: Panel, right: Panel, day: number): Section {
  const at = (panel: Panel, row: number): number => panel.values[row * panel.dayCount + day] ?? Number.NaN;
  const rows = [...left.tokenIds.keys()].filter((row) => !Number.isNaN(at(left, row)) && !Number.isNaN(at(right, row)));
  return {
    day: left.firstDay + day,
    rows,
    own: Float64Array.from(rows, (row) => at(left, row)),
    other: Float64Array.from(rows, (row) => at(right, row)),
  };
}

/** The rows whose rank is in the highest fifth; none where too many grades are equal. */
function bestFifth(rows: readonly number[], values: Float64Array): ReadonlySet<number> {
  const ranks = ranksOf(values);
  return new Set(rows.filter((_, index) => fifthOf(ranks[index] ?? 0, rows.length) === 0));
}

/** The share of `rows` that is in `others`; null where there are none. */
function shareIn(rows: ReadonlySet<number>, others: ReadonlySet<number>): number | null {
  return rows.size === 0 ? null : [...rows].filter((row) => others.has(row)).length / rows.size;
}

/** Mean share that is gone one day later; null where no two days follow each other. */
function churnOf(days: readonly { readonly day: number; readonly rows: ReadonlySet<number> }[]): number | null {
  return meanOf(
    days.flatMap(({ day, rows }, index) => {
      const next = days[index + 1];
      const kept = next?.day === day + 1 ? shareIn(rows, next.rows) : null;
      return kept === null ? [] : [1 - kept];
    }),
  );
}

/** Mean over all grades of all closes. */
function meanOfPairs(sections: readonly Section[], measure: (own: number, other: number) => number): number | null {
  let [sum, count] = [0, 0];
  for (const { own, other } of sections) {
    for (const [index, value] of own.entries()) sum += measure(value, other[index] ?? Number.NaN);
    count += own.length;
  }
  return count === 0 ? null : sum / count;
}
