/** kill -9 of API nodes in turn: their subscribers resume on the other one. */
import { runKillDrill } from './kit/kill.ts';

await runKillDrill({
  name: 'kill -9 of an API node',
  topology: { api: 2, ingest: 1, worker: 1 },
  async strike(topology, n) {
    const nodes = topology.of('api');
    const node = nodes[n % nodes.length];
    await node?.kill();
    const killedMs = performance.now();
    await node?.start();
    return { 'ready again after': performance.now() - killedMs };
  },
});
