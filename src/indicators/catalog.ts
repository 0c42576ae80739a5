import { AppError } from '../lib/errors.ts';
import { averageOscillators } from './average-oscillators.ts';
import type { Bar } from './bar.ts';
import type { IndicatorDefinition, IndicatorParam } from './definition.ts';
import type { Machine } from './machine.ts';
import { movingAverages } from './moving-averages.ts';
import { oscillators } from './oscillators.ts';
import { trendIndicators } from './trend.ts';
import { volatilityIndicators } from './volatility.ts';
import { volumeIndicators } from './volume.ts';

/**
 * Every indicator by name, and the way in for untrusted names and parameters. What the machines promise, and what late
 * or wrong bars do, stands in `machine.ts`. A new indicator is one entry in the file of its kind; nothing else changes.
 */

const definitions: readonly IndicatorDefinition[] = [
  ...movingAverages,
  ...oscillators,
  ...averageOscillators,
  ...trendIndicators,
  ...volatilityIndicators,
  ...volumeIndicators,
];

/** All indicators by lower-case name. */
export const indicatorCatalog: Readonly<Record<string, IndicatorDefinition>> = Object.freeze(
  Object.fromEntries(definitions.map((definition) => [definition.name, definition])),
);

/** An indicator with its complete parameters: the caller's, then defaults. */
export interface ResolvedIndicator {
  readonly definition: IndicatorDefinition;
  readonly params: readonly number[];
}

/** Checks a name and parameters, missing ones at their default. Throws BAD_USER_INPUT saying what would be allowed. */
export function resolveIndicator(name: string, params: readonly number[] = []): ResolvedIndicator {
  const definition = Object.hasOwn(indicatorCatalog, name) ? indicatorCatalog[name] : undefined;
  if (!definition) {
    const names = Object.keys(indicatorCatalog).sort().join(', ');
    throw new AppError('BAD_USER_INPUT', `There is no indicator "${name}". Known: ${names}.`);
  }
  const isAllowed = params.length <= definition.params.length && params.every((x, i) => fits(definition.params[i]!, x));
  if (!isAllowed) throw badParams(definition, params);
  return { definition, params: definition.params.map((param, i) => params[i] ?? param.default) };
}

/** A fresh machine of an indicator. Throws BAD_USER_INPUT for an unknown name or parameters out of bounds. */
export function createIndicator(name: string, params?: readonly number[]): Machine {
  const resolved = resolveIndicator(name, params);
  return resolved.definition.create(resolved.params);
}

/** An indicator over a whole series: one column per output, each as long as `bars`. Throws as {@link createIndicator}. */
export function computeSeries(
  name: string,
  params: readonly number[] | undefined,
  bars: readonly Bar[],
): (number | null)[][] {
  const resolved = resolveIndicator(name, params);
  const machine = resolved.definition.create(resolved.params);
  const rows = bars.map((bar) => machine.update(bar));
  return resolved.definition.outputs.map((_, output) => rows.map((row) => row[output] ?? null));
}

function fits(param: IndicatorParam, x: number): boolean {
  return x >= param.min && x <= param.max && (!param.isInteger || Number.isInteger(x));
}

function badParams(definition: IndicatorDefinition, params: readonly number[]): AppError {
  const allowed = definition.params.map(
    (param) =>
      `${param.name} (${param.isInteger ? 'whole number ' : ''}${param.min}..${param.max}, default ${param.default})`,
  );
  const expected =
    allowed.length === 0 ? 'takes no parameters' : `takes up to ${allowed.length}: ${allowed.join(', ')}`;
  return new AppError('BAD_USER_INPUT', `Indicator "${definition.name}" ${expected}; got [${params.join(', ')}].`);
}
