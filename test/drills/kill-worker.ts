/**
 * kill -9 of the worker that settles closes: the standby takes over. Afterwards nothing may be settled twice, and `compute`
 * must find nothing that the live engines left out or did otherwise.
 */
import assert from 'node:assert/strict';
import { runCommand, waitFor } from '../e2e/product.ts';
import { killLeader, runKillDrill } from './kit/kill.ts';

await runKillDrill({
  name: 'kill -9 of the worker',
  topology: { api: 2, ingest: 1, worker: 2, isPlayed: true },
  strike: (topology) => killLeader(topology, 'engine'),
  async assertAfter({ db, env }) {
    await waitFor('the engine to settle all closes', 120_000, async () => {
      const [row] = await db.query<{ left: number }>(
        `SELECT count(*) AS left FROM event WHERE topic = 'closes' AND seq > (SELECT seq FROM event_consumer WHERE name = 'engine')`,
      );
      return row?.left === 0;
    });
    const [told] = await db.query<{ events: number; facts: number; closes: number }>(
      `SELECT count(*) FILTER (WHERE topic <> 'closes') AS events,
         count(DISTINCT (topic, payload)) FILTER (WHERE topic <> 'closes') AS facts, count(*) FILTER (WHERE topic = 'closes') AS closes
       FROM event WHERE topic IN ('grades', 'signals', 'closes')`,
    );
    assert.ok(told && told.closes > 10);
    assert.equal(told.events, told.facts, 'nothing was told twice');
    const { stdout, stderr } = await runCommand(['compute'], env);
    assert.match(stdout, /Written: 0 grades, 0 signals, 0 outcomes/, stderr);
    console.log(`  ${told.closes} closes settled; compute finds nothing to add or to correct`);
  },
});
