/** kill -9 of Redis: processes poll until it is back. */
import { runKillDrill } from './kit/kill.ts';
import { pause } from './kit/subscribers.ts';

await runKillDrill({
  name: 'kill -9 of Redis',
  topology: { api: 2, ingest: 1, worker: 1, withRedis: true },
  async strike({ redis }) {
    await redis?.kill();
    await pause(2_000);
    await redis?.start();
    return {};
  },
});
