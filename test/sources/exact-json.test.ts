import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoteDecimals } from '../../src/sources/exact-json.ts';

const parseExactJson = (json: string): unknown => JSON.parse(quoteDecimals(json));

test('decimals keep every digit, integers that a double holds stay numbers, text is left alone', () => {
  const text =
    '{"p":105944.20,"q":-1.0E-9,"id":12345678901234567890,"t":1762795433,"s":"a:1.50,\\"2.0\\"","l":[0.10,7]}';
  assert.deepEqual(parseExactJson(text), {
    p: '105944.20',
    q: '-1.0E-9',
    id: '12345678901234567890',
    t: 1762795433,
    s: 'a:1.50,"2.0"',
    l: ['0.10', 7],
  });
  assert.throws(() => parseExactJson('{"p":1.5'), SyntaxError);
});

test('whatever has no decimals is what JSON.parse makes of it', () => {
  const value = fc.jsonValue().filter((one) => !/\d[.eE]\d|\d[eE][+-]|\d{16}/.test(JSON.stringify(one)));
  fc.assert(
    fc.property(value, (one) => assert.deepEqual(parseExactJson(JSON.stringify(one)), JSON.parse(JSON.stringify(one)))),
  );
});
