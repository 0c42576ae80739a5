import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { voteRules } from '../../src/grades/vote-rules.ts';
import type { Bar } from '../../src/indicators/bar.ts';
import { computeSeries, indicatorCatalog } from '../../src/indicators/catalog.ts';
import { standardIndicators } from '../../src/indicators/series.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { ask } from '../grades/api.ts';
import { seedTokens } from '../grades/seed.ts';
import { createTestDb } from '../support/db.ts';

const start = Date.UTC(2020, 0, 1);
const barCount = 1300;
/** Two waves on a slope; every price has two decimals, so that text and number are the same. */
const bars: readonly Bar[] = Array.from({ length: barCount }, (_, n) => {
  const wave = (at: number): number =>
    Math.round((100 + at / 20 + 10 * Math.sin(at / 9) + 5 * Math.cos(at / 31)) * 100) / 100;
  const [open, close] = [wave(n - 1), wave(n)];
  const openTime = start + n * dayMs;
  const [high, low] = [Math.max(open, close) + 0.5, Math.min(open, close) - 0.25];
  return { openTime, closeTime: openTime + dayMs, open, high, low, close, volume: 1000 + (n % 7) * 10 };
});

const db = await createTestDb({ after });
await seedTokens(db, 21);
/** Token 1: all bars in quote volume, and an open candle after them. Tokens 2..20: the first 40, in base volume. */
await db.execute(
  `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, volume_base, volume_quote, is_final, is_native)
   SELECT s.id, 'ONE_DAY', u.open_time, u.open, u.high, u.low, u.close,
     CASE WHEN s.id = 1 THEN 1 ELSE u.volume END, CASE WHEN s.id = 1 THEN u.volume END, true, true
   FROM unnest($1::timestamptz[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[])
     WITH ORDINALITY AS u(open_time, open, high, low, close, volume, n)
   JOIN generate_series(1, 20) AS s(id) ON s.id = 1 OR u.n <= 40`,
  [
    bars.map(({ openTime }) => new Date(openTime)),
    ...(['open', 'high', 'low', 'close', 'volume'] as const).map((field) => bars.map((bar) => String(bar[field]))),
  ],
);
await db.execute(
  `INSERT INTO candle (series_id, interval, open_time, open, high, low, close, is_final, is_native) VALUES (1, 'ONE_DAY', $1, 1, 1, 1, 1, false, true)`,
  [new Date(start + barCount * dayMs)],
);

/** Nulls alike, numbers to 1e-9: rolling sums depend on where they began in the last digits. */
function assertNear(actual: readonly (number | null)[], expected: readonly (number | null)[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of expected.entries()) {
    const told = actual[index] ?? null;
    if (value === null || told === null) assert.equal(told, value);
    else assert.ok(Math.abs(told - value) < 1e-9, `${index}: ${told} is not ${value}`);
  }
}

const iso = (n: number): string => new Date(start + n * dayMs).toISOString();
interface Numbers {
  name: string;
  value: number | null;
}
interface Value {
  key: string;
  name: string;
  params: Numbers[];
  outputs: Numbers[];
  value: number | null;
}

describe('the standard indicators', () => {
  it('are those of the vote rules of the grades', () => {
    assert.deepEqual(
      standardIndicators.map(({ key, name, params }) => [key, name, params]),
      voteRules.map(({ name, indicator, params }) => [name, indicator, params]),
    );
  });
});

describe('Token.indicators', () => {
  const fields =
    'interval asOf source close barCount values { key name value params { name value } outputs { name value } }';

  for (const [what, args, count] of [
    ['at the last close', '', barCount],
    ['as of an instant within a candle', `(asOf: "${iso(1200).replace('00:00:00', '13:30:00')}")`, 1200],
    ['as of a close', `(asOf: "${iso(1150)}")`, 1150],
    ['with little history', `(asOf: "${iso(30)}")`, 30],
  ] as const)
    it(`are computed ${what} from the closed candles before it`, async () => {
      const { data, code } = await ask(db, `{ token(slug: "token-1") { indicators${args} { ${fields} } } }`);
      assert.equal(code, null);
      const set = data.token.indicators;
      const read = bars.slice(Math.max(0, count - 1000), count);
      const last = read.at(-1)!;
      assert.deepEqual(
        [set.interval, new Date(set.asOf).getTime(), set.source, set.close, set.barCount],
        ['ONE_DAY', last.closeTime, 'fixture', last.close, read.length],
      );
      for (const { key, name, params, outputs, value } of set.values as Value[]) {
        const expected = computeSeries(
          name,
          params.map((param) => param.value!),
          read,
        ).map((column) => column.at(-1));
        assert.deepEqual(
          outputs.map((output) => output.value),
          expected,
          key,
        );
        assert.equal(value, expected[0]);
        assert.deepEqual(
          outputs.map((output) => output.name),
          indicatorCatalog[name]?.outputs,
        );
      }
      const hasLong = (set.values as Value[]).find(({ key }) => key === 'sma200')?.value !== null;
      assert.equal(hasLong, count >= 200, 'warm-up is null, not a guess');
    });

  it('are daily where the interval is null, as a series is', async () => {
    const { data, code } = await ask(
      db,
      `query ($interval: CandleInterval) { token(slug: "token-1") {
        indicators(interval: $interval) { interval } indicatorSeries(name: "rsi", interval: $interval, limit: 1) { interval }
      } }`,
      { interval: null },
    );
    assert.equal(code, null);
    assert.deepEqual([data.token.indicators.interval, data.token.indicatorSeries.interval], ['ONE_DAY', 'ONE_DAY']);
  });

  it('differ from those of the whole history by less than a thousandth', async () => {
    const { data } = await ask(db, `{ token(slug: "token-1") { indicators { ${fields} } } }`);
    const ema200 = (data.token.indicators.values as Value[]).find(({ key }) => key === 'ema200');
    const whole = computeSeries('ema', [200], bars)[0]!.at(-1)!;
    assert.ok(Math.abs(ema200!.value! - whole) < 1e-3 * whole);
  });

  it('of 20 tokens take one statement beside the tokens; one without candles has none', async () => {
    const { data, statements } = await ask(
      db,
      'query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { slug indicators { barCount } } } }',
      { slugs: Array.from({ length: 20 }, (_, n) => `token-${n + 2}`) },
    );
    assert.equal(statements.length, 2);
    const counts = data.tokenBatch.nodes.map(
      ({ indicators }: { indicators: { barCount: number } | null }) => indicators?.barCount ?? null,
    );
    assert.deepEqual(counts, [...Array.from({ length: 19 }, () => 40), null]);
  });

  it('are null for an interval without candles, and before the first close', async () => {
    const { data } = await ask(
      db,
      `{ token(slug: "token-1") { hourly: indicators(interval: ONE_HOUR) { asOf } before: indicators(asOf: "${iso(1).replace('00:00:00.000', '00:00:00').replace('02T', '01T')}") { asOf } } }`,
    );
    assert.deepEqual(JSON.parse(JSON.stringify(data.token)), { hourly: null, before: null });
  });
});

describe('Token.indicatorSeries', () => {
  const source = `query ($name: String!, $params: [Float!], $from: DateTime, $to: DateTime, $limit: Int, $slug: String = "token-1") {
    token(slug: $slug) { indicatorSeries(name: $name, params: $params, from: $from, to: $to, limit: $limit) {
      name source params { name value } outputs { name values } openTime isTruncated } } }`;
  const series = async (variables: Record<string, unknown>) => {
    const { data, code, message } = await ask(db, source, variables);
    assert.equal(code, null, message ?? '');
    return data.token.indicatorSeries;
  };

  const spans: [what: string, args: Record<string, unknown>, from: number, to: number, isTruncated: boolean][] = [
    ['the newest 500', {}, barCount - 500, barCount, true],
    ['the newest few', { limit: 3 }, barCount - 3, barCount, true],
    ['all there is', { limit: 1500 }, 0, barCount, false],
    ['the newest before a time', { to: iso(700), limit: 5 }, 695, 700, true],
    ['a span', { from: iso(100), to: iso(120) }, 100, 120, false],
    ['the oldest of a span', { from: iso(100), limit: 4 }, 100, 104, true],
    ['exactly what a span holds', { from: iso(1296), limit: 4 }, 1296, 1300, false],
    ['nothing after the end', { from: iso(2000) }, 0, 0, false],
    ['the start, within warm-up', { from: iso(0), limit: 30 }, 0, 30, true],
  ];
  for (const [what, args, from, to, isTruncated] of spans)
    it(`tells ${what}`, async () => {
      const told = await series({ name: 'sma', params: [20], ...args });
      const whole = computeSeries('sma', [20], bars)[0]!;
      assert.deepEqual(
        told.openTime.map((time: string) => new Date(time).getTime()),
        bars.slice(from, to).map(({ openTime }) => openTime),
      );
      assertNear(told.outputs[0].values, whole.slice(from, to));
      assert.equal(told.isTruncated, isTruncated);
    });

  it('warms averages without end up so far that the start does not show', async () => {
    const told = await series({ name: 'macd', from: iso(1000), limit: 100 });
    const whole = computeSeries('macd', undefined, bars);
    assert.deepEqual(
      told.params.map(({ value }: Numbers) => value),
      [12, 26, 9],
    );
    for (const [index, { name, values }] of told.outputs.entries()) {
      assert.equal(name, indicatorCatalog['macd']?.outputs[index]);
      for (const [n, value] of values.entries()) assert.ok(Math.abs(value - whole[index]![1000 + n]!) < 1e-6);
    }
  });

  it('is empty for a token without candles', async () => {
    const { outputs, openTime, source: from, isTruncated } = await series({ name: 'rsi', slug: 'token-21' });
    assert.deepEqual([outputs[0].values, openTime, isTruncated], [[], [], false]);
    assert.equal(from, 'fixture', 'it has a default series');
    assert.equal(
      (await ask(db, '{ token(slug: "token-1") { indicatorSeries(name: "rsi", interval: ONE_HOUR) { source } } }')).data
        .token.indicatorSeries.source,
      null,
    );
  });

  const refused: [args: Record<string, unknown>, code: string, message: RegExp][] = [
    [{ name: 'no-such' }, 'BAD_USER_INPUT', /There is no indicator "no-such"\. Known: .*\bmacd\b/],
    [{ name: '__proto__' }, 'BAD_USER_INPUT', /Known/],
    [{ name: 'sma', params: [0] }, 'BAD_USER_INPUT', /whole number 1\.\.500/],
    [{ name: 'sma', params: [1.5] }, 'BAD_USER_INPUT', /whole number/],
    [{ name: 'sma', params: [1, 2] }, 'BAD_USER_INPUT', /takes up to 1/],
    [{ name: 'sma', limit: 1501 }, 'LIMIT_EXCEEDED', /1500/],
    [{ name: 'sma', limit: 0 }, 'LIMIT_EXCEEDED', /1500/],
    [{ name: 'sma', from: iso(2), to: iso(2) }, 'BAD_USER_INPUT', /before/],
  ];
  for (const [args, code, message] of refused)
    it(`refuses ${JSON.stringify(args)} with ${code}`, async () => {
      const answer = await ask(db, source, args);
      assert.equal(answer.code, code);
      assert.match(answer.message ?? '', message);
    });

  it('of 20 tokens takes one statement beside the tokens', async () => {
    const { statements } = await ask(
      db,
      'query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { indicatorSeries(name: "rsi", limit: 10) { openTime } } } }',
      { slugs: Array.from({ length: 20 }, (_, n) => `token-${n + 1}`) },
    );
    assert.equal(statements.length, 2);
  });
});

describe('Query.indicatorDefinitions', () => {
  it('tells the whole catalog without the database', async () => {
    const { data, statements } = await ask(
      db,
      '{ indicatorDefinitions { name title description params { name default min max isInteger } outputs } }',
    );
    assert.deepEqual(
      data.indicatorDefinitions.map(({ name }: { name: string }) => name),
      Object.keys(indicatorCatalog).sort(),
    );
    assert.equal(statements.length, 0);
  });
});
