import { createDb, type Db } from '../../../src/db/client.ts';
import { createBus } from '../../../src/events/bus.ts';
import { appendEvents } from '../../../src/events/store.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { SignalEvidence } from '../../../src/signals/evidence.ts';
import { recordSignals } from '../../../src/signals/store.ts';
import { trendVotes1h } from '../../../src/signals/strategy.ts';

/** Issues signals of a strategy of its own at a steady rate, the way the product does, while everything falls over. */
export interface Publisher {
  /** Signals issued so far, as far as it was told. */
  readonly count: number;
  stop(): Promise<void>;
}

/** Starts to issue `perSecond` signals; the database must hold a series. What fails is left out and the rate goes on. */
export async function startPublisher(
  place: { databaseUrl: string; redisUrl: string | null },
  perSecond: number,
): Promise<Publisher> {
  const db = createDb({ mode: 'POSTGRES', connection: { connectionString: place.databaseUrl }, poolMax: 2 });
  const bus = createBus({ db, clock: systemClock, redisUrl: place.redisUrl });
  const issue = await createIssuer(db);
  let count = 0;
  let running: Promise<void> = Promise.resolve();
  const stopTimer = systemClock.every(1_000 / perSecond, () => {
    running = issue().then(
      () => {
        count += 1;
        void bus.wake();
      },
      () => {}, // the database is away; what counts is what it holds in the end
    );
    return running;
  });
  return {
    get count() {
      return count;
    },
    async stop() {
      stopTimer();
      await running;
      await bus.close();
      await db.close();
    },
  };
}

async function createIssuer(db: Db): Promise<() => Promise<void>> {
  const name = 'drill';
  await db.execute(
    `INSERT INTO strategy (name, version, definition, published_at) VALUES ($1, 1, $2, now()) ON CONFLICT DO NOTHING`,
    [name, JSON.stringify({ ...trendVotes1h, name, title: 'Drill', description: 'Signals of a drill.' })],
  );
  const [strategy] = await db.query<{ id: number }>('SELECT id FROM strategy WHERE name = $1', [name]);
  const [series] = await db.query<{ id: number; tokenId: number }>(
    'SELECT id, token_id AS "tokenId" FROM series ORDER BY id LIMIT 1',
  );
  if (!strategy || !series) throw new Error('the database holds no series yet');
  let lastMs = 0; // every signal has a time of its own: no two are the same
  return () => {
    lastMs = Math.max(Date.now(), lastMs + 1);
    const row = {
      strategyId: strategy.id,
      tokenId: series.tokenId,
      seriesId: series.id,
      direction: 'BULLISH' as const,
      priceUsd: '1',
      confidence: 0.5,
      issuedAt: lastMs,
      evidence: {} as unknown as SignalEvidence,
    };
    return db.transaction(async (tx) => {
      const [recorded] = await recordSignals(tx, [row], lastMs);
      if (!recorded) throw new Error('the signal was there already');
      const payload = { action: 'ISSUED' as const, signalId: recorded.id, tokenId: series.tokenId, strategy: name };
      await appendEvents(tx, [{ topic: 'signals', payload: { ...payload, direction: 'BULLISH' } }], Date.now());
    });
  };
}
