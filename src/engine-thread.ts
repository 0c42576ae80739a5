/** The thread in which the engine runs; started, told and listened to by `engine-host.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { fenceDb } from './db/leader.ts';
import { openDbBeside } from './db/open.ts';
import type { EngineOrder, EngineReport, EngineThreadData } from './engine-host.ts';
import { createListeners, type EventBus } from './events/wake.ts';
import { allOfHistory, compute } from './ingest/compute.ts';
import { systemClock } from './lib/clock.ts';
import { messageOf } from './lib/errors.ts';
import type { Log } from './lib/log.ts';
import { openModelServer, runEngine } from './tasks.ts';

const { config, term } = workerData as EngineThreadData;
const reportMs = 100;

const tell = (report: EngineReport): void => parentPort?.postMessage(report);

const lineOf =
  (level: keyof Log) =>
  (facts: object, message: string): void =>
    tell({ kind: 'log', level, facts, message });
const log: Log = { debug: lineOf('debug'), info: lineOf('info'), warn: lineOf('warn'), error: lineOf('error') };

const listeners = createListeners();
const bus: EventBus = { wake: () => tell({ kind: 'published' }), onWake: listeners.add, close: listeners.clear };

const { db: opened, close } = await openDbBeside(config);
const db = fenceDb(opened, term, () => void stop()); // `engine-host.ts` looks whether it leads again
const modelServer = openModelServer(config, systemClock);
const engine = runEngine({ config, db, bus, clock: systemClock, log }, modelServer);
let told: string | null | undefined;
const stopReporting = systemClock.every(reportMs, () => {
  const reason = engine.waitingFor();
  if (reason !== told) tell({ kind: 'waiting', reason });
  told = reason;
});

async function computeAll(): Promise<void> {
  try {
    const summary = await compute({ db, clock: systemClock, modelServer }, allOfHistory);
    tell({ kind: 'computed', summary });
  } catch (error) {
    tell({ kind: 'compute failed', reason: messageOf(error) });
  }
}

let isStopping = false;
async function stop(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  stopReporting();
  await engine.stop();
  await close();
  parentPort?.close();
}

parentPort?.on('message', (order: EngineOrder) => {
  if (order.kind === 'wake') listeners.wake();
  else if (order.kind === 'compute') void computeAll();
  else void stop();
});
