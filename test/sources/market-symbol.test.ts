import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseMarketSymbol } from '../../src/sources/market-symbol.ts';

const bases: [string, string, number][] = [
  ['BTC', 'BTC', 0],
  ['1000PEPE', 'PEPE', 3],
  ['10000SATS', 'SATS', 4],
  ['1000000MOG', 'MOG', 6],
  ['1MBABYDOGE', 'BABYDOGE', 6],
  ['1000X', 'X', 3],
  ['SHIB1000', 'SHIB', 3],
  ['1INCH', '1INCH', 0],
  ['1MIL', '1MIL', 0],
  ['1000', '1000', 0],
  ['10001000', '10001000', 0],
  ['SPX6900', 'SPX6900', 0],
  ['API3', 'API3', 0],
];
for (const [base, baseToken, unitMultiplierLog10] of bases) {
  it(`${base} is ${baseToken} times ten to the ${unitMultiplierLog10}`, () => {
    assert.deepEqual(parseMarketSymbol(`${base}/USDT:USDT`), {
      symbol: `${base}/USDT:USDT`,
      base,
      quote: 'USDT',
      marketType: 'PERPETUAL',
      baseToken,
      unitMultiplierLog10,
    });
  });
}

it('a symbol without settlement is spot', () => {
  assert.equal(parseMarketSymbol('BTC/USD')?.marketType, 'SPOT');
});

for (const symbol of ['', 'BTC', 'BTC/', '/USD', 'BTC USD', 'BTC/USDT:', 'BTC/USDT:USDT-250627', 'A/B/C']) {
  it(`"${symbol}" is no market`, () => assert.equal(parseMarketSymbol(symbol), null));
}
