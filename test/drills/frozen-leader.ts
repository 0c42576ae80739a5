/**
 * A leader that neither dies nor lives: ingest and the worker are stopped in the middle of their work (as on a host that
 * hangs), others take over within ten seconds, and when the old ones wake up again they write nothing more as leaders.
 */
import assert from 'node:assert/strict';
import { waitFor } from '../e2e/product.ts';
import { findLeader, isShort } from './kit/kill.ts';
import { pause } from './kit/subscribers.ts';
import { startTopology } from './kit/topology.ts';

const rounds = isShort ? 1 : 5;
const topology = await startTopology({ api: 1, ingest: 2, worker: 2, isPlayed: true });
const { db, processes } = topology;
for (let round = 0; round < rounds; round += 1) {
  for (const name of ['feed simulated', 'engine']) {
    const { pid, epoch } = await findLeader(topology, name);
    const frozen = processes.find((one) => one.pid === pid);
    frozen?.signal('SIGSTOP');
    const frozenMs = performance.now();
    await waitFor('another leader', 11_000, async () => (await findLeader(topology, name)).epoch !== epoch);
    const tookMs = performance.now() - frozenMs;
    assert.ok(tookMs < 10_000, `${name} was taken over after ${tookMs} ms`);
    frozen?.signal('SIGCONT');
    await waitFor('the old leader to stand by', 30_000, async () => (await fetch(`${frozen?.url}/readyz`)).ok);
    console.log(`${name}: frozen, taken over after ${Math.round(tookMs)} ms`);
    await pause(2_000);
  }
}
await topology.stopPlaying();
const [told] = await db.query<{ events: number; facts: number; closes: number; distinct: number }>(
  `SELECT count(*) FILTER (WHERE topic <> 'closes') AS events,
     count(DISTINCT (topic, payload)) FILTER (WHERE topic <> 'closes') AS facts,
     count(*) FILTER (WHERE topic = 'closes') AS closes,
     count(DISTINCT payload) FILTER (WHERE topic = 'closes') AS distinct
   FROM event WHERE topic IN ('grades', 'signals', 'closes')`,
);
assert.ok(told && told.closes > 0);
assert.deepEqual([told.events, told.closes], [told.facts, told.distinct], 'nothing was told twice');
await topology.end();
console.log(`${told.closes} closes, ${told.events} grades and signals: none told twice`);
