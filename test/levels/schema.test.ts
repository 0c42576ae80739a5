import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { dayMs } from '../../src/lib/interval.ts';
import { recordCandles } from '../../src/prices/store.ts';
import { ask } from '../grades/api.ts';
import { seedTokens } from '../grades/seed.ts';
import { candleOf } from '../prices/seed.ts';
import { createTestDb } from '../support/db.ts';
import { dayOpen } from './bars.ts';

const db = await createTestDb({ after });
await seedTokens(db, 21);

/** Waves between 100 and 120 for tokens 1..20, learned at their close; a last candle that is still open. */
const count = 120;
const wave = (n: number): number => 100 + 2 * (n % 20 < 10 ? n % 20 : 20 - (n % 20));
await db.transaction(async (tx) => {
  for (let n = 0; n < count; n += 1) {
    const candles = Array.from({ length: 20 }, (_, at) =>
      candleOf(at + 1, 'ONE_DAY', dayOpen(n), String(wave(n)), { volumeQuote: '5', isFinal: n < count - 1 }),
    );
    await recordCandles(tx, candles, dayOpen(n + 1));
  }
});
/** Day 10 of token 1 is corrected on day 60: its high was 125, not 120. */
const corrected = candleOf(1, 'ONE_DAY', dayOpen(10), '120', { high: '125', volumeQuote: '5' });
await db.transaction((tx) => recordCandles(tx, [corrected], dayOpen(60)));

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
const fields = `method interval asOf source close n inputs reason detail
  levels { price kind label strength touches low high firstSeenAt lastTouchedAt isBroken distancePct }`;

// oxlint-disable-next-line typescript/no-explicit-any -- answers are read by path in assertions
async function levelsOf(args: string, slug = 'token-1'): Promise<any> {
  const { data, code } = await ask(db, `{ token(slug: "${slug}") { levels${args} { ${fields} } } }`);
  assert.equal(code, null);
  return data.token.levels;
}

const topOf = (set: { levels: { high: number }[] }): number => Math.max(...set.levels.map(({ high }) => high));

describe('Token.levels', () => {
  it('tells method, inputs and how much there was, from closed candles only', async () => {
    const set = await levelsOf('');
    assert.deepEqual(
      [set.method, set.interval, new Date(set.asOf).getTime(), set.source, set.n, set.reason],
      ['SWINGS', 'ONE_DAY', dayOpen(count - 1), 'fixture', count - 1, null],
    );
    assert.deepEqual([set.inputs.reach, set.inputs.halfLifeBars], [5, 90]);
    assert.ok(set.levels.length >= 2);
  });

  it('as of a time knows no later candle', async () => {
    const set = await levelsOf(`(asOf: "${iso(dayOpen(50) + dayMs / 2)}")`);
    assert.deepEqual([new Date(set.asOf).getTime(), set.n], [dayOpen(50), 50]);
  });

  it('as known at a time reads candles as they were then', async () => {
    const now = await levelsOf(`(asOf: "${iso(dayOpen(50))}")`);
    const then = await levelsOf(`(asOf: "${iso(dayOpen(50))}", knownAt: "${iso(dayOpen(59))}")`);
    const since = await levelsOf(`(asOf: "${iso(dayOpen(50))}", knownAt: "${iso(dayOpen(60))}")`);
    assert.deepEqual([topOf(now), topOf(then), topOf(since)], [125, 120, 125]);
    const early = await levelsOf(`(knownAt: "${iso(dayOpen(40))}")`);
    assert.deepEqual([new Date(early.asOf).getTime(), early.n], [dayOpen(40), 40], 'what came later was not known');
  });

  it('gives the floor pivots of the last closed candle', async () => {
    const set = await levelsOf(`(method: FLOOR_PIVOTS, asOf: "${iso(dayOpen(11))}")`);
    assert.deepEqual([set.n, set.inputs], [1, { high: 125, low: 120, close: 120 }]);
    assert.deepEqual(set.levels.map(({ label }: { label: string }) => label)[3], 'P');
  });

  it('gives the strongest first, as many as asked for', async () => {
    const all = await levelsOf('');
    const one = await levelsOf('(first: 1)');
    assert.deepEqual(one.levels, all.levels.slice(0, 1));
  });

  it('says why there are none', async () => {
    const none = await levelsOf('', 'token-21');
    assert.deepEqual([none.reason, none.n, none.asOf, none.levels], ['NO_CANDLES', 0, null, []]);
    const hours = await levelsOf('(interval: ONE_HOUR)');
    assert.equal(hours.reason, 'NO_CANDLES');
    const few = await levelsOf(`(asOf: "${iso(dayOpen(12))}")`);
    assert.deepEqual([few.reason, few.n], ['TOO_FEW_CANDLES', 12]);
  });

  it('of 20 tokens take one statement beside the tokens, point in time or not', async () => {
    for (const args of ['', `(asOf: "${iso(dayOpen(70))}", knownAt: "${iso(dayOpen(70))}")`]) {
      const { data, statements } = await ask(
        db,
        `query ($slugs: [String!]!) { tokenBatch(slugs: $slugs) { nodes { levels${args} { n } } } }`,
        { slugs: Array.from({ length: 20 }, (_, n) => `token-${n + 1}`) },
      );
      assert.equal(statements.length, 2);
      assert.equal(data.tokenBatch.nodes.length, 20);
      for (const { levels } of data.tokenBatch.nodes) assert.ok(levels.n >= 70);
    }
  });
});
