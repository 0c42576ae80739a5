/**
 * W7: signals to many subscribers. Runs as a process of its own that holds every subscriber and publishes too, so that
 * one clock measures from publishing to receiving: bursts for the rate, single signals for the latency. Prints
 * progress marks that its parent counts CPU between, and the result as the last line.
 *
 *   tsx bench/fan-out.ts '{"url": …, "databaseUrl": …, "dataDir": …, "subscribers": 1000, "burst": 20}'
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPublisher, type LiveSignal } from './publish.ts';
import { openSubscriber } from './subscriber.ts';
import { readDocument } from './work.ts';

/** What to do. */
export interface FanOutJob {
  readonly url: string;
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly tokens: number;
  readonly subscribers: number;
  readonly burst: number;
}

/** What came of it. Deliveries a second in bursts; latencies of single signals. */
export interface FanOutResult {
  readonly perSecond: number;
  readonly deliveries: number;
  readonly lost: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The first thing that should not have happened; null when nothing did. */
  readonly fault: string | null;
}

const rounds = 3;
const calmSignals = 20;
const openAtOnce = 50;
const mark = '"sentAt":';

const job = JSON.parse(process.argv[2] ?? '{}') as FanOutJob;
const latencies: number[] = [];
let seen = 0;
let lastMs = 0;
let fault: string | null = null;

function onNext(payload: Buffer): void {
  const at = payload.indexOf(mark);
  if (at < 0) {
    fault ??= payload.toString('utf8', 0, 300);
    return;
  }
  seen += 1;
  lastMs = performance.now();
  latencies.push(lastMs - Number.parseFloat(payload.toString('latin1', at + mark.length, at + mark.length + 24)));
}

async function openAll(): Promise<Socket[]> {
  const onFault = (sentence: string): void => {
    fault ??= sentence;
  };
  const subscription = { url: new URL(job.url), query: readDocument('W7'), onNext, onFault };
  const sockets: Socket[] = [];
  while (sockets.length < job.subscribers) {
    const count = Math.min(openAtOnce, job.subscribers - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => openSubscriber(subscription)))));
  }
  return sockets;
}

let signalCount = 0;
function nextSignal(): LiveSignal {
  signalCount += 1;
  const token = (signalCount % job.tokens) + 1;
  return {
    symbol: `T${String(token).padStart(5, '0')}`,
    direction: 'BULLISH',
    strength: '71.25',
    price: '2403.4664962828',
    sentAt: performance.now(),
  };
}

async function waitFor(count: number, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  const isOver = (): boolean => seen >= count || performance.now() > endMs;
  while (!isOver()) await sleep(5);
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const publisher = await createPublisher(job);
const sockets = await openAll();
await sleep(500); // the last subscribes are on their way
await publisher.publish([nextSignal(), nextSignal()]);
await waitFor(2 * job.subscribers, 15_000);
if (seen < 2 * job.subscribers) fault ??= `warming up brought ${seen} of ${2 * job.subscribers} deliveries`;

console.log('BURSTS');
const rates: number[] = [];
let deliveries = 0;
for (let round = 0; round < rounds; round += 1) {
  seen = 0;
  const startedMs = performance.now();
  await publisher.publish(Array.from({ length: job.burst }, nextSignal));
  await waitFor(job.burst * job.subscribers, 30_000);
  rates.push((seen / Math.max(1, lastMs - startedMs)) * 1000);
  deliveries += seen;
  await sleep(200);
}
console.log('CALM');
latencies.length = 0;
for (let count = 0; count < calmSignals; count += 1) {
  await publisher.publish([nextSignal()]);
  await sleep(job.subscribers > 2000 ? 400 : 150);
}
await waitFor(job.burst * job.subscribers, 2_000);
latencies.sort((a, b) => a - b);
const result: FanOutResult = {
  perSecond: median(rates),
  deliveries,
  lost: rounds * job.burst * job.subscribers - deliveries,
  p50Ms: latencies[latencies.length >> 1] ?? 0,
  p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  fault,
};
for (const socket of sockets) socket.destroy();
await publisher.close();
console.log(JSON.stringify(result));
process.exit(0);
