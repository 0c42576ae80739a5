import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { featureNames, type ScoredGrade } from '../../src/grades/model.ts';
import type { Features } from '../../src/grades/features.ts';
import { measuredV2 } from '../../src/grades/models/measured-v2.ts';
import { scoreModel } from '../../src/grades/score.ts';
import { factorsOf } from '../grades/named-factors.ts';
import { readHandbook } from './document.ts';

const handbook = readHandbook('docs/grading.md');
const table = handbook.table('### A worked example').map((cells) => cells.map((cell) => cell.replaceAll('*', '')));
const cellsOf = (name: string): string[] => table.find(([key]) => key === name)?.slice(1) ?? assert.fail(name);

/** The grades of the example's tokens, from the inputs that it shows. */
function gradeExample(): ScoredGrade[] {
  const rows = ['A', 'B', 'C', 'D', 'E'].map((_, key) => {
    const missing = Object.fromEntries(featureNames.map((name) => [name, null])) as Features['raws'];
    const given = Object.fromEntries(
      measuredV2.factors.map(({ key: factor, feature }) => {
        const cell = cellsOf(factor)[key] ?? '';
        return [feature, cell === 'missing' ? null : Number(cell)];
      }),
    );
    return { key, bars: 200, features: { raws: { ...missing, ...given }, shares: {}, returnSpread: 0.03 } };
  });
  return scoreModel(measuredV2, 0, rows).grades;
}

describe('the worked example of the handbook of grades', () => {
  const grades = gradeExample();

  it('has the grades and bands that the model gives', () => {
    assert.deepEqual(
      grades.map(({ value, band }) => [value, band]),
      cellsOf('grade').map((cell, index) => [Number(cell), cellsOf('band')[index]]),
    );
  });

  it('takes one grade apart as the model does', () => {
    const shown = handbook.table('#### Token C').map(([key, ...cells]) => [key, ...cells.map(Number)]);
    assert.deepEqual(
      shown,
      grades[2] &&
        factorsOf(measuredV2, grades[2]).map(({ key, score, weight, contribution }) => [
          key,
          score,
          Number(weight.toFixed(6)),
          contribution,
        ]),
    );
    const sum = shown.reduce((total, cells) => total + Number(cells[3]), 0);
    assert.ok(Math.abs(sum - (grades[2]?.value ?? 0)) < 1e-9);
    assert.equal(grades[2]?.coverage, 0.875);
  });

  it('stands beside a formula for every input that models can read', () => {
    const inputs = handbook.text.split('### A worked example')[0] ?? '';
    for (const name of featureNames) assert.ok(inputs.includes(`\`${name}\``), name);
  });
});
