import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Features } from '../../src/grades/features.ts';
import { featureNames } from '../../src/grades/model.ts';
import { measuredV2 } from '../../src/grades/models/measured-v2.ts';
import { openQuestion, type RemoteModel } from '../../src/grades/remote.ts';
import { type ScoreRow, scoreModel } from '../../src/grades/score.ts';
import { factorsOf } from './named-factors.ts';

const model: RemoteModel = {
  ...measuredV2,
  version: 'remote-v1',
  factors: measuredV2.factors.slice(0, 3).map((factor, index) => ({ ...factor, weight: index === 0 ? 0.5 : 0.25 })),
  remote: { name: 'linear', version: '3', input: 'SCORES', missing: 50, datatype: 'FP64', fallback: 'measured-v2' },
};
const features = model.factors.map(({ feature }) => feature);

function rowOf(key: number, values: readonly (number | null)[], bars = 200): ScoreRow {
  const missing = Object.fromEntries(featureNames.map((name) => [name, null])) as Features['raws'];
  const given = Object.fromEntries(features.map((name, index) => [name, values[index] ?? null]));
  return {
    key,
    bars,
    features: { raws: { ...missing, ...given }, shares: {}, returnSpread: 0.03 },
  };
}

const rows = [rowOf(1, [1, 2, 3]), rowOf(2, [2, null, 1]), rowOf(3, [null, null, null]), rowOf(4, [3, 1, 2], 10)];

describe('a grade by a remote model', () => {
  it('asks of the tokens that the universe admits and that have an input, ranked among each other', () => {
    const { question } = openQuestion(model, measuredV2, 9, rows);
    assert.deepEqual(
      question.tokens.map(({ key, inputs }) => [key, inputs.map(({ column, raw, score }) => [column, raw, score])]),
      [
        [
          1,
          [
            [0, 1, 75],
            [1, 2, 50],
            [2, 3, 25],
          ],
        ],
        [
          2,
          [
            [0, 2, 25],
            [2, 1, 75],
          ],
        ],
      ],
    );
  });

  it('shows what each input contributed, and the rest', () => {
    const { grades, ungraded } = openQuestion(model, measuredV2, 9, rows).grade({
      kind: 'ANSWERED',
      servedBy: 'linear:3',
      values: [60, 30],
      contributions: [
        [30, 15, -5],
        [10, 5, 10],
      ],
    });
    assert.deepEqual(
      grades.map(({ key, value, band, coverage, servedBy }) => [key, value, band, coverage, servedBy]),
      [
        [1, 60, 'NEUTRAL', 1, 'linear:3'],
        [2, 30, 'SELL', 0.75, 'linear:3'],
      ],
    );
    assert.deepEqual(
      grades[0] &&
        factorsOf(model, grades[0]).map(({ key, raw, score, weight, contribution }) => [
          key,
          raw,
          score,
          weight,
          contribution,
        ]),
      [
        [features.length > 0 ? model.factors[0]?.key : '', 1, 75, 0.4, 30],
        [model.factors[1]?.key, 2, 50, 0.3, 15],
        [model.factors[2]?.key, 3, 25, -0.2, -5],
        ['model.base', null, 20, 1, 20],
      ],
    );
    assert.equal(grades[1] && factorsOf(model, grades[1]).at(-1)?.contribution, 10); // what it made of the missing input is in the rest
    assert.deepEqual(
      ungraded.map(({ key, reason }) => [key, reason]),
      [
        [4, 'TOO_LITTLE_HISTORY'],
        [3, 'NO_INPUT'],
      ],
    );
  });

  it('says that the server does not explain itself: inputs weigh nothing, the output all', () => {
    const answer = { kind: 'ANSWERED', servedBy: 'silent:1', values: [60, 30], contributions: null } as const;
    const [first] = openQuestion(model, measuredV2, 9, rows).grade(answer).grades;
    assert.deepEqual(
      first &&
        factorsOf(model, first).map(({ key, weight, contribution }) => [
          key.startsWith('model.') ? key : 'input',
          weight,
          contribution,
        ]),
      [
        ['input', 0, 0],
        ['input', 0, 0],
        ['input', 0, 0],
        ['model.output', 1, 60],
      ],
    );
    assert.deepEqual(
      first &&
        factorsOf(model, first)
          .slice(0, 3)
          .map(({ raw }) => raw),
      [1, 2, 3],
    );
  });

  it('adds up whatever the server answers', () => {
    const number = fc.double({ min: -1000, max: 1000, noNaN: true });
    const value = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(value, value),
        fc.array(fc.tuple(number, number, number), { minLength: 2, maxLength: 2 }),
        (values, contributions) => {
          const { grades } = openQuestion(model, measuredV2, 9, rows).grade({
            kind: 'ANSWERED',
            servedBy: 'x',
            values,
            contributions,
          });
          for (const [index, grade] of grades.entries()) {
            const factors = factorsOf(model, grade);
            const sum = factors.reduce((total, { contribution }) => total + contribution, 0);
            assert.ok(Math.abs(sum - grade.value) < 1e-9 && Math.abs(grade.value - (values[index] ?? 0)) < 1e-8);
            for (const { weight, score, contribution } of factors)
              assert.ok(Math.abs(weight * score - contribution) < 1e-9);
          }
        },
      ),
    );
  });

  it('is the fallback of the same tokens where there is no answer, and says so', () => {
    const { grades, ungraded } = openQuestion(model, measuredV2, 9, rows).grade({
      kind: 'FALLBACK',
      reason: 'TIMEOUT',
    });
    const alone = scoreModel(measuredV2, 9, rows);
    assert.deepEqual(
      grades,
      alone.grades.map((grade) => ({
        ...grade,
        modelVersion: 'remote-v1',
        servedBy: 'measured-v2',
        fallbackReason: 'TIMEOUT',
      })),
    );
    assert.equal(ungraded.length, 2);
  });
});
