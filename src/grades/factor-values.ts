/**
 * What the factors of a grade came to, as engines make it and tables keep it: numbers only, so that millions of grades
 * stay small and are written without a text being made or read. {@link listFactors} gives them their names back.
 */

/** One factor of a grade as it is read, in the model's order; only inputs that were there. */
export interface ScoredFactor {
  readonly key: string;
  /** The input as measured, rounded to 6 decimals; null for what is no input (see `remote.ts`). */
  readonly raw: number | null;
  /** 0..100, rounded to 6 decimals. */
  readonly score: number;
  /** Share of the value after renormalisation, 0..1; of a remote model the contribution over the score. */
  readonly weight: number;
  /** weight * score, rounded to 9 decimals; what the value is added up from. */
  readonly contribution: number;
  /** The narrative whose tokens it was ranked among; null: among all. */
  readonly peers: string | null;
}

/** Four numbers a factor: raw, score, weight, contribution. */
const numbersPerFactor = 4;

/**
 * Four numbers a factor (raw, score, weight, contribution; see {@link ScoredFactor}), in the order of the model's factors;
 * all four NaN where the input was missing. Of a remote model's answer {@link remoteRestKeys} follow in the same way, with a
 * raw of NaN.
 */
export type FactorValues = readonly number[];

/** The factors of a remote model's grade that are no inputs: they carry what the inputs leave of the value; see `remote.ts`. */
export const remoteRestKeys = { explained: 'model.base', unexplained: 'model.output' } as const;

/** The narrative that each factor was ranked within, in the order of the model's factors; null: among all. Empty: all of them were. */
export type FactorPeers = readonly (string | null)[];

/** 6 decimals: enough for every input and score, and short as JSON. */
export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** 9 decimals: far below what a reader adds up, above the noise of adding it up. */
export function round9(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/** Appends a factor that is there. */
export function pushFactor(values: number[], raw: number, score: number, weight: number, contribution: number): void {
  values.push(raw, score, weight, contribution);
}

/** Appends a factor whose input is missing. */
export function pushMissing(values: number[]): void {
  values.push(Number.NaN, Number.NaN, Number.NaN, Number.NaN);
}

/** Turns weights into shares of their sum, in place, and sets what each factor contributes by its share. */
export function shareWeights(values: number[], sum: number): void {
  for (let at = 0; at < values.length; at += numbersPerFactor) {
    const share = (values[at + 2] ?? Number.NaN) / sum;
    values[at + 2] = share;
    values[at + 3] = round9(share * (values[at + 1] ?? Number.NaN));
  }
}

/** The sum of the contributions, in order. */
export function sumContributions(values: FactorValues): number {
  let sum = 0;
  for (let at = 3; at < values.length; at += numbersPerFactor) {
    const contribution = values[at] ?? Number.NaN;
    if (!Number.isNaN(contribution)) sum += contribution;
  }
  return sum;
}

/** The factors that were there, in order, by their names. `keys` are those of the model's factors. */
export function listFactors(keys: readonly string[], values: FactorValues, peers: FactorPeers): ScoredFactor[] {
  const names = [...keys, remoteRestKeys.explained, remoteRestKeys.unexplained];
  return names.flatMap((key, index): ScoredFactor[] => {
    const [raw = Number.NaN, score = Number.NaN, weight = Number.NaN, contribution = Number.NaN] = values.slice(
      index * numbersPerFactor,
      (index + 1) * numbersPerFactor,
    );
    if (Number.isNaN(score)) return [];
    return [{ key, raw: Number.isNaN(raw) ? null : raw, score, weight, contribution, peers: peers[index] ?? null }];
  });
}
