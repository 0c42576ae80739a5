import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defaultLimits } from '../../src/graphql/limits.ts';
import { createPipeline } from '../../src/graphql/pipeline.ts';
import { pointsMax } from '../../src/indicators/series.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { candlesMax, columnsMax } from '../../src/prices/read-store.ts';
import { createSchema } from '../../src/schema.ts';

const log = { error: () => assert.fail('nothing fails') };
const pipeline = createPipeline({ schema: createSchema(), limits: defaultLimits, clock: systemClock, log });

function costOf(source: string, variables: Record<string, unknown> = {}): { cost: number; codes: unknown[] } {
  const prepared = pipeline.prepare(source);
  assert.deepEqual(prepared.errors, []);
  const { cost, errors } = pipeline.admit(prepared, pipeline.pick(prepared, null), variables);
  return {
    cost: cost.requested,
    codes: errors.map(({ originalError }) => (originalError as { code?: string } | undefined)?.code),
  };
}

const ofToken = (fields: string): string => `{ token(slug: "bitcoin") { ${fields} } }`;
const grades = 't: grade(kind: TRADER) { value } i: grade(kind: INVESTOR) { value }';

const allowed: readonly [what: string, source: string, cost: number][] = [
  ['the longest list of candles', ofToken(`candles(interval: ONE_HOUR, limit: ${candlesMax}) { close }`), 751],
  ['the longest columns', ofToken(`candleSeries(interval: ONE_HOUR, limit: ${columnsMax}) { close }`), 251],
  [
    'the longest indicator',
    ofToken(`indicatorSeries(name: "macd", limit: ${pointsMax}) { params { name } outputs { values } }`),
    151,
  ],
  ['candles from an instant on', ofToken('candles(interval: ONE_HOUR, from: "2026-01-01") { close }'), 751],
  ['columns from an instant on', ofToken('candleSeries(interval: ONE_HOUR, from: "2026-01-01") { close }'), 251],
  ['an indicator from an instant on', ofToken('indicatorSeries(name: "rsi", from: "2026-01-01") { name }'), 51],
  ['the newest candles', ofToken('candles(interval: ONE_HOUR) { close }'), 251],
  ['the newest candles up to an instant', ofToken('candles(interval: ONE_HOUR, to: "2026-01-01") { close }'), 251],
  [
    'the candles of a day',
    ofToken('candles(interval: ONE_HOUR, from: "2026-01-01", to: "2026-01-02") { close }'),
    1 + 12,
  ],
  [
    'a range that holds more than a list may',
    ofToken('candles(interval: ONE_MINUTE, from: "2020-01-01", to: "2026-01-02") { close }'),
    751,
  ],
  [
    'the columns of a week',
    ofToken('candleSeries(interval: ONE_HOUR, from: "2026-01-01", to: "2026-01-08", gaps: NULL) { close }'),
    Math.ceil(1 + 168 * 0.05),
  ],
  [
    'an indicator of a week',
    ofToken('indicatorSeries(name: "rsi", interval: ONE_HOUR, from: "2026-01-01", to: "2026-01-08") { name }'),
    Math.ceil(1 + 168 * 0.1),
  ],
  [
    'an indicator of a week of days, as the interval is when none is given',
    ofToken('indicatorSeries(name: "rsi", from: "2026-01-01", to: "2026-01-08") { name }'),
    2,
  ],
  [
    'a backtest with its trades',
    '{ backtest(strategy: "trend-votes-1d", slug: "bitcoin") { n trades { issuedAt } } }',
    100 + 10,
  ],
  ['the levels of a token', ofToken('levels { n levels { price } }'), 1 + 5],
  [
    'the grades, signals and levels of a whole portfolio',
    `{ viewer { portfolio { holdings(first: 100) { nodes {
      valueUsd token { slug grade(kind: TRADER) { value } latestSignal { direction } levels { levels { price } } }
    } } } } }`,
    906,
  ],
  ['a few levels of many tokens', '{ tokens(first: 20) { nodes { levels(first: 4) { levels { price } } } } }', 20 * 6],
  [
    'a range upside down, which is refused later',
    ofToken('candles(interval: ONE_DAY, from: "2026-01-02", to: "2026-01-01") { close }'),
    1,
  ],
  [
    '20 tokens with 24 candles, 5 signals, two grades and a quote',
    `{ tokens(first: 20) { nodes { candles(interval: ONE_HOUR, limit: 24) { close } signals(first: 5) { nodes { id } } ${grades} quote { priceUsd } } } }`,
    20 * (1 + 12 + 5 + 2 + 1),
  ],
  [
    '50 tokens with a quote and two grades',
    `{ tokens(first: 50) { nodes { quote { priceUsd } ${grades} } } }`,
    50 * (1 + 1 + 2),
  ],
];

describe('the cost of what the public schema offers', () => {
  for (const [what, source, cost] of allowed)
    it(`${what}: ${cost}`, () => assert.deepEqual(costOf(source), { cost, codes: [] }));

  it('counts ranges in variables', () => {
    const source = `query ($from: DateTime, $to: DateTime) ${ofToken('candles(interval: ONE_HOUR, from: $from, to: $to) { close }')}`;
    assert.equal(costOf(source, { from: '2026-01-01', to: '2026-01-02' }).cost, 13);
    assert.equal(costOf(source, { from: '2026-01-01' }).cost, 751);
    assert.equal(costOf(source).cost, 251);
  });

  it('takes null for the default', () => {
    const range = 'from: "2026-01-01", to: "2026-01-11"';
    const source = ofToken(`indicatorSeries(name: "rsi", interval: null, ${range}) { name }`);
    assert.deepEqual(costOf(source), { cost: 2, codes: [] });
  });

  it('refuses a long range for many tokens', () => {
    const source = '{ tokens(first: 10) { nodes { candles(interval: ONE_HOUR, from: "2026-01-01") { close } } } }';
    assert.deepEqual(costOf(source), { cost: 10 + 10 * 750, codes: ['LIMIT_EXCEEDED'] });
  });
});
