import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModelFile } from '../../src/grades/model-file.ts';
import type { GradeModel } from '../../src/grades/model.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { technicalV1 } from '../../src/grades/models/technical-v1.ts';

/** The message of the refusal of a file; null where it is accepted. */
function refusalOf(model: unknown): string | null {
  try {
    readModelFile(typeof model === 'string' ? model : JSON.stringify(model));
    return null;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'BAD_USER_INPUT');
    return (error as Error).message;
  }
}

const [first, second] = technicalV1.factors as [(typeof technicalV1.factors)[0], (typeof technicalV1.factors)[0]];
const withFactor = (change: object, at = 0): object => ({
  ...technicalV1,
  factors: technicalV1.factors.map((factor, index) => (index === at ? { ...factor, ...change } : factor)),
});

const remote = {
  name: 'linear',
  version: '3',
  input: 'SCORES',
  missing: 50,
  datatype: 'FP32',
  fallback: 'measured-v1',
};
const served: GradeModel = { ...measuredV1, remote: remote as NonNullable<GradeModel['remote']> };

describe('a model file', () => {
  for (const model of [measuredV1, technicalV1, served])
    it(`states ${model.version}${model.remote ? ' on a server' : ''} exactly`, () =>
      assert.deepEqual(readModelFile(JSON.stringify(model)), model));

  const refused: readonly [string, unknown, RegExp][] = [
    ['that is no JSON', '{"kind":', /no JSON/],
    ['that is no object', [], /the file: /],
    ['without a version', { ...measuredV1, version: undefined }, /version: /],
    ['with a version of other letters', { ...measuredV1, version: 'My Model' }, /version: must be small letters/],
    ['whose server is told too little', { ...served, remote: { ...remote, missing: undefined } }, /remote\.missing: /],
    [
      'with a server name that is a path',
      { ...served, remote: { ...remote, name: '../x' } },
      /remote\.name: must be letters/,
    ],
    ['of votes on a server', { ...technicalV1, remote }, /factors\.0: a remote model takes PERCENTILE only/],
    [
      'on a server, with the group that is kept for it',
      { ...served, factors: [{ ...measuredV1.factors[0], key: 'model.base', group: 'model', weight: 1 }] },
      /the group "model" is kept/,
    ],
    ['of another kind', { ...measuredV1, kind: 'GAMBLER' }, /kind: /],
    ['with an unknown key', { ...measuredV1, publishedAt: 5 }, /publishedAt/],
    ['on another interval', { ...measuredV1, interval: 'ONE_HOUR' }, /interval: must be ONE_DAY/],
    [
      'with a hole rule of its own',
      { ...measuredV1, universe: { ...measuredV1.universe, gapBarsMax: 3 } },
      /must be 7/,
    ],
    ['without factors', { ...measuredV1, factors: [] }, /factors: /],
    ['whose weights do not sum to 1', withFactor({ weight: 0.9 }), /factors: the weights must sum to 1, not 1\.43/],
    ['with a weight below 0', withFactor({ weight: -0.1 }), /factors\.0\.weight: /],
    ['with a factor twice', withFactor({ key: second.key }), /factors\.1\.key: repeats "ta\.oscillators"/],
    ['with a key outside its group', withFactor({ key: 'quant.x' }), /factors\.0\.key: must be "ta\." and a name/],
    ['with an unknown input', withFactor({ feature: 'moonPhase' }), /factors\.0\.feature: .*rsi/],
    ['with votes of what are none', withFactor({ feature: 'rsi' }), /factors\.0\.normalisation: VOTES is for/],
    ['with bands out of order', { ...measuredV1, bands: measuredV1.bands.toReversed() }, /bands\.1: must lie below/],
    ['with bands that fall short', { ...measuredV1, bands: measuredV1.bands.slice(0, 3) }, /bands: .*begin at 0/],
  ];
  for (const [what, model, message] of refused)
    it(`${what} is refused`, () => assert.match(refusalOf(model) ?? 'accepted', message));

  it('is told every rule that it breaks at once', () => {
    const message = refusalOf({ ...withFactor({ weight: 0.9 }), title: '', kind: 'X' }) ?? '';
    for (const place of ['kind', 'title', 'factors']) assert.ok(message.includes(`${place}: `), message);
  });

  it('may weigh in thirds', () => {
    const thirds = [first, { ...second }, { ...second, key: 'ta.third' }].map((one) => ({ ...one, weight: 1 / 3 }));
    assert.equal(refusalOf({ ...technicalV1, factors: thirds }), null);
  });
});
