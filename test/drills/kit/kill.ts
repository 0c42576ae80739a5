import assert from 'node:assert/strict';
import { waitFor } from '../../e2e/product.ts';
import { startPublisher } from './publisher.ts';
import { createSubscriber, describeDelays, pause, type Subscriber } from './subscribers.ts';
import { startTopology, type Topology, type TopologyOptions } from './topology.ts';

/** A drill that strikes something again and again under load. */
export interface KillDrill {
  readonly name: string;
  readonly topology: TopologyOptions;
  /** Kills something and has it back; returns what there is to tell of it, in ms by name. */
  strike(topology: Topology, n: number): Promise<Readonly<Record<string, number>>>;
  /** What must hold afterwards, beside the streams. */
  assertAfter?(topology: Topology, startedMs: number): Promise<void>;
}

/** `--short` is for CI: fewer strikes, fewer subscribers, the same checks. */
export const isShort = process.argv.includes('--short');

const times = isShort ? 2 : 10;
const subscriberCount = isShort ? 40 : 200;
const signalsPerSecond = 10;
/** Every subscriber must have resumed and caught up so soon after a strike is over. */
const catchUpWithinMs = isShort ? 60_000 : 30_000;

/**
 * Runs a drill: subscribers on all API nodes follow signals that are issued all the time; after every strike each of them
 * must catch up; in the end each must have received exactly what the event table holds, in its order.
 */
export async function runKillDrill(drill: KillDrill): Promise<void> {
  const startedMs = Date.now();
  const topology = await startTopology(drill.topology);
  const place = { databaseUrl: topology.postgres.url, redisUrl: topology.redis?.url ?? null };
  const publisher = await startPublisher(place, signalsPerSecond);
  const start = await findLastSignal(topology);
  const urls = topology.of('api').map(({ url }) => url);
  const subscribers = Array.from({ length: subscriberCount }, (_, index) => createSubscriber(urls, index, start));
  await catchUp(topology, subscribers);
  const told = new Map<string, number[]>();
  for (let n = 0; n < times; n += 1) {
    const facts = await drill.strike(topology, n);
    const backMs = performance.now();
    await catchUp(topology, subscribers);
    for (const [name, ms] of Object.entries({ ...facts, 'all caught up after': performance.now() - backMs }))
      told.set(name, [...(told.get(name) ?? []), Math.round(ms)]);
    await pause(1_000);
  }
  await publisher.stop();
  await topology.stopPlaying();
  await catchUp(topology, subscribers);
  const count = await assertComplete(topology, subscribers, start);
  const resumes = subscribers.reduce((sum, one) => sum + one.resumes, 0);
  const delays = describeDelays(subscribers.flatMap(({ delaysMs }) => [...delaysMs]));
  await Promise.all(subscribers.map((one) => one.end()));
  await drill.assertAfter?.(topology, startedMs);
  await topology.end();
  console.log(
    `${drill.name}: ${times} times, ${subscriberCount} subscribers, ${resumes} resumes, ${count} events each: none lost, none doubled, in order`,
  );
  for (const [name, values] of told) console.log(`  ${name}: ${values.join(' ')} ms`);
  console.log(`  from publication to the subscriber, strikes included: ${delays}`);
}

async function findLastSignal({ db }: Topology): Promise<number> {
  const [row] = await db.query<{ seq: number | null }>(`SELECT max(seq) AS seq FROM event WHERE topic = 'signals'`);
  return row?.seq ?? 0;
}

/** Waits until every subscriber has what was published by now. */
async function catchUp(topology: Topology, subscribers: readonly Subscriber[]): Promise<void> {
  const seq = await findLastSignal(topology);
  const isThere = (one: Subscriber): boolean => (one.seqs.at(-1) ?? 0) >= seq;
  await waitFor('every subscriber to catch up', catchUpWithinMs, () => Promise.resolve(subscribers.every(isThere)));
}

/** Every subscriber has exactly the events of the log after the start, in its order; returns how many. */
async function assertComplete(topology: Topology, subscribers: readonly Subscriber[], start: number): Promise<number> {
  const rows = await topology.db.query<{ seq: number }>(
    `SELECT seq FROM event WHERE topic = 'signals' AND seq > $1 ORDER BY seq`,
    [start],
  );
  const stored = rows.map(({ seq }) => seq);
  assert.ok(stored.length > 0);
  for (const { seqs, gaps } of subscribers) {
    assert.equal(gaps, 0);
    assert.deepEqual(seqs, stored);
  }
  return stored.length;
}

/** The process that leads a work now, of those of the topology. */
export async function findLeader({ db, processes }: Topology, name: string): Promise<{ pid: number; epoch: number }> {
  const [row] = await db.query<{ holder: string; epoch: number }>('SELECT holder, epoch FROM leader WHERE name = $1', [
    name,
  ]);
  const pid = Number(row?.holder.split(':').at(-1));
  assert.ok(row && processes.some((one) => one.pid === pid), `the leader of ${name} is none of ours: ${row?.holder}`);
  return { pid, epoch: row.epoch };
}

/** Kills whoever leads a work, waits for the takeover, and starts the killed one again as a standby. */
export async function killLeader(topology: Topology, name: string): Promise<Record<string, number>> {
  const { pid, epoch } = await findLeader(topology, name);
  const leader = topology.processes.find((one) => one.pid === pid);
  assert.ok(leader);
  const killedMs = performance.now();
  await leader.kill();
  await waitFor(
    'another leader',
    10_000,
    async () => (await findLeader(topology, name).catch(() => null))?.epoch !== epoch,
  );
  const takeoverMs = performance.now() - killedMs;
  await leader.start();
  return { 'taken over after': takeoverMs };
}
