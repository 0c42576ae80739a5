import { createBus, type EventBus } from '../src/events/bus.ts';
import { appendEvents } from '../src/events/store.ts';
import { openDbBeside } from '../src/db/open.ts';
import type { SignalEvidence } from '../src/signals/evidence.ts';
import { loadStrategies, recordSignals } from '../src/signals/store.ts';
import type { SignalDirection } from '../src/signals/strategy.ts';
import { systemClock } from '../src/lib/clock.ts';

/** A signal to be sent to subscribers; `sentAt` is the sender's own clock and comes out in the signal's `evidence`. */
export interface LiveSignal {
  /** `T00042` is the token with the id 42. */
  readonly symbol: string;
  readonly direction: SignalDirection;
  /** 0..100. */
  readonly strength: string;
  readonly price: string;
  readonly sentAt: number;
}

/** Issues signals the way the product does: rows and events in one transaction, then the wake-up. */
export interface Publisher {
  publish(signals: readonly LiveSignal[]): Promise<void>;
  close(): Promise<void>;
}

/** A publisher into a database that the benchmark has loaded, beside the server that runs on it. */
export async function createPublisher(place: { databaseUrl: string | null; dataDir: string }): Promise<Publisher> {
  const opened = await openDbBeside(place);
  const { db } = opened;
  const bus: EventBus = createBus({ db, clock: systemClock, redisUrl: null });
  const strategy = (await loadStrategies({ db })).find(({ name }) => name === 'bench-live');
  if (!strategy) throw new Error('The database was not loaded by the benchmark.');
  let lastMs = 0; // every signal gets a time of its own: no two are the same signal
  return {
    async publish(signals) {
      lastMs = Math.max(lastMs, Date.now() - signals.length);
      const rows = signals.map(({ symbol, direction, strength, price, sentAt }) => ({
        strategyId: strategy.id,
        tokenId: Number(symbol.slice(1)),
        seriesId: Number(symbol.slice(1)),
        direction,
        priceUsd: price,
        confidence: Number(strength) / 100,
        issuedAt: ++lastMs,
        evidence: { sentAt } as unknown as SignalEvidence,
      }));
      await db.transaction(async (tx) => {
        const recorded = await recordSignals(tx, rows, lastMs);
        const events = recorded.map(({ id, tokenId, direction }) => ({
          topic: 'signals' as const,
          payload: { action: 'ISSUED' as const, signalId: id, tokenId, strategy: strategy.name, direction },
        }));
        await appendEvents(tx, events, lastMs);
      });
      await bus.wake();
    },
    async close() {
      await bus.close();
      await opened.close();
    },
  };
}
