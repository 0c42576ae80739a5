import type { Db } from '../../src/db/client.ts';
import { recordFacts } from '../../src/facts/store.ts';
import { compute } from '../../src/ingest/compute.ts';
import { fillSimulatedHistory } from '../../src/ingest/simulate.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { dayMs } from '../../src/lib/interval.ts';
import { upsertSource } from '../../src/prices/series-store.ts';
import { createSimulator } from '../../src/sources/simulator.ts';
import { seedTokens } from '../../src/tokens/registry.ts';
import { findTokenIds } from '../../src/tokens/token-ids.ts';

/** When the answers of the handbook were taken, epoch ms. */
export const handbookMs = Date.UTC(2026, 10, 24, 5, 20, 30);

/** What a first start has, smaller: the registry, and a few simulated tokens with history, grades and signals; and two facts. */
export async function seedMarket(db: Db, clock: Clock): Promise<void> {
  await seedTokens({ db });
  const symbols = ['BTC/USD', 'ETH/USD', 'SOL/USD', 'XRP/USD'];
  await fillSimulatedHistory({ db, clock }, createSimulator({ seed: 1, symbols }));
  await seedFacts(db);
  await compute({ db, clock }, { fromMs: null, toMs: null, tokenIds: null });
}

async function seedFacts(db: Db): Promise<void> {
  const [tokenId = 0] = await findTokenIds({ db }, ['bitcoin']);
  const asOf = Date.UTC(2026, 10, 23);
  const common = { tokenId, sourceName: 'example', asOf, knownAt: asOf + dayMs };
  await upsertSource(db, 'example', 'IMPORT');
  await recordFacts(
    db,
    [
      { ...common, metric: 'CIRCULATING_SUPPLY', value: '19950000' },
      { ...common, metric: 'ACTIVE_ADDRESSES', value: '801234' },
    ],
    handbookMs,
  );
}
