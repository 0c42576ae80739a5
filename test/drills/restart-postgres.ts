/** Restarts of PostgreSQL, by crash and in order, while closes are settled and everybody is connected. */
import { runKillDrill } from './kit/kill.ts';

await runKillDrill({
  name: 'restart of PostgreSQL',
  topology: { api: 2, ingest: 1, worker: 1, isPlayed: true },
  async strike({ postgres }, n) {
    const stoppedMs = performance.now();
    await postgres.stop(n % 2 === 0 ? 'crash' : 'order');
    await postgres.start();
    return { 'away for': performance.now() - stoppedMs };
  },
});
