import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import type { Bar } from '../../src/indicators/bar.ts';
import { barAt } from './series.ts';

/** Tables of expected values computed by other programs. They are not part of the project; tests without them skip. */
const folder = `${process.env['TOKENGRAPH_TEST_DATA'] ?? '../shared/data'}/oracles/indicators`;

/** node:test's `skip` option: a message while the tables are absent, else false. */
export const skip: string | false = existsSync(folder)
  ? false
  : `no indicator oracles at ${folder}; set TOKENGRAPH_TEST_DATA to the folder that has oracles/`;

/** One line of a table by column name; cells as the file prints them. */
export type Row = Readonly<Record<string, string>>;

function readText(file: string): string {
  const bytes = readFileSync(`${folder}/${file}`);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

export function readCsv(file: string): Row[] {
  return parse(readText(file), { columns: true, relax_column_count: true, trim: true });
}

export function readJson(file: string): unknown {
  return JSON.parse(readText(file));
}

/** Numbers of a column; null where a cell is empty, NA or null. */
export function numbersOf(rows: readonly Readonly<Record<string, unknown>>[], column: string): (number | null)[] {
  return rows.map((row) => {
    const cell = row[column];
    return cell === '' || cell === 'NA' || cell === null || cell === undefined ? null : Number(cell);
  });
}

/** Bars of a table with the usual columns in any case; what is missing is the close, or a volume of 0. */
export function barsOfRows(rows: readonly Row[]): Bar[] {
  return rows.map((row, i) => {
    const cell = (name: string): number =>
      Number(row[name] ?? row[name[0]!.toUpperCase() + name.slice(1)] ?? Number.NaN);
    const close = cell('close');
    const or = (x: number, otherwise: number): number => (Number.isFinite(x) ? x : otherwise);
    const [open, high, low] = [or(cell('open'), close), or(cell('high'), close), or(cell('low'), close)];
    return barAt(i, { open, high, low, close, volume: or(cell('volume'), 0) });
  });
}

/** One unit of the last digit a cell prints: "12.30" gives 0.01. */
export function unitOf(cell: string): number {
  return 10 ** -(cell.split('.')[1]?.length ?? 0);
}
