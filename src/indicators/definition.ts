import type { Bar } from './bar.ts';
import type { Machine, ScalarMachine } from './machine.ts';

/** One parameter of an indicator. `isInteger` is true for periods, which count bars. */
export interface IndicatorParam {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
}

/** One indicator of the catalog: what it is, what it takes and gives, and how to make its machine. */
export interface IndicatorDefinition {
  /** Lower-case key of the catalog. */
  readonly name: string;
  readonly title: string;
  /** One sentence: what it measures, unit or range, convention followed. */
  readonly description: string;
  /** In the order in which `warmupBars` and `create` take their values. */
  readonly params: readonly IndicatorParam[];
  /** Names of the values of one update, in their order. */
  readonly outputs: readonly string[];
  /** How many bars until every output can have a value (the first such bar included), 1 or more. */
  warmupBars(params: readonly number[]): number;
  /** A fresh machine; `params` complete and within their bounds, which `createIndicator` checks. */
  create(params: readonly number[]): Machine;
}

/** An {@link IndicatorDefinition} written down: parameters by position, `outputs` the name alone unless given. */
interface IndicatorSketch extends Omit<IndicatorDefinition, 'warmupBars' | 'create' | 'outputs'> {
  readonly outputs?: readonly string[];
  readonly warmupBars: (...params: number[]) => number;
  readonly create: (...params: number[]) => Machine;
}

/** Completes a sketch of an indicator for the catalog. */
export function defineIndicator(sketch: IndicatorSketch): IndicatorDefinition {
  return {
    ...sketch,
    outputs: sketch.outputs ?? [sketch.name],
    warmupBars: (params) => sketch.warmupBars(...params),
    create: (params) => sketch.create(...params),
  };
}

/** A parameter that counts bars: an integer of `min` (1) to 500. */
export function bars(name: string, value: number, min = 1): IndicatorParam {
  return { name, default: value, min, max: 500, isInteger: true };
}

/** A parameter that is a plain number between `min` and `max`. */
export function factor(name: string, value: number, min: number, max: number): IndicatorParam {
  return { name, default: value, min, max, isInteger: false };
}

/** Runs a machine over numbers on the closes of bars. */
export class OnClose implements Machine {
  readonly inner: ScalarMachine;

  constructor(inner: ScalarMachine) {
    this.inner = inner;
  }

  update(bar: Bar): readonly (number | null)[] {
    return [this.inner.update(bar.close)];
  }
}
