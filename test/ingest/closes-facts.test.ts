import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { recordFacts } from '../../src/facts/store.ts';
import type { FactInputs } from '../../src/facts/inputs.ts';
import { listCloses } from '../../src/ingest/closes.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { candlesOf, seedSeries, seedToken, store } from '../prices/seed.ts';
import { createTestDb } from '../support/db.ts';

const db = await createTestDb({ after });
const start = Date.UTC(2024, 0, 1);
const dayCount = 500;

async function seed(sourceName: string, sourceKind: 'IMPORT' | 'SIMULATED'): Promise<[number, number]> {
  const tokenId = await seedToken(db);
  const { id } = await seedSeries(db, tokenId, { sourceName, sourceKind });
  const candles = candlesOf(id, 'ONE_DAY', start, Array(dayCount).fill('10'));
  await store(db, candles, start + dayCount * dayMs);
  return [tokenId, id];
}

/** The inputs by day number, read in one stretch or from a day on. */
async function read(seriesOf: ReadonlyMap<number, number>, tokenId: number, fromDay = 0) {
  const found = new Map<number, FactInputs | null | undefined>();
  for await (const { closeTime, rows } of listCloses(db, seriesOf, 'ONE_DAY', start + fromDay * dayMs, null))
    found.set((closeTime - start) / dayMs, rows.find(({ key }) => key === tokenId)?.facts);
  return found;
}

test('closes carry what was known then, the same read whole or one close at a time; simulated tokens no real facts', async () => {
  const [real, simulated] = [await seed('real', 'IMPORT'), await seed('invented', 'SIMULATED')];
  const seriesOf = new Map([real, simulated]);
  const facts = [real, simulated].flatMap(([tokenId]) =>
    Array.from({ length: dayCount }, (_, index) => {
      const asOf = start + (index + 1) * dayMs;
      const common = { tokenId, sourceName: 'real', asOf, knownAt: asOf + dayMs };
      return [
        { ...common, metric: 'CIRCULATING_SUPPLY' as const, value: String(1000 + index) },
        { ...common, metric: 'ACTIVE_ADDRESSES' as const, value: String(index) },
      ];
    }).flat(),
  );
  await recordFacts(db, facts, start + 1000 * dayMs);
  const whole = await read(seriesOf, real[0]);
  assert.equal(whole.size, dayCount);
  assert.deepEqual(whole.get(1), null);
  assert.deepEqual(whole.get(480), {
    marketCapUsd: null,
    circulatingSupply: 1478, // of the day before: out one day after its close
    supplyQuarterBefore: 1389,
    feesUsdMean: null,
    activeAddressesMonth: 478 - 14,
    activeAddressesYear: 478 - 181.5,
  });
  for (const day of [2, 365, 480, 500]) {
    const alone = await read(seriesOf, real[0], day - 1);
    assert.deepEqual(alone.get(day), whole.get(day), `day ${day}`);
  }
  assert.deepEqual(new Set((await read(seriesOf, simulated[0])).values()), new Set([null]));
});
