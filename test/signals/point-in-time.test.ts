import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createFactBook, type FactPoint } from '../../src/facts/inputs.ts';
import { investorV1 } from '../../src/grades/models/investor-v1.ts';
import { measuredV1 } from '../../src/grades/models/measured-v1.ts';
import { measuredV2 } from '../../src/grades/models/measured-v2.ts';
import { technicalV1 } from '../../src/grades/models/technical-v1.ts';
import type { Bar } from '../../src/indicators/bar.ts';
import { type CandleInterval, dayMs, hourMs } from '../../src/lib/interval.ts';
import { shippedStrategies } from '../../src/signals/strategy.ts';
import { createUniverse, type Universe, type UniverseClose, type UniversePart } from '../../src/signals/universe.ts';
import { createRandom, walk } from '../grades/universe.ts';

const models = [investorV1, measuredV1, measuredV2, technicalV1];
const days = 215;
const tokens = 6;
/** Hourly candles begin here, so that days and hours close side by side. */
const hoursFromDay = days - 8;

/** Everything that is ever known of a market: candles by interval and token, facts with their corrections. */
interface World {
  readonly bars: Readonly<Record<'ONE_DAY' | 'ONE_HOUR', readonly (readonly Bar[])[]>>;
  readonly facts: readonly FactPoint[];
}

/** Tokens that start late and have holes; facts that come a day late and are corrected now and then, much later. */
function createWorld(seed: number): World {
  const random = createRandom(seed);
  const daily = Array.from({ length: tokens }, (_, key) =>
    walk(seed + key, days, 0.12).filter(
      ({ openTime }) => key === 0 || (openTime >= key * 3 * dayMs && random() > 0.02),
    ),
  );
  const hourly = Array.from({ length: tokens }, (_, key) =>
    walk(seed + 50 + key, 8 * 24).map((bar, hour) => {
      const openTime = hoursFromDay * dayMs + hour * hourMs;
      return { ...bar, openTime, closeTime: openTime + hourMs };
    }),
  );
  const facts = (['CIRCULATING_SUPPLY', 'FEES_USD', 'ACTIVE_ADDRESSES'] as const).flatMap((metric) =>
    [1, 2, 3].flatMap((tokenId) =>
      Array.from({ length: days }, (_, day) => {
        const point = { tokenId, metric, sourceId: 1, asOf: (day + 1) * dayMs, knownAt: (day + 2) * dayMs };
        const first = { ...point, value: 1000 + 10 * day + random() };
        const isCorrected = random() < 0.1;
        return isCorrected ? [first, { ...first, knownAt: (day + 12) * dayMs, value: first.value * 2 }] : [first];
      }).flat(),
    ),
  );
  return { bars: { ONE_DAY: daily, ONE_HOUR: hourly }, facts };
}

/** What was known at a time. */
function truncate({ bars, facts }: World, timeMs: number): World {
  const cut = (series: readonly Bar[]): readonly Bar[] => series.filter(({ closeTime }) => closeTime <= timeMs);
  return {
    bars: { ONE_DAY: bars.ONE_DAY.map(cut), ONE_HOUR: bars.ONE_HOUR.map(cut) },
    facts: facts.filter(({ knownAt }) => knownAt <= timeMs),
  };
}

/** The past of one world and, from a time on, what another one brings. */
function graft(past: World, future: World, timeMs: number): World {
  const known = truncate(past, timeMs);
  const join = (interval: 'ONE_DAY' | 'ONE_HOUR'): readonly (readonly Bar[])[] =>
    known.bars[interval].map((series, key) => [
      ...series,
      ...(future.bars[interval][key] ?? []).filter(({ closeTime }) => closeTime > timeMs),
    ]);
  const later = future.facts.filter(({ knownAt }) => knownAt > timeMs);
  const facts = [...known.facts, ...later].sort((a, b) => a.asOf - b.asOf || a.knownAt - b.knownAt);
  return { bars: { ONE_DAY: join('ONE_DAY'), ONE_HOUR: join('ONE_HOUR') }, facts };
}

function createEngines(): Universe {
  const switches = [{ version: measuredV2.version, switchedAt: 0 }];
  return createUniverse({ models, switches, strategies: shippedStrategies, benchmarkKey: 0 });
}

/** Its closes in order, of one instant the coarser first; what each brought as text. Restarted before those of `restartsAt`. */
function settle(
  { bars, facts }: World,
  restartsAt: ReadonlySet<number> = new Set(),
): { closeTime: number; text: string }[] {
  const book = createFactBook(facts);
  let engines = createEngines();
  const closes = (['ONE_DAY', 'ONE_HOUR'] as const)
    .flatMap((interval: CandleInterval & keyof World['bars']) => {
      const times = new Set(bars[interval].flatMap((series) => series.map(({ closeTime }) => closeTime)));
      return [...times].map((closeTime) => ({ interval, closeTime }));
    })
    .sort((a, b) => a.closeTime - b.closeTime || (a.interval < b.interval ? -1 : 1));
  const byClose = new Map(
    closes.map(({ interval, closeTime }) => {
      const rows = bars[interval].flatMap((series, key) => {
        const bar = series.find((one) => one.closeTime === closeTime);
        if (bar === undefined) return [];
        const known = interval === 'ONE_DAY' ? book.at(key, closeTime) : null;
        return [{ key, bar, openText: bar.open.toFixed(6), closeText: bar.close.toFixed(6), facts: known }];
      });
      return [`${interval} ${closeTime}`, rows];
    }),
  );
  return closes.map(({ interval, closeTime }, index) => {
    if (restartsAt.has(index)) {
      const saved = JSON.parse(JSON.stringify([...engines.snapshot()])) as UniversePart[];
      engines = createEngines();
      for (const part of saved.toReversed()) engines.restore(part);
    }
    const result = engines.close(interval, closeTime, byClose.get(`${interval} ${closeTime}`) ?? []);
    return { closeTime, text: JSON.stringify(result) };
  });
}

const upTo = (closes: readonly { closeTime: number; text: string }[], timeMs: number): string[] =>
  closes.filter(({ closeTime }) => closeTime <= timeMs).map(({ text }) => text);

/** Any hour of the last two months: grades by all models, hours and days. */
const anyTime = fc.integer({ min: (days - 60) * 24, max: days * 24 }).map((hour) => hour * hourMs);
const runs = { numRuns: 8 };

describe('grades by every shipped model and signals of every shipped strategy', () => {
  const world = createWorld(7);
  const whole = settle(world);

  it('are all there in the market of this test', () => {
    const text = whole.map((close) => close.text).join('\n');
    for (const { version } of models) assert.ok(text.includes(`"modelVersion":"${version}"`), version);
    for (const { name } of shippedStrategies) {
      assert.ok(text.includes(`{"strategy":"${name}"`), name);
      assert.match(text, new RegExp(`"closed":\\[[^\\]]*"strategy":"${name}"`), `an outcome of ${name}`);
    }
    const investor = whole.flatMap(({ text }) =>
      (JSON.parse(text) as UniverseClose).grades.filter(({ modelVersion }) => modelVersion === investorV1.version),
    );
    for (const fact of ['feesToCap', 'supplyInflation', 'activityGrowth']) {
      const scoreAt = investorV1.factors.findIndex(({ feature }) => feature === fact) * 4 + 1;
      assert.ok(
        investor.some(({ factors }) => typeof factors[scoreAt] === 'number'),
        fact,
      ); // JSON has null for NaN
    }
  });

  it('are the same bytes at t from what was known at t alone, candles and facts', () => {
    fc.assert(
      fc.property(anyTime, (timeMs) => {
        assert.deepEqual(
          settle(truncate(world, timeMs)).map(({ text }) => text),
          upTo(whole, timeMs),
        );
      }),
      runs,
    );
  });

  it('do not change when other data comes later', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 100, max: 1000 }), (timeMs, seed) => {
        const other = settle(graft(world, createWorld(seed), timeMs));
        assert.deepEqual(upTo(other, timeMs), upTo(whole, timeMs));
        if (timeMs < (days - 1) * dayMs) assert.notDeepEqual(other, whole);
      }),
      runs,
    );
  });

  it('are the same bytes after restarts between any closes', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: whole.length - 1 }), { minLength: 1, maxLength: 5 }),
        (stops) => {
          assert.deepEqual(settle(world, new Set(stops)), whole);
        },
      ),
      runs,
    );
  });
});
