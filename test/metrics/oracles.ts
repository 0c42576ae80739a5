import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import type { LevelSeries } from '../../src/metrics/returns.ts';
import { createSample, type Sample, type StatisticName, statistics } from '../../src/metrics/quant-metrics.ts';
import { dayMs } from '../../src/lib/interval.ts';

/** Expected values computed by other programs. They are not part of the project; tests without them are skipped. */
const root = resolve(process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data');
const folder = `${root}/oracles/metrics`;

/** node:test's `skip` option: a message while the tables are absent, else false. */
export const skip: string | false = existsSync(folder)
  ? false
  : `no oracles of metrics at ${folder}; set TOKENGRAPH_TEST_DATA to the folder that has oracles/`;

function readText(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** A JSON table of the folder. */
export function readJson(file: string): unknown {
  return JSON.parse(readText(`${folder}/${file}`));
}

/** A CSV table of the folder, by column name. */
export function readCsv(file: string): Record<string, string>[] {
  return parse(readText(`${folder}/${file}`), { columns: true });
}

/** The closes of a Bybit perpetual as levels at their close. */
export function readBybit(asset: string): LevelSeries {
  const path = `${root}/ohlcv/bybit-linear-perp/1d/${asset}-USDT_USDT.csv.gz`;
  const rows = parse<{ open_time_iso: string; close: string }>(readText(path), { columns: true });
  return {
    times: rows.map((row) => Date.parse(row.open_time_iso) + dayMs),
    levels: rows.map(({ close }) => Number(close)),
  };
}

/** Levels that begin at 1 and have these returns, evenly over a year of so many periods. */
export function chainOf(returns: readonly number[], periodsPerYear: number): LevelSeries {
  const levels = [1];
  for (const value of returns) levels.push((levels.at(-1) ?? 1) * (1 + value));
  return { times: levels.map((_, index) => (index * 365 * dayMs) / periodsPerYear), levels };
}

/** A statistic by the formula of the API, whatever the number of returns. */
export function computeOf(name: StatisticName, sample: Sample): number | null {
  const value = statistics[name].compute(sample);
  return value !== null && Number.isFinite(value) ? value : null;
}

/** A sample of these returns; `benchmark` gives returns over the same spans. */
export function sampleOf(
  returns: readonly number[],
  { periodsPerYear = 252, riskFree = 0, benchmark = null as readonly number[] | null } = {},
): Sample {
  return createSample({
    series: chainOf(returns, periodsPerYear),
    benchmark: benchmark && chainOf(benchmark, periodsPerYear),
    riskFreeRate: riskFree * periodsPerYear,
    periodsPerYear,
  });
}
