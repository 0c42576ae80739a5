import type { TradesProgress, TradesSize } from './ingest-trades.ts';

/** What a run of `bench/ingest.ts` comes to: figures, and whether its promise was held. */

/** What the process held at a moment. */
export interface Sample {
  readonly seconds: number;
  readonly rssMb: number;
  readonly heapMb: number;
}

/** What was measured. */
export interface Measured {
  readonly size: TradesSize;
  readonly progress: Readonly<TradesProgress>;
  /** Until the last trade was stored. */
  readonly seconds: number;
  /** CPU seconds of this process, which makes the trades too, and of the database. */
  readonly cpuSeconds: number;
  readonly databaseCpuSeconds: number;
  /** Of trades, from when they were due until their quote was stored. */
  readonly lagsMs: readonly number[];
  /** When writes were stored, ms. */
  readonly flushedMs: readonly number[];
  /** One a second, while trades came. */
  readonly samples: readonly Sample[];
}

/** Figures of a run, and a sentence that judges them. */
export interface IngestReport {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly isHeld: boolean;
  readonly verdict: string;
}

/** The rate is kept where so much of it was. */
const rateShareMin = 0.99;
/** For so long memory fills up: a minute's trades are known until two minutes after it, so as not to count one twice. */
const warmUpSeconds = 240;
/** Memory is judged after so much more. */
const settledSecondsMin = 180;
/** Memory is flat where the last third of a run, once it has filled up, holds at most so many times as much as the first. */
const growthMax = 1.1;
/** Seconds over which the lowest heap is what is really held: between two, garbage piles up. */
const floorSeconds = 30;

const round = (value: number): number => Math.round(value * 100) / 100;
const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Mean of the first and of the last third. */
function thirds(values: readonly number[]): [number, number] {
  const third = Math.max(1, Math.floor(values.length / 3));
  return [mean(values.slice(0, third)), mean(values.slice(-third))];
}

/** The smallest heap of every half minute. */
function floorsOf(samples: readonly Sample[]): number[] {
  const floors = new Map<number, number>();
  for (const { seconds, heapMb } of samples) {
    const stretch = Math.floor(seconds / floorSeconds);
    floors.set(stretch, Math.min(floors.get(stretch) ?? Infinity, heapMb));
  }
  return [...floors.values()];
}

/** Judges a run. */
export function judge(run: Measured): IngestReport {
  const { size, progress, seconds } = run;
  const fedSeconds = ((progress.endedMs ?? progress.startedMs) - progress.startedMs) / 1000;
  const ticksPerSecond = progress.made / fedSeconds;
  const lags = run.lagsMs.toSorted((a, b) => a - b);
  const gaps = run.flushedMs
    .slice(1)
    .map((at, index) => at - (run.flushedMs[index] ?? at))
    .sort((a, b) => a - b);
  const settled = run.samples.filter((sample) => sample.seconds > warmUpSeconds);
  const isLong = settled.length >= settledSecondsMin;
  const [rssFirst, rssLast] = thirds((isLong ? settled : run.samples).map(({ rssMb }) => rssMb));
  const [heapFirst, heapLast] = thirds(floorsOf(isLong ? settled : run.samples));
  const cpu = run.cpuSeconds / seconds;
  const figures = {
    seconds: round(fedSeconds),
    secondsUntilStored: round(seconds),
    ticksPerSecond: Math.round(ticksPerSecond),
    cpu: round(cpu),
    databaseCpu: round(run.databaseCpuSeconds / seconds),
    databaseCpuSecondsAWrite: round(run.databaseCpuSeconds / Math.max(1, run.flushedMs.length)),
    lagMs: { p50: quantile(lags, 0.5), p99: quantile(lags, 0.99), max: lags.at(-1) ?? 0 },
    writes: run.flushedMs.length,
    msBetweenWrites: { p50: Math.round(quantile(gaps, 0.5)), max: Math.round(gaps.at(-1) ?? 0) },
    pauses: progress.pauses,
    pausedSeconds: round(progress.pausedMs / 1000),
    behindMsMax: progress.behindMsMax,
    rssMb: { firstThird: Math.round(rssFirst), lastThird: Math.round(rssLast) },
    heapFloorMb: { firstThird: Math.round(heapFirst), lastThird: Math.round(heapLast) },
  };
  const faults = [
    ticksPerSecond < size.rate * rateShareMin ? `only ${Math.round(ticksPerSecond)} ticks/s were taken` : null,
    cpu >= 1 ? `ingest took ${round(cpu)} cores` : null,
    isLong && rssLast > rssFirst * growthMax
      ? `memory grew from ${Math.round(rssFirst)} to ${Math.round(rssLast)} MB`
      : null,
  ].filter((fault) => fault !== null);
  const promise = `${size.rate} ticks/s over ${size.markets} markets for ${round(size.seconds / 60)} minutes`;
  const { firstThird, lastThird } = figures.rssMb;
  const memory = isLong
    ? `flat memory (${firstThird} MB in the first third, ${lastThird} MB in the last)`
    : 'memory not judged, which takes 7 minutes and more';
  const { p50, p99 } = figures.lagMs;
  const verdict =
    faults.length === 0
      ? `HELD: ${promise}, with ${figures.cpu} of a core, ${memory}; half of the ticks were in their stored quote after ${p50} ms, 99 % after ${p99} ms.`
      : `NOT HELD: ${promise}: ${faults.join('; ')}.`;
  return { figures, isHeld: faults.length === 0, verdict };
}
