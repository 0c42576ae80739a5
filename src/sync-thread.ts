/** The thread in which wallets are synced; started, stopped and listened to by `sync-host.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { openDbBeside } from './db/open.ts';
import { systemClock } from './lib/clock.ts';
import { messageOf } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import type { SyncReport, SyncThreadData } from './sync-host.ts';
import { runWalletSync } from './tasks.ts';

const { config } = workerData as SyncThreadData;

const lineOf =
  (level: keyof Log) =>
  (facts: object, message: string): void => {
    // An error crosses to the other thread as its message; what a node said stays here, it may hold keys.
    const told = Object.entries(facts).map(([name, fact]) => [
      name,
      fact instanceof Error ? (fact.stack ?? messageOf(fact)) : fact,
    ]);
    parentPort?.postMessage({ level, facts: Object.fromEntries(told) as object, message } satisfies SyncReport);
  };
const log: Log = { debug: lineOf('debug'), info: lineOf('info'), warn: lineOf('warn'), error: lineOf('error') };

const { db, close } = await openDbBeside(config);
const sync = runWalletSync({ config, db, clock: systemClock, log });

parentPort?.once('message', () => {
  void (async () => {
    await sync.stop();
    await close();
    parentPort?.close();
  })();
});
