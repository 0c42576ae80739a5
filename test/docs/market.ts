import type { Db } from '../../src/db/client.ts';
import { compute } from '../../src/ingest/compute.ts';
import { fillSimulatedHistory } from '../../src/ingest/simulate.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { createSimulator } from '../../src/sources/simulator.ts';
import { seedTokens } from '../../src/tokens/registry.ts';

/** When the answers of the handbook were taken, epoch ms. */
export const handbookMs = Date.UTC(2026, 10, 24, 5, 20, 30);

/** What a first start has, smaller: the registry, and a few simulated tokens with history, grades and signals. */
export async function seedMarket(db: Db, clock: Clock): Promise<void> {
  await seedTokens({ db });
  const symbols = ['BTC/USD', 'ETH/USD', 'SOL/USD', 'XRP/USD'];
  await fillSimulatedHistory({ db, clock }, createSimulator({ seed: 1, symbols }));
  await compute({ db, clock }, { fromMs: null, toMs: null, tokenIds: null });
}
